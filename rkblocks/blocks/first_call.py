"""What a block looks at once, in its first step: whether F keeps the shape and leaves its argument as it is, and
whether the coefficients fit the dtype.

x + F(x) hides a wrong shape where torch can broadcast it: a `Linear(4, 1)` gives every feature the same slope.  So the
calls of F are watched in the first step; later ones run the printed step alone.  torch.compile and torch.export look
while they trace, and what they make of the step holds no trace of it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from rkblocks.blocks.block_step import Call, Step
from rkblocks.diagnostics import RkblocksError, fail


def watched(call: Call) -> Call:
    """The calls of F with every argument and result looked at.

    Raises:
        RkblocksError: RK509 for a result of F that is no tensor of the shape of its argument, RK530 for an F that
            changes its argument.  Where a graph must not break (fullgraph=True), torch's own error carries the text.
    """

    def looked_at(stage: int, x: Tensor, *time: Any) -> Any:
        before = _version(x)
        y = _kept(x, call(stage, x, *time))
        if before != _version(x):
            help = "let F begin with an operation that is not in place, nn.ReLU() for nn.ReLU(inplace=True)"
            _refuse("RK530", "F changes its argument in place, and the step reads it again", help)
        return y

    return looked_at


def _version(x: Any) -> int | None:
    """How often a tensor was changed in place; None where that is not counted, or where a compiler traces."""
    if torch.compiler.is_compiling() or not isinstance(x, Tensor) or x.is_inference():
        return None
    return x._version


def check_input(x: Any) -> None:
    """Return nothing.  RK510 for what no step can start from."""
    if isinstance(x, Tensor):
        if x.is_floating_point() or x.is_complex():
            return
        found, help = f"a tensor of {x.dtype}", "pass x.float(), images of bytes scaled: x.float() / 255"
    elif hasattr(x, "__torch_function__"):
        return  # a stand-in for a tensor, of torch.fx for example
    else:
        found, help = f"a {type(x).__name__}", "pass a torch.Tensor"
    _refuse("RK510", f"the block is called with {found}, expected a floating point tensor", help)


def check_arguments(residual: nn.Module, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> None:
    """Return nothing.  RK510 for arguments, x (and t) first, that F does not take."""
    try:
        signature = inspect.signature(residual.forward)
    except (TypeError, ValueError):  # of a function in C
        return
    try:
        signature.bind(*arguments, **keywords)
    except TypeError as error:
        help = "pass what F takes: block(x, ...) calls F(x, ...); a time needs build(..., time=True)"
        _refuse(
            "RK510", f"the block is called with what its F, {type(residual).__name__}, does not take: {error}", help
        )


def check_coefficients(step: Step, raw: Mapping[str, Tensor] | nn.ParameterDict, x: Any) -> None:
    """Return nothing.  RK519 and RK520 for coefficients at their start that the dtypes of block and x cannot hold."""
    unfit = step.unfit
    stored = next((_name(raw[name].dtype) for name in step.domains), "")
    found = unfit.stored.get(stored) or (unfit.runs.get(_name(x.dtype)) if isinstance(x, Tensor) else None)
    if found is not None:
        raise RkblocksError((found,))


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


def _name(dtype: torch.dtype) -> str:
    """The name of a dtype; of a complex one, that of its parts."""
    return torch.finfo(dtype).dtype
