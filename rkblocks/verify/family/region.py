"""Where the declared Shu-Osher form of a family is nonnegative, and what it certifies on the whole domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from rkblocks.exact.field import Element, Field
from rkblocks.forms import ShuOsher
from rkblocks.tableau import Parameter
from rkblocks.verify.declared import Entry, entries
from rkblocks.verify.family import cells
from rkblocks.verify.family.inequality import Point, nonnegative, value_at


@dataclass(frozen=True)
class Violation:
    """An entry of the declared form with a point of the domain at which it is negative."""

    entry: Entry
    point: Point


@dataclass(frozen=True)
class Region:
    """The declared form of a family against its domain.

    ``conditions`` are the entries that must be nonnegative, except those that are nonnegative numbers;
    ``inside`` whether the whole domain satisfies them (None: not decided), ``violations`` exact counterexamples;
    ``cfl`` the least ratio alpha/beta, where one ratio is the least on the whole domain, and ``ratios`` all of them.
    """

    conditions: tuple[tuple[Entry, Element], ...]
    inside: bool | None
    violations: tuple[Violation, ...]
    undecided: tuple[Entry, ...]
    cfl: Element | None
    ratios: tuple[Element, ...]


def region(field: Field, form: ShuOsher, parameters: Sequence[Parameter]) -> Region:
    """The conditions of nonnegativity of a family's declared form, decided on its open domain."""
    conditions: dict[Element, Entry] = {}
    violations, undecided = [], []
    for place, entry in entries(form):
        if not field.free_parameters(entry) and field.sign(entry) >= 0:
            continue
        if entry in conditions:
            continue
        conditions[entry] = place
        decision = nonnegative(field, entry, parameters)
        if decision.counterexample is not None or decision.holds is False:
            violations.append(Violation(place, decision.counterexample or {}))
        elif decision.holds is None:
            undecided.append(place)
    inside = False if violations else None if undecided else True
    ratios = _ratios(field, form)
    cfl = _least(field, ratios, parameters) if inside else None
    listed = tuple((place, entry) for entry, place in conditions.items())
    return Region(listed, inside, tuple(violations), tuple(undecided), cfl, ratios)


def reach(field: Field, form: ShuOsher, parameters: Sequence[Parameter]) -> str | None:
    """Where training can find the declared form nonnegative, with the parameters that are not learned at their values.

    "everywhere", "somewhere" or "nowhere" in the domain of the one parameter that is learned and occurs in the form;
    None where there are more, or where an irrational point would decide.
    """
    fixed = {p.name: p.init for p in parameters if not p.learnable}
    rest = field.without(fixed)
    members = [field.substitute(entry, fixed) for _, entry in entries(form)]
    names = {name for e in members for name in rest.free_parameters(e)}
    free = [p for p in parameters if p.name in names]
    if len(free) != 1:
        return None
    name = free[0].name
    polys = [
        cells.integer_polynomial(rest, part, [name])
        for e in members
        if rest.free_parameters(e)
        for part in (e.numer, e.denom)
    ]
    low, high = cells.bounds(rest, free)[name]
    cuts = cells.inner_roots(polys, low, high)
    marks = [low, *cuts, high]
    inner = [cells.between(left, right) for left, right in pairwise(marks)]
    good = [_all_nonnegative(rest, members, name, x) for x in inner]
    if all(good):
        return "everywhere"
    if any(good) or any(c.fraction is not None and _all_nonnegative(rest, members, name, c.fraction) for c in cuts):
        return "somewhere"
    return "nowhere" if all(c.fraction is not None for c in cuts) else None


def _all_nonnegative(field: Field, members: Sequence[Element], name: str, at: Fraction) -> bool:
    return all(field.sign(value_at(field, e, {name: at})) >= 0 for e in members)


def _ratios(field: Field, form: ShuOsher) -> tuple[Element, ...]:
    """The different alpha/beta over the entries of beta that are not identically zero."""
    found: dict[Element, None] = {}
    for alpha, beta in zip(form.alpha, form.beta, strict=True):
        for a, weight in zip(alpha, beta, strict=True):
            if weight:
                found[a / weight] = None
    return tuple(found)


def _least(field: Field, ratios: Sequence[Element], parameters: Sequence[Parameter]) -> Element | None:
    """The ratio that is least everywhere in the domain, if there is one."""
    for candidate in ratios:
        if all(nonnegative(field, other - candidate, parameters).holds for other in ratios):
            return candidate
    return None
