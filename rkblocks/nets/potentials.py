"""Residuals for which an Euler step is proved not to expand, by closed-form bounds alone: h0 = 1 for each."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from rkblocks.nets.bounded_layers import MARGIN, Normalized, gram_sums, orthogonal_at_centre, rescaled

STARTS = ("random", "orthogonal")


class ConvexPotential(Normalized):
    """F(x) = -2 W^T T^-1 relu(W x + b), with T >= W W^T: minus the gradient of a convex function; l2, h0 = 1.

    The Jacobian of x + h F(x) is I - 2 h S with S = W^T T^-1 D W, D diagonal in [0, 1], similar to a symmetric matrix
    between 0 and I: its part W^T T^-1/2 D T^-1/2 W is symmetric.  So it lies between -I and I for 0 <= h <= 1
    (Meunier et al. 2022; T by absolute row sums with learned q: Araujo et al. 2023, "SLL").

    Args:
        features: of x, [n, features] or [n, features, height, width].
        hidden: rows of W; ``features`` where left out.
        size: of the kernel, odd, of a convolution with zero padding; None for a dense map.
        start: of W: "random" (Xavier), far below its bound T; or "orthogonal" (of a convolution: in the middle of its
            kernels), so that T = 1 and the Jacobian of an Euler step of 1 keeps every length.  A second stage, which
            stands where relu has ended then, is 0 and stays so for long.
    """

    def __init__(
        self, features: int, hidden: int | None = None, size: int | None = None, *, start: str = "random"
    ) -> None:
        super().__init__()
        if start not in STARTS:
            raise ValueError(f"start is {start!r}, expected one of {', '.join(STARTS)}")
        hidden = features if hidden is None else hidden
        kernel = () if size is None else (size, size)
        self.weight = nn.Parameter(torch.empty(hidden, features, *kernel))
        self.bias = nn.Parameter(torch.zeros(hidden))
        self.log_q = nn.Parameter(torch.zeros(hidden))
        orthogonal_at_centre(self.weight) if start == "orthogonal" else nn.init.xavier_normal_(self.weight)

    def normalized(self, exact: bool) -> tuple[Tensor, ...]:
        w = self.weight.double() if exact else self.weight
        sums = gram_sums(w, self.log_q.to(w.dtype), exact=exact)
        scale = torch.where(sums > 0, -2 / sums.clamp_min(1e-30), 0)
        back = w * scale.reshape(-1, *[1] * (w.dim() - 1))
        return ((back if w.dim() == 4 else back.T).to(self.weight.dtype).contiguous(),)

    def forward(self, x: Tensor) -> Tensor:
        (back,) = self.in_use()
        if self.weight.dim() == 2:
            return functional.linear(functional.relu(functional.linear(x, self.weight, self.bias)), back)
        pad = self.weight.shape[-1] // 2
        inner = functional.relu(functional.conv2d(x, self.weight, self.bias, padding=pad))
        return functional.conv_transpose2d(inner, back, padding=pad)

    def nonexpansive_step(self, norm: str) -> float | None:
        """h0: 1 in l2, nothing is proved in other norms."""
        return 1.0 if norm == "l2" else None

    def extra_repr(self) -> str:
        return f"{tuple(self.weight.shape)}, h0 = 1 in l2"


class Relaxation(Normalized):
    """F(x) = relu(W x + b) - x, with W rescaled so that it does not expand in ``norm``; h0 = 1 in that norm.

    x + h F(x) = (1 - h) x + h G(x) is a convex combination for 0 <= h <= 1 of x and of G, which does not expand.

    Args:
        features: of x, [n, features] or [n, features, height, width].
        size: of the kernel, odd, of a convolution with zero padding; None for a dense map.
        norm: "linf": absolute row sums of W at most 1 (of a kernel: over its channels and offsets); "l2": W T^-1/2.
    """

    def __init__(self, features: int, size: int | None = None, norm: str = "l2") -> None:
        super().__init__()
        if norm not in ("l2", "linf"):
            raise ValueError(f'norm is {norm!r}, expected "l2" or "linf"')
        self.norm = norm
        kernel = () if size is None else (size, size)
        self.weight = nn.Parameter(torch.empty(features, features, *kernel))
        self.bias = nn.Parameter(torch.zeros(features))
        self.log_q = nn.Parameter(torch.zeros(features)) if norm == "l2" else None
        nn.init.orthogonal_(self.weight) if size is None else nn.init.dirac_(self.weight)

    def normalized(self, exact: bool) -> tuple[Tensor, ...]:
        if self.log_q is not None:
            return (rescaled(self.weight, self.log_q, exact),)
        w = self.weight.double() if exact else self.weight
        sums = w.abs().flatten(1).sum(1) * (1 + MARGIN if exact else 1)
        return ((w / sums.clamp_min(1).reshape(-1, *[1] * (w.dim() - 1))).to(self.weight.dtype),)

    def forward(self, x: Tensor) -> Tensor:
        (w,) = self.in_use()
        if w.dim() == 2:
            return functional.relu(functional.linear(x, w, self.bias)) - x
        return functional.relu(functional.conv2d(x, w, self.bias, padding=w.shape[-1] // 2)) - x

    def nonexpansive_step(self, norm: str) -> float | None:
        """h0: 1 in the norm of the residual, nothing is proved in others."""
        return 1.0 if norm == self.norm else None

    def extra_repr(self) -> str:
        return f"{tuple(self.weight.shape)}, h0 = 1 in {self.norm}"
