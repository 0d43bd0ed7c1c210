"""The text of a tableau file as people write it: JSON with one row of an array to a line, and decimals in digits."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

from rkblocks.exact.rounded import places

_WIDTH = 110


def decimal_digits(value: Fraction) -> str:
    """A decimal fraction in digits, exactly: "-0.25".  ValueError for one that has no end."""
    shown = _places(value)
    if not shown:
        return str(value)
    sign, digits = "-" if value < 0 else "", str(abs(int(value * 10**shown))).rjust(shown + 1, "0")
    return f"{sign}{digits[:-shown]}.{digits[-shown:]}"


def decimal_text(value: Fraction) -> str:
    """A decimal fraction as digits and an exponent: "1e-15".  ValueError for one that has no end."""
    shown = _places(value)
    return f"{int(value * 10**shown)}e-{shown}"


def _places(value: Fraction) -> int:
    shown = places(value)
    if shown is None:
        raise ValueError(f"{value} is no decimal fraction")
    return shown


def layout(value: Any, indent: int = 0) -> str:
    """JSON with one row of an array to a line, as people write tableaus."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or (indent and len(flat) + indent <= _WIDTH and not _is_table(value)):
        return flat
    pad = " " * (indent + 2)
    if isinstance(value, dict):
        lines = [f"{pad}{json.dumps(k, ensure_ascii=False)}: {layout(v, indent + 2)}" for k, v in value.items()]
        return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"
    lines = [pad + layout(item, indent + 2) for item in value]
    return "[\n" + ",\n".join(lines) + "\n" + " " * indent + "]"


def _is_table(value: Any) -> bool:
    """A matrix of more than two rows gets a line for each row."""
    return isinstance(value, list) and len(value) > 2 and all(isinstance(row, list) for row in value)
