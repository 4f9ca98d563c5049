"""``python -m gridgen`` is the command ``gridgen``."""

from gridgen.command import main

main()
