"""`python -m rkblocks.codes [FILE]` writes the reference of all codes, by default to standard output."""

import sys
from pathlib import Path

from rkblocks import codes

if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(codes.reference(), encoding="utf-8")
    else:
        sys.stdout.write(codes.reference())
