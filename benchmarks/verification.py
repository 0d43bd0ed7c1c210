"""How fast verification is: whole commands against `import sympy`, orders against nodepy, the library, the cost.

    python benchmarks/verification.py [--rounds 9] [--nodepy-python ENV/bin/python] [--figure cost.svg] [--strict]

CPU time (user and system) of one machine in one run, contenders in turn within every round, so that a slow second of a
shared machine hits all; shown are medians of the ratios, with quartiles. Both sides of a start-up run from compiled
bytecode, as an installed package does: it is written to a folder of its own before the first round. --strict: exit
status 1 where a floor is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from timing import Row, row

ROOT = Path(__file__).resolve().parent.parent
BASE = ["-c", "import sympy"]
COMMANDS = {  # the floors: at most so many times `import sympy`
    "rkblocks check tableaus/ssp3.json": (["-m", "rkblocks", "check", str(ROOT / "tableaus" / "ssp3.json")], 1.5),
    "rkblocks --help": (["-m", "rkblocks", "--help"], 0.25),
    "rkblocks list": (["-m", "rkblocks", "list"], 0.25),
}
NODEPY_FACTOR = 10
ORDERS = (
    "cashkarp",
    "dopri5",
    "bs5",
    "lawson6",
    "dopri65",
    "calvo65",
    "butcher6a",
    "verner76_classic",
    "cooperverner8",
)
SECONDS = {"cooperverner8": 2.0, "hairer10": 15.0, "ono10": 15.0}
LIBRARY_SECONDS = 60.0


def cpu(command: list[str], environment: dict[str, str]) -> float:
    """CPU seconds of a process and what it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def start_up(rounds: int) -> Iterator[Row]:
    """Whole commands, divided by `python -c "import sympy"` of the same round."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = cache
        commands = {"import sympy": BASE, **{name: arguments for name, (arguments, _) in COMMANDS.items()}}
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(rounds + 1):
            for name, arguments in commands.items():
                taken = cpu([sys.executable, *arguments], environment)
                if number:  # the first round compiles
                    seconds[name].append(taken)
    base = seconds.pop("import sympy")
    yield row('python -c "import sympy"', base, "s")
    for name, values in seconds.items():
        yield row(name, [v / b for v, b in zip(values, base, strict=True)], "of that", COMMANDS[name][1])


def own_order(name: str) -> Callable[[], int]:
    """A function that finds the order of a library scheme exactly, from A and b, with nothing remembered."""
    from rkblocks import files
    from rkblocks.forms import Method
    from rkblocks.verify.order import order

    tableau = files.load(name)
    form = tableau.butcher_form
    return lambda: order(Method(tableau.field, form.A, form.b), tableau.tolerance).value


class Nodepy:
    """nodepy in a process of its own, started anew where a method takes longer than the limit."""

    def __init__(self, python: str, limit: float) -> None:
        self.command, self.limit = [python, str(ROOT / "benchmarks" / "nodepy_side.py")], limit
        self.process: subprocess.Popen[str] | None = None

    def order(self, name: str, times: int) -> tuple[int, list[float]] | None:
        """The order and the seconds of each time; None beyond the limit."""
        from rkblocks import files

        tableau = files.load(name)
        form, text = tableau.butcher_form, tableau.field.text
        A = [[text(e) for e in entries[:i]] for i, entries in enumerate(form.A)]
        request = {"A": A, "b": [text(e) for e in form.b], "times": times}
        if self.process is None:
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(self.command, stdin=pipe, stdout=pipe, text=True)
            assert self.process.stdout is not None
            self.process.stdout.readline()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], self.limit)[0]:
            self.close()
            return None
        found = json.loads(self.process.stdout.readline())
        return found["order"], found["seconds"]

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def against_nodepy(python: str, rounds: int, limit: float) -> Iterator[Row]:
    """Seconds of nodepy's exact mode by ours, for the same numbers; a method beyond the limit counts as the limit."""
    nodepy = Nodepy(python, limit)
    for name in ORDERS:
        ours = own_order(name)
        order = ours()
        ratios, beyond = [], ""
        for _ in range(rounds):
            found = nodepy.order(name, 1)
            start = time.process_time()
            repeats = 3
            for _ in range(repeats):
                ours()
            own = (time.process_time() - start) / repeats
            if found is None:
                ratios, beyond = [limit / own], f", more than {limit:g} s there"
                break
            assert found[0] == order, (name, found[0], order)
            ratios.append(found[1][0] / own)
            if sum(found[1]) > limit / 10:
                break
        yield row(f"order {order}: {name}{beyond}", ratios, "x faster", NODEPY_FACTOR, at_least=True)
    nodepy.close()


def seconds_of_library() -> tuple[dict[str, tuple[int, int, float]], float]:
    """Stages, order and CPU seconds of the whole check of each scheme, one after the other, and their sum."""
    from rkblocks import files, verify

    found = {}
    for entry in files.catalog():
        start = time.process_time()
        report = verify.check(entry.name)
        taken = time.process_time() - start
        found[entry.name] = (report.stages or 0, 0 if report.order is None else report.order.value, taken)
    return found, sum(taken for _, _, taken in found.values())


def cost_of_conditions(stages: tuple[int, ...] = (4, 8, 12, 17, 25), most: int = 10) -> dict[int, list[float]]:
    """CPU seconds for all conditions up to order 1, 2, ... of a dense method with entries k/64, by stages."""
    from fractions import Fraction

    from rkblocks.exact.field import Field
    from rkblocks.verify import trees
    from rkblocks.verify.order import Conditions, ElementaryWeights

    for order in range(1, most + 1):  # these belong to no method, and are remembered
        assert all(map(trees.gamma, trees.trees(order)))
    field = Field()
    found: dict[int, list[float]] = {}
    for m in stages:
        entries = [[field.rational(Fraction((7 * i + 11 * j) % 63 + 1, 64)) for j in range(m)] for i in range(m + 1)]
        A = tuple(tuple(e if j < i else field.zero for j, e in enumerate(r)) for i, r in enumerate(entries[:m]))
        conditions = Conditions(ElementaryWeights(field, A), tuple(entries[m]))
        start, found[m] = time.process_time(), []
        for order in range(1, most + 1):
            assert sum(1 for _ in conditions.failing(order)) <= len(trees.trees(order))
            found[m].append(time.process_time() - start)
    return found


def draw(path: str, conditions: dict[int, list[float]], library: dict[str, tuple[int, int, float]]) -> None:
    """The cost as order and stages grow: order conditions alone, and the whole check of each scheme."""
    from rkblocks import figures
    from rkblocks.figures import style

    figure, ((upper,), (lower,)) = style.new(2, 1, width=5.2, height=3.2)
    for number, (m, seconds) in enumerate(conditions.items()):
        upper.plot(range(1, len(seconds) + 1), seconds, label=f"{m} stages", linewidth=1.3, **style.look(number))
    upper.set_yscale("log")
    upper.set_xlabel("all conditions up to order")
    upper.set_ylabel("CPU seconds")
    upper.set_title("order conditions of a dense rational method", fontsize="medium")
    upper.legend(frameon=False, fontsize="small")
    from rkblocks.files import catalog

    families = {entry.name for entry in catalog() if entry.parameters}
    orders = {"1 to 3": range(4), "4": (4,), "5, 6": (5, 6), "7, 8": (7, 8), "9 to 12": range(9, 13)}
    for number, (label, group) in enumerate(orders.items()):
        points = [(m, s) for name, (m, p, s) in library.items() if p in group and name not in families]
        lower.plot(*zip(*points, strict=True), label=f"order {label}", alpha=0.8, **style.points(number, 5))
    points = [(m, s) for name, (m, _, s) in library.items() if name in families]
    lower.plot(*zip(*points, strict=True), label="families", alpha=0.8, **style.points(len(orders), 5))
    lower.set_yscale("log")
    lower.set_xlabel("stages")
    lower.set_ylabel("CPU seconds")
    lower.set_title("the whole check of each scheme of the library", fontsize="medium")
    lower.legend(frameon=False, fontsize="small")
    figures.save(figure, path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--nodepy-python", metavar="PATH", help="an interpreter that has nodepy and six")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds that nodepy may take for a method")
    parser.add_argument("--figure", metavar="FILE", help="draw the cost into FILE (.png or .svg)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--strict", action="store_true")
    options = parser.parse_args()
    rows: list[Row] = []

    def section(title: str, found: Iterator[Row]) -> None:
        if not options.json:
            print(title, flush=True)
        for one in found:
            rows.append(one)
            if not options.json:
                print(one, flush=True)

    section("whole commands, CPU time", start_up(options.rounds))
    if options.nodepy_python:
        title = "the order, exactly, against nodepy's exact mode"
        section(title, against_nodepy(options.nodepy_python, options.rounds, options.limit))
    library, total = seconds_of_library()
    single = [Row(f"check {n}", library[n][2], library[n][2], library[n][2], "s", most) for n, most in SECONDS.items()]
    whole = Row(f"check of all {len(library)} schemes", total, total, total, "s", LIBRARY_SECONDS)
    section("the library, CPU time in one process", iter([*single, whole]))
    for name, (stages, order, taken) in sorted(library.items(), key=lambda item: -item[1][2])[:5]:
        if not options.json:
            print(f"    {taken:7.3f} s  {name}, {stages} stages, order {order}")
    conditions = cost_of_conditions()
    if not options.json:
        print("all order conditions of a dense rational method, CPU seconds up to order 4, 6, 8, 10")
        for m, seconds in conditions.items():
            print(f"  {m:>3} stages  " + "  ".join(f"{seconds[p - 1]:8.4f}" for p in (4, 6, 8, 10)))
    if options.figure:
        draw(options.figure, conditions, library)
    if options.json:
        schemes = {name: {"stages": m, "order": p, "seconds": s} for name, (m, p, s) in library.items()}
        found = [{**asdict(one), "met": one.met} for one in rows]
        print(json.dumps({"version": 1, "rows": found, "library": schemes, "conditions": conditions}, indent=1))
    return int(options.strict and not all(one.met for one in rows))


if __name__ == "__main__":
    sys.exit(main())
