"""Batch normalisation inside a residual that one step evaluates several times.

The stages of a step have different distributions.  With one set of running statistics for all of them, as published,
no stage is normalised with its own statistics in evaluation mode, and short runs can collapse there.  So running
statistics are kept for every stage by default; weight and bias are shared by the stages, as everything else in F.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d, _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from rkblocks.diagnostics import fail

STATISTICS = ("stage", "shared")
_UNSUPPORTED = (nn.SyncBatchNorm, LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d, _InstanceNorm)


@dataclass
class Clock:
    """Which stage runs: set by the block before every call of F, read by the norm layers inside it."""

    stage: int = 0


class StageBatchNorm(_BatchNorm):
    """Batch normalisation with running statistics of its own for every stage: buffers of shape [m, C] and [m].

    Made from a `BatchNorm1d`, `2d` or `3d`, whose weight, bias and settings it takes over; every stage starts with the
    running statistics found there.  A state with one set of statistics, [C], loads into all stages.
    """

    def __init__(self, norm: _BatchNorm, stages: int, clock: Clock) -> None:
        reference = norm.running_mean
        assert reference is not None
        assert norm.running_var is not None
        assert norm.num_batches_tracked is not None
        super().__init__(norm.num_features, norm.eps, norm.momentum, affine=False, track_running_stats=False)
        self.affine, self.track_running_stats = norm.affine, True
        self.weight, self.bias = norm.weight, norm.bias
        self.running_mean = reference.expand(stages, -1).clone()
        self.running_var = norm.running_var.expand(stages, -1).clone()
        self.num_batches_tracked = norm.num_batches_tracked.expand(stages).clone()
        self.kind, self.stages, self.clock = type(norm), stages, clock
        self.train(norm.training)

    def _check_input_dim(self, input: Tensor) -> None:
        self.kind._check_input_dim(self, input)  # type: ignore[no-untyped-call]  # it looks at the input alone

    def forward(self, input: Tensor) -> Tensor:
        """Normalises with the statistics of the batch in training, with those of the running stage in evaluation."""
        self._check_input_dim(input)
        stage = self.clock.stage
        update = self.training and self.track_running_stats
        momentum = 0.0 if self.momentum is None else self.momentum
        if update:
            count = self.num_batches_tracked[stage]  # type: ignore[index]
            count.add_(1)
            if self.momentum is None:
                momentum = 1.0 / float(count)
        keep = update or not self.training
        return functional.batch_norm(
            input,
            self.running_mean[stage] if keep else None,  # type: ignore[index]
            self.running_var[stage] if keep else None,  # type: ignore[index]
            self.weight,
            self.bias,
            self.training,
            momentum,
            self.eps,
        )

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, stages={self.stages}"  # type: ignore[no-untyped-call]

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name, dims in (("running_mean", 1), ("running_var", 1), ("num_batches_tracked", 0)):
            found = state_dict.get(prefix + name)
            if isinstance(found, Tensor) and found.dim() == dims:
                state_dict[prefix + name] = found.expand(self.stages, *found.shape)
        super()._load_from_state_dict(state_dict, prefix, *rest)


def keep_per_stage(residual: nn.Module, stages: int) -> tuple[nn.Module, Clock | None]:
    """The residual with its batch norms replaced, in place, by `StageBatchNorm`, and the clock that they read.

    The residual is returned as it is, without a clock, where it holds no running statistics or there is one stage.

    Raises:
        RkblocksError: RK504 for statistics that belong to another block or number of stages, RK505 for a layer whose
            running statistics cannot be kept for every stage.
    """
    existing = [m for m in residual.modules() if isinstance(m, StageBatchNorm)]
    for norm in existing:
        _check_free(norm, stages)
    if stages == 1:
        return residual, None
    check_kinds(residual)
    clock = Clock()
    replaced: dict[int, nn.Module] = {}

    def new(module: nn.Module) -> nn.Module | None:
        if not isinstance(module, _BatchNorm) or isinstance(module, StageBatchNorm) or module.running_mean is None:
            return None
        return StageBatchNorm(module, stages, clock)

    residual = _exchange(residual, replaced, new)
    for norm in existing:
        norm.clock = clock
    return residual, clock if replaced or existing else None


def check_kinds(residual: nn.Module) -> None:
    """Return nothing; RK505 where a layer's running statistics cannot be kept for every stage. Nothing is changed."""
    for module in residual.modules():
        if isinstance(module, StageBatchNorm) or not getattr(module, "track_running_stats", False):
            continue
        own = isinstance(module, _BatchNorm) and type(module).forward is not _BatchNorm.forward
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
    layer = norm.kind(norm.num_features, norm.eps, norm.momentum, affine=False)
    layer.affine, layer.weight, layer.bias = norm.affine, norm.weight, norm.bias
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        setattr(layer, name, getattr(norm, name)[0].clone())
    return layer.train(norm.training)


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
