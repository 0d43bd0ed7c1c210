"""Linear layers whose Lipschitz constant in the Euclidean norm is known, by absolute row sums and no iteration.

For W with the Gram matrix G = W W^T (or W^T W) and any q > 0, the diagonal T_i = sum_j |G_ij| q_j / q_i satisfies
T >= G: with D = diag(q), D^-1 G D has absolute row sums T_i, and T - G is similar to a diagonally dominant matrix
(Prach & Lampert 2022, "AOL"; Araujo et al. 2023, "SLL").  For a convolution G is the correlation of the kernels, summed
over offsets: that bounds the infinite map, and zero padding only removes rows and columns of it.

In evaluation the sums are computed in double precision and made larger by what rounding can do (`MARGIN` and a term for
cancellation), so that T >= G holds for the stored float32 weights; the result is kept until the weights change.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from rkblocks.blocks.sharing import once

MARGIN = 2.0**-20
"""Relative enlargement of T in evaluation: it covers the rounding of T, of its inverse and of its root to float32."""


def gram_sums(weight: Tensor, log_q: Tensor, *, columns: bool = False, exact: bool = False) -> Tensor:
    """T_i = sum_j |W W^T|_ij q_j / q_i, or of W^T W, [rows] or [columns].

    Args:
        weight: [out, in] of a dense map, [out, in, k, k] of a convolution.
        log_q: the logarithm of q, as many as there are sums.
        columns: whether W^T W is meant: then x -> W T^-1/2 x does not expand, and else x -> T^-1/2 W x does not.
        exact: whether to add what rounding may have taken away.
    """
    w = weight.transpose(0, 1) if columns else weight
    gram = _gram(w)
    if exact:
        norms = w.flatten(1).norm(dim=1)
        terms = w[0].numel()
        gram = gram + 4 * terms * torch.finfo(w.dtype).eps * norms[:, None] * norms[None, :] * _offsets(weight)
    q = log_q.exp()
    sums = (gram * q).sum(1) / q
    return sums * (1 + MARGIN) if exact else sums


def _gram(w: Tensor) -> Tensor:
    """|W W^T| summed over offsets, [rows, rows]."""
    if w.dim() == 2:
        return (w @ w.T).abs()
    return functional.conv2d(w, w, padding=w.shape[-1] - 1).abs().sum((2, 3))


def _offsets(weight: Tensor) -> int:
    return 1 if weight.dim() == 2 else (2 * weight.shape[-1] - 1) ** 2


class Normalized(nn.Module):
    """A module with weights that are normalised before use; in training once for all stages of a step, in
    evaluation once until the weights change.

    A subclass gives `normalized`, the tensors that its forward pass takes; `in_use` returns them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._kept: tuple[object, tuple[Tensor, ...]] | None = None

    def normalized(self, exact: bool) -> tuple[Tensor, ...]:
        """The tensors in use; with ``exact`` from sums in double precision, rounded to the safe side."""
        raise NotImplementedError

    def in_use(self) -> tuple[Tensor, ...]:
        """The tensors of the forward pass; gradients reach the weights in training mode alone."""
        if self.training:
            return once(self, lambda: self.normalized(False))
        state = tuple((p._version, p.data_ptr(), p.dtype, p.device) for p in self.parameters(recurse=False))
        if self._kept is None or self._kept[0] != state:
            with torch.no_grad():
                self._kept = (state, self.normalized(True))
        return self._kept[1]

    def train(self, mode: bool = True) -> Normalized:
        self._kept = None
        return super().train(mode)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_kept": None}


def rescaled(weight: Tensor, log_q: Tensor, exact: bool) -> Tensor:
    """W T^-1/2 by the sums of W^T W, or, with fewer outputs than inputs, T^-1/2 W by those of W W^T: neither expands in
    l2, and the smaller Gram matrix is the tighter one.  Arguments as of `gram_sums`; the type is that of weight.
    """
    w = weight.double() if exact else weight
    columns = w.shape[0] >= w.shape[1]
    sums = gram_sums(w, log_q.to(w.dtype), columns=columns, exact=exact)
    scale = torch.where(sums > 0, sums.clamp_min(1e-30).rsqrt(), 0).unsqueeze(0 if columns else 1)
    return (w * scale.reshape(*scale.shape, *[1] * (w.dim() - 2))).to(weight.dtype)


class Rescaled(Normalized):
    """A linear map of ``weight`` that is `rescaled` so that it does not expand in l2.

    It starts as a map that keeps lengths (on a subspace, with fewer outputs), of which nothing is lost: T = 1.
    """

    def __init__(self, entering: int, leaving: int, *kernel: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(leaving, entering, *kernel))
        self.bias = nn.Parameter(torch.zeros(leaving))
        self.log_q = nn.Parameter(torch.zeros(min(entering, leaving)))
        orthogonal_at_centre(self.weight)

    def normalized(self, exact: bool) -> tuple[Tensor, ...]:
        return (rescaled(self.weight, self.log_q, exact),)

    def lipschitz(self) -> float:
        """The proved constant in l2."""
        return 1.0


class RescaledLinear(Rescaled):
    """A dense map that does not expand in l2; [n, features_in] -> [n, features_out]."""

    def __init__(self, features_in: int, features_out: int) -> None:
        super().__init__(features_in, features_out)

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.in_use()[0], self.bias)


class RescaledConv(Rescaled):
    """A convolution of odd size with zero padding that does not expand in l2; maps keep their size."""

    def __init__(self, channels_in: int, channels_out: int, size: int = 3) -> None:
        super().__init__(channels_in, channels_out, size, size)

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.in_use()[0], self.bias, padding=self.weight.shape[-1] // 2)


@torch.no_grad()
def orthogonal_at_centre(weight: Tensor) -> None:
    """Fill weight with a random orthogonal matrix: a dense map, or the middle of kernels that are 0 elsewhere."""
    if weight.dim() == 2:
        nn.init.orthogonal_(weight)
    else:
        middle = torch.empty(weight.shape[:2])
        nn.init.orthogonal_(middle)
        weight.zero_()[:, :, weight.shape[2] // 2, weight.shape[3] // 2] = middle


class UnitHead(Normalized):
    """The last layer: z_j = <w_j, h> / |w_j| + bias_j, logits [n, classes]."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(classes, features))
        self.bias = nn.Parameter(torch.zeros(classes))
        nn.init.orthogonal_(self.weight)

    def normalized(self, exact: bool) -> tuple[Tensor, ...]:
        return (functional.normalize(self.weight, dim=1),)

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.in_use()[0], self.bias)


class Halve(nn.Module):
    """Halves the map by moving its 2x2 neighbourhoods into channels (an odd edge is padded by zeros): an isometry."""

    def forward(self, x: Tensor) -> Tensor:
        h, w = x.shape[-2:]
        return functional.pixel_unshuffle(functional.pad(x, (0, w % 2, 0, h % 2)), 2)

    def lipschitz(self) -> float:
        """The constant in l2."""
        return 1.0


class Pool(nn.Module):
    """The sum over the map divided by the root of its size, [n, c, h, w] -> [n, c]: it does not expand in l2."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3)) * math.sqrt(x.shape[2] * x.shape[3])

    def lipschitz(self) -> float:
        """The constant in l2."""
        return 1.0
