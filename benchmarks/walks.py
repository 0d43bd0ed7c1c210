"""How far a reader has to walk: files entered, functions called, the deepest stack, of five things the package does.

    python benchmarks/walks.py [--only check,build,…]

Counted are functions of the package, each once, and its frames on the stack; imports are not, since everything is done
once before.  Nothing here is a time: the figures are those of the code.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType

import torch

import rkblocks
from rkblocks.cli import main as command

PACKAGE = str(Path(rkblocks.__file__).parent)
SMALL = ("net.widths=2,4", "net.depth=1", "training.epochs=1", "attack.steps=1", "validation.images=20")
STUDY = """name = "walk"
preset = "digits"

[set]
{settings}

[grid]
blocks = ["ssp2"]
seeds = [0]

[evaluation]
preset = "quick"
limit = 20
"""


class Walk:
    """Within it, every function of the package that is entered is noted, on each thread."""

    def __init__(self) -> None:
        self.functions: set[CodeType] = set()
        self.deepest = 0

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call" or not frame.f_code.co_filename.startswith(PACKAGE) or frame.f_code.co_name == "<module>":
            return
        self.functions.add(frame.f_code)
        depth = 0
        above: FrameType | None = frame
        while above is not None:
            depth += above.f_code.co_filename.startswith(PACKAGE)
            above = above.f_back
        self.deepest = max(self.deepest, depth)

    def __enter__(self) -> Walk:
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    @property
    def files(self) -> int:
        return len({code.co_filename for code in self.functions})


def run(*words: str) -> None:
    """A command line, quietly; what it prints is shown where it fails."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = command(list(words))
    if status:
        sys.exit(f"rkblocks {' '.join(words)}: {said.getvalue()}")


def settings() -> list[str]:
    return [word for setting in SMALL for word in ("--set", setting)]


def check(_: Path) -> None:
    run("check", "ssp3")


def build(_: Path) -> None:
    rkblocks.build("ssp3", torch.nn.Linear(2, 2))


def train(folder: Path) -> None:
    run("train", "--preset", "digits", "--blocks", "ssp2", *settings(), "--out", str(folder / "run"))


def evaluate(folder: Path) -> None:
    attack = ("--attack", "pgd", "--eps", "1/10", "--step", "1/40", "--steps", "2")
    run("evaluate", str(folder / "run"), *attack, "--limit", "20")


def study(folder: Path) -> None:
    rows = "\n".join(
        f"{key} = {f'[{value}]' if ',' in value else value}" for key, value in (s.split("=") for s in SMALL)
    )
    (folder / "walk.toml").write_text(STUDY.format(settings=rows))
    run("study", str(folder / "walk.toml"), "--out", str(folder / "study"))


WALKS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "check": ("`check ssp3`", check),
    "build": ("`build` of ssp3", build),
    "train": ("a training epoch", train),
    "evaluate": ("an evaluation with PGD", evaluate),
    "study": ("a cell of a study", study),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(WALKS), help="which of them, joined by commas")
    names = parser.parse_args().only.split(",")
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    print("| walk | files | functions | deepest stack |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as warm, tempfile.TemporaryDirectory() as cold:
        for name in ("train", *names) if "evaluate" in names and "train" not in names else names:
            what, work = WALKS[name]
            work(Path(warm))  # imports, and what the package remembers of them
            forget()
            with Walk() as walk:
                work(Path(cold))
            print(f"| {what} | {walk.files} | {len(walk.functions)} | {walk.deepest} |", flush=True)
    return 0


def forget() -> None:
    """What was remembered, so that the work is done again."""
    for module in [m for n, m in sys.modules.items() if n.startswith("rkblocks")]:
        for value in list(vars(module).values()):
            if callable(clear := getattr(value, "cache_clear", None)):
                clear()


if __name__ == "__main__":
    sys.exit(main())
