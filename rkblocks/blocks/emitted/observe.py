"""An emitted file read and run in a process of its own: its header, its class, the coefficients that its step used."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch

from rkblocks.blocks.emitted import confine
from rkblocks.blocks.emitted.probe import MOST_CALLS, OTHERS, observations
from rkblocks.diagnostics import fail
from rkblocks.escape import line
from rkblocks.program.header import Header, read_header

MOST_BYTES = 1 << 20
MEMORY, WRITTEN = 2 << 30, 16 << 20
"""Bytes of memory that a file may take beyond what torch takes, and that it may print."""
_SCRIPT = Path(__file__).with_name("probe.py")


@dataclass(frozen=True)
class Emitted:
    """An emitted file as read, not run: its text, its header, the name of its class."""

    path: str
    text: str
    header: Header
    class_name: str


@dataclass(frozen=True)
class Trial:
    """What a step computed with certain raw values.

    ``points[i]`` are the coefficients of the point of the i-th call of F, first that of x, then those of what the calls
    returned; ``results`` likewise (the step, and the error estimate where there is one); ``times`` where F is called.
    ``deviation`` is the relative error of that affine map on random vectors.
    """

    raw: dict[str, float]
    points: tuple[tuple[float, ...], ...]
    times: tuple[float, ...]
    results: tuple[tuple[float, ...], ...]
    modes_agree: bool
    deviation: float

    @property
    def rows(self) -> dict[str, tuple[float, ...]]:
        """Points and results by name: A[0], A[1], ..., b, b - b_hat."""
        named = {f"A[{i}]": row for i, row in enumerate(self.points)}
        return named | dict(zip(("b", "b - b_hat"), self.results, strict=False))


def read(path: str) -> Emitted:
    """The file, without running it.

    Raises:
        RkblocksError: RK001 (no such file), RK003 (cannot be read), RK515 (no module that rkblocks emitted).
    """
    if not isinstance(path, (str, os.PathLike)):
        fail("RK003", f"{path!r} is no path of a file", help='verify_file("block.py")')
    try:
        with open(path, "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        fail("RK001", f"there is no file {path!r}", help="`rkblocks compile NAME -o FILE.py` writes one")
    except (OSError, ValueError) as error:
        fail("RK003", f"cannot read {path!r}: {getattr(error, 'strerror', None) or error}")
    try:
        text = data.decode("utf-8")
        tree = ast.parse(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        _refuse(path, f"it is no Python: {error}")
    if len(data) > MOST_BYTES:
        _refuse(path, "it is larger than a mebibyte")
    header = read_header(ast.get_docstring(tree, clean=False) or "")
    if header is None:
        _refuse(path, "it has no header that names a scheme and the sha256 of its tableau")
    classes = [
        node for top in tree.body if not _example(top) for node in ast.walk(top) if isinstance(node, ast.ClassDef)
    ]
    if len(classes) != 1:
        _refuse(path, f"it defines {len(classes)} classes, expected one, the block")
    return Emitted(path, text, header, classes[0].name)


def _example(node: ast.stmt) -> bool:
    """Whether it is what the file does as a program, which importing it does not run."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


def _refuse(path: str, reason: str) -> NoReturn:
    fail(
        "RK515",
        f"{line(str(path))} is no block that rkblocks emitted: {reason}",
        help="`rkblocks compile NAME -o FILE.py` writes one; --target numpy and jax write functions, no block",
    )


def run(text: str, class_name: str, *, timeout: float, source: str = "") -> tuple[Trial, ...]:
    """What the step of a module computes, at the start of its parameters and at other values, seen in a process of its
    own: without network where the system can do that, with limits (`confine`), and yet no sandbox.

    Args:
        text: of the module.
        class_name: of its class, which is called with a residual.
        timeout: seconds after which the process is ended.
        source: the file that messages name.

    Raises:
        RkblocksError: RK516 where it does not run to its end, not in time, or beyond a limit.
    """
    source = line(source)
    with tempfile.TemporaryDirectory(prefix="rkblocks-verify-") as name:
        folder = Path(name)
        path, answer = folder / "emitted_block.py", folder / "observation.json"
        path.write_text(text, encoding="utf-8")
        request = {"file": str(path), "class": class_name, "seconds": timeout, "memory": MEMORY, "written": WRITTEN}
        outcome = confine.run(_SCRIPT, json.dumps(request), folder, seconds=timeout, written=WRITTEN)
        try:
            found = answer.read_text(encoding="ascii") if outcome.status == 0 else ""
        except (OSError, ValueError):
            found = ""
    if outcome.too_much:
        fail("RK516", f"{source} prints more than {WRITTEN >> 20} MiB", help="a block prints nothing")
    if outcome.status is None or outcome.status == -getattr(signal, "SIGXCPU", 0):
        fail("RK516", f"{source} did not end within {timeout:g} seconds", help="--timeout SECONDS gives it longer")
    if outcome.status:
        fail("RK516", f"{source} does not run: {_reason(outcome)}")
    try:
        return _cases(json.loads(found)["cases"])
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        fail("RK516", f"{source} ended early, or its step returns no tensors: {line(repr(error))}"[:300])


def _reason(outcome: confine.Outcome) -> str:
    """The last line that the process left, or how it was ended."""
    lines = outcome.said.strip().splitlines()
    if outcome.status is not None and outcome.status < 0:
        with contextlib.suppress(ValueError):
            return f"it was ended by {signal.Signals(-outcome.status).name}"
    return line(lines[-1][:300]) if lines else f"status {outcome.status}"


def _cases(found: list[dict[str, Any]]) -> tuple[Trial, ...]:
    """The observations as `probe` makes them. Raises ValueError where they are none: the file may have written them."""
    cases = tuple(map(_case, found))
    for case in cases:
        rows, calls = [*case.points, *case.results], len(case.points)
        fits = all(len(row) == 1 + calls for row in rows) and len(case.times) in (0, calls) and calls <= MOST_CALLS
        if not fits or len(case.results) not in (1, 2) or set(case.raw) != set(cases[0].raw):
            raise ValueError("no observations of a step")
    if len(cases) != (1 + len(OTHERS) if cases and cases[0].raw else 1):
        raise ValueError("no observations of a step")
    return cases


def run_here(text: str, class_name: str) -> tuple[Trial, ...]:
    """What the step of a module computes that this package emitted a moment ago: as `run`, in this process."""
    namespace: dict[str, Any] = {"__name__": "emitted"}
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)  # that of a fresh process, in which raw coefficients are made
    try:
        exec(compile(text, "<emitted>", "exec"), namespace)
        return tuple(map(_case, observations(namespace[class_name])))
    finally:
        torch.set_default_dtype(default)


def _case(found: dict[str, Any]) -> Trial:
    def row(values: list[str]) -> tuple[float, ...]:
        return tuple(map(float.fromhex, values))

    return Trial(
        {name: float.fromhex(value) for name, value in found["raw"].items()},
        tuple(map(row, found["points"])),
        row(found["times"]),
        tuple(map(row, found["results"])),
        bool(found["modes_agree"]),
        float(found["deviation"]),
    )
