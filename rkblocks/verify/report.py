"""The report on one tableau: frozen values with the keys of the JSON of `rkblocks check --format json`.

What is exact is held as an `Exact`, a `Fraction` or a `Root`; where the JSON has text and a double for it, both are
properties made from it.  So whoever needs the number takes the number, and text is for people and files alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar

from rkblocks.diagnostics import Diagnostic
from rkblocks.exact.roots import Root
from rkblocks.exact.value import Exact, fraction_text, int_text
from rkblocks.exact.work import TooLarge
from rkblocks.shown import Shown
from rkblocks.verify.places import pointer
from rkblocks.verify.values import BEYOND, bounds_text

LONG = 64
"""Beside a longer text, or none, the JSON of a witness has the nearest double."""


class Part:
    """One object of the JSON; ``JSON`` has its keys in order, a question mark behind one that is left out where it
    would be null or empty."""

    JSON: ClassVar[tuple[str, ...]]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object; a new one at every call."""
        found = {}
        for key in self.JSON:
            name = key.rstrip("?")
            value = getattr(self, name)
            if name == key or not (value is None or value == () or value == {}):
                found[name] = _plain(value)
        return found


class Table(Part, Mapping[str, Any]):
    """A part that can be read by the keys of its JSON, too."""

    def __getitem__(self, key: str) -> Any:
        return self.to_dict()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.to_dict())

    def __len__(self) -> int:
        return len(self.to_dict())


@dataclass(frozen=True)
class Witness(Part):
    """The first condition that fails: tree as brackets, its number of nodes, and both sides."""

    JSON = ("tree", "order", "left", "right", "left_float?")

    tree: str
    order: int
    value: Exact
    expected: Fraction

    @property
    def left(self) -> str:
        """The left side as text."""
        return self.value.brief(0) if self.value.text is None else self.value.text

    @property
    def right(self) -> str:
        """The right side as text."""
        return str(self.expected)

    @property
    def left_float(self) -> float | None:
        """The double nearest to a left side that is long as text, or too long for any."""
        return self.value.nearest if self.value.text is None or len(self.value.text) > LONG else None


@dataclass(frozen=True)
class ErrorNorm(Table):
    """The norm of the principal error, by its ``square``; None where that is beyond the budget."""

    square: Exact | None

    @property
    def absent(self) -> str | None:
        """Why there is no norm."""
        return BEYOND if self.square is None else None

    @property
    def nearest(self) -> float | None:
        """The norm as a double, where it is a number."""
        value = None if self.square is None else self.square.nearest
        return None if value is None or value < 0 else float(value**0.5)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        if self.square is None:
            return {"square": None, "float": None, "absent": self.absent}
        return {"square": self.square.text, "float": self.nearest}


@dataclass(frozen=True)
class OrderReport(Part):
    """The highest order that holds; ``exact`` is the highest that holds without the tolerance.

    ``remaining`` are the expressions that must vanish for the next order, in a family.
    """

    JSON: ClassVar[tuple[str, ...]] = (
        *("value", "verdict", "residual", "witness", "exact"),
        *("residual_float?", "stage_order?", "principal_error?", "remaining?"),
    )

    value: int
    verdict: str
    largest: Exact
    witness: Witness
    exact: int
    stage_order: int | None = None
    principal_error: ErrorNorm | None = None
    remaining: tuple[Exact, ...] | None = None

    @property
    def residual(self) -> str:
        """The largest residual of the conditions that hold, as text."""
        return self.largest.text if self.largest.text is not None else self.largest.above()

    @property
    def residual_float(self) -> float | None:
        """The double nearest to the largest residual."""
        return self.largest.nearest


@dataclass(frozen=True)
class EmbeddedReport(OrderReport):
    """The order of (A, b_hat), with the figures of this method; ``optimal`` and ``growth`` of a family's are at its
    initial values.  They are None where it is not consistent."""

    JSON: ClassVar[tuple[str, ...]] = (*OrderReport.JSON, "ssp?", "growth?", "growth_float?")

    optimal: OptimalReport | None = None
    number: Exact | None = None
    initially: Exact | None = None

    @property
    def ssp(self) -> Mapping[str, Any] | None:
        """The optimal SSP coefficient, as `SspReport` has it."""
        return None if self.optimal is None else {"optimal": self.optimal}

    @property
    def growth(self) -> str | None:
        """Growth of the variance in one step by Lemma 3, as text."""
        return None if self.number is None else self.number.text

    @property
    def growth_float(self) -> float | None:
        """The nearest double; for a family that at the initial values."""
        return None if self.initially is None else self.initially.nearest


@dataclass(frozen=True)
class TimedReport(Part):
    """The order for F(x, t) with the declared c; ``witness`` None: that for F(x) is no higher.
    Beyond the budget ``value`` is what is proved, ``most`` the order for F(x), and ``absent`` says why it ends there.

    In its tree ``t`` stands for a derivative of F with respect to time, which gives c where a leaf gives A e.
    """

    JSON = ("value", "verdict", "residual", "witness", "exact", "most?", "absent?")

    value: int
    verdict: str
    exact: int
    largest: Exact
    witness: Witness | None
    most: int | None = None

    @property
    def absent(self) -> str | None:
        """Why it was not decided whether the order is higher."""
        return None if self.most is None else BEYOND

    @property
    def residual(self) -> str:
        """The largest residual of the conditions that hold, as text."""
        return self.largest.text if self.largest.text is not None else self.largest.above()


@dataclass(frozen=True)
class Certificate(Part):
    """What proves an SSP coefficient: ``entry`` is negative just above the ``root``.

    ``polynomial`` is the minimal one over the integers, ``entry_polynomial`` the whole entry of P(r) or d(r), both from
    the constant term up; the root is that of odd multiplicity at which the entry changes sign.
    """

    JSON = ("entry", "polynomial", "interval", "entry_polynomial")

    place: Any
    root: Root
    coefficients: tuple[Exact, ...]

    @property
    def entry(self) -> str:
        """The name of the entry: "P[3,0]", "d[2]"."""
        return str(self.place)

    @property
    def polynomial(self) -> tuple[str, ...]:
        """The minimal polynomial as text."""
        return _definition(self.root)[0]

    @property
    def interval(self) -> tuple[str, str]:
        """The interval that holds no other root."""
        return _definition(self.root)[1]

    @property
    def entry_polynomial(self) -> tuple[str | None, ...]:
        """The entry as text, None for a coefficient that has none."""
        return tuple(c.text for c in self.coefficients)


@dataclass(frozen=True)
class RootSample(Part):
    """A root of a family's polynomial in r by its value for one value of the parameter."""

    name: str
    at: Fraction
    root: Root

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "at": {self.name: fraction_text(self.at)},
            "float": Exact.root(self.root).nearest,
            "interval": list(_definition(self.root)[1]),
        }


@dataclass(frozen=True)
class CaseReport(Part):
    """The coefficient where the parameter is as ``when`` says; ``number`` None: a root of ``polynomial`` in r.

    Which one is said by ``root`` at one value of the parameter: between the ends of a case no two roots meet.
    """

    JSON = ("when", "cfl", "polynomial?", "root?")

    when: str
    number: Exact | None
    polynomial: tuple[Exact, ...] | None = None
    root: RootSample | None = None

    @property
    def cfl(self) -> str | None:
        """The coefficient as text."""
        return None if self.number is None else self.number.text


@dataclass(frozen=True)
class OptimalReport(Part):
    """The optimal SSP coefficient of the reduced method; for a family ``at_init`` speaks of the initial values.

    ``at_least`` is proved for every member of a family without a formula, ``zero_at`` is a member that has none.
    Where the number itself was not isolated, ``bracket`` has proven bounds low <= R < high and ``cfl_float`` is low.
    ``absent`` says why there is no number and no formula, ``at_least_absent`` why there is no bound for the family.
    """

    JSON = (
        *("cfl", "cfl_float", "certificate", "bracket?", "at_least?", "zero_at?", "cases?", "at_init?"),
        *("absent?", "at_least_absent?"),
    )

    number: Exact | None
    certificate: Certificate | None = None
    bracket: tuple[Fraction, Fraction] | None = None
    at_least: Fraction | None = None
    zero_at: Mapping[str, Fraction] | None = None
    cases: tuple[CaseReport, ...] | None = None
    at_init: OptimalReport | None = None
    absent: str | None = None
    at_least_absent: str | None = None

    @property
    def known(self) -> Exact | None:
        """The number, or the lower one of its proven bounds."""
        return self.number if self.bracket is None else Exact.rational(self.bracket[0])

    @property
    def cfl(self) -> str | None:
        """The coefficient in the grammar of the file, None where that cannot write it."""
        return None if self.number is None else self.number.text

    @property
    def cfl_float(self) -> float | None:
        """The nearest double; for a family that at the initial values."""
        if self.at_init is not None:
            return self.at_init.cfl_float
        return None if self.known is None else self.known.nearest


@dataclass(frozen=True)
class Counterexample(Table):
    """The entry of a declared form at ``place`` is ``number``, which is negative, ``at`` a point of the domain."""

    place: tuple[str | int, ...]
    number: Exact
    at: Mapping[str, Fraction]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {"entry": pointer(self.place), "value": str(self.number), "at": _plain(self.at)}


@dataclass(frozen=True)
class DeclaredReport(Part):
    """What the Shu-Osher form as written certifies; for a family on its whole domain.

    ``trained`` says where it is nonnegative with the parameters that are not learned at their values: "everywhere",
    "somewhere" or "nowhere" in the domain of the one that is.  ``row_sums_within``: how far from 1 a row of alpha sums
    in a table of decimals; what the form certifies then holds so far only.
    """

    JSON = (
        *("nonnegative", "cfl", "cfl_float", "nonnegative_at_init?", "cfl_at_init?"),
        *("trained?", "counterexample?", "least_of?", "row_sums_within?", "downwind?"),
    )

    nonnegative: bool | None
    number: Exact | None
    nonnegative_at_init: bool | None = None
    at_init: Exact | None = None
    trained: str | None = None
    counterexample: Counterexample | None = None
    least_of: tuple[Exact, ...] | None = None
    row_sums: Exact | None = None
    with_downwind: Exact | None = None

    @property
    def downwind(self) -> Mapping[str, Any] | None:
        """What a form with negative beta certifies where these entries multiply a downwind operator."""
        found = self.with_downwind
        return None if found is None else {"cfl": found.text, "cfl_float": found.nearest}

    @property
    def row_sums_within(self) -> str | None:
        """The largest defect of a row sum as text, rounded up."""
        return None if self.row_sums is None else self.row_sums.above()

    @property
    def cfl(self) -> str | None:
        """The coefficient as text."""
        return None if self.number is None else self.number.text

    @property
    def cfl_float(self) -> float | None:
        """The nearest double; for a family that at the initial values."""
        number = self.number if self.nonnegative_at_init is None else self.at_init
        return None if number is None else number.nearest

    @property
    def cfl_at_init(self) -> str | None:
        """That of a family at its initial values, as text."""
        return None if self.at_init is None else self.at_init.text


@dataclass(frozen=True)
class RootReport(Table):
    """A real algebraic number, with what defines it; ``entry`` names the condition that fails beyond it.

    Where it is beyond the budget, ``root`` has what is proved: low <= number < high.
    """

    root: Root | TooLarge
    entry: str | None = None

    @property
    def number(self) -> Exact | None:
        """The number; None beyond the budget."""
        return None if isinstance(self.root, TooLarge) else Exact.root(self.root)

    @property
    def absent(self) -> str | None:
        """Why there is no number."""
        return BEYOND if isinstance(self.root, TooLarge) else None

    @property
    def bounds(self) -> str | None:
        """The proved bounds of a number beyond the budget, for a message."""
        return bounds_text(self.root.low or Fraction(0), self.root.high) if isinstance(self.root, TooLarge) else None

    @property
    def nearest(self) -> float | None:
        """The nearest double, where it is known."""
        if not isinstance(self.root, TooLarge):
            return Exact.root(self.root).nearest
        ends = {Exact.rational(end).nearest for end in (self.root.low, self.root.high) if end is not None}
        return ends.pop() if len(ends) == 1 and self.root.bounds is not None else None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        if isinstance(self.root, TooLarge):
            low, high = self.root.low or Fraction(0), self.root.high
            proved = [fraction_text(low), None if high is None else fraction_text(high)]
            absent = {"bounds": self.bounds, "absent": self.absent}
            return {"value": None, "float": self.nearest, "polynomial": None, "interval": proved, **absent}
        polynomial, interval = map(list, _definition(self.root))
        found = {
            "value": Exact.root(self.root).text,
            "float": self.nearest,
            "polynomial": polynomial,
            "interval": interval,
        }
        return found if self.entry is None else found | {"entry": self.entry}


def _definition(root: Root) -> tuple[tuple[str, ...], tuple[str, str]]:
    """What defines a root: its minimal polynomial over the integers, and an interval that holds no other root of it."""
    low, high = fraction_text(root.low), fraction_text(root.high)
    return tuple(int_text(c) for c in root.polynomial), (low, high)


@dataclass(frozen=True)
class SspReport(Part):
    """Declared and optimal coefficient; ``conditions`` must be nonnegative for a family's form to be."""

    JSON = ("declared", "optimal", "region?", "linear?", "linear_absent?")

    declared: DeclaredReport | None
    optimal: OptimalReport | None
    conditions: tuple[Exact, ...] | None = None
    linear: RootReport | None = None
    linear_absent: str | None = None

    @property
    def region(self) -> tuple[str, ...] | None:
        """The inequalities under which a family's form is nonnegative."""
        return None if self.conditions is None else tuple(f"{condition} >= 0" for condition in self.conditions)


@dataclass(frozen=True)
class RhoCertificate(Part):
    """What proves rho: B + r M is semidefinite at the lower end of ``interval``, which holds the ``root``.

    ``direction`` is a vector v with v^T (B + r M) v < 0 above the interval; rho = 0 has the ``weight`` that is not
    positive instead.
    """

    JSON = ("polynomial", "interval", "direction?", "weight?")

    root: Root
    direction: tuple[Exact, ...] | None = None
    weight: str | None = None

    @property
    def polynomial(self) -> tuple[str, ...]:
        """The minimal polynomial as text."""
        return _definition(self.root)[0]

    @property
    def interval(self) -> tuple[str, str]:
        """The interval that holds no other root."""
        return _definition(self.root)[1]


@dataclass(frozen=True)
class RhoCase(Part):
    """rho where the parameter is as ``when`` says; ``rho`` None: the ``root`` of ``polynomial`` in r."""

    JSON = ("when", "rho", "polynomial?", "root?")

    when: str
    rho: str | None
    polynomial: tuple[str, ...] | None = None
    root: RootSample | None = None


@dataclass(frozen=True)
class EuclideanReport(Part):
    """The radius of circle contractivity rho of the reduced method; for a family ``at_init`` speaks of its start.

    Where the number itself was not isolated, ``bracket`` has proven bounds low <= rho < high and ``rho_float`` is low.
    ``absent`` says why there is no number and no formula.
    """

    JSON = ("rho", "rho_float", "certificate", "bracket?", "rho_at_init_float?", "cases?", "at_init?", "absent?")

    number: Exact | None
    certificate: RhoCertificate | None = None
    bracket: tuple[Fraction, Fraction] | None = None
    cases: tuple[RhoCase, ...] | None = None
    at_init: EuclideanReport | None = None
    absent: str | None = None

    @property
    def known(self) -> Exact | None:
        """The number, or the lower one of its proven bounds."""
        return self.number if self.bracket is None else Exact.rational(self.bracket[0])

    @property
    def rho(self) -> str | None:
        """The number as text; of a family the expression that holds on its whole domain."""
        if self.cases is not None and len(self.cases) == 1:
            return self.cases[0].rho
        return None if self.number is None else self.number.text

    @property
    def rho_float(self) -> float | None:
        """The nearest double; for a family that at the initial values."""
        if self.at_init is not None:
            return self.at_init.rho_float
        return None if self.known is None else self.known.nearest

    @property
    def rho_at_init_float(self) -> float | None:
        """That of a family at its initial values."""
        return None if self.at_init is None else self.at_init.rho_float


@dataclass(frozen=True)
class AnyNormReport(Part):
    """The optimal SSP coefficient: in any norm a step of cfl h0 does not expand where an Euler step of h0 does not."""

    JSON = ("cfl", "cfl_float")

    optimal: OptimalReport

    @property
    def cfl(self) -> str | None:
        """The coefficient as text."""
        return self.optimal.cfl

    @property
    def cfl_float(self) -> float | None:
        """The nearest double."""
        return self.optimal.cfl_float


@dataclass(frozen=True)
class ContractivityReport(Part):
    """How long a step does not expand differences, in units of the step h0 for which an Euler step does not."""

    JSON = ("any_norm", "euclidean")

    any_norm: AnyNormReport
    euclidean: EuclideanReport


@dataclass(frozen=True)
class MinimumReport(Table):
    """The least growth over a family, where the parameter ``name`` is ``place`` (None: as it grows without bound).

    ``taken`` is False where stages coincide there: the growth is approached, and that of the member itself is larger.
    """

    number: Exact
    name: str
    place: Exact | None
    inside: bool
    taken: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        found = {
            "growth": self.number.text,
            "growth_float": self.number.nearest,
            "at": {self.name: _plain(self.place)},
            "inside": self.inside,
        }
        return found if self.taken else found | {"taken": False}


@dataclass(frozen=True)
class VarianceReport(Part):
    """Growth of the variance in one step by Lemma 3, stage by stage; ``minimum`` over a family with one parameter, or
    why there is none."""

    JSON = ("growth", "growth_float", "stages", "assumptions", "minimum?", "minimum_absent?", "absent?")

    number: Exact | None
    at_init: Exact
    each: tuple[Exact, ...]
    assumptions: tuple[str, ...]
    minimum: MinimumReport | None = None
    minimum_absent: str | None = None
    absent: str | None = None

    @property
    def growth(self) -> str | None:
        """The growth as text; None where it is too long for that, or ``absent`` says why there is none."""
        return None if self.number is None else self.number.text

    @property
    def growth_float(self) -> float | None:
        """The nearest double; for a family that at the initial values."""
        return self.at_init.nearest

    @property
    def stages(self) -> tuple[str | None, ...]:
        """The growth up to each stage as text."""
        return tuple(stage.text for stage in self.each)


@dataclass(frozen=True)
class Intervals:
    """The stability intervals of a polynomial, from 0; None for one that is too large to isolate."""

    real: RootReport | None
    imaginary: RootReport | None


@dataclass(frozen=True)
class StabilityReport(Table):
    """The stability polynomial, and its intervals; where parameters occur in it ``absent`` says so, and there are none.

    ``meant`` are the intervals of the polynomial that a table of decimals was rounded from, where they may differ;
    ``rounded`` is the real one where |psi| may exceed 1 by what half a unit of the last digits can change.
    """

    coefficients: tuple[Exact, ...]
    linear_order: int
    intervals: Intervals | None = None
    linear_order_exact: int | None = None
    meant: Intervals | None = None
    rounded: RootReport | None = None
    absent: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        found: dict[str, Any] = {
            "polynomial": [c.text for c in self.coefficients],
            "linear_order": self.linear_order,
            **_intervals(self.intervals),
        }
        if self.absent is not None:
            found["absent"] = self.absent
        if self.rounded is not None:
            found["real_rounded"] = _plain(self.rounded)
        if self.meant is not None:
            found |= {"linear_order_exact": self.linear_order_exact, "meant": _intervals(self.meant)}
        return found


def _intervals(found: Intervals | None) -> dict[str, Any]:
    return {} if found is None else {"real": _plain(found.real), "imaginary": _plain(found.imaginary)}


@dataclass(frozen=True)
class MethodReport(Table):
    """The reduced method, which is all that a certificate speaks of; rows of A below the diagonal."""

    A: tuple[tuple[Exact, ...], ...]
    b: tuple[Exact, ...]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object; all digits of every entry, however many."""
        return {"A": [[entry.whole for entry in row] for row in self.A], "b": [entry.whole for entry in self.b]}


@dataclass(frozen=True)
class TypedReport(Part):
    """The figures of the table as written, where stages were removed."""

    JSON = ("stages", "optimal", "variance")

    stages: int
    optimal: OptimalReport | None
    variance: VarianceReport


@dataclass(frozen=True)
class ResidualReport(Part):
    """One order condition: the tree as brackets, its number of nodes, both sides, and left - right."""

    JSON = ("tree", "order", "left", "right", "residual", "residual_float")

    tree: str
    order: int
    value: Exact
    expected: Fraction
    rest: Exact

    @property
    def left(self) -> str:
        """The left side as text."""
        return str(self.value)

    @property
    def right(self) -> str:
        """The right side as text."""
        return str(self.expected)

    @property
    def residual(self) -> str:
        """left - right as text."""
        return str(self.rest)

    @property
    def residual_float(self) -> float | None:
        """The nearest double, None in a family."""
        return self.rest.nearest


@dataclass(frozen=True)
class InternalReport(Part):
    """Internal stability polynomials, one a stage, constant coefficient first, of each form as written."""

    JSON = ("butcher", "shu_osher?")

    butcher: tuple[tuple[Exact, ...], ...]
    shu_osher: tuple[tuple[Exact, ...], ...] | None = None


@dataclass(frozen=True)
class DownwindReport(Part):
    """The optimal SSP coefficient with downwind operators lies in the proved ``bracket`` [low, high).

    ``up`` and ``down`` have rows of 1, ..., m entries: at r = low, ``y = d x + up (y + F(y)/r) + down (y - F~(y)/r)``.
    """

    JSON = ("bracket", "cfl_float", "up?", "down?", "reason?")

    bracket: tuple[Fraction, Fraction] | None = None
    up: tuple[tuple[Fraction, ...], ...] | None = None
    down: tuple[tuple[Fraction, ...], ...] | None = None
    reason: str | None = None

    @property
    def cfl_float(self) -> float | None:
        """The double nearest to the lower end."""
        return None if self.bracket is None else float(self.bracket[0])


@dataclass(frozen=True)
class ClaimReport(Part):
    """One claim of the file; ``holds`` is None where it could not be decided."""

    JSON = ("claim", "claimed", "found", "holds")

    claim: str
    claimed: str
    found: str | None
    holds: bool | None


@dataclass(frozen=True)
class Report(Shown, Part):
    """Everything `check` found; parts that could not be computed are None.

    `to_dict` is the JSON object of `rkblocks check --format json`.
    """

    JSON = (
        *("source", "name", "ok", "stages", "order", "ssp", "variance", "claims", "diagnostics"),
        *("ineffective?", "nonautonomous?", "embedded?", "stability?", "method?", "as_typed?", "contractivity"),
        *("residuals?", "internal_stability?", "downwind?"),
    )

    source: str
    name: str | None
    ok: bool
    stages: int | None
    order: OrderReport | None
    ssp: SspReport | None
    variance: VarianceReport | None
    claims: tuple[ClaimReport, ...]
    diagnostics: tuple[Diagnostic, ...]
    ineffective: tuple[str, ...] | None = None
    nonautonomous: TimedReport | None = None
    embedded: EmbeddedReport | None = None
    stability: StabilityReport | None = None
    method: MethodReport | None = None
    as_typed: TypedReport | None = None
    contractivity: ContractivityReport | None = None
    residuals: tuple[ResidualReport, ...] | None = None
    internal_stability: InternalReport | None = None
    downwind: DownwindReport | None = None

    @cached_property
    def status(self) -> int:
        """The exit status that this report alone leads to: 0, 1 or 2."""
        return max((d.status for d in self.diagnostics), default=0)


def _plain(value: Any) -> Any:
    if isinstance(value, Part | Diagnostic):
        return value.to_dict()
    if isinstance(value, Exact):
        return value.text
    if isinstance(value, Fraction):
        return fraction_text(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
