"""One tableau as arrays in a language: Python, Julia, MATLAB, C, and CSV; `rkblocks convert` reads each of them.

Python and Julia get exact numbers (fractions; square roots as sympy, or in Julia to the precision of BigFloat), CSV the
grammar of a tableau file.  In MATLAB and C a quotient of two numbers below 2^53 is rounded once, like a decimal of 17
digits, which stands for every other number; a comment says how many do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rkblocks import escape
from rkblocks.exact.field import Element, Field
from rkblocks.forms import Row
from rkblocks.tableau import Tableau

EXACT_DOUBLE = 2**53
LARGEST_INT = 2**63 - 1

_QUOTIENT = re.compile(r"\b(\d+)/(\d+)\b")


@dataclass(frozen=True)
class Language:
    """comment: what begins one; number, matrix, vector: the text of each; head: lines before, for rationals or not."""

    comment: str
    number: Callable[[Field, Element], str]
    matrix: Callable[[str, list[list[str]]], str]
    vector: Callable[[str, list[str]], str]
    head: Callable[[bool], str] = lambda rational: ""
    rounds: bool = False


def arrays(tableau: Tableau, language: str) -> str:
    """Return the Butcher form of a tableau as source text, and its Shu-Osher form where the file has one.

    language: a key of `LANGUAGES`. Of a family this is the member at the initial values; matrices are square.
    """
    chosen = LANGUAGES[language]
    member = tableau.at(tableau.initial()) if tableau.parameters else tableau
    field, form = member.field, member.butcher_form
    m = len(form.b)
    matrices = {"A": form.A}
    if member.shu_osher is not None:
        matrices |= {"alpha": member.shu_osher.alpha, "beta": member.shu_osher.beta}
    hat = form.b_hat if member.shu_osher is None or form.b_hat is not None else member.shu_osher.b_hat
    vectors = {"b": form.b, "c": member.abscissae, **({} if hat is None else {"b_hat": hat})}
    entries = [e for rows in (*matrices.values(), tuple(vectors.values())) for row in rows for e in row]

    def line(row: Row) -> list[str]:
        return [chosen.number(field, entry) for entry in (*row, *[field.zero] * (m - len(row)))]

    lines = (
        [] if not chosen.comment else [f"{chosen.comment} {note}" for note in _notes(tableau, chosen, entries, field)]
    )
    if head := chosen.head(all(map(field.is_rational, entries))):
        lines.append(head)
    square = {key: [line(row) for row in rows] for key, rows in matrices.items()}
    lines.append(chosen.matrix("A", square.pop("A")))
    lines += [chosen.vector(key, line(row)) for key, row in vectors.items()]
    lines += [chosen.matrix(key, rows) for key, rows in square.items()]
    return "\n".join(lines) + "\n"


def _notes(tableau: Tableau, language: Language, entries: Sequence[Element], field: Field) -> list[str]:
    title = escape.line(" ".join(f"{tableau.name}: {tableau.title}".split()).rstrip(":"))
    notes = [title.replace("\\", "/").replace("??", "? ?")]  # in C both go on in the next line
    if tableau.parameters:
        numbers = tableau.field.constants
        values = ", ".join(f"{p.name} = {numbers.text(p.init)}" for p in tableau.parameters)
        notes.append(f"the member at {values}")
    rounded = sum(not _is_quotient(field, entry) for entry in entries) if language.rounds else 0
    if rounded:
        notes.append(f"{rounded} entries are decimals of 17 digits: the nearest doubles of longer numbers")
    return notes


def _is_quotient(field: Field, a: Element) -> bool:
    """Whether one division of two doubles rounds the number as a decimal of 17 digits would be."""
    if not field.is_rational(a):
        return False
    value = field.fraction(a)
    return max(abs(value.numerator), value.denominator) < EXACT_DOUBLE


def _double(field: Field, a: Element) -> str:
    return f"{field.to_float(a):.17g}"


def _python(field: Field, a: Element) -> str:
    if field.is_rational(a):
        value = field.fraction(a)
        kind = "Fraction" if not field.roots else "Rational"
        return str(value) if value.denominator == 1 else f"{kind}({value.numerator}, {value.denominator})"
    return _QUOTIENT.sub(r"Rational(\1, \2)", field.text(a))


def _julia(field: Field, a: Element) -> str:
    def integer(digits: str) -> str:
        return digits if int(digits) <= LARGEST_INT else f'big"{digits}"'

    def quotient(match: re.Match[str]) -> str:
        return f"{integer(match[1])}//{integer(match[2])}"

    if not field.is_rational(a):
        text = _QUOTIENT.sub(quotient, field.text(a))
        return re.sub(r"sqrt\((\d+)\)", r"sqrt(big(\1))", text).replace(" ", "")
    value = field.fraction(a)
    sign = "-" if value < 0 else ""
    above = integer(str(abs(value.numerator)))
    return f"{sign}{above}" if value.denominator == 1 else f"{sign}{above}//{integer(str(value.denominator))}"


def _matlab(field: Field, a: Element) -> str:
    return str(field.fraction(a)) if _is_quotient(field, a) else _double(field, a)


def _c(field: Field, a: Element) -> str:
    if not _is_quotient(field, a):
        text = _double(field, a)
        return text if re.search(r"[.e]", text) else f"{text}.0"
    value = field.fraction(a)
    return f"{value.numerator}.0" if value.denominator == 1 else f"{value.numerator}.0/{value.denominator}.0"


def _imports(rational: bool) -> str:
    return ("from fractions import Fraction" if rational else "from sympy import Rational, sqrt") + "\n"


def _rows(left: str, between: str, right: str) -> Callable[[list[list[str]]], str]:
    return lambda rows: "\n".join(f"    {left}{between.join(row)}{right}" for row in rows)


LANGUAGES = {
    "python": Language(
        "#",
        _python,
        lambda name, rows: f"{name} = [\n{_rows('[', ', ', '],')(rows)}\n]",
        lambda name, row: f"{name} = [{', '.join(row)}]",
        _imports,
    ),
    "julia": Language(
        "#",
        _julia,
        lambda name, rows: f"{name} = [\n{_rows('', ' ', '')(rows)}\n]",
        lambda name, row: f"{name} = [{', '.join(x if '/' in x else f'{x}//1' for x in row)}]",  # one type
    ),
    "matlab": Language(
        "%",
        _matlab,
        lambda name, rows: f"{name} = [\n{_rows('', ' ', ';')(rows)}\n];",
        lambda name, row: f"{name} = [{' '.join(row)}];",
        rounds=True,
    ),
    "c": Language(
        "//",
        _c,
        lambda name, rows: (
            f"static const double {name}[{len(rows)}][{len(rows)}] = {{\n{_rows('{', ', ', '},')(rows)}\n}};"
        ),
        lambda name, row: f"static const double {name}[{len(row)}] = {{{', '.join(row)}}};",
        rounds=True,
    ),
    "csv": Language(
        "",
        lambda field, a: field.text(a),
        lambda name, rows: "\n".join(",".join([name, *row]) for row in rows),
        lambda name, row: ",".join([name, *row]),
    ),
}
"""The languages that `rkblocks show --format` writes."""
