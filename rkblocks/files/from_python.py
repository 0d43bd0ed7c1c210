"""Tableaus from Python values: written as the text of a file, which the one reader then reads."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import isfinite
from numbers import Integral, Rational, Real
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn

import sympy

from rkblocks.diagnostics import Severity, TableauError, fail
from rkblocks.escape import count, shown
from rkblocks.exact.decimals import decimal_text, meant, places
from rkblocks.files.nodes import child
from rkblocks.files.reader import read_text
from rkblocks.tableau import Tableau

_DEEP = 3
"""Lists within lists: a matrix has two levels, and the reader says what is wrong with a third."""


def tableau(
    *unnamed: Any,
    name: str = "unnamed",
    title: str | None = None,
    aliases: Iterable[str] | None = None,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    alpha: Any = None,
    beta: Any = None,
    A: Any = None,
    b: Any = None,
    c: Any = None,
    b_hat: Any = None,
    tolerance: Any = None,
    claims: Mapping[str, Any] | None = None,
    references: Iterable[str] | None = None,
) -> Tableau:
    """The tableau of the given coefficients; the keywords are the keys of a file, and mean the same (docs/format.md).

    Args:
        alpha: rows of 1, 2, ..., m entries, of the Shu-Osher form.
        beta: as alpha.
        A: of the Butcher form, m rows of m entries or of 0, 1, ..., m - 1.
        b: weights, m entries.
        c: abscissae, m entries.
        b_hat: weights of an embedded method, m entries.
        tolerance: for a table of decimals; only with it may entries be floats, whose shortest decimal text then counts.

    An entry is an int, a Fraction or Decimal, a number or an expression of sympy in the declared parameters, an integer
    of numpy, or text in the grammar of the file; rows may be lists, arrays, or a matrix of sympy.

    Raises TableauError with the diagnostics of a file, their JSON pointers as places; RK340 for a float without
    tolerance, and for what is no entry at all; RK822 for arguments without a name.

    Example:
        >>> from fractions import Fraction
        >>> heun = tableau(name="heun", A=[[], [1]], b=[Fraction(1, 2), "1/2"])
        >>> print(heun.to_json(), end="")
        {
          "name": "heun",
          "A": [[], ["1"]],
          "b": ["1/2", "1/2"]
        }
    """
    if unnamed:
        help = "name them as in a file: rkblocks.tableau(A=..., b=...)"
        fail(
            "RK822",
            f"{count(len(unnamed), 'argument')} without a name, expected keywords",
            help=help,
            source="tableau()",
        )
    floats = tolerance is not None
    given = {
        "name": name,
        "title": title,
        "aliases": aliases,
        "parameters": parameters,
        **{"alpha": alpha, "beta": beta, "A": A, "b": b, "c": c, "b_hat": b_hat},
        "tolerance": _tolerance(tolerance),
        "claims": claims,
        "references": references,
    }
    content = {
        key: _value(value, f"/{key}", floats, key in ("b", "c", "b_hat"))
        for key, value in given.items()
        if value is not None
    }
    reading = read_text(json.dumps(content))
    if reading.tableau is None:
        errors = [d for d in reading.diagnostics if d.severity is Severity.ERROR]
        raise TableauError((replace(d, line=None, column=None) for d in errors), "tableau()")
    return replace(reading.tableau, origin=None)


def to_json(tableau: Tableau) -> str:
    """The text of a tableau file, as `Tableau.to_json`."""
    return tableau.to_json()


def save(tableau: Tableau, path: str | PathLike[str]) -> None:
    """Write the file of a tableau.  RK903 where that cannot be done."""
    write(tableau.to_json(), path)


def write(text: str, path: str | PathLike[str]) -> None:
    """Write text to a file, in UTF-8.  RK903 where that cannot be done."""
    try:
        Path(path).write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        fail("RK903", f"cannot write {shown(str(path), width=200)}: {reason}", help=_elsewhere(error, Path(path)))


def _elsewhere(error: Exception, path: Path) -> str:
    """What to do about a place that takes no file."""
    if isinstance(error, ValueError):
        return "leave out the NUL"
    if isinstance(error, IsADirectoryError):
        return f"name a file, such as {path / 'NAME'}"
    if isinstance(error, PermissionError):
        return "name a file where you may write"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "make room, or name a file on another disk"
    there = isinstance(error, FileNotFoundError) and path.parent.is_dir()
    return "no file can be made in this folder: name one in another" if there else "name a file in a folder that exists"


def _tolerance(value: Any) -> Any:
    """A Fraction as the decimal that it is; the reader judges everything else."""
    decimal = isinstance(value, Fraction) and value > 0 and places(value) is not None
    return decimal_text(value) if decimal else value


def _value(value: Any, path: str, floats: bool, flat: bool = False, depth: int = 0) -> Any:
    """A value as JSON has it.  Rows of a matrix become lists, entries text; with ``flat`` a matrix is one list."""
    if value is None or isinstance(value, bool | str):
        return value
    if path == "/claims/order" and isinstance(value, Integral):  # the one number that is no entry
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): _value(item, child(path, str(key)), floats) for key, item in value.items()}
    if isinstance(value, sympy.MatrixBase):
        value = list(value) if flat else value.tolist()
    if _is_list(value) and depth < _DEEP:
        return [_value(item, child(path, i), floats, depth=depth + 1) for i, item in enumerate(value)]
    return _entry(value, path, floats or path == "/tolerance")


def _is_list(value: Any) -> bool:
    if isinstance(value, bytes | bytearray | set | frozenset | sympy.Basic) or getattr(value, "shape", None) == ():
        return False
    return isinstance(value, Iterable)


def _entry(value: Any, path: str, floats: bool) -> str:
    """A number or an expression in the grammar of the file."""
    if isinstance(value, Integral):
        return f"{Decimal(int(value)):f}"  # any size: str() ends at 4300 digits, the reader at 1000
    if isinstance(value, Rational):
        return f"{_entry(value.numerator, path, floats)}/{_entry(value.denominator, path, floats)}"
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    if isinstance(value, sympy.Expr) and not isinstance(value, Real):
        return _expression(value, path, floats)
    if isinstance(value, Real):
        if not isfinite(value):
            _refuse(path, value, "is no finite number", "a coefficient is a finite number")
        if not floats:
            _refuse_float(path, value)
        return repr(float(value)) if isinstance(value, float) else str(value)
    if getattr(value, "shape", None) == () and hasattr(value, "item"):  # an array or tensor of no dimension
        return _entry(value.item(), path, floats)
    help = 'an entry is an int, a Fraction, a number or expression of sympy, or text such as "1/3"'
    return _refuse(path, value, f"is of type {type(value).__name__}, which is no exact number", help)


def _expression(value: sympy.Expr, path: str, floats: bool) -> str:
    """An expression of sympy; the reader judges its names and functions, once its text cannot mean anything else."""
    if value.has(sympy.Float) and not floats:
        _refuse_float(path, value)
    odd = value.atoms(sympy.NumberSymbol, sympy.core.numbers.ImaginaryUnit)  # "I", "pi": a parameter may be called so
    odd |= {s for s in value.free_symbols if not s.name.isidentifier()}
    if odd or value.has(sympy.oo, -sympy.oo, sympy.zoo, sympy.nan):
        reason = f"holds {', '.join(sorted(map(str, odd)))}" if odd else "is not finite"
        _refuse(path, value, reason, "numbers, declared parameters, + - * / ** and sqrt make an entry")
    return str(value)


def _refuse_float(path: str, value: Any) -> NoReturn:
    fraction = meant(Fraction(str(value))) if isinstance(value, Real) else None
    example = "Fraction(1, 3)" if fraction is None else f'"{fraction}"'
    help = f'write it exactly, as {example}; floats are taken with tolerance="1e-15", or how far their digits are known'
    _refuse(path, value, "is a float, which is rarely the number that was meant", help)


def _refuse(path: str, value: Any, reason: str, help: str) -> NoReturn:
    kind = type(value)
    text = f"{value} ({kind.__name__} of numpy)" if kind.__module__ == "numpy" else repr(value)
    fail("RK340", f"{shown(text, quotes=False)} {reason}", path=path, help=help, source="tableau()")
