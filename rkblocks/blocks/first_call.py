"""What a block looks at once, in its first step: whether F keeps the shape and leaves its argument as it is, and
whether the coefficients fit the dtype.

x + F(x) hides a wrong shape where torch can broadcast it: a `Linear(4, 1)` gives every feature the same slope.  So the
calls of F are watched in the first step; later ones run the printed step alone.  torch.compile and torch.export look
while they trace, and what they make of the step holds no trace of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import Tensor

from rkblocks.blocks.recompute import run_step
from rkblocks.diagnostics import RkblocksError, fail

if TYPE_CHECKING:
    from rkblocks.blocks.block import RKBlock


def first_step(block: RKBlock, *arguments: Any) -> Any:
    """The step from x (and t), with every argument and result of F looked at.

    Raises:
        RkblocksError: RK509 for a result of F that is no tensor of the shape of its argument, RK530 for an F that
            changes its argument, RK510 for what no step can start from, RK519 and RK520 for coefficients that the
            dtypes of the block and of x cannot hold.  Where a graph must not break (fullgraph=True), torch's own error
            carries the text.
    """
    # Sizes are tensors while tracing, and comparing them warns.
    if torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
        return run_step(block, *arguments)
    _check_input(block, *arguments)
    compiling = torch.compiler.is_compiling()
    if not compiling:
        _check_coefficients(block, arguments[0])
    result = run_step(block, *arguments, watch=Watched)
    if not compiling:
        block.inspected = True
    return result


class Watched:
    """What a printed step calls, with the results of F looked at."""

    def __init__(self, runner: Any) -> None:
        self.runner = runner
        self.raw = getattr(runner, "raw", None)

    def residual(self, x: Tensor, *time: Any) -> Any:
        return self.looked_at(self.runner.residual, x, *time)

    def evaluate(self, stage: int, x: Tensor, *time: Any) -> Any:
        return self.looked_at(partial(self.runner.evaluate, stage), x, *time)

    def looked_at(self, call: Callable[..., Any], x: Tensor, *time: Any) -> Any:
        before = _version(x)
        y = _kept(x, call(x, *time))
        if before != _version(x):
            help = "let F begin with an operation that is not in place, nn.ReLU() for nn.ReLU(inplace=True)"
            _refuse("RK530", "F changes its argument in place, and the step reads it again", help)
        return y


def _version(x: Any) -> int | None:
    """How often a tensor was changed in place; None where that is not counted, or where a compiler traces."""
    if torch.compiler.is_compiling() or not isinstance(x, Tensor) or x.is_inference():
        return None
    return x._version


def _check_input(block: RKBlock, x: Any, *time: Any) -> None:
    if time and not block.step.time:
        _refuse("RK510", "the block is called with a time, and was built without", "build(..., time=True)")
    if isinstance(x, Tensor):
        if x.is_floating_point() or x.is_complex():
            return
        found, help = f"a tensor of {x.dtype}", "pass x.float(), images of bytes scaled: x.float() / 255"
    elif hasattr(x, "__torch_function__"):
        return  # a stand-in for a tensor, of torch.fx for example
    else:
        found, help = f"a {type(x).__name__}", "pass a torch.Tensor"
    _refuse("RK510", f"the block is called with {found}, expected a floating point tensor", help)


def _kept(x: Any, y: Any) -> Any:
    """The result of F, if it is one that can be added to its argument; stand-ins for tensors are not looked at."""
    if not isinstance(x, Tensor):
        return y
    shape = tuple(x.shape)
    found = help = ""
    if not isinstance(y, Tensor):
        if hasattr(y, "__torch_function__"):
            return y
        found, help = f"a {type(y).__name__}", "return one tensor, the slope at x"
    elif tuple(y.shape) != shape:
        found = f"a tensor of shape {tuple(y.shape)}"
        help = "end F with as many channels or features as it begins with; pad convolutions, and leave out strides"
    elif not (y.is_floating_point() or (y.is_complex() and x.is_complex())):
        found, help = f"a tensor of {y.dtype}", "a slope is a tensor of floating point numbers"
    if found:
        expected = f"expected one of {shape} and a floating point dtype"
        _refuse("RK509", f"F maps a tensor of shape {shape} and {x.dtype} to {found}, {expected}", help)
    return y


def _refuse(code: str, message: str, help: str) -> NoReturn:
    if torch.compiler.is_dynamo_compiling():  # it shows the text of plain exceptions only
        raise ValueError(f"{code}: {message}. Help: {help}")
    fail(code, message, help=help)


def _check_coefficients(block: RKBlock, x: Any) -> None:
    """The coefficients at their start, in the dtypes that the first step finds."""
    unfit = block.step.unfit
    stored = next((_name(block.raw[name].dtype) for name in block.step.domains), "")
    found = unfit.stored.get(stored) or (unfit.runs.get(_name(x.dtype)) if isinstance(x, Tensor) else None)
    if found is not None:
        raise RkblocksError((found,))


def _name(dtype: torch.dtype) -> str:
    """The name of a dtype; of a complex one, that of its parts."""
    return torch.finfo(dtype).dtype
