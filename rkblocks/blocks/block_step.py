"""The step of one program as a Python function: the printed source, compiled once and shown by debuggers."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from rkblocks import files
from rkblocks.program import Program, lower
from rkblocks.program.domains import Domain
from rkblocks.program.rounding import UnfitStart, unfit
from rkblocks.program.step_source import (
    MEAN,
    STEP_DOMAIN,
    domains,
    method_source,
    needs_mean,
    residual_call,
    staged_call,
)
from rkblocks.tableau import Tableau


class Evaluator(Protocol):
    """What a printed step calls as ``self``: F, and the raw values of the coefficients that are learned."""

    raw: Mapping[str, Tensor] | nn.ParameterDict

    def residual(self, *arguments: Any) -> Any:
        """F at x (and t), in a step that does not tell its stages apart."""

    def evaluate(self, stage: int, *arguments: Any) -> Any:
        """F at x (and t) as a stage calls it, 0 to m - 1."""


Call = Callable[..., Any]
"""F as a function of the stage and its arguments."""


class Calls:
    """The `Evaluator` that calls F as it is told to."""

    def __init__(self, call: Call, raw: Mapping[str, Tensor] | nn.ParameterDict) -> None:
        self.call, self.raw = call, raw

    def residual(self, *arguments: Any) -> Any:
        return self.call(0, *arguments)

    def evaluate(self, stage: int, *arguments: Any) -> Any:
        return self.call(stage, *arguments)


@dataclass(frozen=True)
class Step:
    """What a block runs, decided by the tableau and these settings alone; copies are the same object.

    ``dt`` is the step size, or its start where it is learned; ``time`` says whether F takes the time; ``staged``
    whether each call of F says which stage it is for; ``error`` whether the step returns (result, error estimate);
    ``longest`` is the upper end of a learned dt, None for no end; ``inconsistent`` whether a method may be of order 0.
    """

    tableau: Tableau
    dt: Fraction
    learn_dt: bool = False
    time: bool = False
    staged: bool = False
    error: bool = False
    longest: Fraction | None = None
    inconsistent: bool = False

    @cached_property
    def program(self) -> Program:
        """The program whose source runs."""
        dt = None if self.learn_dt else self.dt
        return lower(self.tableau, dt=dt, time=self.time, error=self.error, inconsistent=self.inconsistent)

    @cached_property
    def domains(self) -> dict[str, Domain]:
        """The learnable coefficients by name: parameters that have an effect, and dt where it is learned."""
        found = domains(self.program, self.dt if self.learn_dt else None)
        if self.learn_dt and self.longest is not None:
            found[STEP_DOMAIN] = replace(found[STEP_DOMAIN], high=self.longest)
        return found

    @cached_property
    def unfit(self) -> UnfitStart:
        """The precisions that cannot hold the coefficients at their start."""
        return unfit(self.tableau.name, self.program, self.domains)

    @cached_property
    def source(self) -> str:
        """The source of the step, as a method of the block."""
        call = staged_call if self.staged else residual_call
        method = method_source(self.program, self.domains, "step", call)
        return f"{MEAN}\n\n{method}" if needs_mean(self.program) else method

    @property
    def function(self) -> Callable[..., Any]:
        """The step as a function of an `Evaluator` and x (and t)."""
        return compiled(self.source, f"<rkblocks {self.tableau.name} {self.tableau.digest[:12]}>")

    def __deepcopy__(self, memo: dict[int, Any]) -> Step:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        text = self.tableau.to_json()
        longest = None if self.longest is None else str(self.longest)
        settings = (self.learn_dt, self.time, self.staged, self.error, longest, self.inconsistent)
        return restore, (text, str(self.dt), *settings)


@lru_cache(maxsize=512)
def shared(step: Step) -> Step:
    """The first step with these settings: one object for all the blocks of a network that share them."""
    return step


def restore(text: str, dt: str, *settings: Any) -> Step:
    """The step that was saved: text of its tableau, dt, and the other settings in their order, those of later versions
    left out; the longest dt as text.
    """
    tableau = files.read_text(text).tableau
    assert tableau is not None
    known = Step(tableau, Fraction(dt), *settings)
    return shared(replace(known, longest=None if known.longest is None else Fraction(known.longest)))


@lru_cache(maxsize=512)
def compiled(source: str, name: str) -> Callable[..., Any]:
    """The function ``step`` that the source defines, registered so that tracebacks and debuggers show its lines."""
    filename = name
    number = 1
    while filename in linecache.cache:  # another program of the same tableau (dt, time, stages)
        number += 1
        filename = f"{name[:-1]} {number}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"torch": torch, "nn": nn, "Tensor": Tensor, "__name__": __name__}
    exec(compile(source, filename, "exec"), namespace)  # text printed by this package from an exact program
    return namespace["step"]  # type: ignore[no-any-return]
