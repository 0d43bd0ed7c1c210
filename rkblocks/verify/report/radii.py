"""What a report says of the largest steps: SSP coefficients, and contractivity in any norm and in the Euclidean one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from rkblocks.exact.roots import Root
from rkblocks.exact.value import Exact
from rkblocks.verify.declared import pointer
from rkblocks.verify.report.part import Part, Radius, RootReport, RootSample, Table, definition, plain


class Certified(Part):
    """What a ``root`` proves: a real algebraic number, as its minimal polynomial and an interval."""

    root: Root

    @property
    def polynomial(self) -> tuple[str, ...]:
        """The minimal polynomial over the integers as text, from the constant term up."""
        return definition(self.root)[0]

    @property
    def interval(self) -> tuple[str, str]:
        """The interval that holds no other root."""
        return definition(self.root)[1]


@dataclass(frozen=True)
class SspCertificate(Certified):
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
    def entry_polynomial(self) -> tuple[str | None, ...]:
        """The entry as text, None for a coefficient that has none."""
        return tuple(c.text for c in self.coefficients)


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
class OptimalReport(Radius):
    """The optimal SSP coefficient of the reduced method; for a family ``at_init`` speaks of the initial values.

    ``at_least`` is proved for every member of a family without a formula, ``zero_at`` is a member that has none.
    Where the number itself was not isolated, ``bracket`` has proven bounds low <= R < high and ``cfl_float`` is low.
    ``absent`` says why there is no number and no formula, ``at_least_absent`` why there is no bound for the family.
    """

    JSON = (
        *("cfl", "cfl_float", "certificate", "bracket?", "at_least?", "zero_at?", "cases?", "at_init?"),
        *("absent?", "at_least_absent?"),
    )

    certificate: SspCertificate | None = None
    at_least: Fraction | None = None
    zero_at: Mapping[str, Fraction] | None = None
    cases: tuple[CaseReport, ...] | None = None
    at_init: OptimalReport | None = None
    at_least_absent: str | None = None

    @property
    def cfl(self) -> str | None:
        """The coefficient in the grammar of the file, None where that cannot write it."""
        return None if self.number is None else self.number.text

    @property
    def cfl_float(self) -> float | None:
        """The nearest double; for a family that at the initial values."""
        return self.nearest if self.at_init is None else self.at_init.cfl_float


@dataclass(frozen=True)
class Counterexample(Table):
    """The entry of a declared form at ``place`` is ``number``, which is negative, ``at`` a point of the domain."""

    place: tuple[str | int, ...]
    number: Exact
    at: Mapping[str, Fraction]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {"entry": pointer(self.place), "value": str(self.number), "at": plain(self.at)}


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
class RhoCertificate(Certified):
    """What proves rho: B + r M is semidefinite at the lower end of ``interval``, which holds the ``root``.

    ``direction`` is a vector v with v^T (B + r M) v < 0 above the interval; rho = 0 has the ``weight`` that is not
    positive instead.
    """

    JSON = ("polynomial", "interval", "direction?", "weight?")

    root: Root
    direction: tuple[Exact, ...] | None = None
    weight: str | None = None


@dataclass(frozen=True)
class RhoCase(Part):
    """rho where the parameter is as ``when`` says; ``rho`` None: the ``root`` of ``polynomial`` in r."""

    JSON = ("when", "rho", "polynomial?", "root?")

    when: str
    rho: str | None
    polynomial: tuple[str, ...] | None = None
    root: RootSample | None = None


@dataclass(frozen=True)
class EuclideanReport(Radius):
    """The radius of circle contractivity rho of the reduced method; for a family ``at_init`` speaks of its start.

    Where the number itself was not isolated, ``bracket`` has proven bounds low <= rho < high and ``rho_float`` is low.
    ``absent`` says why there is no number and no formula.
    """

    JSON = ("rho", "rho_float", "certificate", "bracket?", "rho_at_init_float?", "cases?", "at_init?", "absent?")

    certificate: RhoCertificate | None = None
    cases: tuple[RhoCase, ...] | None = None
    at_init: EuclideanReport | None = None

    @property
    def rho(self) -> str | None:
        """The number as text; of a family the expression that holds on its whole domain."""
        if self.cases is not None and len(self.cases) == 1:
            return self.cases[0].rho
        return None if self.number is None else self.number.text

    @property
    def rho_float(self) -> float | None:
        """The nearest double; for a family that at the initial values."""
        return self.nearest if self.at_init is None else self.at_init.rho_float

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
