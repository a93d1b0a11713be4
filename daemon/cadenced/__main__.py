"""The installed command, and ``python -m cadenced``."""

import sys

from cadenced.cli import program


def main() -> None:
    """Run the command line and end with its exit status."""
    sys.exit(program.main())


if __name__ == "__main__":
    main()
