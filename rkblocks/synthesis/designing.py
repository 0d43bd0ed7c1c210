"""From a wish to a proved scheme: starts, the best of them in full precision, its file, and what is proved of it.

Nothing that the search in doubles says is taken over: the file is read back, `check` computes everything from its
numbers, and every requirement is tested again, exactly.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import version

from rkblocks.diagnostics import fail
from rkblocks.exact.work import TooLarge
from rkblocks.files.reader import read_text
from rkblocks.progress import Progress
from rkblocks.synthesis.acceptance import unmet
from rkblocks.synthesis.bound import Bound, ssp_bound
from rkblocks.synthesis.climbing import Optimum, climb
from rkblocks.synthesis.embedded import with_embedded
from rkblocks.synthesis.file_text import DIGITS, decimal_file, exact_file, text_of
from rkblocks.synthesis.polish import polished
from rkblocks.synthesis.problem import MARGIN, Problem
from rkblocks.synthesis.wish import MAXIMIZE, MINIMIZE, Wish, wish
from rkblocks.tableau import Tableau
from rkblocks.verify import check
from rkblocks.verify.facts import Facts
from rkblocks.verify.report import Report
from rkblocks.verify.stability import linear_threshold

STARTS = 100
AGREEING = 6
"""So many starts with the same best value end the search."""
SAME = 1e-7
PATIENCE = 5.0
"""Seconds before processes are started, which takes as long."""
TRIED = 12
"""Local optima that are written and judged, the best first, before the search is given up."""
MEETS = Fraction(1, 10 ** (DIGITS - 4))
"""A coefficient in decimals meets a bound where no more than their rounding lies between."""


@dataclass(frozen=True)
class Design:
    """A designed scheme: its file's ``text``, the tableau and report of that text, and how it was found.

    ``bound`` is proved of every scheme of these stages and this order, where one is known for the goal; ``optimal``
    says that the scheme meets it, exactly or to the last digits of its decimals. ``agreed`` of ``tried`` starts led
    to it.
    """

    wish: Wish
    text: str
    tableau: Tableau
    report: Report
    exact: bool
    bound: Bound | None
    optimal: bool
    agreed: int
    tried: int
    interrupted: bool


def design(
    stages: int,
    order: int,
    *,
    maximize: str | None = None,
    minimize: str | None = None,
    require: tuple[str, ...] | list[str] = (),
    embedded: int | None = None,
    seed: int = 0,
    starts: int = STARTS,
    workers: int = 1,
    name: str | None = None,
    progress: Progress | None = None,
) -> Design:
    """The best explicit Runge-Kutta scheme that a seeded search finds, proved by `check`.

    Args:
        stages: number of stages m, 1 to 16.
        order: p, 1 to 8.
        maximize: "ssp", "rho", "threshold", "real" or "imaginary"; or give minimize.
        minimize: "growth" or "error".
        require: conditions such as ``"ssp >= 1"``, ``"growth <= 8/5"``, ``"b >= 0"``, ``"registers <= 2"``.
        embedded: the order of an embedded method to be added, below that of the scheme.
        seed: of the random starting points.
        starts: how many there are; the same seed and starts give the same file, whatever ``workers`` is.
        workers: processes side by side.
        name: of the scheme.  [default: of its stages, order and goal]
        progress: called as ``progress(label, done, total)``.

    Raises RkblocksError: RK030 and RK031 for a wish that cannot be read or be, RK370 where nothing was found.

    Example:
        >>> rkblocks.design(4, 3, maximize="ssp").report.ssp.optimal.cfl
        2
    """
    wanted = wish(stages, order, maximize=maximize, minimize=minimize, require=tuple(require), embedded=embedded)
    bound = ssp_bound(stages, order) if wanted.goal in ("ssp", "threshold") and order <= 4 else None
    results, interrupted = _searched(wanted, bound, seed, starts, workers, progress)
    found = sorted((one for one in results if one is not None), key=lambda one: (round(one.value, 9), one.start))
    for one in found[:TRIED]:
        written = _written(wanted, one, name or _name(wanted), seed)
        if written is None:
            continue
        text, exact = written
        tableau = read_text(text, f"{name or _name(wanted)}.json").tableau
        assert tableau is not None  # it was read before
        agreed = sum(abs(other.value - one.value) < SAME for other in found)
        optimal = bound is not None and _meets(wanted, Facts(tableau), bound)
        return Design(wanted, text, tableau, check(tableau), exact, bound, optimal, agreed, len(results), interrupted)
    _nothing(wanted, len(results), found)
    raise AssertionError


def _nothing(wanted: Wish, tried: int, found: list[Optimum]) -> None:
    what = "met all conditions" if not found else "met them exactly once its numbers were written"
    fail(
        "RK370",
        f"none of {tried} starts led to a scheme of {wanted.stages} stages and order {wanted.order} that {what}"
        + (f" ({', '.join(map(str, wanted.requirements))})" if wanted.requirements else ""),
        help="more --starts, another --seed, fewer requirements, or more stages",
    )


# -- the search ------------------------------------------------------------------------------------------------------


def _searched(
    wanted: Wish, bound: Bound | None, seed: int, starts: int, workers: int, progress: Progress | None
) -> tuple[list[Optimum | None], bool]:
    """What the starts led to, in their order, until the bound is met or enough of them agree; Ctrl-C ends it, too."""
    results: list[Optimum | None] = []
    best = None if bound is None else -bound.root.to_float()
    try:
        with _climbing(wanted, seed, starts, workers) as climbs:
            for one in climbs:
                results.append(one)
                if progress is not None:
                    progress("search", len(results), starts)
                if _enough(results, best):
                    break
    except KeyboardInterrupt:
        if not any(results):
            raise
        return results, True
    finally:
        if progress is not None and len(results) < starts:
            progress("search", starts, starts)
    return results, False


def _enough(results: list[Optimum | None], bound: float | None) -> bool:
    values = [one.value for one in results if one is not None]
    if not values:
        return False
    best = min(values)
    if bound is not None and best <= bound + SAME:
        return True
    return sum(value - best < SAME * max(1.0, abs(best)) for value in values) >= AGREEING


@contextlib.contextmanager
def _climbing(wanted: Wish, seed: int, starts: int, workers: int) -> Iterator[Iterator[Optimum | None]]:
    """The climbs in the order of the starts, in this process or, once that has taken a while, in several."""
    with contextlib.ExitStack() as stack:
        yield _climbs(wanted, seed, starts, workers, stack)


def _climbs(
    wanted: Wish, seed: int, starts: int, workers: int, stack: contextlib.ExitStack
) -> Iterator[Optimum | None]:
    began, start = time.monotonic(), 0
    while start < starts and (workers <= 1 or time.monotonic() - began < PATIENCE):
        yield climb(wanted, seed, start)
        start += 1
    if start < starts:
        pool = stack.enter_context(_pool(workers))
        futures = [pool.submit(climb, wanted, seed, later) for later in range(start, starts)]
        yield from (future.result() for future in futures)


@contextlib.contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes with one thread each; what has not begun at the end is dropped."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")  # read by the processes that are started next
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_deaf)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _deaf() -> None:
    """Workers leave Ctrl-C to the process that started them."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


# -- the file --------------------------------------------------------------------------------------------------------


def _written(wanted: Wish, found: Optimum, name: str, seed: int) -> tuple[str, bool] | None:
    """The text of the file, and whether it is exact; None where no digits of it keep what is required."""
    for margin, writer in ((0, exact_file), (MARGIN, decimal_file), (0, decimal_file)):
        problem = Problem(wanted, found.points, margin=Fraction(margin))
        x = polished(problem, found.x)
        tableau = None if x is None else writer(problem, x, name)
        if tableau is None or unmet(wanted, Facts(tableau)):
            continue
        if wanted.embedded is not None:
            tableau = with_embedded(tableau, wanted.embedded)
            if tableau is None:
                fail(
                    "RK031",
                    f"there is no room for embedded weights of order {wanted.embedded}: those of the scheme are the "
                    "only ones that meet the conditions up to there",
                    help="a lower --embedded, or more --stages",
                )
        return text_of(tableau, _title(wanted), (_reference(wanted, seed),)), writer is exact_file
    return None


def _name(wanted: Wish) -> str:
    return (
        f"{wanted.goal}{wanted.stages}{wanted.order}"
        if wanted.stages < 10
        else f"{wanted.goal}{wanted.stages}_{wanted.order}"
    )


def _title(wanted: Wish) -> str:
    goal = f"largest {wanted.goal}" if not wanted.minimized else f"least {wanted.goal}"
    goal = goal.replace("ssp", "SSP coefficient")
    needs = f", {', '.join(map(str, wanted.requirements))}" if wanted.requirements else ""
    return f"{wanted.stages} stages, order {wanted.order}, {goal} found{needs}"


def _reference(wanted: Wish, seed: int) -> str:
    goal = f"--{'minimize' if wanted.minimized else 'maximize'} {wanted.goal}"
    needs = "".join(f' --require "{r}"' for r in wanted.requirements)
    pair = "" if wanted.embedded is None else f" --embedded {wanted.embedded}"
    command = f"rkblocks design --stages {wanted.stages} --order {wanted.order} {goal}{needs}{pair} --seed {seed}"
    return f"{command} (rkblocks {version('rkblocks')})"


def _meets(wanted: Wish, facts: Facts, bound: Bound) -> bool:
    try:
        crossing = facts.optimal if wanted.goal == "ssp" else linear_threshold(facts.field, facts.stability)
    except TooLarge:
        return False
    if crossing is None:
        return False
    low, high = crossing.root.refine(110).low, bound.root.refine(110).high
    return high - low <= MEETS or crossing.root.compare(bound.root) == 0


def goal_text(wanted: Wish) -> str:
    """What was sought, in words."""
    return {**MAXIMIZE, **MINIMIZE}[wanted.goal]
