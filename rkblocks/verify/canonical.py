"""The canonical Shu-Osher form of a method as a tableau of its own, with claims that `check` proves.

At r <= R the form ``beta = P(r)``, ``alpha = r P(r)`` with ``d(r)`` added to column 0 is nonnegative and certifies the
SSP coefficient r by itself (Ferracina & Spijker 2004; Higueras 2005).  It computes the same method, exactly: the rows
of alpha sum to one because ``d(r) = e - r P(r) e``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NoReturn

from rkblocks.diagnostics import Severity, TableauError, fail
from rkblocks.exact.field import Element, Field
from rkblocks.exact.roots import Root, real
from rkblocks.exact.value import Exact
from rkblocks.files import grammar
from rkblocks.files.expression import EntryError, evaluate, radicands
from rkblocks.files.reader import read_text
from rkblocks.forms import Butcher, Method, Row, ShuOsher, canonical_shu_osher
from rkblocks.tableau import Claimed, Claims, Tableau
from rkblocks.verify.consistency import structure
from rkblocks.verify.declared import declared
from rkblocks.verify.facts import Facts
from rkblocks.verify.radius import negative_at
from rkblocks.verify.values import LONGEST, root_digits, root_text, short

DIGITS = 12
"""Decimals of the number that stands for an optimum which the grammar of the file cannot write."""
LONGEST_CLAIM = 60
"""Longer numbers are claimed by their leading digits."""
REFERENCE = "canonical Shu-Osher form: Ferracina & Spijker 2004, Higueras 2005"


@dataclass(frozen=True)
class Canonical:
    """A tableau in canonical form, the coefficient ``r`` that it certifies, and ``notes`` for whoever asked for it."""

    tableau: Tableau
    r: str
    notes: tuple[str, ...]


def canonical(tableau: Tableau, at: str | None = None, digits: int = DIGITS) -> Canonical:
    """The canonical form of the reduced method at the optimal SSP coefficient R, or at the value ``at`` below it.

    Args:
        tableau: a consistent explicit method; of a family, the member at the initial values is taken.
        at: a positive number in the grammar of the file, at most R.
        digits: where R is neither rational nor quadratic, the largest decimal below it with so many places is taken.

    Raises RkblocksError: RK021 for an unfit ``at``, RK022 where R = 0, RK023 where the numbers are too long for a file,
    and what `check` says of a tableau that is no consistent explicit method.
    """
    facts = _sound(tableau)
    optimum = _optimum(facts)
    if optimum.fraction == 0:
        where = " at its initial values" if tableau.parameters else ""
        fail(
            "RK022",
            f"{tableau.name} has C = 0{where}: {facts.optimal.entry if facts.optimal else 'an entry'} is negative for "
            "all small r > 0, so no Shu-Osher form certifies anything",
            help="`rkblocks list --ssp` shows the schemes of the library that have one",
        )
    notes = list(_notes(tableau, facts))
    if at is None:
        at = Exact.root(optimum).text
        if facts.bracket is not None:
            at = _decimal_below(optimum, digits)
            notes.append(f"C was not isolated, only bounded from below: r = {at} is the bound")
        elif at is None or not _fits(facts.field, at):
            at = _decimal_below(optimum, digits)
            notes.append(
                f"C = {root_digits(optimum, digits + 3)} is a root of degree {len(optimum.polynomial) - 1} that a file "
                f"cannot write: r = {at} is the largest decimal of {len(at.partition('.')[2])} places below it"
            )
    member = _member(facts, at, optimum)
    return Canonical(_assembled(facts, tableau, member, optimum), at, tuple(notes))


@dataclass(frozen=True)
class _Member(Method):
    """The reduced method and r in one field; ``text`` is r as written."""

    r: Element
    text: str


def _lifted(entries: Row, old: Field, new: Field) -> Row:
    """Numbers of one field as numbers of a larger one."""
    return entries if new == old else tuple(new.embedded(e, old) for e in entries)


def _sound(tableau: Tableau) -> Facts:
    """The facts of the method, of a family's member at the initial values; raises what makes it unfit."""
    problems, usable = structure(Facts(tableau))
    errors = [d for d in problems if d.severity is Severity.ERROR]
    if errors or not usable:
        raise TableauError(errors or problems, tableau.origin.source if tableau.origin is not None else "")
    return Facts(tableau).at_init


def _optimum(facts: Facts) -> Root:
    """R, or the bound below it that is proved where R itself was not isolated."""
    if facts.bracket is not None:
        return Root.rational(facts.bracket[0])
    assert facts.optimal is not None  # only b = 0 has no limit, and is not consistent
    return facts.optimal.root


def _notes(tableau: Tableau, facts: Facts) -> Iterator[str]:
    if tableau.parameters:
        constants = tableau.field.constants
        values = ", ".join(f"{p.name} = {short(constants, p.init)}" for p in tableau.parameters)
        yield f"{tableau.name} is a family: this is its member at the initial values, {values}"
    removed = facts.tableau.stages - len(facts.reduced.kept)
    if removed:
        yield f"left out: {removed} unused or equal stage{'s' if removed > 1 else ''}"
        if facts.form.b_hat is not None:
            yield "left out: the embedded weights b_hat, which belong to the stages as typed"


def _decimal_below(optimum: Root, digits: int) -> str:
    """The largest positive decimal with so many places (more where that is zero) that is at most R."""
    while True:  # ends: R > 0
        text = root_digits(optimum, digits).rstrip("…")
        if text.strip("0."):
            return text
        digits *= 2


def _fits(field: Field, number: str) -> bool:
    """Whether one file may hold the coefficients and the number (it may have three independent square roots)."""
    try:
        _field_with(field, number)
    except ValueError:
        return False
    return True


def _field_with(field: Field, number: str) -> Field:
    roots = (root.radicand for root in radicands(grammar.parse(number)))
    return Field.spanning([*map(Fraction, field.roots), *roots])


def _member(facts: Facts, at: str, optimum: Root) -> _Member:
    """The method and the number ``at`` in a common field; fails with RK021 unless 0 < at <= R."""
    old = facts.field
    try:
        field = _field_with(old, at)
        r = evaluate(grammar.parse(at), field)
    except (EntryError, ValueError) as error:
        reason = error.message if isinstance(error, EntryError) else str(error)
        fail("RK021", f"{at!r} cannot be used as a coefficient: {reason}", help="for example --at 3/2")
    if field.sign(r) <= 0:
        fail("RK021", f"r = {at} is not positive", help=f"a form certifies any 0 < r <= C = {root_text(optimum)}")
    A = tuple(_lifted(row, old, field) for row in facts.reduced.A)
    member = _Member(field, A, _lifted(facts.reduced.b, old, field), r, at)
    negative = negative_at(member, r)
    if negative is not None:
        fail(
            "RK021",
            f"r = {at} is above C = {root_text(optimum)}: {negative.entry} is {short(field, negative.value)} there",
            help="a form certifies any 0 < r <= C; without --at it is C",
        )
    return member


def _assembled(facts: Facts, tableau: Tableau, member: _Member, optimum: Root) -> Tableau:
    """The tableau with true claims, as reading its file gives it; fails with RK023 where a file has no room for it."""
    form = canonical_shu_osher(member, member.r)
    title = f"canonical form at r = {member.text if len(member.text) <= LONGEST else short(member.field, member.r)}"
    if any(
        Exact(member.field, entry).text is None for rows in (form.alpha, form.beta) for row in rows for entry in row
    ):
        _refuse(title, "it has numbers of more than 1000 digits")
    written = replace(
        facts.tableau,
        name=f"{tableau.name}_at_init" if tableau.parameters else tableau.name,
        title=f"{tableau.title}: {title}" if tableau.title else title,
        aliases=(),
        references=(*tableau.references, REFERENCE),
        field=member.field,
        shu_osher=form,
        butcher=_embedded(facts, member),
        claims=_claims(facts, member, form, optimum),
        origin=None,
    )
    reading = read_text(written.to_json(), "canonical.json")
    if reading.tableau is None:
        _refuse(title, reading.diagnostics[0].message)
    return reading.tableau


def _refuse(title: str, problem: str) -> NoReturn:
    help = "ask for a coefficient of fewer digits with --at, or write the method with fewer"
    fail("RK023", f"the {title} does not fit into a file: {problem}", help=help)


def _embedded(facts: Facts, member: _Member) -> Butcher | None:
    """The Butcher form beside the other where it carries embedded weights for the same stages."""
    if facts.form.b_hat is None or facts.was_reduced:
        return None
    return Butcher(member.A, member.b, None, _lifted(facts.form.b_hat, facts.field, member.field))


def _claims(facts: Facts, member: _Member, form: ShuOsher, optimum: Root) -> Claims:
    certified = declared(member.field, form).cfl
    assert certified is not None  # the form is nonnegative, and b is not 0
    exact = Exact.root(optimum).text
    ssp = Claimed(exact) if exact is not None and len(exact) <= LONGEST_CLAIM else leading_digits(optimum)
    return Claims(
        order=facts.order.value,
        ssp=None if facts.bracket is not None else ssp,
        declared_ssp=Claimed(member.text) if certified == member.r else claimed_text(member.field, certified),
        variance=claimed_text(facts.field, facts.growth.growth),
    )


def claimed_text(field: Field, value: Element) -> Claimed:
    """The claim of an exact number: itself where it is short, else its leading digits."""
    text = Exact(field, value).text
    return Claimed(text) if text is not None and len(text) <= LONGEST_CLAIM else leading_digits(real(field, value))


def leading_digits(root: Root) -> Claimed:
    """The claim of the leading digits of a number, "2.6506291914…"."""
    text = root_digits(root)
    return Claimed(text, digits=text.rstrip("…")) if text.endswith("…") else Claimed(text)
