"""Networks that ship with the package: run folders without their history, loaded by name (docs/model-card.md)."""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path

import torch
from torch import nn

from rkblocks.diagnostics import fail
from rkblocks.escape import shown
from rkblocks.runs.folder import WEIGHTS
from rkblocks.runs.network import open_run
from rkblocks.runs.storage import sha256

FOLDER = Path(__file__).parents[1] / "pretrained"
HASHES = FOLDER / "sha256.json"
"""The SHA-256 of the weights of each network, by its name."""


def names() -> tuple[str, ...]:
    """The networks that there are."""
    return tuple(json.loads(HASHES.read_text(encoding="utf-8")))


def pretrained(name: str, device: str | torch.device = "cpu") -> nn.Module:
    """What `rkblocks.nets.pretrained` gives, which says more."""
    known = names()
    if name not in known:
        close = get_close_matches(str(name), known, n=1)
        help = (f"did you mean {close[0]}? " if close else "") + f"there are {', '.join(known)}"
        fail("RK390", f"no pretrained network is called {shown(str(name))}", help=help)
    folder = FOLDER / name
    found = sha256(folder / WEIGHTS["best"])
    expected = json.loads(HASHES.read_text(encoding="utf-8"))[name]
    if found != expected:
        message = f"the weights of {name} have the SHA-256 {found[:12]}…, not {expected[:12]}…"
        fail("RK713", message, help="install the package again")
    return open_run(folder, device).model
