"""Arguments of the functions that work on whole networks, looked at before anything is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from rkblocks.diagnostics import fail


def check_network(model: Any) -> None:
    """Return nothing.  RK513 for what is no module."""
    if isinstance(model, nn.Module):
        return
    if isinstance(model, type):
        fail(
            "RK513", f"the model is the class {model.__name__}, expected a torch.nn.Module", help="call it: resnet18()"
        )
    fail("RK513", f"the model is a {type(model).__name__}, expected a torch.nn.Module", help="pass the network itself")


def check_split(split: Any) -> None:
    """Return nothing.  RK514 for what is no mapping from module classes to functions."""
    help = "split={MyBlock: lambda block: (block.branch, None)}"
    if not isinstance(split, Mapping):
        fail("RK514", f"split is a {type(split).__name__}, expected a dict from block classes to functions", help=help)
    for kind, function in split.items():
        if not (isinstance(kind, type) and issubclass(kind, nn.Module)):
            fail("RK514", f"split has the key {kind!r}, expected a class of modules", help=help)
        if not callable(function):
            fail("RK514", f"split[{kind.__name__}] is {function!r}, expected a function of the block", help=help)


def check_report(report: Any) -> None:
    """Return nothing.  RK514 for what cannot be called."""
    if report is not None and not callable(report):
        fail("RK514", f"report is {report!r}, expected a function of a Candidate", help="report=print")


def halves(function: Callable[[nn.Module], Any], block: nn.Module) -> tuple[nn.Module, nn.Module | None] | None:
    """What a function of ``split`` gives for a block: F, and the layer after the addition; None for one to keep.

    RK514 for anything else.
    """
    found = function(block)
    match found:
        case None:
            return None
        case (nn.Module() as residual, (None | nn.Module()) as after) if isinstance(found, tuple):
            return residual, after
    kinds = ", ".join(type(part).__name__ for part in found) if isinstance(found, tuple) else type(found).__name__
    return fail(
        "RK514",
        f"split gives ({kinds}) for a {type(block).__name__}, expected F as a module, and the layer after x + F(x)",
        help="return (block.branch, None) where nothing follows the addition, None where the block is to be kept",
    )
