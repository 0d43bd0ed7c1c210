"""The report on one tableau: frozen values shaped as the JSON of `rkblocks check --format json`.

Exact numbers are text in the grammar of the tableau file (expressions for a family), with the nearest double beside
them.  Keys that do not apply are left out of the JSON where they are declared with `EXTRA`, and null elsewhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rkblocks.diagnostics import Diagnostic

EXTRA = {"extra": True}
"""Marks a key that is left out of the JSON where it is None or empty."""


@dataclass(frozen=True)
class Witness:
    """The first condition that fails: tree as brackets, its number of nodes, and both sides."""

    tree: str
    order: int
    left: str
    right: str


@dataclass(frozen=True)
class OrderReport:
    """The highest order that holds; ``exact`` is the highest that holds without the tolerance.

    ``remaining`` are the expressions that must vanish for the next order, in a family.
    """

    value: int
    verdict: str
    residual: str
    witness: Witness
    exact: int
    residual_float: float | None = dataclasses.field(default=None, metadata=EXTRA)
    stage_order: int | None = dataclasses.field(default=None, metadata=EXTRA)
    principal_error: Mapping[str, Any] | None = dataclasses.field(default=None, metadata=EXTRA)
    remaining: tuple[str, ...] | None = dataclasses.field(default=None, metadata=EXTRA)


@dataclass(frozen=True)
class Certificate:
    """What proves an SSP coefficient: ``entry`` is negative just above the root of ``polynomial`` in ``interval``.

    ``polynomial`` is the minimal one over the integers, ``entry_polynomial`` the whole entry of P(r) or d(r), both from
    the constant term up; the root is that of odd multiplicity at which the entry changes sign.
    """

    entry: str
    polynomial: tuple[str, ...]
    interval: tuple[str, str]
    entry_polynomial: tuple[str | None, ...]


@dataclass(frozen=True)
class CaseReport:
    """The coefficient where the parameter is as ``when`` says; ``cfl`` None: the root of ``polynomial`` in r."""

    when: str
    cfl: str | None
    polynomial: tuple[str, ...] | None = dataclasses.field(default=None, metadata=EXTRA)


@dataclass(frozen=True)
class OptimalReport:
    """The optimal SSP coefficient of the reduced method; for a family ``at_init`` speaks of the initial values.

    ``at_least`` is proved for every member of a family without a formula, ``zero_at`` is a member that has none.
    Where the number itself was not isolated, ``bracket`` has proven bounds low <= R < high and ``cfl_float`` is low.
    """

    cfl: str | None
    cfl_float: float | None
    certificate: Certificate | None
    bracket: tuple[str, str] | None = dataclasses.field(default=None, metadata=EXTRA)
    at_least: str | None = dataclasses.field(default=None, metadata=EXTRA)
    zero_at: Mapping[str, str] | None = dataclasses.field(default=None, metadata=EXTRA)
    cases: tuple[CaseReport, ...] | None = dataclasses.field(default=None, metadata=EXTRA)
    at_init: OptimalReport | None = dataclasses.field(default=None, metadata=EXTRA)


@dataclass(frozen=True)
class DeclaredReport:
    """What the Shu-Osher form as written certifies; for a family on its whole domain.

    ``trained`` says where it is nonnegative with the parameters that are not learned at their values: "everywhere",
    "somewhere" or "nowhere" in the domain of the one that is.
    """

    nonnegative: bool | None
    cfl: str | None
    cfl_float: float | None
    nonnegative_at_init: bool | None = dataclasses.field(default=None, metadata=EXTRA)
    cfl_at_init: str | None = dataclasses.field(default=None, metadata=EXTRA)
    trained: str | None = dataclasses.field(default=None, metadata=EXTRA)
    counterexample: Mapping[str, Any] | None = dataclasses.field(default=None, metadata=EXTRA)
    least_of: tuple[str, ...] | None = dataclasses.field(default=None, metadata=EXTRA)


@dataclass(frozen=True)
class SspReport:
    """Declared and optimal coefficient; ``region`` the inequalities under which a family's form is nonnegative."""

    declared: DeclaredReport | None
    optimal: OptimalReport | None
    region: tuple[str, ...] | None = dataclasses.field(default=None, metadata=EXTRA)
    linear: Mapping[str, Any] | None = dataclasses.field(default=None, metadata=EXTRA)


@dataclass(frozen=True)
class RhoCertificate:
    """What proves rho: B + r M is semidefinite at the lower end of ``interval``, which holds the root
    of ``polynomial``.

    ``direction`` is a vector v with v^T (B + r M) v < 0 above the interval; rho = 0 has the ``weight`` that is not
    positive instead.
    """

    polynomial: tuple[str, ...]
    interval: tuple[str, str]
    direction: tuple[str | None, ...] | None = dataclasses.field(default=None, metadata=EXTRA)
    weight: str | None = dataclasses.field(default=None, metadata=EXTRA)


@dataclass(frozen=True)
class RhoCase:
    """rho where the parameter is as ``when`` says; ``rho`` None: a root of ``polynomial`` in r."""

    when: str
    rho: str | None
    polynomial: tuple[str, ...] | None = dataclasses.field(default=None, metadata=EXTRA)


@dataclass(frozen=True)
class EuclideanReport:
    """The radius of circle contractivity rho of the reduced method; for a family ``at_init`` speaks of its start.

    Where the number itself was not isolated, ``bracket`` has proven bounds low <= rho < high and ``rho_float`` is low.
    """

    rho: str | None
    rho_float: float | None
    certificate: RhoCertificate | None
    bracket: tuple[str, str] | None = dataclasses.field(default=None, metadata=EXTRA)
    rho_at_init_float: float | None = dataclasses.field(default=None, metadata=EXTRA)
    cases: tuple[RhoCase, ...] | None = dataclasses.field(default=None, metadata=EXTRA)
    at_init: EuclideanReport | None = dataclasses.field(default=None, metadata=EXTRA)


@dataclass(frozen=True)
class AnyNormReport:
    """The optimal SSP coefficient: in any norm a step of cfl h0 does not expand where an Euler step of h0 does not."""

    cfl: str | None
    cfl_float: float | None


@dataclass(frozen=True)
class ContractivityReport:
    """How long a step does not expand differences, in units of the step h0 for which an Euler step does not."""

    any_norm: AnyNormReport
    euclidean: EuclideanReport


@dataclass(frozen=True)
class VarianceReport:
    """Growth of the variance in one step by Lemma 3, stage by stage; ``minimum`` over a family with one parameter."""

    growth: str | None
    growth_float: float | None
    stages: tuple[str | None, ...]
    assumptions: tuple[str, ...]
    minimum: Mapping[str, Any] | None = dataclasses.field(default=None, metadata=EXTRA)


@dataclass(frozen=True)
class TypedReport:
    """The figures of the table as written, where stages were removed."""

    stages: int
    optimal: OptimalReport | None
    variance: VarianceReport


@dataclass(frozen=True)
class ClaimReport:
    """One claim of the file; ``holds`` is None where it could not be decided."""

    claim: str
    claimed: str
    found: str | None
    holds: bool | None


@dataclass(frozen=True)
class Report:
    """Everything `check` found; parts that could not be computed are None."""

    source: str
    name: str | None
    ok: bool
    stages: int | None
    order: OrderReport | None
    ssp: SspReport | None
    variance: VarianceReport | None
    claims: tuple[ClaimReport, ...]
    diagnostics: tuple[Diagnostic, ...]
    ineffective: tuple[str, ...] | None = dataclasses.field(default=None, metadata=EXTRA)
    embedded: OrderReport | None = dataclasses.field(default=None, metadata=EXTRA)
    stability: Mapping[str, Any] | None = dataclasses.field(default=None, metadata=EXTRA)
    method: Mapping[str, Any] | None = dataclasses.field(default=None, metadata=EXTRA)
    as_typed: TypedReport | None = dataclasses.field(default=None, metadata=EXTRA)
    contractivity: ContractivityReport | None = None

    def to_dict(self) -> dict[str, Any]:
        """The report as the JSON object of `rkblocks check --format json`; a new one at every call."""
        plain: dict[str, Any] = _plain(self)
        return plain

    @cached_property
    def status(self) -> int:
        """The exit status that this report alone leads to: 0, 1 or 2."""
        return max((d.status for d in self.diagnostics), default=0)


def _plain(value: Any) -> Any:
    if isinstance(value, Diagnostic):
        return value.to_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: _plain(getattr(value, f.name))
            for f in dataclasses.fields(value)
            if not (f.metadata.get("extra") and getattr(value, f.name) in (None, (), {}))
        }
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
