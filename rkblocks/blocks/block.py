"""The block: one Runge-Kutta step around a residual, as a torch module."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Proxy

from rkblocks.blocks.block_step import Call, Calls, Step, shared
from rkblocks.blocks.coefficients import raw_parameters, value_in_use, with_one_entry
from rkblocks.blocks.first_call import check_arguments, check_coefficients, check_input, watched
from rkblocks.blocks.guarantee import Guarantee, guarantee, kept_within
from rkblocks.blocks.norm_statistics import STATISTICS, claim, keep_per_stage, norms_in_one
from rkblocks.blocks.recompute import MEMORY, recomputed, remembering
from rkblocks.blocks.views import fresh, views
from rkblocks.diagnostics import fail, unfit_argument
from rkblocks.escape import count
from rkblocks.program import Program
from rkblocks.program.lower import Source, admit, proved, step_size, tableau_of
from rkblocks.program.rounding import check_start
from rkblocks.program.step_source import STEP_DOMAIN
from rkblocks.tableau import Tableau


class RKBlock(nn.Module):
    """One step x -> x + ... of the scheme ``tableau`` around ``residual``; made by `build`.

    The state dict holds ``residual.*`` and, where the scheme has learnable coefficients, ``raw.<name>``.

    Shape: that of the residual, which maps a tensor to one of the same shape.
    """

    memory: str = "full"
    inspected: bool = False
    """Whether a first step has shown that F keeps the shape; set it to False after changing F."""

    def __init__(self, step: Step, residual: nn.Module, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        self.step = step
        self.residual = residual
        if step.domains:
            self.raw = raw_parameters(step.domains, dtype)
        self.views: tuple[nn.Module, ...] = ()
        self._settle()

    def forward(self, x: Tensor, *arguments: Any, **keywords: Any) -> Any:
        """One step from x; a pair with the error estimate where that is asked for.

        A block with time takes t after x (0 where it is left out).  All other arguments are for F, which gets them as
        they are at every stage: masks, embeddings, states of other layers.

        The estimate is ``y - y_hat``, the difference to the step of the embedded method, of the shape of x.
        """
        if isinstance(x, Proxy):  # a block is one node to torch.fx
            return x.tracer.create_proxy("call_module", x.tracer.path_of_module(self), (x, *arguments), keywords)
        time: tuple[Any, ...] = ()
        if self.step.time:
            time, arguments = arguments[:1], arguments[1:]
            if "t" in keywords:
                time = (keywords.pop("t"),)

        def bound(residual: nn.Module) -> Call:
            if not arguments and not keywords:
                return residual
            return lambda *given: residual(*given, *arguments, **keywords)

        stages = [bound(view) for view in self.stages()]

        def call(stage: int, *given: Any) -> Any:
            return stages[stage](*given)

        raw: Any = self.raw if self.step.domains else {}
        call = recomputed(call, self.memory, self.residual, bound)
        # Compilers take the first as constant.  Sizes are tensors while torch.jit traces, and comparing them warns.
        compiling = torch.compiler.is_compiling()
        looking = (compiling or not self.inspected) and not torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        if looking:
            check_input(x)
            if not compiling:
                check_arguments(self.residual, (x, *(time or (0.0,) * self.step.time), *arguments), keywords)
                check_coefficients(self.step, raw, x)
            call = watched(call)
        with remembering(self.memory):
            result = self.run(Calls(call, raw), x, *time)
        if looking and not compiling:
            self.inspected = True
        return result

    def _settle(self) -> None:
        """What is of this process and this object: the step's function, the views of F, who owns its norms."""
        self.run = self.step.function
        self.views = views(self.residual, self.program.calls) if self.step.staged else ()
        claim(self, self.residual)

    def stages(self) -> tuple[nn.Module, ...]:
        """F as each stage sees it; one F for all stages where it keeps no statistics for them."""
        if not self.step.staged:
            return (self.residual,)
        if not fresh(self.views[0], self.residual):  # F has other layers now, or this is a replica
            if torch.compiler.is_dynamo_compiling():  # it cannot make them, and shows the text of plain exceptions only
                raise ValueError("F was changed after its block was built. Help: call the block once, then compile")
            self.views = views(self.residual, self.program.calls)
        return self.views

    def at(self, stage: int) -> nn.Module:
        """F as a stage sees it, 0 to m - 1: with the running statistics of that stage."""
        return self.stages()[stage if self.step.staged else 0]

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

    def guarantee(self, norm: str = "l2") -> Guarantee:
        """Whether a step is proved not to expand differences in the norm "l2", "linf" or "l1", and up to which length.

        Raises RkblocksError RK554 for another norm, RK555 for a residual whose statement is no step length.
        """
        return guarantee(self.step, self.residual, self.exact_coefficients(), norm)

    def extra_repr(self) -> str:
        found = proved(self.tableau, inconsistent=self.step.inconsistent)
        parts = [self.tableau.name, count(self.program.calls, "stage"), found.label, f"rho {found.rho}"]
        if self.step.error:
            parts.append(f"with an error estimate by order {found.embedded}")
        values = self.coefficients()
        if self.step.learn_dt or self.step.dt != 1:
            parts.append(f"dt={values.pop(STEP_DOMAIN, self.dt):.6g}{f' ({found.bound})' if found.bound else ''}")
        parts += [f"{name}={value:.6g}" for name, value in values.items()]
        if self.step.staged:
            parts.append("statistics per stage")
        if self.memory != "full":
            parts.append(f"memory {self.memory}")
        return ", ".join(parts)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())  # type: ignore[no-untyped-call]  # object's, since Python 3.11
        del state["run"]  # a function of this process
        state["views"] = ()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._settle()

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        with_one_entry(state_dict, f"{prefix}raw.")
        norms_in_one(state_dict, prefix, self)
        super()._load_from_state_dict(state_dict, prefix, *rest)


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
    guaranteed: str | None = None,
    inconsistent: bool = False,
) -> RKBlock:
    """One step of a scheme around a residual, as a module x -> x + ....

    Args:
        source: a tableau, or the name or path of one.
        residual: F, any module that keeps the shape; it is registered once and called once a stage, never more.
        dt: the step size; 1 makes the Euler block the plain residual block.
        statistics: of batch norm inside F, "stage": running statistics for every stage (the norm layers inside the
            residual are replaced); "shared": one set for all stages, as published.
        time: whether F takes the time, F(x, t); the block is then called with (x, t).  What a block is called with
            beyond that goes to F unchanged: ``block(x, mask=mask)`` calls F(u, mask=mask).
        learn_dt: whether dt is learned, from the given start, as ``raw.dt``.
        error: whether the block returns (result, error estimate), for an embedded method; the estimate may need one
            call of F more than the result alone.
        dtype: of the raw coefficients that are stored; torch's default where left out.  ``build(...).double()`` starts
            at the value rounded to that default, ``build(..., dtype=torch.float64)`` at the value declared.
        memory: what the backward pass computes again instead of the forward pass saving it: "full" nothing, "norm"
            normalisation and activation, "stage" all of F.  Results are the same bits; see docs/blocks.md.
        guaranteed: a norm in which no step may expand differences, "l2", "linf" or "l1": a learned dt and a learned
            coefficient are mapped into the interval in which that is proved; see docs/guarantees.md.
        inconsistent: whether an explicit method whose weights do not sum to 1 is built all the same, as a control in
            experiments ("midrk2_published").

    Raises:
        TableauError: for what is no consistent explicit method, with the diagnostics of `check`.
        RkblocksError: RK501 for the step size, RK822 for the residual, RK503 for the statistics, RK504 and RK505 for
            norm layers whose statistics cannot be kept for every stage, RK506 for a learned dt in a scheme that
            declares one, RK507 for a method that estimates no error, RK508 for the dtype, RK512 for the memory
            mode, RK553 to RK555 for a step that is not guaranteed.

    Example:
        >>> import torch, rkblocks
        >>> block = rkblocks.build("ssp2", residual=torch.nn.Tanh())
        >>> block(torch.zeros(2)).tolist()
        [0.0, 0.0]
    """
    tableau = tableau_of(source)
    inconsistent = bool(inconsistent)
    admit(tableau, inconsistent=inconsistent)
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
    longest = None
    if guaranteed is not None:
        tableau, longest = kept_within(tableau, residual, size, guaranteed, learn_dt)
    step = shared(Step(tableau, size, learn_dt, time, False, error, longest, inconsistent))
    check_start(tableau.name, step.program, step.domains)
    raw_parameters(step.domains, dtype)  # refuses a dtype before the residual is changed
    if statistics == "stage":
        residual, staged = keep_per_stage(residual, step.program.calls)
        step = shared(replace(step, staged=staged))
    block = RKBlock(step, residual, dtype)
    block.memory = memory
    return block


_CHOICE = "docs/blocks.md says what each does"


def _check_residual(residual: Any) -> None:
    """Return nothing.  RK822 for what cannot be registered in a module."""
    if isinstance(residual, nn.Module):
        return
    if isinstance(residual, type):
        help = f"make one of the class: residual={residual.__name__}(...)"
    elif callable(residual):
        help = "wrap it: class F(nn.Module): forward = staticmethod(function)"
    else:
        help = "F is a module such as nn.Sequential(nn.Linear(8, 8), nn.Tanh())"
    unfit_argument("residual", residual, "a torch.nn.Module", help)
