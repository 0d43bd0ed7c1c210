"""Files of the library, damaged in every way we could think of, through the reader, the checker and every printed form.

    python tests/files/fuzz.py --count 100000          one process; about an hour of a core
    python tests/files/fuzz.py --reader --count 100000 the reader alone, a hundred times as fast
    python tests/files/fuzz.py --only 4711 --show      one case again, and its file

Case number i is the same on every machine (`random.Random(f"{seed}:{i}")`).  Of each the harness keeps: what was
raised, whether a character that is not printable was printed, seconds of CPU, and by how much the process grew.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from rkblocks import files
from rkblocks.files.reader import read_bytes
from rkblocks.render import machines, report_text
from rkblocks.verify.checking import check
from rkblocks.verify.report import Report

LIMIT = 60.0
"""Seconds of CPU after which a case is given up and counted."""
SLOW, LARGE = 2.0, 500.0
"""Seconds, and MB of growth, above which a case is named."""
HOSTILE = (
    *("\x1b[2J\x1b]0;x\x07", "\n::error::x", "\r", "\x9b31m", "\u202e", "\u2066", "\u200b", "\ud800", "\0", "\x7f"),
    *("##[error]x", "<script>", "$(id)", "\\input{x}", "%0A", "日本", "\U0001f600", "a" * 5000, "{" * 40, "(" * 200),
)
ENTRIES = (
    *("0", "1", "-1", "1/2", "-3/4", "1/0", "0/0", "sqrt(2)", "-sqrt(3)/3", "sqrt(2)*sqrt(3)*sqrt(5)*sqrt(7)"),
    *("sqrt(sqrt(2))", "1e-300", "1e999", "9**9**9", "(1/3)**500", "1/7**400", "0." + "3" * 200, "1" * 1500),
    *("w", "1/w", "1e-17", "½", "", "-", "--1", "1 2", "()", "a" * 70, "1…", "NaN", "0x10", "1_000", "sqrt(-1)"),
    *("sqrt(w)", "2**-3"),
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    10**30,
    0.75,
    1e308,
    "",
    "x",
    [],
    {},
    [[]],
    [None],
    {"a": {}},
    [[["1"]]],
)

Change = Callable[[random.Random, str], bytes]


def _walk(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, below in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _walk(below, (*path, key))


def _put(root: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    place = root
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return root


def _get(root: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        root = root[key]
    return root


def _structured(change: Callable[[random.Random, Any], Any]) -> Change:
    def changed(rng: random.Random, content: str) -> bytes:
        root = json.loads(content, parse_float=str)
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            root = change(rng, root)
        return json.dumps(root).encode()

    return changed


def bytes_(rng: random.Random, content: str) -> bytes:
    """Bytes flipped, left out, put in, the file cut off."""
    data = bytearray(content.encode())
    for _ in range(rng.randint(1, 6)):
        at, kind = rng.randrange(len(data) + 1), rng.randrange(4)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[at : at + rng.randint(1, 20)]
        elif kind == 2:
            data[at:at] = rng.choice(
                (b'"', b",", b"[", b"]", b"{", b"}", b"\\", b"\xff", b"\0", b"\x1b", b"9" * 50, b"**", b"(")
            )
        elif rng.random() < 0.2:
            del data[at:]
    return bytes(data)


def _keys(rng: random.Random, root: Any) -> Any:
    """A key left out, renamed, given hostile text."""
    if not isinstance(root, dict) or not root:
        return root
    places = [path for path in _walk(root) if isinstance(_get(root, path), dict) and _get(root, path)]
    place = _get(root, rng.choice(places))
    key = rng.choice(list(place))
    value = place.pop(key)
    if rng.random() < 0.7:
        new = rng.choice(
            ("A", "b", "alpha", "beta", "c", "b_hat", "tolerance", "claims", key + rng.choice(HOSTILE), key.upper())
        )
        place[new] = value
    return root


def _entries(rng: random.Random, root: Any) -> Any:
    """A coefficient replaced by another of the file, by one of a list, by an expression in both."""
    leaves = [path for path in _walk(root) if path and isinstance(_get(root, path), (str, int)) and len(path) > 1]
    if not leaves:
        return root
    path, other = rng.choice(leaves), str(_get(root, rng.choice(leaves)))
    new = rng.choice(ENTRIES)
    made = rng.choice(
        (new, new, other, f"({other})*({new})", f"({other}) + {new}", f"1 - ({other})", f"sqrt(({other})**2)")
    )
    return _put(root, path, made)


def _digits(rng: random.Random, root: Any) -> Any:
    """A digit of a coefficient changed, put in or left out."""
    leaves = [p for p in _walk(root) if p and isinstance(_get(root, p), str) and re.search(r"\d", _get(root, p))]
    if not leaves:
        return root
    path = rng.choice(leaves)
    old = _get(root, path)
    at = rng.choice([m.start() for m in re.finditer(r"\d", old)])
    put = rng.choice((str(rng.randrange(10)), "", f"{old[at]}{rng.randrange(10)}", old[at] * rng.choice((2, 30, 300))))
    return _put(root, path, old[:at] + put + old[at + 1 :])


def _hostile(rng: random.Random, root: Any) -> Any:
    """Hostile text in a text, a key, a list."""
    word = rng.choice(HOSTILE)
    if not isinstance(root, dict):
        return word
    texts = [path for path in _walk(root) if path and isinstance(_get(root, path), str)]
    if texts and rng.random() < 0.7:
        path = rng.choice(texts)
        old = _get(root, path)
        at = rng.randrange(len(old) + 1)
        return _put(root, path, rng.choice((word, old[:at] + word + old[at:])))
    return {**root, rng.choice((word, "title", "name", "$schema")): word, "references": [word, "x"]}


def _types(rng: random.Random, root: Any) -> Any:
    """A value of another type, a row twice or left out."""
    path = rng.choice(list(_walk(root)))
    old = _get(root, path)
    if isinstance(old, list) and old and rng.random() < 0.6:
        rows = list(old)
        at = rng.randrange(len(rows))
        rows[at : at + rng.randrange(2)] = [rows[at]] * rng.randrange(3)
        return _put(root, path, rows)
    return _put(root, path, rng.choice(VALUES))


def _parameters(rng: random.Random, root: Any) -> Any:
    """A family made of a scheme: entries that depend on parameters, with domains of every kind."""
    if not isinstance(root, dict):
        return root
    bound = ("0", "1", "1/2", "-1", "2", None, "sqrt(2)", "1e-30")
    names = rng.sample(("w", "v", "beta10", "lambda", "x1"), rng.choice((1, 1, 2)))
    starts = ("1/2", "3/4", "1/3", "0")
    root["parameters"] = {
        name: {"domain": [rng.choice(bound), rng.choice(bound)], "init": rng.choice(starts)} for name in names
    }
    for _ in range(rng.randint(1, 3)):
        name = rng.choice(names)
        leaves = [
            p
            for p in _walk(root)
            if len(p) > 1 and p[0] in ("A", "b", "alpha", "beta", "c") and isinstance(_get(root, p), (str, int))
        ]
        if leaves:
            path = rng.choice(leaves)
            old = _get(root, path)
            root = _put(
                root,
                path,
                rng.choice(
                    (name, f"{old}*{name}", f"{old} - {name}", f"1/({name} + {old})", f"1 - {name}", f"{name}**3")
                ),
            )
    return root


KINDS: dict[str, Change] = {
    "bytes": bytes_,
    "keys": _structured(_keys),
    "entries": _structured(_entries),
    "digits": _structured(_digits),
    "hostile text": _structured(_hostile),
    "types": _structured(_types),
    "parameters": _structured(_parameters),
}


def case(number: int, seed: int = 0) -> tuple[str, str, bytes]:
    """The kind of damage, the scheme and the file of a case."""
    rng = random.Random(f"{seed}:{number}")
    kind = rng.choice((*KINDS, "entries", "digits", "digits", "parameters", "parameters"))  # those that are often read
    entry = rng.choice(files.catalog())
    return kind, entry.name, KINDS[kind](rng, _content(entry.path))


@cache
def _content(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def report(data: bytes, reader: bool = False) -> Report:
    """What `rkblocks check FILE` reports on a file of these bytes; with ``reader`` what reading it alone finds."""
    reading = read_bytes(data, "fuzz.json")
    if reading.tableau is None or reader:
        return Report("fuzz.json", reading.name, False, None, None, None, None, (), reading.diagnostics)
    return check(reading.tableau)


def printed(found: Report, data: bytes) -> list[str]:
    """All that `check` prints of it, in each format."""
    source = {"fuzz.json": data.decode("utf-8", "replace")}
    return [
        report_text.render([found], texts=source, verbose=True),
        machines.as_json([found]),
        machines.as_commands([found]),
    ]


def raw(output: str) -> bool:
    """Whether a character is not printable, or a line that is none of ours is a command to the log of a build."""
    lines = output.split("\n")
    ours = re.compile(r"::(error|warning|notice) (file=|title=)")
    return any(not line.isprintable() or (line.lstrip().startswith("::") and not ours.match(line)) for line in lines)


@dataclass
class Totals:
    """What came of the cases so far."""

    limit: float = LIMIT
    reader: bool = False
    cases: int = 0
    read: int = 0
    sound: int = 0
    tracebacks: list[tuple[int, str]] = field(default_factory=list)
    raw: list[int] = field(default_factory=list)
    slow: list[tuple[float, int]] = field(default_factory=list)
    large: list[tuple[float, int]] = field(default_factory=list)
    late: list[int] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, -1)
    kinds: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def run(self, number: int, seed: int = 0) -> None:
        """Run a case, and count it."""
        kind, _, data = case(number, seed)
        self.cases += 1
        self.kinds[kind] += 1
        before, start = _megabytes(), time.process_time()
        try:
            with AtMost(self.limit):
                found = report(data, self.reader)
                self.read += found.stages is not None or (self.reader and not any(d.status for d in found.diagnostics))
                self.sound += found.ok
                if any(map(raw, printed(found, data))):
                    self.raw.append(number)
        except Late:
            self.late.append(number)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            self.tracebacks.append(
                (number, f"{type(error).__name__} in {last.filename.rpartition('/')[2]}:{last.lineno}: {error}"[:200])
            )
        spent, grown = time.process_time() - start, _megabytes() - before
        self.seconds += spent
        self.slowest = max(self.slowest, (spent, number))
        if spent > SLOW:
            self.slow.append((spent, number))
        if grown > LARGE:
            self.large.append((grown, number))

    def __str__(self) -> str:
        def named(found: list[Any], shown: int = 10) -> str:
            return f"{len(found)}" + (f": {', '.join(map(str, found[:shown]))}" if found else "")

        slow = sorted(self.slow, reverse=True)
        return "\n".join(
            [
                f"{self.cases} files, {self.read} of them read, {self.sound} sound; "
                f"{self.seconds:.0f} s of CPU, peak {_megabytes():.0f} MB",
                "  by damage: " + ", ".join(f"{kind} {n}" for kind, n in sorted(self.kinds.items())),
                f"  internal errors: {named(self.tracebacks)}",
                f"  raw characters or commands printed: {named(self.raw)}",
                f"  slowest: {self.slowest[0]:.2f} s (case {self.slowest[1]})",
                f"  over {SLOW:g} s: {named([f'{n} ({s:.1f} s)' for s, n in slow])}",
                f"  given up after {self.limit:g} s: {named(self.late)}",
                f"  grew by over {LARGE:g} MB: {named([f'{n} ({mb:.0f} MB)' for mb, n in self.large])}",
            ]
        )


class Late(BaseException):
    """The time of a case is over; no Exception, so that nothing in the package takes it for one of its own."""


class AtMost:
    """Raise Late once the block has taken so many seconds of CPU."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __enter__(self) -> None:
        def over(*_: object) -> None:
            raise Late

        self.before = signal.signal(signal.SIGPROF, over)
        signal.setitimer(signal.ITIMER_PROF, self.seconds)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, self.before)


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=1000, help="how many files")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reader", action="store_true", help="read the files, and print what that finds, only")
    parser.add_argument("--only", type=int, help="this case alone")
    parser.add_argument("--show", action="store_true", help="print the file of --only and what check says of it")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds of CPU after which a case is given up")
    parser.add_argument(
        "--every", type=int, default=5000, help="print the totals after so many files, on standard error"
    )
    options = parser.parse_args()
    if options.only is not None:
        kind, name, data = case(options.only, options.seed)
        if options.show:
            sys.stdout.write(f"{kind} of {name}\n{data!r}\n{printed(report(data), data)[0]}")
    totals = Totals(limit=options.limit, reader=options.reader)
    numbers = range(options.first, options.first + options.count) if options.only is None else (options.only,)
    for done, number in enumerate(numbers, 1):
        totals.run(number, options.seed)
        if done % options.every == 0:
            sys.stderr.write(f"{totals}\n")
    sys.stdout.write(f"{totals}\n")
    return 1 if totals.tracebacks or totals.raw or totals.slow or totals.large or totals.late else 0


if __name__ == "__main__":
    sys.exit(main())
