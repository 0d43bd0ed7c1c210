"""What a build of the site keeps in build/ for the next one, and what makes it stale."""

from __future__ import annotations

import hashlib

from pages import ROOT

KEPT = ROOT / "build" / "docs"
SUBSET = "RKBLOCKS_DOCS_SCHEMES"
"""Names with commas between: only these schemes, and of figures and notebooks the quick ones, are made. For work on
the site and for its test."""


def key(*made_from: bytes) -> str:
    """Return a name for what is made from these bytes by the package as it is."""
    package = (ROOT / "rkblocks").rglob
    sources = sorted([*package("*.py"), *package("*.toml"), *(ROOT / "tableaus").glob("*.json")])
    return hashlib.sha256(b"".join([*(file.read_bytes() for file in sources), *made_from])).hexdigest()[:16]
