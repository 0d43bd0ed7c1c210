"""Tables of settings from frozen dataclasses: types and ranges are declared with the field, all problems are reported.

A field is `key: type = setting(default, what it means, check)`. Types: str, int, float, bool, Fraction, and tuples of
them. Nothing here knows which settings there are.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import re
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeVar

from rkblocks.diagnostics import Diagnostic, diagnostic
from rkblocks.settings.fractions import fraction_text

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Check:
    """A range: the words for it, whether a value (of a tuple: each) lies in it, and the same in JSON Schema."""

    expected: str
    holds: Callable[[Any], bool]
    schema: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def setting(default: T, meaning: str, check: Check | None = None) -> T:
    """A dataclass field with its meaning and range; typed as its default, as dataclasses.field is."""
    field: T = dataclasses.field(default=default, metadata={"meaning": meaning, "check": check})
    return field


def at_least(low: float) -> Check:
    """low <= value."""
    return Check(f"at least {low}", lambda value: value >= low, {"minimum": low})


def positive() -> Check:
    """0 < value."""
    return Check("greater than 0", lambda value: value > 0, {"exclusiveMinimum": 0})


def between(low: float, high: float, high_open: bool = False) -> Check:
    """low <= value <= high, or < high."""
    inside = (lambda value: low <= value < high) if high_open else (lambda value: low <= value <= high)
    words = f"from {low} to {'below ' * high_open}{high}"
    return Check(words, inside, {"minimum": low, "exclusiveMaximum" if high_open else "maximum": high})


def choice(*options: str) -> Check:
    """One of the options."""
    return Check(f"one of {', '.join(options)}", lambda value: value in options, {"enum": list(options)})


def read(cls: type[T], table: Mapping[str, Any], problems: list[Diagnostic], prefix: str = "") -> T:
    """The dataclass filled from a (nested) table; keys that are absent keep their defaults.

    Args:
        cls: a dataclass whose fields are settings, or dataclasses of settings.
        table: as tomllib gives it.
        problems: what is wrong is appended: RK703 for unknown keys, RK704 for values. `path` is "section.key".
    """
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(typing.cast(Any, cls))}
    values: dict[str, Any] = {}
    for key, value in table.items():
        path = f"{prefix}{key}"
        if key not in fields:
            problems.append(unknown(key, prefix, tuple(fields)))
        elif dataclasses.is_dataclass(hints[key]):
            if isinstance(value, Mapping):
                values[key] = read(typing.cast(type, hints[key]), value, problems, f"{path}.")
            else:
                problems.append(diagnostic("RK704", f"{path} is {value!r}, expected a section [{path}]", path=path))
        else:
            found = convert(value, hints[key], fields[key].metadata["check"])
            if isinstance(found, Unfit):
                problems.append(diagnostic("RK704", f"{path} is {value!r}, expected {found.expected}", path=path))
            else:
                values[key] = found
    return cls(**values)


def unknown(key: str, prefix: str, known: tuple[str, ...]) -> Diagnostic:
    """RK703 for a key that does not exist, with the nearest one that does."""
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    help = f"did you mean {prefix}{near[0]}?" if near else f"known here: {', '.join(known)}"
    return diagnostic("RK703", f"there is no setting {prefix}{key}", path=f"{prefix}{key}", help=help)


@dataclasses.dataclass(frozen=True)
class Unfit:
    """Instead of a value: what was expected."""

    expected: str


def convert(value: Any, kind: Any, check: Check | None) -> Any:
    """The value as its declared type, or Unfit. A single entry is a tuple of one; text is split at commas."""
    if typing.get_origin(kind) is tuple:
        entry = typing.get_args(kind)[0]
        if isinstance(value, str):
            listed = value.strip().removeprefix("[").removesuffix("]")
            value = [from_text(part.strip(" \"'"), entry) for part in listed.split(",")] if listed else []
        parts = [convert(part, entry, check) for part in (value if isinstance(value, list | tuple) else [value])]
        return next((Unfit(f"a list, each {part.expected}") for part in parts if isinstance(part, Unfit)), tuple(parts))
    found = _scalar(value, kind)
    if isinstance(found, Unfit):
        return Unfit(f"{found.expected}, {check.expected}" if check and kind is not str else found.expected)
    if check and not check.holds(found):
        return Unfit(check.expected)
    return found


def _scalar(value: Any, kind: Any) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if kind is bool:
        return value if isinstance(value, bool) else Unfit("true or false")
    if kind is int:
        return value if number and isinstance(value, int) else Unfit("a whole number")
    if kind is float:
        return float(value) if number else Unfit("a number")
    if kind is Fraction:
        if isinstance(value, Fraction):
            return value
        if re.search("[eE][-+]?[0-9]{4}", str(value)):  # it would be worked out digit by digit
            return Unfit("a number such as 8/255")
        try:  # a decimal is read as written: 0.1 is 1/10
            return Fraction(str(value)) if number or isinstance(value, str) else Unfit("a number such as 8/255")
        except (ValueError, ZeroDivisionError):
            return Unfit("a number such as 8/255")
    if not isinstance(value, str) or any("\ud800" <= character <= "\udfff" for character in value):
        return Unfit("text")
    return value


def from_text(text: str, kind: Any) -> Any:
    """What text from a command line means for a number or a truth value; the text itself for all else."""
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    for number in {int: (int,), float: (int, float)}.get(kind, ()):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def overriding(cls: type, overrides: Mapping[str, Any] | Iterable[str], problems: list[Diagnostic]) -> dict[str, Any]:
    """The overrides of a dataclass of sections as a nested table, each checked.

    Problems appended: RK705 for a text without "=", RK703 and RK704 as in `read`.
    """
    sections = {name: typing.get_type_hints(kind) for name, kind in typing.get_type_hints(cls).items()}
    table: dict[str, Any] = {}
    for name, value in _pairs(overrides, problems):
        section, _, key = name.partition(".")
        if not key and section not in sections:
            owners = [f"{owner}.{section}" for owner, keys in sections.items() if section in keys]
            help = f"did you mean {' or '.join(owners)}?" if owners else "write section.key=value"
            problems.append(diagnostic("RK703", f"there is no setting {name or repr(name)}", path=name, help=help))
            continue
        if isinstance(value, str):
            value = from_text(value, sections.get(section, {}).get(key))
        table.setdefault(section, {})[key] = value
    read(cls, table, problems)
    return table


def _pairs(overrides: Mapping[str, Any] | Iterable[str], problems: list[Diagnostic]) -> Iterable[tuple[str, Any]]:
    if isinstance(overrides, Mapping):
        return overrides.items()
    pairs = []
    for text in overrides:
        name, equals, value = text.partition("=")
        if equals:
            pairs.append((name.strip(), value.strip()))
        else:
            problems.append(
                diagnostic("RK705", f"{text!r} sets nothing", help="write section.key=value: training.epochs=3")
            )
    return pairs


def merged(table: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both nested tables in one; `over` wins."""
    out = dict(table)
    for key, value in over.items():
        below = out.get(key)
        out[key] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return out


def to_table(settings: Any) -> dict[str, Any]:
    """The dataclass as nested TOML values: lists for tuples, text for fractions."""
    return {field.name: plain(getattr(settings, field.name)) for field in dataclasses.fields(settings)}


def plain(value: Any) -> Any:
    """A setting as a TOML value: a list for a tuple, a table for a section, text for a fraction."""
    if dataclasses.is_dataclass(value):
        return to_table(value)
    if isinstance(value, tuple):
        return [plain(entry) for entry in value]
    return fraction_text(value) if isinstance(value, Fraction) else value


def flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested tables with dotted keys, in their order."""
    for key, found in table.items():
        if isinstance(found, Mapping):
            yield from flat(found, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", found if isinstance(found, (str, int, float, list)) else str(found)


def differing(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys of flat settings whose values are not all the same, in order; where one is absent it differs."""
    names = dict.fromkeys(name for one in settings for name in one)
    return [name for name in names if len({json.dumps(one.get(name)) for one in settings}) > 1]
