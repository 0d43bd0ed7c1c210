"""Ways to damage a file: cut, flipped, keys gone or of another type, nested too deep, numbers too large."""

from __future__ import annotations

import copy
import io
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

Damage = tuple[str, bytes]
"""What was done, in words; the content that it leaves."""

DEEP = 100_000
TYPES: dict[str, Any] = {
    "null": None,
    "true": True,
    "0": 0,
    "-1": -1,
    "10^9": 10**9,
    "10^40": 10**40,
    "1/3": 1 / 3,
    "empty text": "",
    "text": "../x\x1b[31m\n::error::",
    "long text": "x" * 100_000,
    "empty list": [],
    "list": [1, "a", None],
    "empty object": {},
    "object": {"a": {"b": 1}},
}
DIGITS, LETTERS = b"0123456789", b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
CLASSES = (DIGITS, LETTERS, b"\"'", b"{}[]", b" \t", b"\r\n", bytes(range(9)), bytes(range(128, 256)), b":,=.-+_/")


def cut(content: bytes) -> Iterator[Damage]:
    """Every class of length: none, one byte, powers of two, halves, whole lines, all but one byte."""
    n = len(content)
    ends = {0, 1, n // 4, n // 2, n - n // 4, n - 2, n - 1} | {2**k for k in range(1, n.bit_length())}
    lines = [k + 1 for k, byte in enumerate(content) if byte == 10]
    ends |= set(lines[:3] + lines[len(lines) // 2 : len(lines) // 2 + 1] + lines[-3:])
    for end in sorted(end for end in ends if 0 <= end < n):
        yield f"cut to {end} of {n} bytes", content[:end]
    yield "doubled", content * 2
    yield "a byte more", content + b"x"
    yield "zeros", bytes(n)


def flipped(content: bytes, chance: random.Random, places: int = 2) -> Iterator[Damage]:
    """Bytes of each class, some places of each, replaced by one of each class."""
    where: dict[int, list[int]] = {}
    known = {byte: k for k, members in enumerate(CLASSES) for byte in members}
    for place, byte in enumerate(content):
        where.setdefault(known.get(byte, -1), []).append(place)
    for kind in sorted(where):
        for place in chance.sample(where[kind], min(places, len(where[kind]))):
            for members in CLASSES:
                byte = chance.choice(members)
                if byte != content[place]:
                    name = f"byte {place} is {byte}, was {content[place]}"
                    yield name, content[:place] + bytes([byte]) + content[place + 1 :]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every key and, of a list, of the first and the last entry."""
    ends = isinstance(value, list) and value and sorted({0, len(value) - 1})
    keys = list(value) if isinstance(value, dict) else ends or []
    for key in keys:
        yield (*path, key)
        yield from places(value[key], (*path, key))


def changed(value: Any, types: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every key removed, and given every type."""
    for name, new in types.items():
        yield f"all is {name}", new
    for path in places(value):
        for name, new in [("gone", None), *types.items()]:
            found = copy.deepcopy(value)
            parent = found
            for key in path[:-1]:
                parent = parent[key]
            if name == "gone":
                del parent[path[-1]]
            else:
                parent[path[-1]] = new
            yield f"{'.'.join(map(str, path))} is {name}", found


def of_json(content: bytes) -> Iterator[Damage]:
    """A JSON file: keys and types, nesting beyond all bounds, numbers that are none."""
    value = json.loads(content)
    for name, found in changed(value, TYPES):
        yield name, json.dumps(found).encode()
    deep = b"[" * DEEP + b"]" * DEEP
    yield "nested deep", deep
    for key in value if isinstance(value, dict) else ():
        for name, text in (("nested deep", deep), ("1e999", b"1e999"), ("NaN", b"NaN"), ("5000 digits", b"9" * 5000)):
            mark = "a mark that stands nowhere else"
            yield f"{key} is {name}", json.dumps({**value, key: mark}).encode().replace(json.dumps(mark).encode(), text)


def of_lines(content: bytes) -> Iterator[Damage]:
    """A file of JSON lines: each kind of damage in the first and in the last."""
    lines = content.splitlines(keepends=True)
    for number in sorted({0, len(lines) - 1}):
        for name, found in of_json(lines[number]):
            yield f"line {number + 1}: {name}", b"".join([*lines[:number], found + b"\n", *lines[number + 1 :]])


def of_toml(content: bytes) -> Iterator[Damage]:
    """A TOML file: each key gone, twice, and of each type."""
    lines = content.decode().splitlines(keepends=True)
    texts = {name: json.dumps(new) for name, new in TYPES.items() if new is not None and not isinstance(new, dict)}
    texts |= {"a table": "{ a = 1 }", "nested deep": "[" * 5000 + "]" * 5000, "inf": "inf", "a date": "2026-01-01"}
    for number, line in enumerate(lines):
        key, equals, _ = line.partition("=")
        if not equals or line.startswith("#"):
            continue
        head, tail = "".join(lines[:number]), "".join(lines[number + 1 :])
        yield f"{key.strip()} is gone", (head + tail).encode()
        yield f"{key.strip()} is there twice", (head + line + line + tail).encode()
        for name, text in texts.items():
            yield f"{key.strip()} is {name}", f"{head}{key}= {text}\n{tail}".encode()


def of_state(content: bytes) -> Iterator[Damage]:
    """A file of torch.save: keys and types in it; tensors of other shapes, types and values."""
    tensors = {
        "a scalar": torch.zeros(()),
        "a tensor of 10^9 from one": torch.zeros(1).expand(10**9),
        "nothing": torch.zeros(0),
        "whole numbers": torch.ones(3, dtype=torch.int64),
        "nan": torch.full((3,), torch.nan),
    }
    state = torch.load(io.BytesIO(content), weights_only=True)
    for name, found in changed(state, TYPES | tensors):
        buffer = io.BytesIO()
        torch.save(found, buffer)
        yield name, buffer.getvalue()


KINDS: dict[str, Callable[[bytes], Iterator[Damage]]] = {
    "run.json": of_json,
    "metrics.jsonl": of_lines,
    "config.toml": of_toml,
    "study.toml": of_toml,
    "resume.pt": of_state,
    ".json": of_json,
}


def damages(path: Path, chance: random.Random) -> Iterator[Damage]:
    """Every damage of a file."""
    content = path.read_bytes()
    yield from cut(content)
    yield from flipped(content, chance)
    own = KINDS.get(path.name) or KINDS.get(path.suffix)
    if own is not None:
        yield from own(content)
