"""A residual as one stage of a step sees it: the same module, whose batch norms have the statistics of that stage.

Nothing says on the residual itself which stage runs, so that threads, replicas, checkpoints inside F and everything
else that calls it at its own time cannot mix the stages.  Instead every stage has a *view* of F: an object with the
very attributes of F (one ``__dict__``: modes, hooks, parameters), whose submodules are views in turn as far down as
there is a norm with statistics per stage.  Modules without one below are no views but themselves.

With a `Moment`, a view also has the parameters, buffers and modes that F had then: memory mode "stage" computes on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MethodType
from typing import Any

from torch import Tensor, jit, nn
from torch.nn.modules.batchnorm import _BatchNorm

from rkblocks.diagnostics import fail

ROWS = ("running_mean", "running_var", "num_batches_tracked")
"""The buffers of a batch norm that have a row for every stage."""


class Staged(_BatchNorm):
    """A batch norm with statistics per stage; a stage sees a layer of its ``kind`` with one row of each."""

    kind: type[_BatchNorm]


class Moment:
    """Parameters, modes and copies of the buffers of all the modules in F, as they are when it is made."""

    def __init__(self, residual: nn.Module) -> None:
        copies: dict[int, Tensor] = {}

        def copied(buffer: Tensor | None) -> Tensor | None:
            if buffer is None:
                return None
            return copies.setdefault(id(buffer), buffer.detach().clone())

        self.residual = residual
        self.training = {module: module.training for module in residual.modules()}
        self.parameters = {module: dict(module._parameters) for module in self.training}
        self.buffers = {module: {k: copied(b) for k, b in module._buffers.items()} for module in self.training}

    def view(self, stage: int) -> nn.Module:
        """F of that moment, on new copies of its buffers."""
        copies: dict[int, Tensor] = {}

        def copied(buffer: Tensor | None) -> Tensor | None:
            return None if buffer is None else copies.setdefault(id(buffer), buffer.clone())

        own = {m: {name: copied(buffer) for name, buffer in buffers.items()} for m, buffers in self.buffers.items()}
        return _view(self.residual, stage, {}, (self, own))


Past = tuple[Moment, Mapping[nn.Module, dict[str, Tensor | None]]]


def views(residual: nn.Module, stages: int) -> tuple[nn.Module, ...]:
    """What each stage sees of F.

    Raises:
        RkblocksError: RK535 where a module with such norms inside runs a forward of its own that is bound to the module
            itself, or where something else has taken the place of such a norm.
    """
    for module in residual.modules():
        mean = None if isinstance(module, Staged) else getattr(module, "running_mean", None)
        if isinstance(module, _BatchNorm) and isinstance(mean, Tensor) and mean.dim() > 1:
            fail(
                "RK535",
                f"a {type(module).__name__} has taken the place of a norm layer with statistics for every stage",
                help="convert F before you build, or the network before you retrofit: both know SyncBatchNorm",
            )
    return tuple(_view(residual, stage, {}, None) for stage in range(stages))


def fresh(view: nn.Module, module: nn.Module) -> bool:
    """Whether a view still shows the module as it is built now."""
    if view is module:
        return True
    seen: Any = view
    if seen._whole is not module or seen._kind is not type(module) or seen._owned != _owned(module):
        return False
    inside: Mapping[str, nn.Module | None] = module.__dict__["_modules"]
    if len(inside) != len(seen._inside):
        return False
    for name, child in inside.items():
        shown = seen._inside.get(name)
        if shown is not child and (shown is None or child is None or not _fresh_inside(shown, child)):
            return False
    return True


def _fresh_inside(shown: nn.Module, child: nn.Module) -> bool:
    return hasattr(type(shown), "_whole") and fresh(shown, child)


def _view(module: nn.Module, stage: int, made: dict[nn.Module, nn.Module], past: Past | None) -> nn.Module:
    """The module as a stage sees it; ``made`` are the views so far, so that one module has one view."""
    if module in made:
        return made[module]
    if past is None and not any(isinstance(part, Staged) for part in module.modules()):
        return module
    if isinstance(module, jit.ScriptModule):
        return module
    own = _owned(module)
    cls: Any = type(module)
    kind: Any = module.kind if isinstance(module, Staged) else None
    view: nn.Module = object.__new__(_class(cls, kind, own, past is not None))
    put = object.__setattr__  # past nn.Module's own, which looks for parameters
    put(view, "__dict__", module.__dict__)
    put(view, "_whole", module)
    put(view, "_kind", type(module))
    put(view, "_owned", own)
    put(view, "_stage", stage)
    if past is not None:
        moment, buffers = past
        put(view, "_then", (moment.parameters[module], buffers[module], moment.training[module]))
    made[module] = view
    inside: dict[str, nn.Module | None] = module.__dict__["_modules"]
    put(view, "_inside", {n: None if m is None else _view(m, stage, made, past) for n, m in inside.items()})
    return view


def _owned(module: nn.Module) -> bool:
    """Whether the instance has a forward of its own, which a view can run if it is a method of the module."""
    own = vars(module)
    if own.get("_compiled_call_impl") is not None:
        _refuse(module, "was compiled by itself", "compile the block: torch.compile(block), or block.compile()")
    if "forward" not in own:
        return False
    forward = own["forward"]
    if not (isinstance(forward, MethodType) and forward.__self__ is module):
        help = 'override forward in a subclass, wrap the whole block, or build with statistics="shared"'
        _refuse(module, "has a forward of its own that is bound to it", help)
    return True


def _refuse(module: nn.Module, what: str, help: str) -> None:
    fail("RK535", f"a {type(module).__name__} inside F {what}, and cannot be told which stage runs", help=help)


@cache
def _class(cls: Any, kind: Any, owned: bool, past: bool) -> Any:
    """The class of views of a module: its own, or the kind of a norm layer, with submodules and rows of the stage."""
    base = cls if kind is None else kind
    slots = ("_whole", "_kind", "_owned", "_stage", "_inside", *(["_then"] if past else []))

    def getattr_of_view(self: Any, name: str) -> Any:
        found = self._inside.get(name)
        if found is None and past:
            found = self._then[0].get(name)
            found = self._then[1].get(name) if found is None else found
        return base.__getattr__(self, name) if found is None else found

    space: dict[str, Any] = {
        "__slots__": slots,
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        "__getattr__": getattr_of_view,
        "__hash__": lambda self: hash(self._whole),
        "__eq__": lambda self, other: self._whole == getattr(other, "_whole", other),
        "_modules": property(lambda self: self._inside),
    }
    if past:
        space["_parameters"] = property(lambda self: self._then[0])
        space["_buffers"] = property(lambda self: self._then[1])
        space["training"] = property(lambda self: self._then[2])
    if kind is not None:
        space |= {name: _row(name) for name in ROWS}
    if owned:
        space["forward"] = property(lambda self: MethodType(vars(self)["forward"].__func__, self))
    return type(cls.__name__, (base,), space)


def _row(name: str) -> property:
    def row(self: Any) -> Tensor | None:
        buffer = self._buffers[name]
        return None if buffer is None else buffer[self._stage]

    return property(row)
