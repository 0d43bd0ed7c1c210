"""What the benchmarks share: contenders timed in turn, rows with their floors, memory kept by the C library, findings
kept in a file.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import random
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

Run = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One measurement: `value` with quartiles, and the floor it is held against."""

    what: str
    value: float
    low: float
    high: float
    unit: str
    floor: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the floor is kept; without one always."""
        return self.floor is None or (self.value >= self.floor if self.at_least else self.value <= self.floor)

    def __str__(self) -> str:
        bound = "" if self.floor is None else f"  floor {'>=' if self.at_least else '<='} {self.floor:g}"
        verdict = "" if self.floor is None else ("  kept" if self.met else "  MISSED")
        spread = f"({self.low:.3g} .. {self.high:.3g})"
        return f"  {self.what:<46}{self.value:>9.3g} {self.unit:<10}{spread:<20}{bound}{verdict}"


def row(what: str, values: Sequence[float], unit: str, floor: float | None = None, *, at_least: bool = False) -> Row:
    """The median and quartiles of the values."""
    low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else list(values) * 3
    return Row(what, middle, low, high, unit, floor, at_least)


def keep_freed_memory() -> bool:
    """Whether the C library could be told to keep freed memory: glibc's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD.

    glibc hands freed memory back to the system and takes the page faults again at every step, more or less of them by
    the order of allocations, which scatters ratios by 20 %.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(-1, 2**31 - 1)) and bool(mallopt(-3, 2**25))


def timer(device: str = "cpu") -> Callable[[Run], float]:
    """Seconds that a call takes: of the CPU's time, or between two events of the device."""

    def on_cpu(run: Run) -> float:
        start = time.process_time()
        run()
        return time.process_time() - start

    def on_cuda(run: Run) -> float:
        import torch

        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        torch.cuda.synchronize()
        return float(start.elapsed_time(end)) / 1000

    return on_cuda if device == "cuda" else on_cpu


def in_turn(
    runs: Mapping[str, Run], rounds: int, seconds: Callable[[Run], float], warm_up: int = 3
) -> dict[str, list[float]]:
    """The seconds of each contender, round by round: every round runs all of them once, in a shuffled order."""
    for run in runs.values():
        for _ in range(warm_up):
            run()
    found: dict[str, list[float]] = {name: [] for name in runs}
    order = list(runs)
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            found[name].append(seconds(runs[name]))
    return found


def ratios(values: Iterable[float], base: Iterable[float]) -> list[float]:
    """Each value over that of the same round."""
    return [a / b for a, b in zip(values, base, strict=True)]


def report(
    parts: Mapping[str, Callable[[argparse.Namespace], Iterable[Row]]],
    options: argparse.Namespace,
    settings: Mapping[str, object],
) -> int:
    """The exit status, having run the parts named in ``options.parts`` and printed their rows, as JSON if asked for.

    Under ``options.strict`` it is 1 where a floor is missed.
    """
    if not options.json:
        print(", ".join(f"{name} {value}" for name, value in settings.items()))
    rows: list[Row] = []
    for name in options.parts.split(","):
        if not options.json:
            print(str(parts[name].__doc__).split("\n")[0])
        for found in parts[name](options):
            rows.append(replace(found, what=f"{name}: {found.what}"))
            if not options.json:
                print(found, flush=True)
    if options.json:
        print(json.dumps({"version": 1, **settings, "rows": [{**asdict(r), "met": r.met} for r in rows]}, indent=1))
    return int(options.strict and not all(found.met for found in rows))


def keep(path: Path | None, found: Mapping[str, object]) -> None:
    """Write what was found, with the version of torch, to a JSON file, and make its folder; None: to nowhere."""
    import torch

    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"torch": torch.__version__, **found}, indent=1) + "\n")
