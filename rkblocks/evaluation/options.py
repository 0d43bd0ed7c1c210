"""The options of `evaluate`: each of the type it must have, and none that an attack or a preset would ignore."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from rkblocks.attacks import Threat
from rkblocks.diagnostics import fail
from rkblocks.evaluation.plan import Item
from rkblocks.training.runs import WEIGHTS

SPLITS: Final = ("test", "validation", "train")
LARGEST_SEED: Final = 2**63 - 1
TEXT: Final = ((str,), "a text")
PATH: Final[tuple[tuple[type, ...], str]] = ((str, os.PathLike), "a path")
WHOLE: Final = ((int,), "a whole number")
FLAG: Final = ((bool,), "true or false")
NUMBER: Final = ((str, int, float, Fraction), "a number such as 8/255")

#: option -> (types, what they are called); all may be None where the default is None.
EXPECTED: Final[dict[str, tuple[tuple[type, ...], str]]] = {
    **dict.fromkeys(("preset", "split", "device", "weights"), TEXT),
    **dict.fromkeys(("attack", "definition", "norm", "loss"), TEXT),
    **dict.fromkeys(("eps", "step"), NUMBER),
    **dict.fromkeys(("limit", "seed", "batch", "probe", "steps", "restarts"), WHOLE),
    **dict.fromkeys(("random_start", "save", "resume"), FLAG),
    **dict.fromkeys(("data_root",), PATH),
}
OPTIONAL: Final = frozenset(
    ("attack", "definition", "norm", "loss", "eps", "step", "steps", "restarts", "random_start", "limit", "data_root")
)


def check_types(given: Mapping[str, Any]) -> None:
    """Raise RkblocksError RK822 for the first option whose value has another type than its own."""
    for name, value in given.items():
        types, words = EXPECTED[name]
        if value is None and name in OPTIONAL:
            continue
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            fail(
                "RK822",
                f"{name} is {value!r}, a {type(value).__name__}; expected {words}",
                help=f"give {name} as {words}" + (", or leave it out" if name in OPTIONAL else ""),
            )


def check_images(split: str, limit: int | None, seed: int, weights: str) -> None:
    """Raise RkblocksError RK823 unless these name images of a run and weights to evaluate."""
    if split not in SPLITS:
        fail("RK823", f"split is {split!r}; expected one of {', '.join(SPLITS)}", help="choose split 'test'")
    if limit is not None and limit < 1:
        fail("RK823", f"limit is {limit}; expected at least one image", help="leave --limit out for the whole split")
    if not 0 <= seed <= LARGEST_SEED:
        expected = f"expected a whole number from 0 to {LARGEST_SEED}"
        fail("RK823", f"seed is {seed}; {expected}", help="leave --seed out for 0")
    if weights not in WEIGHTS:
        fail("RK823", f"weights is {weights!r}; expected best or last", help="best: chosen on the validation images")


def check_sizes(batch: int, probe: int) -> None:
    """Raise RkblocksError RK823 unless a batch has an image, and the sample of the health checks is no negative one."""
    if batch < 1:
        fail("RK823", f"the batch size is {batch}; expected at least one image", help="leave it out, or use 256")
    if probe < 0:
        fail("RK823", f"probe is {probe}; expected a number of images", help="use 0 for no health report, or 100")


def check_progress(progress: object) -> None:
    """Raise RkblocksError RK822 unless progress can be called, or is None."""
    if progress is not None and not isinstance(progress, Callable):  # type: ignore[arg-type]
        fail("RK822", f"progress is {progress!r}; expected a function or None", help="leave progress out")


def folders(runs: object) -> list[Path]:
    """Return the run folders: `runs` is one path, or a list of them. Raises RkblocksError RK822 for anything else."""
    if isinstance(runs, str | os.PathLike):
        return [Path(runs)]
    listed = list(runs) if isinstance(runs, Sequence) and not isinstance(runs, bytes) else []
    wrong = [run for run in listed if not isinstance(run, str | os.PathLike)]
    if wrong or not listed:
        found = wrong[0] if wrong else runs
        fail("RK822", f"runs has {found!r}; expected a path, or a list of one at least", help='evaluate(["runs/mine"])')
    return [Path(run) for run in listed]


def refuse_unused(given: Mapping[str, Any], asked: Threat, item: Item) -> None:
    """Raise RkblocksError RK821 where an option was given that the attack does not use, such as the steps of FGSM."""
    unused = [
        name
        for name, value in given.items()
        if value is not None and getattr(asked, name) != getattr(item.threat, name)
    ]
    if unused:
        used = ", ".join(f"{name} is {getattr(item.threat, name)}" for name in unused)
        fail(
            "RK821",
            f"attack {item.attack} does not use {', '.join(unused)}: in it {used}",
            help="leave the option out, or choose --attack pgd",
        )
