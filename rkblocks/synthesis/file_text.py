"""From unknowns in 70 digits to a tableau file: exact where every number is recognised, else decimals that promise.

In decimals a Shu-Osher form is rounded so that the rows of alpha sum to 1 exactly, no sign changes and every
``alpha/beta`` is at least the r of the file: the certified coefficient is then a theorem about the file, and its
tolerance covers the order conditions alone.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath

from rkblocks.exact.decimals import decimal_digits
from rkblocks.exact.roots import Root
from rkblocks.exact.work import TooLarge
from rkblocks.files.reader import read_text
from rkblocks.synthesis.conditions import Array
from rkblocks.synthesis.polish import PRECISION, recognised
from rkblocks.synthesis.problem import Problem
from rkblocks.synthesis.unknowns import CanonicalForm, TwoRegisters
from rkblocks.tableau import Claimed, Claims, Tableau, layout
from rkblocks.verify.canonical import LONGEST_CLAIM, claimed_text, leading_digits
from rkblocks.verify.contractivity import circle_contractivity
from rkblocks.verify.facts import Facts

DIGITS = 32
"""Decimal places of the numbers that are written; 20 with two registers, where entries are products of them."""
SPARE = range(1, 10)
"""The tolerance is the least power of ten that holds, this many places above the last digit."""


def exact_file(problem: Problem, x: Array, name: str) -> Tableau | None:
    """The tableau with every number recognised, None where one is not or the method has not the order, exactly."""
    content = _exact_content(problem, x)
    if content is None:
        return None
    reading = read_text(layout({"name": name, **content}), f"{name}.json")
    if reading.tableau is None:
        return None  # more square roots than a file can hold, say
    facts = Facts(reading.tableau)
    return reading.tableau if facts.order.verdict == "exact" and facts.order.value >= problem.wish.order else None


def decimal_file(problem: Problem, x: Array, name: str) -> Tableau | None:
    """The tableau in decimals with the least tolerance that its order needs, None where none of a few suffices."""
    content, digits = _decimal_content(problem, x)
    for spare in SPARE:
        tolerance = f"1e-{digits - spare}"
        reading = read_text(layout({"name": name, **content, "tolerance": tolerance}), f"{name}.json")
        if reading.tableau is None:
            return None
        if Facts(reading.tableau).order.value >= problem.wish.order:
            return reading.tableau
    return None


def text_of(tableau: Tableau, title: str, references: tuple[str, ...]) -> str:
    """The text of the tableau's file, with title, references, and claims that `check` proves."""
    facts = Facts(tableau)
    written = replace(tableau, title=title, references=references, claims=_claims(facts))
    return written.to_json(decimals=bool(tableau.tolerance))


def _claims(facts: Facts) -> Claims:
    """What holds of the tableau, in the words of a file."""
    optimal, declared = facts.optimal, facts.declared
    field = facts.field
    return Claims(
        order=facts.order.value,
        ssp=None if optimal is None else _root(optimal.root),
        declared_ssp=None if declared is None or declared.cfl is None else claimed_text(field, declared.cfl),
        rho=_rho(facts),
        variance=claimed_text(field, facts.growth.growth),
    )


def _rho(facts: Facts) -> Claimed | None:
    try:
        found = circle_contractivity(facts.reduced)
    except TooLarge:
        return None
    return None if found is None else _root(found.root)


def _root(root: Root) -> Claimed:
    """The claim of a number that a root gives: itself where it is short, else its leading digits."""
    text = root.text
    return Claimed(text) if text is not None and len(text) <= LONGEST_CLAIM else leading_digits(root)


# -- exact -----------------------------------------------------------------------------------------------------------


def _exact_content(problem: Problem, x: Array) -> dict[str, Any] | None:
    unknowns, _ = problem.split(x)
    form, m = problem.form, problem.wish.stages
    if isinstance(form, CanonicalForm):
        r = recognised(unknowns[-1]) if form.r is None else str(problem.wish.required("ssp", ">=", "=="))
        table = _texts(form.alpha(unknowns))
        if r is None or table is None:
            return None
        alpha = [[_rest(row[1:i]) if j == 0 else row[j] for j in range(i)] for i, row in enumerate(table)][1:]
        beta = [[f"({row[j]})/({r})" for j in range(i)] for i, row in enumerate(table)][1:]
        return {"alpha": alpha, "beta": beta}
    table = _texts(form.method(unknowns))
    if table is None:
        return None
    return {"A": [row[:i] for i, row in enumerate(table[:m])], "b": table[m][:m]}


def _texts(table: Array) -> list[list[str]] | None:
    found: list[list[str]] = []
    for row in table:
        texts = [recognised(entry) if entry else "0" for entry in row]
        if None in texts:
            return None
        found.append([str(text) for text in texts])
    return found


def _rest(entries: list[str]) -> str:
    """What is missing to a sum of 1."""
    return "1" + "".join(f" - ({entry})" for entry in entries if entry != "0")


# -- decimals --------------------------------------------------------------------------------------------------------


def _rounded(value: Any, digits: int, direction: str = "n") -> Fraction:
    """The decimal with so many places next to a multiprecision number; direction "d" is downwards."""
    with mpmath.workdps(PRECISION):
        scaled = value * mpmath.mpf(10) ** digits
        whole = int(mpmath.floor(scaled)) if direction == "d" else int(mpmath.nint(scaled))
    return Fraction(whole, 10**digits)


def _decimal_content(problem: Problem, x: Array) -> tuple[dict[str, Any], int]:
    unknowns, _ = problem.split(x)
    form, m = problem.form, problem.wish.stages
    if isinstance(form, CanonicalForm):
        r = (
            _rounded(unknowns[-1], DIGITS, "d")
            if form.r is None
            else Fraction(str(problem.wish.required("ssp", ">=", "==")))
        )
        return _shu_osher(form.alpha(unknowns), r), DIGITS
    if isinstance(form, TwoRegisters):
        digits = 20
        K = form.method(_as_fractions(unknowns, digits))
        rows = [[Fraction(entry) for entry in row] for row in K]
    else:
        digits = DIGITS
        rows = [[_rounded(entry, digits) for entry in row] for row in form.method(unknowns)]
        largest = max(range(m), key=lambda j: abs(rows[m][j]))
        rows[m][largest] += 1 - sum(rows[m][:m])  # consistent, exactly
        if problem.wish.goal == "imaginary" or problem.wish.required("imaginary", ">="):
            _outward(rows, digits)
    table = [[decimal_digits(entry) for entry in row[:m]] for row in rows]
    return {"A": [row[:i] for i, row in enumerate(table[:m])], "b": table[m]}, digits


def _outward(rows: list[list[Fraction]], digits: int) -> None:
    """Let ``|P(iy)|**2 = 1 + (1 - 2 psi_2) y**2 + ...`` fall at 0: psi_2 = b.c is rounded to a little more than 1/2."""
    m = len(rows) - 1
    row = max(range(1, m), key=lambda i: abs(rows[m][i]), default=0)
    missing = Fraction(1, 2) + Fraction(50, 10**digits) - sum(rows[m][i] * sum(rows[i][:m]) for i in range(m))
    if row and rows[m][row] and missing > 0:
        step = missing / rows[m][row]
        scaled = step * 10 ** (digits + 2)
        whole = scaled.numerator // scaled.denominator + (step > 0)  # away from zero
        rows[row][row - 1] += Fraction(whole, 10 ** (digits + 2))


def _as_fractions(unknowns: Array, digits: int) -> Array:
    found = unknowns.copy()
    found[:] = [_rounded(v, digits) for v in unknowns]
    return found


def _shu_osher(table: Array, r: Fraction) -> dict[str, Any]:
    """alpha and beta with row sums of exactly 1 and ``alpha >= r beta >= 0``, entry by entry."""
    alpha: list[list[Fraction]] = []
    beta: list[list[Fraction]] = []
    for i in range(1, len(table)):
        row = [max(_rounded(entry, DIGITS), Fraction(0)) for entry in table[i][:i]]
        excess = sum(row) - 1
        if excess > 0:  # by rounding: the row sums to 1 in truth
            row[max(range(i), key=row.__getitem__)] -= excess
        alpha.append([Fraction(1) - sum(row[1:]), *row[1:]])
        beta.append([_below(entry / r) for entry in row])
    return {
        "alpha": [list(map(decimal_digits, row)) for row in alpha],
        "beta": [list(map(decimal_digits, row)) for row in beta],
    }


def _below(value: Fraction) -> Fraction:
    scale = 10 ** (DIGITS + 2)
    return Fraction(value.numerator * scale // value.denominator, scale)
