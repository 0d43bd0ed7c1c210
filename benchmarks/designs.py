"""The known optima again: SSP coefficients of orders 2 to 4 up to 10 stages, and least growths, found and judged anew.

    python benchmarks/designs.py [--workers 2] [--seed 0] [--only ssp|growth] [--out FOLDER]

Beside each value stands that of the literature (Gottlieb, Ketcheson & Shu 2011, Strong Stability Preserving Runge-Kutta
and Multistep Time Discretizations, tables 6.1 to 6.3; least growths: shared notes of this project) and the proved upper
bound.  `proved` means that bound and scheme meet.  With --out the files are kept.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import rkblocks
from rkblocks.diagnostics import RkblocksError

SSP = {
    **{(m, 2): m - 1.0 for m in range(2, 11)},
    **dict(zip([(m, 3) for m in range(3, 11)], [1, 2, 2.6506, 3.5184, 4.2879, 5.1071, 6, 6.7853], strict=True)),
    **dict(zip([(m, 4) for m in range(5, 11)], [1.5082, 2.2945, 3.3209, 4.1459, 4.9142, 6], strict=True)),
}
GROWTH = {
    (2, 2): 1.75,
    (3, 2): 1.42252,
    (3, 3): 1.48625,
    (4, 2): 1.29453,
    (4, 3): 1.30677,
    (4, 4): 1.37652,
    (5, 2): 1.22650,
    (5, 4): 1.24244,
    (7, 4): 1.15747,
}


def main() -> int:
    """Print a row a scheme; 1 where a value of the literature was not reached."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=["ssp", "growth"])
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    began, short = time.monotonic(), 0
    print("goal    stages order  literature  found         bound     numbers   verdict         starts   seconds")
    for goal, table in (("ssp", SSP), ("growth", GROWTH)):
        for (stages, order), known in table.items() if given.only in (None, goal) else ():
            short += _row(goal, stages, order, known, given)
    print(f"in all {time.monotonic() - began:.0f} s, {given.workers} workers; {short} below the literature")
    return 1 if short else 0


def _row(goal: str, stages: int, order: int, known: float, given: argparse.Namespace) -> bool:
    began = time.monotonic()
    head = f"{goal:<8}{stages:>6}{order:>6}{known:>12.5f}  "
    least = goal != "ssp"
    try:
        found = rkblocks.design(
            stages,
            order,
            seed=given.seed,
            maximize=None if least else goal,
            minimize=goal if least else None,
            workers=given.workers,
        )
    except RkblocksError as error:
        print(f"{head}{error.diagnostics[0].message}", flush=True)
        return True
    report = found.report.to_dict()
    value: float = report["variance"]["growth_float"] if least else report["ssp"]["optimal"]["cfl_float"]
    bound = "" if found.bound is None else f"{found.bound.root.to_float():.5f}"
    verdict = "optimal: proved" if found.optimal else "a gap remains" if bound else "no bound known"
    numbers = "exact" if found.exact else "decimal"
    starts = f"{found.agreed}/{found.tried}"
    spent = time.monotonic() - began
    print(f"{head}{value:<14.8f}{bound:<10}{numbers:<10}{verdict:<16}{starts:<9}{spent:.1f}", flush=True)
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / f"{found.tableau.name}.json").write_text(found.text, encoding="utf-8")
    return value > known + 1e-5 if least else value < known - 1e-4


if __name__ == "__main__":
    raise SystemExit(main())
