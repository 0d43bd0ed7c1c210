"""The block: one Runge-Kutta step around a residual, as a torch module."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn

from rkblocks.blocks.coefficients import raw_parameters, value_in_use
from rkblocks.blocks.first_call import first_step
from rkblocks.blocks.recompute import MEMORY, run_step
from rkblocks.blocks.statistics import STATISTICS, Clock, claim, keep_per_stage
from rkblocks.blocks.step import Step, step_of
from rkblocks.diagnostics import fail
from rkblocks.files.wording import count
from rkblocks.program import Program
from rkblocks.program.lower import Source, admit, proved, step_size, tableau_of
from rkblocks.program.method_source import STEP_DOMAIN
from rkblocks.program.start import check_start
from rkblocks.tableau import Tableau


class RKBlock(nn.Module):
    """One step x -> x + ... of the scheme ``tableau`` around ``residual``; made by `build`.

    The state dict holds ``residual.*`` and, where the scheme has learnable coefficients, ``raw.<name>``.

    Shape: that of the residual, which maps a tensor to one of the same shape.
    """

    memory: str = "full"
    inspected: bool = False
    """Whether a first step has shown that F keeps the shape; set it to False after changing F."""

    def __init__(self, step: Step, residual: nn.Module, clock: Clock | None, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        self.step = step
        self.residual = residual
        if step.domains:
            self.raw = raw_parameters(step.domains, dtype)
        self.clock = clock
        self.run = step.function
        claim(self, residual)

    def forward(self, x: Tensor, *time: float | Tensor) -> Any:
        """One step from x, at the time t for a block with time; a pair with the error estimate where that is asked for.

        The estimate is ``y - y_hat``, the difference to the step of the embedded method, of the shape of x.
        """
        if torch.compiler.is_compiling() or not self.inspected:  # in this order: compilers take the first as constant
            return first_step(self, x, *time)
        return run_step(self, x, *time)

    def evaluate(self, stage: int, x: Tensor, *time: float | Tensor) -> Tensor:
        """F at a stage, 0 to m - 1, which the norm layers inside F are told."""
        assert self.clock is not None
        self.clock.stage = stage
        return self.residual(x, *time)  # type: ignore[no-any-return]

    @property
    def tableau(self) -> Tableau:
        """The scheme."""
        return self.step.tableau

    @property
    def program(self) -> Program:
        """The program whose printed source runs."""
        return self.step.program

    @property
    def source(self) -> str:
        """The source that runs, as debuggers show it."""
        return self.step.source

    @property
    def dt(self) -> float:
        """The step size in use."""
        return self.coefficients().get(STEP_DOMAIN, float(self.step.dt))

    def coefficients(self) -> dict[str, float]:
        """The learnable coefficients in use, by name: those on which the method depends, and a learned ``dt``."""
        return {name: d.value(float(self.raw[name].detach())) for name, d in self.step.domains.items()}

    def exact_coefficients(self) -> dict[str, Fraction]:
        """The learnable coefficients in use, a learned ``dt`` among them, as the fractions that these numbers are.

        The map into the domain is evaluated in the dtype of the raw value, as the step does it.
        """
        values = {name: value_in_use(d, self.raw[name].detach()) for name, d in self.step.domains.items()}
        return {name: Fraction(float(value)) for name, value in values.items()}

    def extra_repr(self) -> str:
        found = proved(self.tableau)
        parts = [self.tableau.name, count(self.program.calls, "stage"), found.label, f"rho {found.rho}"]
        if self.step.error:
            parts.append(f"with an error estimate by order {found.embedded}")
        values = self.coefficients()
        if self.step.learn_dt or self.step.dt != 1:
            parts.append(f"dt={values.pop(STEP_DOMAIN, self.dt):.6g}{f' ({found.bound})' if found.bound else ''}")
        parts += [f"{name}={value:.6g}" for name, value in values.items()]
        if self.clock is not None:
            parts.append("statistics per stage")
        if self.memory != "full":
            parts.append(f"memory {self.memory}")
        return ", ".join(parts)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())  # type: ignore[no-untyped-call]  # object's, since Python 3.11
        del state["run"]  # a function of this process
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self.run = self.step.function
        claim(self, self.residual)


def build(
    source: Source,
    residual: nn.Module,
    dt: float | Fraction = 1.0,
    *,
    statistics: str = "stage",
    time: bool = False,
    learn_dt: bool = False,
    error: bool = False,
    dtype: torch.dtype | None = None,
    memory: str = "full",
) -> RKBlock:
    """One step of a scheme around a residual, as a module x -> x + ....

    Args:
        source: a tableau, or the name or path of one.
        residual: F, any module that keeps the shape; it is registered once and called once a stage, never more.
        dt: the step size; 1 makes the Euler block the plain residual block.
        statistics: of batch norm inside F, "stage": running statistics for every stage (the norm layers inside the
            residual are replaced); "shared": one set for all stages, as published.
        time: whether F takes the time, F(x, t); the block is then called with (x, t).
        learn_dt: whether dt is learned, from the given start, as ``raw.dt``.
        error: whether the block returns (result, error estimate), for an embedded method; the estimate may need one
            call of F more than the result alone.
        dtype: of the raw coefficients that are stored; torch's default where left out.  ``build(...).double()`` starts
            at the value rounded to that default, ``build(..., dtype=torch.float64)`` at the value declared.
        memory: what the backward pass computes again instead of the forward pass saving it: "full" nothing, "norm"
            normalisation and activation, "stage" all of F.  Results are the same bits; see docs/blocks.md.

    Raises:
        TableauError: for what is no consistent explicit method, with the diagnostics of `check`.
        RkblocksError: RK501 for the step size, RK502 for the residual, RK503 for the statistics, RK504 and RK505 for
            norm layers whose statistics cannot be kept for every stage, RK506 for a learned dt in a scheme that
            declares one, RK507 for a method that estimates no error, RK508 for the dtype, RK512 for the memory mode.

    Example:
        >>> import torch, rkblocks
        >>> block = rkblocks.build("ssp2", residual=torch.nn.Tanh())
        >>> block(torch.zeros(2)).tolist()
        [0.0, 0.0]
    """
    tableau = tableau_of(source)
    admit(tableau)
    size = step_size(dt)
    _check_residual(residual)
    if statistics not in STATISTICS:
        fail("RK503", f"statistics is {statistics!r}, expected one of {', '.join(map(repr, STATISTICS))}", help=_CHOICE)
    if memory not in MEMORY:
        fail("RK512", f"memory is {memory!r}, expected one of {', '.join(map(repr, MEMORY))}", help=_CHOICE)
    if learn_dt and any(p.name == STEP_DOMAIN for p in tableau.parameters):
        fail(
            "RK506",
            "dt is to be learned, and the tableau declares a parameter of that name",
            help="rename the parameter in the file",
        )
    learn_dt, time, error = bool(learn_dt), bool(time), bool(error)
    step = step_of(tableau, size, learn_dt, time, error=error)
    check_start(tableau.name, step.program, step.domains)
    raw_parameters(step.domains, dtype)  # refuses a dtype before the residual is changed
    clock = None
    if statistics == "stage":
        residual, clock = keep_per_stage(residual, step.program.calls)
        step = step_of(tableau, size, learn_dt, time, staged=clock is not None, error=error)
    block = RKBlock(step, residual, clock, dtype)
    block.memory = memory
    return block


_CHOICE = "docs/blocks.md says what each does"


def _check_residual(residual: Any) -> None:
    """Return nothing.  RK502 for what cannot be registered in a module."""
    if isinstance(residual, nn.Module):
        return
    if isinstance(residual, type):
        help = f"make one of the class: residual={residual.__name__}(...)"
    elif callable(residual):
        help = "wrap it: class F(nn.Module): forward = staticmethod(function)"
    else:
        help = "F is a module such as nn.Sequential(nn.Linear(8, 8), nn.Tanh())"
    fail("RK502", f"the residual is a {type(residual).__name__}, expected a torch.nn.Module", help=help)
