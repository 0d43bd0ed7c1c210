"""What needs a GPU, in the time there is: tests, steps, epochs, networks side by side, as much of Table 2 as fits.

    python benchmarks/gpu.py --minutes 8                     on a machine with a GPU; continues where it was stopped
    python benchmarks/gpu.py --minutes 8 --data-root DIR     with CIFAR-10 in DIR; --images FOLDER for an image folder
    python benchmarks/gpu.py --device cpu --tiny             checks itself without one; its figures mean nothing

The parts, the most telling first, each in a process of its own with a limit of time, and saved as it goes:

    tests      the tests that need a GPU
    steps      a training step of each recipe: the published form, ours eager and from a CUDA graph
    epochs     whole epochs by scheme
    together   several networks at once, a process each
    compiled   the steps by torch.compile, alone and in a CUDA graph
    study      studies/table2-30.toml, Table 2 in thirty epochs, until the time is up

All goes into one folder (--out), small enough to be committed: rows as JSON lines, summary.md of all of them, the log
of the tests, the study packed.  Beside a row stands what was expected of it before any GPU was at hand (MODEL).
Exit status: 0 done, or as much as the time allowed; 1 a part failed; 2 there is no such device here.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import training as benchmark
from timing import Row, in_turn, ratios, row, timer

ROOT = Path(__file__).resolve().parent.parent
CUDA_TESTS = ("tests/blocks/test_blocks_cuda.py", "tests/training/test_training_recorded.py")
SCHEMES = ("euler", "ark,euler,ssp2", "ssp3", "ssp2")
IMAGES = 50_000
MODEL = {  # seconds an epoch of N = 6, PGD-7, batch 128 on one H200, by launches and floors: eager, from a graph
    "euler": ("9 .. 12", "3 .. 4"),
    "ark,euler,ssp2": ("16 .. 20", "6 .. 7"),
    "ssp2": ("16 .. 20", "6 .. 7"),
    "ssp3": ("24 .. 29", "9 .. 10"),
}
LEAST, CLOSING = 5.0, 30.0  # seconds: to begin a part; of the study, to save, to write the table and to pack
TINY = """name = "tiny"
preset = "digits"

[set]
training.epochs = 1
net.widths = [2, 4]
attack.steps = 1
validation.images = 20

[grid]
blocks = ["euler"]
seeds = [0]

[evaluation]
preset = "quick"
limit = 20
probe = 0
"""


def tests(options: argparse.Namespace) -> Iterator[Row]:
    """The tests that need a GPU."""
    results = options.out / "tests.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={results}", *CUDA_TESTS]
    if options.device == "cpu":
        command += ["-k", "cuda or graph_of"]  # all of them are skipped, as they should be
    with (options.out / "tests.log").open("w") as log:
        status = subprocess.run(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT).returncode
    (suite,) = xml.etree.ElementTree.parse(results).getroot().iter("testsuite")
    results.unlink()
    count = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    wrong = count["failures"] + count["errors"] + (status != 0 and not count["failures"] + count["errors"])
    passed = count["tests"] - wrong - count["skipped"]
    for what, number in (("passed", passed), ("skipped", count["skipped"])):
        yield row(what, [number], "tests")
    yield row("failed", [wrong], "tests", 0.0)


def contenders(options: argparse.Namespace, preset: str, scheme: str, **settings: Any) -> benchmark.Pair:
    return benchmark.pair(sizes(options), preset, scheme, **settings)


def sizes(options: argparse.Namespace, *more: str) -> argparse.Namespace:
    """The options of benchmarks/training.py that ours stand for."""
    given = ["--device", options.device, "--rounds", "5", *(["--quick"] if options.tiny else []), *more]
    return benchmark.parse(given)


def steps(options: argparse.Namespace) -> Iterator[Row]:
    """A training step, in milliseconds, and the seconds of an epoch of so many."""
    recipes = [*(("cifar10-paper", scheme) for scheme in SCHEMES), ("mnist-paper", "euler"), ("mnist-paper", "ssp3")]
    for preset, scheme in recipes[: 1 if options.tiny else None]:
        one = contenders(options, preset, scheme)
        runs = {"published": one.their_step, "eager": one.our_step}
        if options.device == "cuda":
            runs["graph"] = contenders(options, preset, scheme, training__cuda_graph=True).our_step
        yield from compared(options, f"{preset} {scheme}", scheme if "cifar" in preset else "", runs)


def compiled(options: argparse.Namespace) -> Iterator[Row]:
    """A training step by torch.compile, in milliseconds."""
    if options.device == "cpu":
        return  # minutes, and nothing about a GPU
    for scheme in SCHEMES:
        runs = {
            name: contenders(options, "cifar10-paper", scheme, training__compile=True, **more).our_step
            for name, more in (("compiled", {}), ("compiled, graph", {"training__cuda_graph": True}))
        }
        yield from compared(options, f"cifar10-paper {scheme}", "", runs)


def compared(options: argparse.Namespace, what: str, scheme: str, runs: dict[str, Callable[[], object]]) -> list[Row]:
    """Milliseconds of each run, how many times the first one's each goes, and epochs beside the model of the scheme."""
    own = sizes(options)
    seconds = in_turn(runs, own.rounds, timer(options.device), warm_up=2 if options.tiny else 6)
    found = [row(f"{what}, {name}", [1000 * s for s in values], "ms") for name, values in seconds.items()]
    first, *others = seconds
    found += [row(f"{what}, {name}", ratios(seconds[first], seconds[name]), f"x {first}") for name in others]
    for name, expected in zip(("eager", "graph"), MODEL.get(scheme, ()), strict=False):
        if name in seconds:
            epoch = [s * (IMAGES // own.batch) for s in seconds[name]]
            found.append(row(f"{what}, {name}, an epoch (model {expected})", epoch, "s"))
    return found


def epochs(options: argparse.Namespace) -> Iterator[Row]:
    """Whole epochs of PGD-7 at N = 6, with loading and cropping, wall time."""
    graph = {"training__cuda_graph": True} if options.device == "cuda" else {}
    for scheme in SCHEMES[: 1 if options.tiny else None]:
        step = contenders(options, "cifar10-paper", scheme, **graph).our_step
        count = 2 if options.tiny else IMAGES // sizes(options).batch
        for _ in range(2 if options.tiny else 5):
            step()
        settle(options)
        start = time.perf_counter()
        for _ in range(count):
            step()
        settle(options)
        yield row(f"{scheme}, {count} steps", [time.perf_counter() - start], "s")


def settle(options: argparse.Namespace) -> None:
    if options.device == "cuda":
        torch.cuda.synchronize()


def together(options: argparse.Namespace) -> Iterator[Row]:
    """Steps a second of several small networks (N = 1) at once, over those of one, wall time."""
    own = sizes(options, *(["--cuda-graph"] if options.device == "cuda" else []))
    counts = (1, 2) if options.tiny else (1, 2, 4, 8)
    alone: list[float] = []
    for count in counts:
        seconds = benchmark.side_by_side(own, "euler", count)
        alone = alone or seconds
        yield row(f"euler, {count} at once", [count * a / b for a, b in zip(alone, seconds, strict=True)], "x one")


def study(options: argparse.Namespace) -> Iterator[Row]:
    """Networks of Table 2 in thirty epochs, finished; the same command goes on with them."""
    folder, file = options.out / "study", options.out / "study.toml"
    text = TINY if options.tiny else (ROOT / "studies" / "table2-30.toml").read_text()
    if options.images:
        text = text.replace("[set]\n", f"[set]\ndata.name = {json.dumps(str(Path(options.images).resolve()))}\n", 1)
    file.write_text(text)
    common = ["--data-root", options.data_root] if options.data_root else []
    rkblocks = [sys.executable, "-m", "rkblocks", "study"]
    workers = ["--workers", "0" if options.tiny else str(options.workers)]
    command = [*rkblocks, str(file), "--out", str(folder), *workers, "--device", options.device, *common]
    with (options.out / "study.log").open("a") as log:
        ended = limited(command, max(options.seconds - CLOSING, LEAST), log)
        if not (folder / "study.toml").exists():
            raise SystemExit(f"the study did not begin:\n{(options.out / 'study.log').read_text()[-1000:]}")
        for more in ("--report-only", "--pack")[ended is not None :]:  # one that ends has written its table
            subprocess.run([*rkblocks, str(folder), more], stdout=log, stderr=log)
    results = folder / "results" / "results.json"
    done = len(json.loads(results.read_text())["entries"]) if results.exists() else 0
    total = len(list((folder / "runs").iterdir()))
    yield row(f"networks finished, of {total} begun", [done], "networks")


def limited(command: list[str], seconds: float, log: Any) -> int | None:
    """The exit status of a command, or None where its time was up: it is asked to stop, and to save what it has."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    for ask, patience in ((None, seconds), (signal.SIGTERM, 20.0), (signal.SIGKILL, 20.0)):
        if ask is not None:
            os.killpg(process.pid, ask)
        try:
            status = process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        return status if ask is None else None
    return None


LIMITS: dict[Callable[[argparse.Namespace], Iterator[Row]], float] = {  # seconds that each part gets at most
    tests: 120.0,
    steps: 90.0,
    epochs: 60.0,
    together: 60.0,
    compiled: 120.0,
    study: float("inf"),
}
PARTS = {part.__name__: part for part in LIMITS}


def child(options: argparse.Namespace) -> int:
    """Measure one part, each row saved as soon as it is found."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    met = True
    with rows_of(options, options.child).open("w") as file:
        for found in PARTS[options.child](options):
            met &= found.met
            print(found, flush=True)
            print(json.dumps(asdict(found)), file=file, flush=True)
        print(json.dumps({"complete": met}), file=file)
    return int(not met)


def rows_of(options: argparse.Namespace, part: str) -> Path:
    found: Path = options.out / f"{part}.jsonl"
    return found


def saved(options: argparse.Namespace, part: str) -> tuple[list[Row], bool]:
    """The rows of a part so far, and whether these are all."""
    path = rows_of(options, part)
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [Row(**line) for line in lines if "complete" not in line], any(line.get("complete") for line in lines)


def summary(options: argparse.Namespace, facts: dict[str, Any]) -> None:
    """Write summary.md: where all was measured, and all rows."""
    text = ["# What a GPU says", "", ", ".join(f"{name} {value}" for name, value in facts.items()), ""]
    if options.tiny:
        text += ["Tiny sizes: the script was checked, and the figures mean nothing.", ""]
    for name, part in PARTS.items():
        rows, complete = saved(options, name)
        if rows:
            text += [f"## {name}{'' if complete else ', as far as it came'}", "", str(part.__doc__).split("\n")[0], ""]
            text += ["```text", *(str(found).rstrip() for found in rows), "```", ""]
    (options.out / "summary.md").write_text("\n".join(text))


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"))
    parser.add_argument("--device", default="cuda", choices=("cpu", "cuda"))
    parser.add_argument("--tiny", action="store_true", help="sizes that only show that it runs")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--workers", type=int, default=4, help="networks of the study at once, on the one GPU")
    parser.add_argument("--data-root", help="folder of the data sets, for the study")
    parser.add_argument(
        "--images", help="an image folder for the study instead of CIFAR-10: train/CLASS/*, test/CLASS/*"
    )
    parser.add_argument("--child", choices=list(PARTS), help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=60.0, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if unknown := set(options.parts.split(",")) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; parts: {', '.join(PARTS)}")
    options.out = options.out.resolve()
    return options


def main(arguments: list[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    options = parse(given)
    if options.child:
        return child(options)
    end = time.monotonic() + 60 * options.minutes
    if options.device == "cuda" and not torch.cuda.is_available():
        print(f"no GPU here: torch {torch.__version__} sees none, so nothing was measured")
        print("check the script itself: python benchmarks/gpu.py --device cpu --tiny")
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / ".gitignore").write_text("study/runs/\n")  # weights and states; study/runs.zip has the rest
    device = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
    facts = {"torch": torch.__version__, "device": device, "cores": os.cpu_count(), "python": sys.version.split()[0]}
    print(", ".join(f"{name} {value}" for name, value in facts.items()), flush=True)
    failed = []
    for name in options.parts.split(","):
        part, left = PARTS[name], end - time.monotonic()
        if saved(options, name)[1] and part is not study:
            print(f"{name}: done before, in {rows_of(options, name)}", flush=True)
            continue
        if left < LEAST + (CLOSING if part is study else 0):
            print(f"{name}: no time left; the same command goes on with it", flush=True)
            continue
        print(f"{name}: {str(part.__doc__).splitlines()[0]}", flush=True)
        seconds = min(LIMITS[part], left)
        command = [sys.executable, str(Path(__file__).resolve()), *given, "--out", str(options.out)]
        status = limited([*command, "--child", name, "--seconds", str(seconds)], seconds + CLOSING, None)
        if status is None:
            print(f"{name}: stopped after {seconds:.0f} s, with {len(saved(options, name)[0])} rows", flush=True)
        elif status:
            failed.append(name)
        summary(options, facts)
    print(f"all in {options.out}" + (f"; FAILED: {', '.join(failed)}" if failed else ""))
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
