"""The command ``acare`` as ``python -m acare``."""

import sys

from acare.cli import main

if __name__ == "__main__":
    sys.exit(main())
