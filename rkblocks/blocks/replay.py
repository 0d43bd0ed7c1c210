"""Normalisation and activation left out of what autograd saves, and computed again in the backward pass.

A normalisation saves its input; a layer behind it saves the normalised, activated tensor as well, which follows from
that input.  Within `replaying`, autograd keeps a recipe for such a tensor instead.  Tensors are recognised by their
storage while they live, so that it does not matter how the residual is written.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator
from typing import Any

from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.overrides import TorchFunctionMode

from rkblocks.blocks.recipes import CHEAP, NORMS, ROOTS, Function, Held, Recipe, recipe_of


class _Saved:
    """What autograd holds in place of a tensor that has a recipe or may get one, and the geometry of what it saved."""

    __slots__ = ("geometry", "how")

    def __init__(self, tensor: Tensor, recipe: Recipe | None) -> None:
        self.how: Held | Recipe = Held(tensor)
        self.geometry: tuple[Any, ...] = ()
        if recipe is not None:
            self.become(recipe)

    def become(self, recipe: Recipe) -> None:
        """Give up the tensor for its recipe."""
        assert isinstance(self.how, Held)
        self.geometry = _geometry(self.how.tensor)
        self.how = recipe
        recipe.wanted += 1

    def get(self) -> Tensor:
        """The tensor."""
        value = self.how.get()
        if self.geometry and self.geometry != _geometry(value):
            value = value.as_strided(*self.geometry)
        return value


def _geometry(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.size(), tensor.stride(), tensor.storage_offset()


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


class _Recorder(TorchFunctionMode):
    """Notes the recipes of what passes by, and gives autograd a recipe for each tensor that has one."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[int, tuple[weakref.ref[Tensor], int, Recipe]] = {}
        self.running: list[_Saved] | None = None  # what an activation saves, while it runs

    def recipe(self, tensor: Tensor) -> Recipe | None:
        """The recipe of a tensor or of what it is a view of; none where it was changed since."""
        entry = self.known.get(_address(tensor)) if tensor.grad_fn is not None else None
        if entry is None:
            return None
        reference, version, recipe = entry
        # Once the tensor is gone, the address may be another's.
        return recipe if reference() is not None and version == tensor._version else None

    def pack(self, tensor: Tensor) -> _Saved | Held:
        recipe = self.recipe(tensor)
        if recipe is None and self.running is None:
            return Held(tensor)
        saved = _Saved(tensor, recipe)
        if self.running is not None:
            self.running.append(saved)
        return saved

    def __torch_function__(self, func: Function, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func not in CHEAP or not args:
            return func(*args, **kwargs)
        source = self.recipe(args[0])
        if source is None and func not in ROOTS:
            return func(*args, **kwargs)
        kept = source or Held(args[0])
        own: list[_Saved] = []
        self.running = None if func in NORMS else own
        try:
            result = func(*args, **kwargs)
        finally:
            self.running = None
        if result.grad_fn is None:
            return result
        recipe = recipe_of(func, result, kept, args[1:], kwargs)
        address = _address(result)
        for saved in own:  # an activation saves its own result before it has a recipe; a normalisation does not
            if isinstance(saved.how, Held) and _address(saved.how.tensor) == address:
                saved.become(recipe)
        self.known[address] = weakref.ref(result), result._version, recipe
        return result


def _unpack(saved: _Saved | Held) -> Tensor:
    return saved.get()


@contextlib.contextmanager
def replaying() -> Iterator[None]:
    """Within it, autograd saves recipes for what normalisation and activation compute."""
    recorder = _Recorder()
    with saved_tensors_hooks(recorder.pack, _unpack), recorder:
        yield
