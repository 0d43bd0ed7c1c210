"""Memory counted exactly: the storages that operations have made and that still live."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Live(TorchDispatchMode):
    """Within it, every storage that an operation makes is noted; those of the `given` tensors are left out."""

    def __init__(self, *given: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.given = {t.untyped_storage()._cdata for t in given}
        self.found: list[tuple[StorageWeakRef, int]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor) and leaf.untyped_storage()._cdata not in self.given:
                self.found.append((StorageWeakRef(leaf.untyped_storage()), leaf.untyped_storage().nbytes()))
        return result

    def bytes(self, least: int = 0) -> int:
        """Of storages of at least so many bytes."""
        return sum({ref.cdata: n for ref, n in self.found if n >= least and not ref.expired()}.values())


def saved_units(block: nn.Module, x: Tensor) -> float:
    """Memory that a forward pass leaves behind for the backward pass, x itself included, in units of x.

    What has the size of channels is left out.
    """
    with Live(x, *block.parameters(), *block.buffers()) as live:
        y = block(x)
    unit = x.numel() * x.element_size()
    total = live.bytes(least=unit) + unit - y.numel() * y.element_size()
    y.sum().backward()
    return float(total / unit)
