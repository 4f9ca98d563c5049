"""``python -m gridgen`` is the command ``gridgen``."""

from gridgen.command import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
