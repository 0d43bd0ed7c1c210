"""The options of `evaluate`: each of the type it must have, and none that an attack or a preset would ignore."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from rkblocks.diagnostics import Diagnostic, Expected, diagnostic, fail, typed, unfit_argument
from rkblocks.settings.attacks import ATTACKS
from rkblocks.settings.threat import OPTIONS

SPLITS: Final = ("test", "validation", "train")
LARGEST_SEED: Final = 2**63 - 1
TEXT: Final = ((str,), "a text")
PATH: Final[Expected] = ((str, os.PathLike), "a path")
WHOLE: Final = ((int,), "a whole number")
FLAG: Final = ((bool,), "true or false")
NUMBER: Final = ((str, int, float, Fraction), "a number such as 8/255")

#: kind of an option of a search -> (types, what they are called)
KINDS: Final = {
    "name": TEXT,
    "count": WHOLE,
    "flag": FLAG,
    "fraction": NUMBER,
    "run": PATH,
    "targets": ((int, str), "a whole number or least-likely"),
}
#: option -> (types, what they are called); all may be None where the default is None.
EXPECTED: Final[dict[str, Expected]] = {
    **dict.fromkeys(("preset", "split", "device", "weights"), TEXT),
    **dict.fromkeys(("attack", "definition"), TEXT),
    **{name: KINDS[one.kind] for name, one in OPTIONS.items()},
    **dict.fromkeys(("limit", "seed", "batch", "probe", "save_images"), WHOLE),
    **dict.fromkeys(("save", "resume", "corruptions"), FLAG),
    **dict.fromkeys(("data_root", "out"), PATH),
}
REQUIRED: Final = frozenset(
    ("preset", "split", "device", "weights", "seed", "batch", "probe", "save", "resume", "corruptions", "save_images")
)


def check_types(given: Mapping[str, Any]) -> None:
    """Raise RkblocksError RK822 for the first option whose value has another type than its own."""
    typed({name: value for name, value in given.items() if value is not None or name in REQUIRED}, EXPECTED)


def check_sizes(batch: int, probe: int) -> None:
    """Raise RkblocksError RK823 unless a batch has an image, and the sample of the health checks is no negative one."""
    if batch < 1:
        fail("RK823", f"the batch size is {batch}; expected at least one image", help="leave it out, or use 256")
    if probe < 0:
        fail("RK823", f"probe is {probe}; expected a number of images", help="use 0 for no health report, or 100")


def check_progress(progress: object) -> None:
    """Raise RkblocksError RK822 unless progress can be called, or is None."""
    if progress is not None and not isinstance(progress, Callable):  # type: ignore[arg-type]
        unfit_argument("progress", progress, "a function or None")


def folders(runs: object) -> list[Path]:
    """Return the run folders, each once: `runs` is one path, or a list of them. Raises RkblocksError RK822 for anything
    else.
    """
    if isinstance(runs, str | os.PathLike):
        runs = [runs]
    listed = list(runs) if isinstance(runs, Sequence) and not isinstance(runs, bytes) else []
    wrong = [run for run in listed if not isinstance(run, str | os.PathLike) or run == ""]
    if wrong or not listed:
        unfit_argument(
            "runs", wrong[0] if wrong else runs, "a path, or a list of one at least", 'evaluate(["runs/mine"])'
        )
    once: dict[str, Path] = {}
    for run in listed:
        once.setdefault(os.path.abspath(run), Path(run))
    return list(once.values())


def unread(attack: str, names: Iterable[str]) -> list[str]:
    """Return those of the fields of a threat model that an attack does not read. norm and eps are read by all; the
    definition of success has a meaning for all, as with `any` no image is attacked that is wrong when clean.
    """
    return [name for name in names if name not in ("norm", "eps", *ATTACKS[attack].options)]


def ignored(attack: str, unused: Sequence[str], path: str = "") -> Diagnostic:
    """Return RK821 for options that an attack would ignore. path: where they are given."""
    reads = ", ".join(("norm", "eps", *ATTACKS[attack].options))
    message = f"attack {attack} does not use {', '.join(unused)}"
    return diagnostic("RK821", message, path=path, help=f"leave the option out; {attack} reads {reads}")
