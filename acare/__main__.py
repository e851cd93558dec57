"""The command ``acare``, also as ``python -m acare``."""

import sys

try:
    from acare.cli import main
except KeyboardInterrupt:  # from here on, main handles it
    sys.exit(130)

if __name__ == "__main__":
    sys.exit(main())
