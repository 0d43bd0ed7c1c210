"""One tableau in LaTeX: exact numbers, the Butcher array, the formulas of a step; for papers and for Markdown.

What is written needs amsmath and nothing else; MathJax and KaTeX read it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from rkblocks.exact.field import Element, Field
from rkblocks.forms import Row, ShuOsher
from rkblocks.tableau import Parameter, Tableau

LONGEST_DENOMINATOR = 9999
"""Exact decimals with a larger one are written with their digits."""
TERMS = 5
"""So many terms of a sum stand on one line."""


def latex(tableau: Tableau) -> str:
    r"""Return what `rkblocks show --format latex` prints: displays of the array and of the formulas of a step."""
    lines = [f"% {_comment(tableau)}", "% needs \\usepackage{amsmath}", *_display("equation*", [array(tableau)])]
    lines += _display("align*", [" \\\\\n  ".join(formulas(tableau))])
    if tableau.parameters:
        lines += _display("equation*", [",\\qquad ".join(parameter(tableau.field, p) for p in tableau.parameters)])
    lines += [f"% {' '.join(reference.split())}" for reference in tableau.references]
    return "\n".join(lines) + "\n"


def number(field: Field, a: Element) -> str:
    r"""Return an element: ``\tfrac{1}{4}``, ``-\tfrac{1}{2} + \tfrac{\sqrt{2}}{2}``, ``1 - \tfrac{1}{2 c_{2}}``."""
    if field.is_rational(a):
        return _rational(field.fraction(a))
    from sympy.printing.latex import latex as printed

    return str(printed(field.sympy(a))).replace("\\frac", "\\tfrac")


def array(tableau: Tableau, indent: str = "  ") -> str:
    """Return the Butcher array, without the zeros on and above the diagonal of an explicit method."""
    form, field = tableau.butcher_form, tableau.field
    m = len(form.b)
    explicit = form.is_explicit()

    def line(head: str, row: Row, shown: int) -> str:
        return (
            " & ".join([head, *(number(field, entry) for entry in row[:shown]), *[""] * (m - shown)]).rstrip() + " \\\\"
        )

    rows = [
        line(number(field, c), row, i if explicit else m)
        for i, (c, row) in enumerate(zip(tableau.abscissae, form.A, strict=True))
    ]
    feet = [line("", row, m) for row in (form.b, form.b_hat) if row is not None]
    inner = f"\n{indent}  ".join([*rows, "\\hline", *feet])
    return f"\\begin{{array}}{{c|{'c' * m}}}\n{indent}  {inner}\n{indent}\\end{{array}}"


def formulas(tableau: Tableau) -> Iterator[str]:
    """Yield the lines of a step, with & before the equals sign: of the Shu-Osher form, else of the Butcher form."""
    if tableau.shu_osher is not None:
        yield from _shu_osher(tableau.field, tableau.shu_osher)
        return
    form, field = tableau.butcher_form, tableau.field
    for i, row in enumerate(form.A):
        terms = [(a, f"\\Delta t\\,k_{{{j + 1}}}") for j, a in enumerate(row) if a]
        yield f"k_{{{i + 1}}} &= F({_sum(field, [(field.one, 'x_n'), *terms])})"
    steps = [(a, f"\\Delta t\\,k_{{{j + 1}}}") for j, a in enumerate(form.b) if a]
    yield f"x_{{n+1}} &= {_sum(field, [(field.one, 'x_n'), *steps])}"


def parameter(field: Field, p: Parameter) -> str:
    r"""Return the domain and the initial value: ``\beta_{10} \in (\tfrac{1}{2}, 1),\ \beta_{10} = \tfrac{3}{4}``."""
    name = number(field, field.parameter(p.name))
    low = "-\\infty" if p.low is None else number(field.constants, p.low)
    high = "\\infty" if p.high is None else number(field.constants, p.high)
    kind = "initially" if p.learnable else "fixed at"
    return f"{name} \\in ({low}, {high})\\ \\text{{{kind}}}\\ {number(field.constants, p.init)}"


def _shu_osher(field: Field, form: ShuOsher) -> Iterator[str]:
    m = len(form.alpha)
    stages = ["x_n", *(f"u^{{({i})}}" for i in range(1, m))]
    for left, alpha, beta in zip([*stages[1:], "x_{n+1}"], form.alpha, form.beta, strict=True):
        terms = [(a, stages[k]) for k, a in enumerate(alpha) if a]
        terms += [(b, f"\\Delta t\\,F({stages[k]})") for k, b in enumerate(beta) if b]
        yield f"{left} &= {_sum(field, terms)}"


def _sum(field: Field, terms: Sequence[tuple[Element, str]]) -> str:
    result = ""
    for count, (coefficient, factor) in enumerate(terms):
        if count and count % TERMS == 0:
            result += " \\\\\n  &\\quad"
        sign, size = _split(field, coefficient)
        product = factor if size == "1" else f"{size}\\,{factor}"
        result += f" {sign} {product}" if result else f"-{product}" if sign == "-" else product
    return result or "0"


def _split(field: Field, a: Element) -> tuple[str, str]:
    """Return the sign and the size of a coefficient, a sum in brackets."""
    if field.is_rational(a):
        value = field.fraction(a)
        return ("-" if value < 0 else "+"), _rational(abs(value))
    expression: Any = field.sympy(a)
    if expression.is_Add:
        return "+", f"\\left({number(field, a)}\\right)"
    return ("-", number(field, -a)) if expression.could_extract_minus_sign() else ("+", number(field, a))


def _rational(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    sign = "-" if value < 0 else ""
    decimal = _decimal(abs(value)) if value.denominator > LONGEST_DENOMINATOR else ""
    return f"{sign}{decimal}" if decimal else f"{sign}\\tfrac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def _decimal(value: Fraction) -> str:
    """Return all digits of a terminating decimal, "" for another number."""
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return ""
    places = max(twos, fives)
    whole, digits = divmod(value.numerator * 10**places // value.denominator, 10**places)
    return f"{whole}.{digits:0{places}d}"


def _display(environment: str, body: Sequence[str]) -> list[str]:
    return [f"\\begin{{{environment}}}", *(f"  {part}" for part in body), f"\\end{{{environment}}}"]


def _comment(tableau: Tableau) -> str:
    return " ".join(f"{tableau.name}: {tableau.title}".split()).rstrip(":")
