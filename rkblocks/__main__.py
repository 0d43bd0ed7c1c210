"""`python -m rkblocks` is `rkblocks`."""

import sys

from rkblocks.cli import main

if __name__ == "__main__":
    sys.exit(main())
