"""How the residual blocks of known networks are made: the layers that are the residual F, and what follows x + F(x).

A block class is known by its module and name, so that neither torchvision nor timm is imported here.  The layers are
those that the block's ``forward`` runs, in that order: read from torchvision 0.29 and timm 1.0.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

Split = Callable[[nn.Module], tuple[nn.Module, nn.Module | None]]
"""From a block to its residual and to the layer after the addition, if there is one."""


@dataclass(frozen=True)
class Anatomy:
    """The attributes of a block that make up F, in the order of their calls, and the layer after the addition."""

    residual: tuple[str, ...]
    after: str | None = None

    def split(self, block: nn.Module) -> tuple[nn.Module, nn.Module | None]:
        """F as a Sequential of the block's own layers, under their names, and the layer after the addition."""
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for name in self.residual:
            layer = getattr(block, name)
            if layer is not None and not isinstance(layer, nn.Identity):
                layers[name if name not in layers else f"{name}_again"] = _norm_apart(layer)
        return nn.Sequential(layers), getattr(block, self.after) if self.after else None


KNOWN: Mapping[tuple[str, str], Anatomy] = {
    ("torchvision.models.resnet", "BasicBlock"): Anatomy(("conv1", "bn1", "relu", "conv2", "bn2"), "relu"),
    ("torchvision.models.resnet", "Bottleneck"): Anatomy(
        ("conv1", "bn1", "relu", "conv2", "bn2", "relu", "conv3", "bn3"), "relu"
    ),
    ("torchvision.models.video.resnet", "BasicBlock"): Anatomy(("conv1", "conv2"), "relu"),
    ("torchvision.models.video.resnet", "Bottleneck"): Anatomy(("conv1", "conv2", "conv3"), "relu"),
    ("timm.models.resnet", "BasicBlock"): Anatomy(
        ("conv1", "bn1", "drop_block", "act1", "aa", "conv2", "bn2", "se", "drop_path"), "act2"
    ),
    ("timm.models.resnet", "Bottleneck"): Anatomy(
        ("conv1", "bn1", "act1", "conv2", "bn2", "drop_block", "act2", "aa", "conv3", "bn3", "se", "drop_path"), "act3"
    ),
    ("timm.models.resnetv2", "PreActBasic"): Anatomy(("norm1", "conv1", "norm2", "conv2", "drop_path")),
    ("timm.models.resnetv2", "PreActBottleneck"): Anatomy(
        ("norm1", "conv1", "norm2", "conv2", "norm3", "conv3", "drop_path")
    ),
    ("timm.models.resnetv2", "Bottleneck"): Anatomy(
        ("conv1", "norm1", "conv2", "norm2", "conv3", "norm3", "drop_path"), "act3"
    ),
}


def known_as(kind: type[nn.Module]) -> Anatomy | None:
    """The anatomy of a class; None for any other, also for a subclass, whose forward may be its own."""
    return KNOWN.get((kind.__module__, kind.__qualname__))


def obstacle(block: nn.Module) -> str:
    """Why a block of a known class is not x -> after(x + F(x)) with one F for all stages; empty where it is."""
    if getattr(block, "downsample", None) is not None:
        return "its shortcut is a projection"
    stride = getattr(block, "stride", 1)
    if stride not in (1, (1, 1), (1, 1, 1)):
        return f"its stride is {stride}"
    for module in block.modules():
        name = type(module).__name__
        if name.startswith(("DropPath", "DropBlock")) and float(getattr(module, "drop_prob", 1.0) or 0.0) > 0:
            return f"its {name} would drop each stage by itself, where it was to drop the step"
    return ""


def _norm_apart(layer: Any) -> nn.Module:
    """timm's norm-and-activation layer as the same layers one after the other; any other layer as it is."""
    if (type(layer).__module__, type(layer).__qualname__) != ("timm.layers.norm_act", "BatchNormAct2d"):
        assert isinstance(layer, nn.Module)
        return layer
    norm = nn.BatchNorm2d(layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats)
    norm.weight, norm.bias = layer.weight, layer.bias
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        setattr(norm, name, getattr(layer, name))
    parts = OrderedDict(norm=norm, drop=layer.drop, act=layer.act)
    kept = OrderedDict((name, part) for name, part in parts.items() if not isinstance(part, nn.Identity))
    whole = norm if len(kept) == 1 else nn.Sequential(kept)
    norm.training = whole.training = layer.training
    return whole
