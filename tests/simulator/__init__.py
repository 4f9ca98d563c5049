"""The simulator, judged by what it answers."""
