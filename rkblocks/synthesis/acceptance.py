"""Whether a written scheme is what was wished for: every requirement again, exactly, on the numbers of its file."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from rkblocks.exact.roots import Root
from rkblocks.exact.work import TooLarge
from rkblocks.forms import Method
from rkblocks.synthesis.wish import Requirement, Wish
from rkblocks.verify.contractivity import matrix, semidefinite
from rkblocks.verify.facts import Facts
from rkblocks.verify.order import principal_error
from rkblocks.verify.stability import imaginary_interval, linear_threshold, real_interval

EQUAL = Fraction(1, 10**20)
"""How near an ``==`` of growth or error is met: the numbers that meet it exactly are seldom rational."""


def unmet(wish: Wish, facts: Facts) -> list[str]:
    """The requirements that the scheme does not keep, order and stages among them; empty where it is as wished."""
    found = [] if facts.order.value >= wish.order else [f"order {wish.order}"]
    if len(facts.reduced.kept) < wish.stages:
        found.append(f"{wish.stages} stages")
    return found + [str(r) for r in wish.requirements if not _HOLDS[r.name](facts, r)]


def _ssp(facts: Facts, required: Requirement) -> bool:
    if facts.bracket is not None:
        return required.relation == ">=" and facts.bracket[0] >= required.value
    assert facts.optimal is not None  # only b = 0 has no limit
    order = facts.optimal.root.compare(required.value)
    return order == 0 if required.relation == "==" else order >= 0


def _growth(facts: Facts, required: Requirement) -> bool:
    return _at_most(facts.field.fraction(facts.growth.growth), required.value, required.relation)


def _error(facts: Facts, required: Requirement) -> bool:
    square = facts.field.fraction(principal_error(facts.conditions, facts.order.value))
    return _at_most(square, required.value**2, required.relation)


def _at_most(found: Fraction, value: Fraction, relation: str) -> bool:
    return abs(found - value) <= EQUAL if relation == "==" else found <= value


def _rho(facts: Facts, required: Requirement) -> bool:
    field, b = facts.field, facts.reduced.b
    return semidefinite(field, b, matrix(Method(field, facts.reduced.A, b)), required.value)[0] >= 0


def _reaches(number: Callable[[Facts], Root | None]) -> Callable[[Facts, Requirement], bool]:
    def holds(facts: Facts, required: Requirement) -> bool:
        try:
            found = number(facts)
        except TooLarge as limit:
            return limit.low is not None and limit.low >= required.value
        return found is None or found.compare(required.value) >= 0

    return holds


def _threshold(facts: Facts) -> Root | None:
    crossing = linear_threshold(facts.field, facts.stability)
    return None if crossing is None else crossing.root


def _entries(facts: Facts, required: Requirement) -> bool:
    form, field = facts.form, facts.field
    chosen = {
        "b": form.b,
        "A": tuple(e for i, row in enumerate(form.A) for e in row[:i]),
        "c": tuple(sum(row, field.zero) for row in form.A),
    }[required.name]
    sign = -1 if required.relation == "<=" else 1
    return all(sign * field.sign(e - field.rational(required.value)) >= 0 for e in chosen)


def _registers(facts: Facts, required: Requirement) -> bool:
    """Williamson's condition: each row of K is the one before plus a multiple of what one register D carries."""
    K = [*facts.form.A, facts.form.b]
    m = len(facts.form.b)
    zero = facts.field.zero
    D = [zero] * m
    for i in range(m):
        step = [new - old for new, old in zip(K[i + 1], K[i], strict=True)]  # B_i D_i, with (D_i)_i = 1
        if not step[i]:
            return False
        scaled = [entry / step[i] for entry in step]
        at = next((j for j in range(i) if D[j]), None)
        ratio = scaled[at] / D[at] if at is not None else zero
        if any(scaled[j] != ratio * D[j] for j in range(i)):
            return False
        D = scaled
    return required.value >= 2


_HOLDS: dict[str, Callable[[Facts, Requirement], bool]] = {
    "ssp": _ssp,
    "growth": _growth,
    "error": _error,
    "rho": _rho,
    "threshold": _reaches(_threshold),
    "real": _reaches(lambda facts: real_interval(facts.field, facts.stability)),
    "imaginary": _reaches(lambda facts: imaginary_interval(facts.field, facts.stability)),
    "b": _entries,
    "A": _entries,
    "c": _entries,
    "registers": _registers,
}
