"""``python -m numdiff``, the same as the command ``numdiff``."""

import sys

from numdiff.cli import main

if __name__ == "__main__":
    sys.exit(main())
