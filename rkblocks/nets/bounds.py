"""What a bounded network is proved to do: its Lipschitz constant, computed module by module, and what rounding adds.

Constants multiply.  A layer says its own with `lipschitz()`, a residual says its h0 with `nonexpansive_step`, a block
holds the guarantee of its scheme; what says nothing has no constant, and the network has none.

Rounding.  Let u be the unit roundoff and g(n) = n u / (1 - n u).  An inner product of n terms, summed in any order,
with or without fused multiply-add, is wrong by at most g(n) times the sum of the absolute products (Higham 2002,
section 3.1), so W x + b by at most g(n + 1) (|| |W| || |x| + |b|) in l2, with || |W| || <= sqrt(|W|_1 |W|_inf); one
more u allows for weights that are rounded to the format after they were normalised.  Errors pass a layer with its
constant.  In a block a stage with error e_j gives F an error 2 e_j / h0 beside its own, since F is 2/h0-Lipschitz;
where the step is within C h0 the errors of stages enter with the nonnegative weights of P(r) instead, which sum to at
most 1.  Everything is bounded for all inputs in [0, 1] at once.  Winograd and TF32 kernels are outside of this;
PyTorch has neither for double precision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rkblocks.blocks import RKBlock
from rkblocks.blocks.guarantee import Guarantee, stated_step
from rkblocks.diagnostics import fail
from rkblocks.forms import resolvent
from rkblocks.nets.bounded_layers import Halve, Pool, RescaledConv, RescaledLinear, UnitHead
from rkblocks.nets.grouped import GroupedNet
from rkblocks.nets.normalize import Normalize
from rkblocks.nets.potentials import ConvexPotential, Relaxation
from rkblocks.program.interpret import interpret
from rkblocks.verify.facts import Facts

ONWARD = (nn.Identity, nn.Flatten)
"""Modules that move numbers and change none."""


@dataclass(frozen=True)
class Layer:
    """One module on the way from the image to the features before the last layer, with its place in the network."""

    name: str
    module: nn.Module


def body(net: GroupedNet) -> Iterator[Layer]:
    """The modules in the order in which an image passes them, without the last layer."""
    yield from _flat("normalize", net.normalize)
    yield from _flat("stem", net.stem)
    groups: Any = net.groups
    for i, group in enumerate(groups):
        if i:
            yield from _flat(f"transition{i}", net.transitions[i - 1])
        for j, block in enumerate(group):
            yield Layer(f"group{i + 1}.{j}", block)
    head: Any = net.head
    for j, module in enumerate(list(head)[:-1]):
        yield from _flat(f"head.{j}", module)


def _flat(name: str, module: nn.Module) -> Iterator[Layer]:
    if isinstance(module, nn.Sequential):
        for j, part in enumerate(module):
            yield from _flat(f"{name}.{j}", part)
    else:
        yield Layer(name, module)


def guarantees(net: nn.Module, norm: str = "l2") -> list[tuple[str, Guarantee]]:
    """Name and guarantee of every block, in order."""
    if not isinstance(net, GroupedNet):
        return []
    return [(step.name, step.module.guarantee(norm)) for step in body(net) if isinstance(step.module, RKBlock)]


def lipschitz(net: nn.Module, *, assumed: bool = False) -> float:
    """The constant of the features before the last layer in l2: |features(x) - features(y)| <= L |x - y|.

    Args:
        assumed: whether blocks without guarantee count as if they had one; nothing is proved then.

    Raises:
        RkblocksError: RK880 for a block without guarantee, named with its step and limit; RK881 for a network or a
            module whose constant is not known.
    """
    if not isinstance(net, GroupedNet) or not isinstance(_last(net), UnitHead):
        kind = type(net).__name__
        fail("RK881", f"a {kind} has no known Lipschitz constant", help="train one of kind bounded: net.kind=bounded")
    total = 1.0
    for step in body(net):
        total *= 1.0 if assumed and isinstance(step.module, RKBlock) else _constant(step)
    return total


def _last(net: GroupedNet) -> nn.Module:
    return list(net.head)[-1] if isinstance(net.head, nn.Sequential) else net.head


def _constant(step: Layer) -> float:
    module = step.module
    if isinstance(module, RKBlock):
        found = module.guarantee("l2")
        if not found.holds:
            message = f"{step.name} has no guarantee: {found.scheme}, step {found.step:.6g}, limit {found.limit:.6g}"
            fail("RK880", f"{message}; {found.reason}", help="choose a scheme with a larger rho, or a shorter net.step")
        return 1.0
    if isinstance(module, Normalize):
        return _up(1 / float(module.std.min()))
    if isinstance(module, ONWARD):
        return 1.0
    method = getattr(module, "lipschitz", None)
    if method is None:
        fail("RK881", f"{step.name}, a {type(module).__name__}, states no Lipschitz constant")
    return float(method())


def _up(value: float) -> float:
    return math.nextafter(value, math.inf)


@dataclass(frozen=True)
class ErrorState:
    """A bound for all images: the l2 norm of the exact values, their error in the format, and the shape of one."""

    norm: float
    error: float
    shape: tuple[int, ...]


def rounding(net: GroupedNet, shape: tuple[int, int, int], dtype: torch.dtype = torch.float32) -> ErrorState:
    """Bounds of norm and error of the features before the last layer, for all images of this shape in [0, 1].

    Raises as `lipschitz`, and RK881 for a module whose rounding is not known.
    """
    u = torch.finfo(dtype).eps / 2
    state = ErrorState(math.sqrt(math.prod(shape)), 0.0, tuple(shape))
    was = net.training
    net.eval()
    try:
        for step in body(net):
            state = _rounded(step, state, u)
    finally:
        net.train(was)
    return state


def _rounded(step: Layer, state: ErrorState, u: float) -> ErrorState:
    module, norm, error, shape = step.module, state.norm, state.error, state.shape
    if isinstance(module, nn.Flatten):
        return ErrorState(norm, error, (math.prod(shape),))
    if isinstance(module, nn.Identity):
        return state
    if isinstance(module, Normalize):
        mean, std = module.mean.double().flatten(), module.std.double().flatten()
        largest = float(torch.maximum(mean.abs(), (1 - mean).abs()).div(std).square().sum()) * math.prod(shape[1:])
        norm = math.sqrt(largest)
        return ErrorState(norm, error / float(std.min()) + 3 * u * norm, shape)
    if isinstance(module, Halve):
        return ErrorState(norm, error, (4 * shape[0], -(-shape[1] // 2), -(-shape[2] // 2)))
    if isinstance(module, Pool):
        count = math.prod(shape[1:])
        return ErrorState(norm, error + _gamma(count + 3, u) * norm, shape[:1])
    if isinstance(module, RescaledLinear | RescaledConv):
        weight = module.in_use()[0]
        bias = float(module.bias.detach().double().norm()) * math.sqrt(math.prod(shape[1:]))
        own = _product(weight, norm, u) + _gamma(weight[0].numel() + 1, u) * bias
        return ErrorState(norm + bias, error + own, (weight.shape[0], *shape[1:]))
    if isinstance(module, RKBlock):
        return _block(step.name, module, state, u)
    message = f"{step.name}, a {type(module).__name__}, has no known bound of its rounding"
    return fail("RK881", message, help="use the layers of rkblocks.nets.bounded_layers")


def _gamma(n: int, u: float) -> float:
    return n * u / (1 - n * u)


def _absolute(weight: Tensor) -> float:
    """A bound of the l2 norm of |W|, of a matrix or a convolution, rounded up."""
    w = weight.detach().double().abs()
    rows, columns = w.flatten(1).sum(1).max(), w.transpose(0, 1).flatten(1).sum(1).max()
    return float((rows * columns).sqrt()) * (1 + 1e-9)


def _product(weight: Tensor, norm: float, u: float, transposed: bool = False) -> float:
    """The error of W x in l2: of the sums, and of weights rounded to the format."""
    terms = weight.transpose(0, 1)[0].numel() if transposed else weight[0].numel()
    return (_gamma(terms + 1, u) + u) * _absolute(weight) * norm


def _residual(residual: nn.Module, norm: float, shape: tuple[int, ...], u: float) -> tuple[float, float]:
    """(|F(0)|, error of F at any point of this norm)."""
    spread = math.sqrt(math.prod(shape[1:]))
    bias: Any = residual.bias
    bias_norm = float(bias.detach().double().norm()) * spread
    if isinstance(residual, ConvexPotential):
        (back,) = residual.in_use()
        w, dense = residual.weight, residual.weight.dim() == 2
        inner = _absolute(w) * norm + bias_norm
        first = _product(w, norm, u) + _gamma(w[0].numel() + 1, u) * bias_norm
        own = _product(back, inner + first, u, transposed=not dense) + _absolute(back) * first
        return _absolute(back) * bias_norm, own
    assert isinstance(residual, Relaxation)
    weight = residual.in_use()[0]
    own = _product(weight, norm, u) + _gamma(weight[0].numel() + 1, u) * bias_norm
    return bias_norm, own + u * (2 * norm + bias_norm + own)


def margin_error(net: GroupedNet, state: ErrorState, dtype: torch.dtype) -> float:
    """A bound of the error of (z_y - z_j) / |w_y - w_j| for all images and classes; inf where two rows are equal.

    Args:
        state: of the features, as `rounding` gives it.
    """
    head = _last(net)
    assert isinstance(head, UnitHead)
    u = torch.finfo(dtype).eps / 2
    weight, bias = head.in_use()[0].double(), head.bias.detach().double().abs()
    norms = weight.norm(dim=1) * (1 + 1e-9)
    own = (_gamma(weight.shape[1] + 2, u) + 2 * u) * (norms * (state.norm + state.error) + bias)
    apart = (weight[:, None] - weight[None]).norm(dim=2)
    each = apart * state.error + own[:, None] + own[None] + u * (own[:, None] + own[None])
    others = ~torch.eye(len(weight), dtype=torch.bool, device=weight.device)
    return float((each / apart)[others].max()) if len(weight) > 1 else 0.0


@dataclass
class _Size:
    """The size of a value of the step and its error: arithmetic on bounds, for the interpreter."""

    size: float
    error: float
    u: float

    def __mul__(self, factor: Any) -> _Size:
        c = abs(float(factor))
        return _Size(self.size * c, self.error * c + 2 * self.u * self.size * c, self.u)

    def __add__(self, other: _Size) -> _Size:
        total = self.size + other.size
        return _Size(total, self.error + other.error + self.u * (total + self.error + other.error), self.u)


def _block(name: str, block: RKBlock, state: ErrorState, u: float) -> ErrorState:
    """A block whose guarantee holds: error of its result, by the error of each stage."""
    residual = block.residual
    if not isinstance(residual, ConvexPotential | Relaxation):
        fail("RK881", f"{name}: the rounding of a {type(residual).__name__} is not known")
    h0 = stated_step(residual, "l2")
    assert h0 is not None
    values = block.exact_coefficients()
    dt = values.pop("dt", block.step.dt) if block.step.learn_dt else block.step.dt
    family = block.tableau
    facts = Facts(family.at(family.initial() | dict(values)) if family.parameters else family)
    field, A, b = facts.field, facts.reduced.A, facts.reduced.b
    r, m = dt / h0, len(b)
    P, d = resolvent(facts.reduced, field.rational(r))
    monotone = all(field.sign(e) >= 0 for e in (*d, *(e for row in P for e in row)) if e)
    weights = [[abs(field.to_float(e)) for e in row] for row in (P if monotone else [*A, b])]
    scale, pull = (float(r), 1.0) if monotone else (float(dt), 2 / float(h0))
    start, _ = _residual(residual, state.norm, state.shape, u)

    def passed(own: list[float], each: float) -> list[float]:
        """e_i = own_i + scale sum_j w_ij (pull e_j + each): what reaches stage i of own contributions and of F's."""
        found: list[float] = []
        for i, row in enumerate(weights):
            found.append(own[i] + scale * sum(w * (pull * e + each) for w, e in zip(row[:i], found, strict=False) if w))
        return found

    unit = float(h0) if monotone else 1.0
    zero = passed([0.0] * (m + 1), unit * start)  # |u_i(0)|
    reach = [
        state.norm * (1.0 if monotone else _stage_constant(weights, scale, pull, i)) + z for i, z in enumerate(zero)
    ]
    largest = max(reach)
    _, own = _residual(residual, largest, state.shape, u)
    slope = 2 / float(h0) * largest + start + own
    seen: list[float] = []

    def f(x: _Size) -> _Size:
        seen.append(x.error)
        return _Size(slope, 0.0, u)

    numbers = {k: float(v) for k, v in values.items()}
    result = interpret(block.program, f, _Size(state.norm, 0.0, u), numbers, dt=float(dt), number=_number(field))
    made = [*(max(seen) for _ in range(m)), result.error]
    error = passed(made, unit * own)[-1]
    return ErrorState(state.norm + zero[-1], (state.error + error) * (1 + 1e-9), state.shape)


def _stage_constant(weights: list[list[float]], scale: float, pull: float, stage: int) -> float:
    """How far a stage can expand differences of x; the result itself does not."""
    if stage == len(weights) - 1:
        return 1.0
    found: list[float] = []
    for i in range(stage + 1):
        found.append(1 + scale * pull * sum(w * e for w, e in zip(weights[i][:i], found, strict=False)))
    return found[-1]


def _number(field: Any) -> Any:
    constants = field.constants
    return lambda a: constants.to_float(a)
