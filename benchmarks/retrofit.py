"""What `retrofit` makes of the networks people have: replaced, kept and why, and whether "euler" changes a bit.

    python benchmarks/retrofit.py [--models resnet18,vit_b_16] [--markdown] [--strict]

Models of torchvision, timm and torch, and small ones written as they often are, with random weights in evaluation mode.
Each is retrofitted with "euler" and must give the same bits, then with "ssp3" and must give others.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

import rkblocks
from rkblocks import blocks
from rkblocks.diagnostics import RkblocksError


class CifarBlock(nn.Module):
    """The block of many CIFAR-10 ResNets: one class for identity and projection, ReLU as a function."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        out = functional.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return functional.relu(out)


def cifar_resnet20() -> nn.Module:
    widths = [(16, 16, 1)] * 3 + [(16, 32, 2)] + [(32, 32, 1)] * 2 + [(32, 64, 2)] + [(64, 64, 1)] * 2
    stem = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    return nn.Sequential(
        *stem, *(CifarBlock(*w) for w in widths), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)
    )


class MixerBlock(nn.Module):
    """A transformer block with its two residuals in one line each."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 64), nn.GELU(), nn.Linear(64, width))

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm1(x)
        x = x + self.attention(h, h, h, need_weights=False)[0]
        forwarded: Tensor = self.mlp(self.norm2(x))
        return x + forwarded


def tokens(*layers: nn.Module) -> nn.Module:
    """Images to patches, the layers, and a classifier."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 8, 8), nn.Flatten(2), nn.Linear(64, 32), *layers, nn.Flatten(), nn.Linear(1024, 10)
    )


def encoder(norm_first: bool) -> nn.Module:
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, norm_first=norm_first)
    return tokens(nn.TransformerEncoder(layer, 3, enable_nested_tensor=False))


TORCHVISION = """
    resnet18 resnet50 resnext50_32x4d wide_resnet50_2 mobilenet_v2 mobilenet_v3_small mobilenet_v3_large mnasnet0_5
    efficientnet_b0 efficientnet_v2_s regnet_x_400mf regnet_y_400mf convnext_tiny vit_b_16 swin_t swin_v2_t
    densenet121 googlenet shufflenet_v2_x0_5 vgg11
"""
TIMM = """
    resnet26d seresnet18 resnetv2_50 resnetv2_50x1_bit convnext_atto convnextv2_atto vit_tiny_patch16_224
    deit3_small_patch16_224
"""
OWN: dict[str, Callable[[], nn.Module]] = {
    "CIFAR ResNet-20": cifar_resnet20,
    "transformer, own class": lambda: tokens(*(MixerBlock() for _ in range(3))),
    "TransformerEncoder, norm first": lambda: encoder(True),
    "TransformerEncoder, norm after": lambda: encoder(False),
}


def makers() -> dict[str, Callable[[], nn.Module]]:
    """How each model is made, by name."""
    import timm
    import torchvision

    found = dict(OWN)
    for name in TORCHVISION.split():
        options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
        found[name] = partial(torchvision.models.get_model, name, weights=None, **options)
    return found | {f"timm {name}": partial(timm.create_model, name) for name in TIMM.split()}


def lively(model: nn.Module) -> nn.Module:
    """The model with norms, scales and statistics that let every residual count."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            nn.init.uniform_(module.weight, 0.5, 1.0, generator=generator)
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.uniform_(-0.1, 0.1, generator=generator)
            module.running_var.uniform_(0.8, 1.2, generator=generator)
    for name, parameter in model.named_parameters():
        if "head" in name and parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.02, generator=generator)
        if "scale" in name or "gamma" in name:
            nn.init.uniform_(parameter, 0.5, 1.0, generator=generator)
    return model.eval()


def examine(make: Callable[[], nn.Module], size: int) -> tuple[int, Counter[str], str]:
    """How many blocks are replaced, the reasons of those that are kept, and what "euler" and "ssp3" did."""
    torch.manual_seed(0)
    model = lively(make())
    reasons: Counter[str] = Counter()
    replaced = 0

    def note(candidate: blocks.Candidate) -> None:
        nonlocal replaced
        replaced += not candidate.kept
        reasons.update([candidate.kept] if candidate.kept else [])

    x = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    y = model(x)
    try:
        euler = rkblocks.retrofit(model, "euler", copy=True, report=note)
    except RkblocksError as error:
        return 0, Counter([error.diagnostics[0].message]), "-"
    same = torch.equal(euler(x), y)
    other = rkblocks.retrofit(model, "ssp3", copy=True).eval()(x)
    moved = other.shape == y.shape and not torch.equal(other, y)
    return (
        replaced,
        reasons,
        "same bits" if same and moved else "ANOTHER RESULT" if not same else "SSP3 CHANGES NOTHING",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="", help="comma-separated names; all where left out")
    parser.add_argument("--markdown", action="store_true", help="print a table for the docs")
    parser.add_argument("--strict", action="store_true", help="exit 1 where euler changes a bit")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = makers()
    wrong = 0
    line = "| {:30} | {:>8} | {:>4} | {:9} | {} |" if options.markdown else "{:32}{:>9}{:>6}  {:11}{}"
    print(line.format("model", "replaced", "kept", "euler", "why kept"))
    if options.markdown:
        print("|---|---|---|---|---|")
    for name in options.models.split(",") if options.models else found:
        with torch.enable_grad():  # the fused path of TransformerEncoderLayer, without gradients, rounds otherwise
            replaced, reasons, euler = examine(found[name], 64 if name in OWN else 224)
        wrong += euler.isupper()
        why = "; ".join(f"{n} x {reason}" if n > 1 else reason for reason, n in reasons.most_common())
        kept = sum(reasons.values()) if euler != "-" else 0
        print(line.format(name, replaced, kept, euler, why.replace("|", "\\|")), flush=True)
    return 1 if options.strict and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
