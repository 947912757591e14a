"""The command line's front door; it imports nothing heavy until a command needs it."""

from __future__ import annotations

from fundflow.cli import main

if __name__ == "__main__":
    main()
