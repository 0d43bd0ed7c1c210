"""What a report says of the step that does not expand differences: in any norm, and in the Euclidean one."""

from __future__ import annotations

from dataclasses import dataclass

from rkblocks.exact.roots import Root
from rkblocks.exact.value import Exact
from rkblocks.verify.report.part import Part, Radius, RootSample, definition
from rkblocks.verify.report.ssp_report import OptimalReport


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
        return definition(self.root)[0]

    @property
    def interval(self) -> tuple[str, str]:
        """The interval that holds no other root."""
        return definition(self.root)[1]


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
