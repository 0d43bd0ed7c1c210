"""Batch normalisation inside a residual that one step evaluates several times.

The stages of a step have different distributions.  With one set of running statistics for all of them, as published,
no stage is normalised with its own statistics in evaluation mode, and short runs can collapse there.  So running
statistics are kept for every stage by default; weight and bias are shared by the stages, as everything else in F.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d, _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from rkblocks.blocks.views import ROWS, Staged, views
from rkblocks.diagnostics import fail

STATISTICS = ("stage", "shared")
"""Whose running statistics the norm layers of F keep: one set a stage, or one for all stages as published."""
_UNSUPPORTED = (LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d, _InstanceNorm)


class StageBatchNorm(Staged):
    """Batch normalisation with running statistics of its own for every stage: buffers of shape [m, C] and [m].

    Made from a `BatchNorm1d`, `2d`, `3d`, `SyncBatchNorm` or a subclass, whose attributes it takes over; every stage
    starts with the running statistics found there, and runs the forward of that class on its row (see `views`).  A
    state with one set of statistics, [C], loads into all stages.
    """

    def __init__(self, norm: _BatchNorm, stages: int) -> None:
        nn.Module.__init__(self)
        vars(self).update(vars(norm))  # parameters, settings and hooks, and what a subclass adds
        rows = {name: _rows(getattr(norm, name), stages) for name in ROWS}
        vars(self).update(_parameters=dict(norm._parameters), _buffers=rows, _modules=dict(norm._modules))
        self.kind, self.stages = type(norm), stages

    def forward(self, input: Tensor) -> Tensor:
        """Outside a step: as the first stage, whose input is x itself."""
        return views(self, 1)[0](input)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, stages={self.stages}"  # type: ignore[no-untyped-call]

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name, dims in (("running_mean", 1), ("running_var", 1), ("num_batches_tracked", 0)):
            found = state_dict.get(prefix + name)
            if isinstance(found, Tensor) and found.dim() == dims:
                state_dict[prefix + name] = _rows(found, self.stages)
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _rows(one: Tensor, stages: int) -> Tensor:
    """The same row for every stage, each in memory of its own, also where a state is loaded with ``assign=True``."""
    return one.expand(stages, *one.shape).clone()


def keep_per_stage(residual: nn.Module, stages: int) -> tuple[nn.Module, bool]:
    """The residual with its batch norms replaced, in place, by `StageBatchNorm`, and whether there are any.

    The residual is returned as it is where it holds no running statistics or there is one stage.

    Raises:
        RkblocksError: RK504 for statistics that belong to another block or number of stages, RK505 for a layer whose
            running statistics cannot be kept for every stage.
    """
    existing = [m for m in residual.modules() if isinstance(m, StageBatchNorm)]
    for norm in existing:
        _check_free(norm, stages)
    if stages == 1:
        return residual, False
    check_kinds(residual)
    replaced: dict[int, nn.Module] = {}

    def new(module: nn.Module) -> nn.Module | None:
        if not isinstance(module, _BatchNorm) or isinstance(module, StageBatchNorm) or module.running_mean is None:
            return None
        return StageBatchNorm(module, stages)

    residual = _exchange(residual, replaced, new)
    return residual, bool(replaced or existing)


def norms_in_one(state: dict[str, Any], prefix: str, block: nn.Module) -> None:
    """Rename what states of before have of a norm layer with an activation inside (timm's): it was two layers then,
    and its tensors were those of ``norm``.
    """
    for name, module in block.named_modules():
        if isinstance(module, _BatchNorm) and "norm" not in module._modules:
            place = f"{prefix}{name}."
            for entry in ("weight", "bias", *ROWS):
                if f"{place}norm.{entry}" in state and place + entry not in state:
                    state[place + entry] = state.pop(f"{place}norm.{entry}")


def check_kinds(residual: nn.Module) -> None:
    """Return nothing; RK505 where a layer's running statistics cannot be kept for every stage. Nothing is changed."""
    for module in residual.modules():
        if isinstance(module, StageBatchNorm) or not getattr(module, "track_running_stats", False):
            continue
        own = isinstance(module, _BatchNorm) and ("forward" in vars(module) or set(module._buffers) != set(ROWS))
        if own or isinstance(module, _UNSUPPORTED):
            fail(
                "RK505",
                f"{type(module).__name__} in the residual keeps running statistics that cannot be kept for every stage",
                help='use BatchNorm1d, 2d or 3d (a lazy one after its first call), or pass statistics="shared"',
            )


def plain(residual: nn.Module) -> nn.Module:
    """The residual with every `StageBatchNorm` replaced, in place, by the plain layer it was made from.

    Weight and bias are the same parameters; the running statistics are those of the first stage, whose input is x
    itself in every scheme.
    """
    return _exchange(residual, {}, lambda module: _plain(module) if isinstance(module, StageBatchNorm) else None)


def _plain(norm: StageBatchNorm) -> nn.Module:
    layer = object.__new__(norm.kind)
    rest = {name: value for name, value in vars(norm).items() if name not in ("kind", "stages")}
    rows = {name: getattr(norm, name)[0].clone() for name in ROWS}
    object.__setattr__(layer, "__dict__", rest | {"_buffers": rows})
    return layer


def _exchange(module: nn.Module, done: dict[int, nn.Module], new: Callable[[nn.Module], nn.Module | None]) -> nn.Module:
    """The module with those inside exchanged for which there is a new one; what occurs twice is exchanged for one."""
    if id(module) in done:
        return done[id(module)]
    made = new(module)
    if made is not None:
        done[id(module)] = made
        return made
    for name, child in list(module._modules.items()):
        if child is not None:
            module._modules[name] = _exchange(child, done, new)
    return module


_owners: weakref.WeakKeyDictionary[nn.Module, weakref.ref[nn.Module]] = weakref.WeakKeyDictionary()
"""The block that each `StageBatchNorm` belongs to, as long as that block exists."""


def claim(block: nn.Module, residual: nn.Module) -> None:
    """Note that the block's stages are what the statistics inside the residual stand for."""
    for module in residual.modules():
        if isinstance(module, StageBatchNorm):
            _owners[module] = weakref.ref(block)


def _check_free(norm: StageBatchNorm, stages: int) -> None:
    if norm.stages != stages:
        fail(
            "RK504",
            f"the residual holds statistics for {norm.stages} stages, this scheme has {stages}",
            help="give every block a residual of its own, built with plain BatchNorm",
        )
    owner = _owners.get(norm)
    if owner is not None and owner() is not None:
        fail(
            "RK504",
            "the residual belongs to another block, whose stages its statistics stand for",
            help='give every block a residual of its own (copy.deepcopy), or share one with statistics="shared"',
        )
