"""The published training loop of Kim et al. (2020), as a contender for benchmarks, written from its description.

Images are padded, cropped, mirrored, turned to a tensor and normalised one by one, with PIL; the attack runs in train
mode on images that are normalised outside the network, and its backward pass forms the gradients of all parameters,
which nobody reads; an ArkBlock calls F three times, a ResBlock-E its first normalisation twice; running
statistics are shared by the stages; tensors are contiguous.  Where the published code crashes or leaves the eps ball,
this one does what was meant, so that both contenders do the same work.

Modules have the names of ours, so that the weights of one network load into the other (`same_weights`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset


class Residual(nn.Module):
    """conv(relu(norm(conv(relu(norm(x)))))), with biases."""

    def __init__(self, channels: int, norm: str) -> None:
        super().__init__()
        self.norm1, self.norm2 = (normalization(channels, norm) for _ in range(2))
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(functional.relu(self.norm2(self.conv1(functional.relu(self.norm1(x))))))  # type: ignore[no-any-return]


class Block(nn.Module):
    """x -> x + ..., by the formulas of the paper."""

    def __init__(self, scheme: str, channels: int, norm: str) -> None:
        super().__init__()
        self.residual = Residual(channels, norm)
        self.formula = getattr(self, scheme.removesuffix("_mnist"))
        if scheme.startswith("ark"):
            start = (-1.0, 0.5) if scheme == "ark_mnist" else (0.25, 1.0)
            self.a21, self.b10 = (nn.Parameter(torch.tensor(value)) for value in start)

    def forward(self, x: Tensor) -> Tensor:
        return self.formula(x)  # type: ignore[no-any-return]

    def euler(self, x: Tensor) -> Tensor:
        return x + self.residual(x)  # type: ignore[no-any-return]

    def midpoint(self, x: Tensor) -> Tensor:
        return x + self.residual(x + 0.5 * self.residual(x))  # type: ignore[no-any-return]

    def ssp2(self, x: Tensor) -> Tensor:
        u = x + self.residual(x)
        return 0.5 * x + 0.5 * u + 0.5 * self.residual(u)  # type: ignore[no-any-return]

    def ssp3(self, x: Tensor) -> Tensor:
        u = x + self.residual(x)
        v = 0.75 * x + 0.25 * u + 0.25 * self.residual(u)
        return 1 / 3 * x + 2 / 3 * v + 2 / 3 * self.residual(v)  # type: ignore[no-any-return]

    def ark(self, x: Tensor) -> Tensor:
        a21, b10 = torch.sigmoid(self.a21), torch.sigmoid(self.b10)
        u = x + b10 * self.residual(x)
        b21 = 1 / (2 * b10)
        b20 = 1 - b21 - a21 * b10
        return (1 - a21) * x + b20 * self.residual(x) + a21 * u + b21 * self.residual(u)  # type: ignore[no-any-return]


class Transition(nn.Module):
    """ResBlock-E: half the map, other channels."""

    def __init__(self, before: int, after: int, norm: str) -> None:
        super().__init__()
        self.norm1, self.norm2 = normalization(before, norm), normalization(after, norm)
        self.conv1 = nn.Conv2d(before, after, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        self.shortcut = nn.Conv2d(before, after, 1, stride=2, bias=False)
        self.shortcut_norm = normalization(after, norm)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.shortcut_norm(self.shortcut(functional.relu(self.norm1(x))))
        residual = self.conv2(functional.relu(self.norm2(self.conv1(functional.relu(self.norm1(x))))))
        return shortcut + residual  # type: ignore[no-any-return]


class Net(nn.Module):
    """Normalised images [n, C, h, w] -> logits [n, classes]; one scheme a group."""

    def __init__(self, stem: nn.Module, schemes: list[str], depth: int, widths: list[int], head: nn.Module, norm: str):
        super().__init__()
        self.stem, self.head = stem, head
        groups = zip(schemes, widths, strict=True)
        self.groups = nn.ModuleList(
            nn.Sequential(*(Block(scheme, width, norm) for _ in range(depth))) for scheme, width in groups
        )
        self.transitions = nn.ModuleList(Transition(before, after, norm) for before, after in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for number, group in enumerate(self.groups):
            x = group(x if number == 0 else self.transitions[number - 1](x))
        return self.head(x)  # type: ignore[no-any-return]


def normalization(channels: int, norm: str) -> nn.Module:
    """Batch normalisation, or group normalisation with at most 32 groups."""
    return nn.GroupNorm(min(32, channels), channels) if norm == "group" else nn.BatchNorm2d(channels)


def cifar(schemes: list[str], depth: int, widths: list[int]) -> Net:
    """The network of the CIFAR-10 experiments."""
    stem = nn.Conv2d(3, widths[0], 3, padding=1)
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], 10))
    return Net(stem, schemes, depth, widths, head, "batch")


def mnist(scheme: str, depth: int, width: int, norm: str) -> Net:
    """The network of the MNIST experiments: a stem down to 6x6 maps, one group."""
    layers: list[nn.Module] = [nn.Conv2d(1, width, 3)]
    for _ in range(2):
        layers += [normalization(width, norm), nn.ReLU(), nn.Conv2d(width, width, 4, stride=2, padding=1)]
    pooled = [normalization(width, norm), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10)]
    return Net(nn.Sequential(*layers), [scheme], depth, [width], nn.Sequential(*pooled), norm)


def same_weights(published: Net, ours: nn.Module) -> None:
    """Give the published form the weights of our network, and its ArkBlocks' beta10.

    The running statistics stay as they are made: those of a new network are 0 and 1 in both.
    """
    kept = published.state_dict()
    found = {
        name.replace("raw.beta10", "b10"): tensor
        for name, tensor in ours.state_dict().items()
        if not name.startswith("normalize") and not name.endswith(("running_mean", "running_var", "tracked"))
    }
    unknown = found.keys() - kept.keys()
    assert not unknown, unknown
    published.load_state_dict(kept | found)


class Images(Dataset[tuple[Tensor, int]]):
    """uint8 images [n, C, h, w] as a data set of the published kind: each is made a PIL image and transformed anew."""

    def __init__(self, images: Tensor, labels: Tensor, mean: list[float], std: list[float], crop: bool) -> None:
        from torchvision import transforms

        self.arrays, self.labels = images.permute(0, 2, 3, 1).squeeze(-1).numpy(), labels.tolist()
        size = images.shape[-1]
        augmentation = [transforms.RandomCrop(size, padding=4), transforms.RandomHorizontalFlip()] if crop else []
        self.transform = transforms.Compose([*augmentation, transforms.ToTensor(), transforms.Normalize(mean, std)])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        from PIL import Image

        return self.transform(Image.fromarray(self.arrays[row])), self.labels[row]


def batches(data: Images, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches without end, shuffled, by torch's DataLoader in this process."""
    loader: DataLoader[Any] = DataLoader(data, batch_size=size, shuffle=True, drop_last=True)
    while True:
        yield from loader


def attack(net: Net, x: Tensor, y: Tensor, start: Tensor, constants: tuple[Tensor, Tensor], threat: Any) -> Tensor:
    """PGD as published: the network stays in train mode, and a full backward pass is made at every step.

    x, start: images in [0, 1] and where to begin, [n, C, h, w]; constants: mean and deviation.  The gradients that the
    parameters have afterwards are those of the attack, summed up over its steps.
    """
    mean, std = constants
    eps, step = float(threat.eps), float(threat.step)
    moving = start
    for _ in range(threat.steps):
        moving = moving.detach().requires_grad_()
        functional.cross_entropy(net((moving - mean) / std), y).backward()
        assert moving.grad is not None
        moved = moving.detach() + step * moving.grad.sign()
        moving = torch.clamp(x + torch.clamp(moved - x, -eps, eps), 0, 1)
    return moving.detach()


def adversarial_step(
    net: Net,
    optimizer: torch.optim.Optimizer,
    x: Tensor,
    y: Tensor,
    constants: tuple[Tensor, Tensor],
    threat: Any,
    generator: torch.Generator | None = None,
) -> Tensor:
    """One training step on the PGD examples of a batch of normalised images; returns the loss."""
    mean, std = constants
    net.train()
    pixels = (x * std + mean).clamp(0, 1)
    noise = torch.rand(pixels.shape, generator=generator, dtype=x.dtype, device=x.device) * 2 - 1
    start = (pixels + noise * float(threat.eps)).clamp(0, 1)
    examples = attack(net, pixels, y, start, constants, threat)
    optimizer.zero_grad()
    loss = functional.cross_entropy(net((examples - mean) / std), y)
    loss.backward()
    optimizer.step()
    return loss.detach()


def noise_step(
    net: Net,
    optimizer: torch.optim.Optimizer,
    x: Tensor,
    y: Tensor,
    eps: float,
    generator: torch.Generator | None = None,
) -> Tensor:
    """One training step on a batch with uniform noise added; returns the loss."""
    net.train()
    noise = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device) * 2 - 1
    optimizer.zero_grad()
    loss = functional.cross_entropy(net((x + noise * eps).clamp(0, 1)), y)
    loss.backward()
    optimizer.step()
    return loss.detach()
