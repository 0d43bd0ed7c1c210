"""`rkblocks audit`: what the blocks of a trained network are, exactly: order, SSP coefficient and growth of each.

A learnable coefficient is stored as an unconstrained raw number and mapped into its domain at every step, in the dtype
of the raw number.  The audit evaluates the same map in the same dtype, and takes the floating point number that comes
out as the coefficient, exactly: a fraction whose denominator is a power of two.  All figures are those of the method
with exactly that coefficient, by exact arithmetic; what rounding does inside a step is not part of them (`rkblocks
compile --explain` shows it).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import nn

from rkblocks import verify
from rkblocks.blocks import RKBlock
from rkblocks.exact.value import Exact
from rkblocks.program.driver import fixed
from rkblocks.program.scheme_summary import number
from rkblocks.program.step_source import STEP_DOMAIN
from rkblocks.runs.network import open_run
from rkblocks.tableau import Tableau
from rkblocks.verify import Report


@dataclass(frozen=True)
class LearnedCoefficient:
    """A coefficient in use: ``raw`` as stored, ``value`` what the map makes of it, ``dtype`` of both."""

    name: str
    raw: float
    value: Fraction
    dtype: str

    def to_dict(self) -> dict[str, Any]:
        return {"raw": self.raw, "exact": str(self.value), "float": float(self.value), "dtype": self.dtype}


@dataclass(frozen=True)
class BlockAudit:
    """One block: ``name`` in the network, its learned coefficients, and the report on the method that it has become.

    ``dt`` is its step size; the step is strong stability preserving while dt <= C dt_FE.
    """

    name: str
    tableau: str
    calls: int
    coefficients: tuple[LearnedCoefficient, ...]
    dt: Fraction
    report: Report

    @property
    def order(self) -> int:
        """The order of the method, 0 for one that is not consistent."""
        return 0 if self.report.order is None else self.report.order.value

    @property
    def ssp(self) -> tuple[str | None, float | None]:
        """The optimal SSP coefficient: exact (None: a root that has no text) and the nearest double."""
        optimal = None if self.report.ssp is None else self.report.ssp.optimal
        return (None, None) if optimal is None else (optimal.cfl, optimal.cfl_float)

    @property
    def rho(self) -> tuple[str | None, float | None]:
        """The radius of circle contractivity: exact (None: a root that has no text) and the nearest double."""
        found = self.report.contractivity
        return (None, None) if found is None else (found.euclidean.rho, found.euclidean.rho_float)

    @property
    def growth(self) -> tuple[str | None, float | None]:
        """The growth of the variance in one step by Lemma 3: exact, and the nearest double."""
        variance = self.report.variance
        return (None, None) if variance is None else (variance.growth, variance.growth_float)

    @property
    def _exact(self) -> tuple[Exact | None, ...]:
        """SSP coefficient, rho and growth, as far as they are known."""
        optimal = None if self.report.ssp is None else self.report.ssp.optimal
        rho = None if self.report.contractivity is None else self.report.contractivity.euclidean
        growth = None if self.report.variance is None else self.report.variance.number
        return (None if optimal is None else optimal.known, None if rho is None else rho.known, growth)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the method, in words: a family can be led away from consistency."""
        return tuple(d.message for d in self.report.diagnostics if d.severity == "error")

    def to_dict(self) -> dict[str, Any]:
        """The content as a JSON object."""
        (ssp, ssp_float), (growth, growth_float) = self.ssp, self.growth
        optimal = None if self.report.ssp is None else self.report.ssp.optimal
        certificate = None if optimal is None or optimal.certificate is None else optimal.certificate.to_dict()
        return {
            "block": self.name,
            "tableau": self.tableau,
            "calls": self.calls,
            "coefficients": {c.name: c.to_dict() for c in self.coefficients},
            "dt": str(self.dt),
            "order": self.order,
            "ssp": {"cfl": ssp, "cfl_float": ssp_float, "certificate": certificate},
            "contractivity": None if self.report.contractivity is None else self.report.to_dict()["contractivity"],
            "growth": growth,
            "growth_float": growth_float,
            "problems": list(self.problems),
        }

    def row(self) -> tuple[str, ...]:
        """The cells of a table: block, scheme, coefficients, order, SSP coefficient, rho, growth."""
        learned = ", ".join(f"{c.name} = {float(c.value):.9g}" for c in self.coefficients)
        figures = tuple(map(number, self._exact)) if self.order else ("-",) * 3
        return (self.name, self.tableau, learned or "-", str(self.order) if self.order else "none", *figures)


@dataclass(frozen=True)
class Audit:
    """The blocks of one run, with the sha256 of the weights that were read."""

    run: str
    blocks: str
    weights: str
    entries: tuple[BlockAudit, ...]

    def to_dict(self) -> dict[str, Any]:
        """The content as a JSON object."""
        entries = [entry.to_dict() for entry in self.entries]
        return {"run": self.run, "blocks": self.blocks, "weights": self.weights, "entries": entries}


def audit(runs: Sequence[str | Path], *, weights: str = "best") -> list[Audit]:
    """The audit of each run folder; neither the data set nor the library of schemes is asked.

    Args:
        runs: folders as `train` wrote them.
        weights: "best" on the validation images, "last", or "average" where the run kept one.

    Raises:
        RkblocksError: what opening a run raises (RK712 to RK715, RK744).
    """
    found = []
    for folder in runs:
        run = open_run(folder, device="cpu", weights=weights)
        entries = tuple(audit_model(run.model))
        own = run.config.net.kind == "module"  # its schemes are those that its file has built
        blocks = ",".join(dict.fromkeys(entry.tableau for entry in entries)) if own else run.blocks
        found.append(Audit(str(run.folder), blocks, run.weights_hash, entries))
    return found


def audit_model(model: nn.Module) -> Iterator[BlockAudit]:
    """The audit of every block in a model, in the order of its modules."""
    for name, block in model.named_modules():
        if isinstance(block, RKBlock):
            yield audit_block(block, name)


def audit_block(block: RKBlock, name: str = "") -> BlockAudit:
    """The audit of one block."""
    values = block.exact_coefficients()
    coefficients = tuple(
        LearnedCoefficient(key, float(block.raw[key].detach()), value, str(block.raw[key].dtype).removeprefix("torch."))
        for key, value in values.items()
    )
    dt = values.pop(STEP_DOMAIN) if block.step.learn_dt else block.step.dt
    report = _report(block.tableau, tuple(values.items()))
    return BlockAudit(name, block.tableau.name, block.program.calls, coefficients, dt, report)


@lru_cache(maxsize=256)
def _report(tableau: Tableau, values: tuple[tuple[str, Fraction], ...]) -> Report:
    """The report on the member of a family at these values; parameters that do not change the method stay at theirs."""
    family = fixed(tableau)
    return verify.check(family.at(family.initial() | dict(values)))
