"""Whether a tableau is one consistent explicit method at all: what `build` and the other checks take for granted.

Decimals without a tolerance are looked at first: whether their digits alone cost a table its order, and what to write
instead.  What is too large to be checked within the budgets of `exact.work` is refused, by measures that depend on the
file alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb, factorial

from rkblocks.diagnostics import Diagnostic, diagnostic
from rkblocks.exact.decimals import LONG, decimal_text, meant, places, unit
from rkblocks.exact.field import Element, Field
from rkblocks.exact.value import Exact
from rkblocks.forms import Rows
from rkblocks.verify import trees
from rkblocks.verify.declared import Place, pointer, shown
from rkblocks.verify.facts import Facts
from rkblocks.verify.integral import ring
from rkblocks.verify.values import beside, off, short

NEAR = 1000
"""Residuals of at most so many units of the last digit are those of rounding, unless they are larger than the right
side 1/n! of the tall tree divided by the same number: then they may be chance."""
SHOWN = 4
"""So many fractions are named."""
MOST_BITS = 200_000
"""Largest bits of the common denominator times stages (and the degree of the field squared); Verner's pair of order 9
with square roots, 16 stages, needs 105,000 and is by far the largest in the library."""
MOST_WORK = 300_000_000
"""Largest product of those bits with entries times stages, the steps of one elimination; the pair needs 200,000,000."""
MOST_ROOT_PRODUCTS = 100_000
"""Largest number of entries times stages (and the degree of the field squared) beside square roots."""
MOST_TERMS = 12_000
"""Largest number of terms of a polynomial in the parameters, times stages squared, that a family may lead to."""


@dataclass(frozen=True)
class Rounded:
    """A table that looks rounded: the ``order`` of what was meant, the largest ``defect`` of the digits, the least
    ``tolerance`` (a power of ten) that covers it, and the ``fractions`` that some decimals may stand for."""

    order: int
    defect: Fraction
    tolerance: Fraction
    fractions: tuple[tuple[Place, Fraction], ...]


def rounded(facts: Facts) -> Rounded | None:
    """What a table of rational numbers without tolerance was rounded from; None where its digits cost no order."""
    field, tableau = facts.field, facts.tableau
    if tableau.tolerance or tableau.parameters or field.roots:
        return None
    given = [(place, field.fraction(entry)) for place, entry in tableau.entries()]
    decimals = [(place, value) for place, value in given if (places(value) or 0) >= LONG]
    if not decimals:
        return None
    bound = NEAR * _unit([value for _, value in decimals])
    defects = [abs(field.fraction(d)) for d in facts.alpha_defects]
    defects += [abs(field.fraction(given - derived)) for _, given, derived in facts.disagreements]
    if any(d > bound for d in defects):
        return None
    exact = 0 if defects else facts.order.exact
    worst = max(defects, default=Fraction(0))
    order = 0
    for n in range(1, tableau.stages + 1):
        largest = _largest(facts, n, min(bound, Fraction(1, NEAR * factorial(n))))
        if largest is None:
            break
        order, worst = n, max(worst, largest)
    if order <= exact:
        return None
    tolerance = Fraction(1)
    while tolerance / 10 >= worst:
        tolerance /= 10
    fractions = [(place, f) for place, value in decimals if (f := meant(value)) is not None and f != value]
    return Rounded(order, worst, tolerance, tuple(fractions))


def digits_unit(facts: Facts) -> Fraction | None:
    """Half a unit of the last digit of a table of rational numbers, None for one without long decimals."""
    if facts.tableau.parameters or facts.field.roots:
        return None
    values = [facts.field.fraction(entry) for _, entry in facts.tableau.entries()]
    decimals = [value for value in values if (places(value) or 0) >= LONG]
    return _unit(decimals) if decimals else None


def _unit(decimals: list[Fraction]) -> Fraction:
    """Half a unit of the last digit, for the largest of the decimals: all have as many digits as the longest shows."""
    counted = [(value, places(value) or 0) for value in decimals]
    digits = [len(str(abs(value.numerator) * 10**shown // value.denominator)) for value, shown in counted]
    most = max(digits)
    return max(unit(value, shown + most - n) for (value, shown), n in zip(counted, digits, strict=True))


def _largest(facts: Facts, n: int, bound: Fraction) -> Fraction | None:
    """The largest residual over the trees with n nodes; None where one is beyond the bound."""
    found = Fraction(0)
    for tree in trees.trees(n):
        residual = abs(facts.field.fraction(facts.conditions.residual(tree)))
        if residual > bound:
            return None
        found = max(found, residual)
    return found


def named(fractions: tuple[tuple[Place, Fraction], ...]) -> Iterator[str]:
    """Yield "A[1][0] = 1/3" for the first few."""
    yield from (f"{shown(place)} = {value}" for place, value in fractions[:SHOWN])


def is_close(facts: Facts, difference: Element) -> bool:
    """Whether a difference that should be zero is zero, or within the tolerance of a decimal table."""
    return facts.field.within(difference, facts.tableau.tolerance)


def holds_at_init(facts: Facts, difference: Element) -> bool:
    """Whether a difference that depends on parameters is zero at their initial values."""
    field = facts.field
    return bool(field.free_parameters(difference)) and not field.substitute(difference, facts.tableau.initial())


def bounded(facts: Facts) -> Iterator[Diagnostic]:
    """The work that the table asks for must be bounded; the declared form is looked at before it is converted."""
    form, field = facts.tableau.shu_osher, facts.field
    reason = "" if form is None else too_large(field, (*form.alpha, *form.beta))
    if not reason:
        reason = too_large(field, (*facts.form.A, facts.form.b))
    if reason:
        yield diagnostic(
            "RK306",
            f"too large to be checked exactly: {reason}",
            path="/A" if facts.tableau.butcher is not None else "/alpha",
            help="round the coefficients to fewer digits and give a tolerance, or fix some of the parameters",
        )


def too_large(field: Field, rows: Rows) -> str:
    """Why a form with these rows (A and b, or alpha and beta) is too large, in words; "" where it is not."""
    entries = [entry for row in rows for entry in row if entry]
    m = max(map(len, rows))
    if not field.parameters:
        _, denominator = ring(field).clear(entries)
        degree_squared = (1 << len(field.roots)) ** 2
        bits = denominator.bit_length() * m * degree_squared
        products = len(entries) * m
        if field.roots and products * degree_squared > MOST_ROOT_PRODUCTS:
            return f"{m} stages with square roots in {len(entries)} entries"
        digits = denominator.bit_length() * 3 // 10
        large = bits > MOST_BITS or bits * products > MOST_WORK
        return f"{m} stages, {len(entries)} entries over a common denominator of {digits} digits" if large else ""
    free = {name for entry in entries for name in field.free_parameters(entry)}
    degree = max((max(map(sum, part), default=0) for e in entries for part in (e.numer, e.denom)), default=0)
    terms = comb(degree * m + len(free), len(free)) if free else 1
    roots = (1 << len(field.roots)) ** 2
    if terms * m * m * roots > MOST_TERMS:
        return f"{m} stages with entries of degree {degree} in {len(free)} parameters"
    return ""


def explicit(facts: Facts) -> Iterator[Diagnostic]:
    """A must be strictly lower triangular; one diagnostic names the first entry that is not."""
    A = facts.form.A
    found = [(i, j) for i in range(len(A)) for j in range(i, len(A)) if A[i][j]]
    if not found and facts.tableau.butcher is not None and not facts.tableau.butcher.is_explicit():
        yield _rounded_to_explicit(facts)
    if found:
        i, j = found[0]
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        kind = "its own value" if i == j else f"the later stage u{j}"
        yield diagnostic(
            "RK301",
            f"implicit method: stage u{i} uses {kind}, A[{i}][{j}] = {short(facts.field, A[i][j])}{more}",
            path=f"/A/{i}/{j}",
            help="only explicit methods can be run: A must be zero on and above its diagonal (or within the tolerance)",
        )


def _rounded_to_explicit(facts: Facts) -> Diagnostic:
    """A remark on entries that are 0 within the tolerance, and so taken for 0."""
    given = facts.tableau.butcher
    assert given is not None
    i, j = next((i, j) for i, row in enumerate(given.A) for j in range(i, len(row)) if row[j])
    value = short(facts.field, given.A[i][j])
    return diagnostic(
        "RK343",
        f"A[{i}][{j}] = {value} is taken as 0, within the tolerance: the method is explicit",
        path=f"/A/{i}/{j}",
        help="write 0 on and above the diagonal",
    )


def alpha_rows(facts: Facts) -> Iterator[Diagnostic]:
    """Each row of alpha must sum to one; in a family that is naive about it, at least at the initial values."""
    form, field = facts.tableau.shu_osher, facts.field
    for i, row in enumerate(form.alpha if form is not None else ()):
        total = sum(row, field.zero)
        if is_close(facts, total - field.one):
            continue
        naive = holds_at_init(facts, total - field.one)
        yield diagnostic(
            "RK320" if naive else "RK302",
            f"the row alpha[{i}] sums to {beside(field, total, field.one)}, "
            + ("which is 1 at the initial values only" if naive else "not to 1"),
            path=f"/alpha/{i}",
            help="training leaves the consistent methods; write one coefficient as an expression in the others"
            if naive
            else "each stage is a weighted mean of earlier ones plus multiples of F, so the weights must sum to 1",
        )


def forms_agree(facts: Facts) -> Iterator[Diagnostic]:
    """Where the file gives both forms, the Shu-Osher form must convert to the Butcher form."""
    wrong = [found for found in facts.disagreements if not is_close(facts, found[1] - found[2])]
    if wrong:
        place, given, derived = wrong[0]
        more = f" ({len(wrong)} entries differ)" if len(wrong) > 1 else ""
        yield diagnostic(
            "RK303",
            f"the two forms disagree: {shown(place)} is {short(facts.field, given)}, while alpha and beta give "
            f"{short(facts.field, derived)}{off(facts.field, given, derived)}{more}",
            path=pointer(place),
            help="delete the form that is derived from the other, or correct the wrong entry",
        )


def weights_sum(facts: Facts) -> Iterator[Diagnostic]:
    """The weights b must sum to one (order 1); the embedded ones are held to the same."""
    field = facts.field
    total = sum(facts.form.b, field.zero)
    if not is_close(facts, total - field.one):
        naive = holds_at_init(facts, total - field.one)
        where = "/b" if facts.tableau.butcher is not None else "/beta"
        yield diagnostic(
            "RK320" if naive else "RK304",
            f"the weights b sum to {beside(field, total, field.one)}, "
            + ("which is 1 at the initial values only" if naive else "not to 1: the method is not consistent"),
            path=where,
            help="order 1 then holds on a constraint, which training does not keep"
            if naive
            else "a step that does not advance by dt times F has no order; scale or correct the weights",
        )
    b_hat = facts.form.b_hat
    if b_hat is not None:
        embedded = sum(b_hat, field.zero)
        if not is_close(facts, embedded - field.one):
            yield diagnostic(
                "RK317",
                f"the embedded weights b_hat sum to {beside(field, embedded, field.one)}, not to 1",
                path="/b_hat",
                help="its difference from b estimates no error",
            )
        elif not any(x - y for x, y in zip(facts.form.b, b_hat, strict=True)):
            yield diagnostic(
                "RK344",
                "the embedded weights b_hat equal b",
                path="/b_hat",
                help="their difference estimates an error of 0 at every step; leave b_hat out, or correct it",
            )


def abscissae(facts: Facts) -> Iterator[Diagnostic]:
    """A declared c that is not the row sum of A is a finding: the order then holds for autonomous problems."""
    c, field = facts.form.c, facts.field
    if c is None:
        return
    rows = facts.tableau.row_sums
    wrong = facts.wrong_abscissae
    if wrong:
        i = wrong[0]
        more = f"; {len(wrong)} stages differ" if len(wrong) > 1 else ""
        assert facts.timed is not None
        plain, timed = facts.order.value, facts.timed.value
        least = "" if facts.timed.most is None else "at least "
        order = f"for F(x, t) the order is {least}{timed}" + (
            ", as for F(x)" if timed == plain else f", for F(x) it is {plain}"
        )
        yield diagnostic(
            "RK311",
            f"c[{i}] is {short(field, c[i])}, but the row A[{i}] sums to {short(field, rows[i])}"
            f"{off(field, c[i], rows[i])}{more}; {order}",
            path=f"/c/{i}",
            help="c is where a residual with time, F(x, t), is called; the order found is that for F(x), without time "
            "(Oliver 1975 has methods with such c on purpose)",
        )


def rounded_digits(facts: Facts) -> Iterator[Diagnostic]:
    """A table of decimals without tolerance whose digits alone cost it its order."""
    found = rounded(facts)
    if found is None:
        return
    fractions = f"; or write the fractions: {', '.join(named(found.fractions))}" if found.fractions else ""
    yield diagnostic(
        "RK341",
        f"these look like rounded decimals of a method of order {found.order}: the digits are off by up to "
        f"{Exact.rational(found.defect).above(3)}, and cost the order",
        path="/A" if facts.tableau.butcher is not None else "/alpha",
        help=f'add "tolerance": {json.dumps(decimal_text(found.tolerance))}{fractions}',
    )


FATAL = (bounded, explicit, alpha_rows, forms_agree)
"""With an error from one of these there is no explicit method to say anything else about."""

STRUCTURE = (weights_sum, abscissae, rounded_digits)


def structure(facts: Facts) -> tuple[tuple[Diagnostic, ...], bool]:
    """What is wrong with the tableau as a method, and whether anything else can be said about it."""
    found: list[Diagnostic] = []
    for check in FATAL:
        found += check(facts)
        if any(d.code in ("RK301", "RK306") for d in found):
            return tuple(found), False
    if any(d.status for d in found):
        return (*found, *rounded_digits(facts)), False
    return (*found, *_all(STRUCTURE, facts)), True


def _all(checks: Sequence[object], facts: Facts) -> Iterator[Diagnostic]:
    for check in checks:
        yield from check(facts)  # type: ignore[operator]
