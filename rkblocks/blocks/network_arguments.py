"""Arguments of the functions that work on whole networks, looked at before anything is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from rkblocks.diagnostics import fail, typed, unfit_argument


def check_network(model: Any) -> None:
    """Return nothing.  RK822 for what is no module."""
    help = "pass the network itself; of a class make one: resnet18()"
    typed({"model": model}, {"model": ((nn.Module,), "a torch.nn.Module")}, help)


def check_split(split: Any) -> None:
    """Return nothing.  RK822 for what is no mapping from module classes to functions."""
    help = "split={MyBlock: lambda block: (block.branch, None)}"
    if not isinstance(split, Mapping):
        unfit_argument("split", split, "a dict from block classes to functions", help)
    for kind, function in split.items():
        if not (isinstance(kind, type) and issubclass(kind, nn.Module)):
            unfit_argument("a key of split", kind, "a class of modules", help)
        if not callable(function):
            unfit_argument(f"split[{kind.__name__}]", function, "a function of the block", help)


def check_report(report: Any) -> None:
    """Return nothing.  RK822 for what cannot be called."""
    if report is not None and not callable(report):
        unfit_argument("report", report, "a function of a Candidate", "report=print")


def halves(function: Callable[[nn.Module], Any], block: nn.Module) -> tuple[nn.Module, nn.Module | None] | None:
    """What a function of ``split`` gives for a block: F, and the layer after the addition; None for one to keep.

    RK822 for anything else.
    """
    found = function(block)
    match found:
        case None:
            return None
        case (nn.Module() as residual, (None | nn.Module()) as after) if isinstance(found, tuple):
            return residual, after
    kinds = ", ".join(type(part).__name__ for part in found) if isinstance(found, tuple) else type(found).__name__
    return fail(
        "RK822",
        f"split gives ({kinds}) for a {type(block).__name__}, expected F as a module, and the layer after x + F(x)",
        help="return (block.branch, None) where nothing follows the addition, None where the block is to be kept",
    )
