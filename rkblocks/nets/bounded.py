"""A network that is Lipschitz by construction: bounded layers around blocks whose guarantee does the rest.

Its constant is computed by `rkblocks.nets.bounds`; the margin of an image over it is a radius within which no attack
changes the class (`rkblocks certify`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import torch
from torch import nn

from rkblocks import blocks as rk
from rkblocks.blocks.guarantee import largest_step
from rkblocks.diagnostics import fail
from rkblocks.files.group_schemes import Blocks, schemes
from rkblocks.nets.bounded_layers import Halve, Pool, RescaledConv, RescaledLinear, UnitHead
from rkblocks.nets.grouped import GroupedNet
from rkblocks.nets.normalize import normalize
from rkblocks.nets.potentials import STARTS, ConvexPotential, Relaxation
from rkblocks.program.lower import step_size
from rkblocks.tableau import Tableau
from rkblocks.verify.facts import Facts

RESIDUALS = ("convex-potential", "relaxation")
LAYERS = ("convolution", "dense")
POOLS = ("flatten", "mean")
LARGEST = "largest"


def bounded(
    blocks: Blocks,
    depth: int = 4,
    *,
    shape: tuple[int, int, int],
    widths: Sequence[int] = (32, 64),
    classes: int = 10,
    step: str | float | Fraction = 1,
    residual: str = "convex-potential",
    layers: str = "convolution",
    pool: str = "flatten",
    halved: int = 0,
    dense: int = 0,
    start: str = "random",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    generator: torch.Generator | None = None,
) -> GroupedNet:
    """A network with one group of ``depth`` blocks for each width, and a known Lipschitz constant where schemes allow.

    Args:
        blocks: the scheme of all groups, or one a group, as of `grouped`.
        depth: blocks in a group.
        shape: (channels, height, width) of the images.
        widths: channels (or features) of the groups; between two groups of convolutions the map is halved.
        classes: of the labels.
        step: length of a block's step, or "largest": the longest guaranteed in l2 (1 for a scheme that has none, 3/4 of
            it for a family, whose coefficients are then kept where that is guaranteed).
        residual: "convex-potential" or "relaxation", of h0 = 1.
        layers: "convolution" (3x3) or "dense".
        pool: before the last layer "flatten", or "mean": the mean of each channel times the root of its size.
        halved: how often the map of convolutions is halved before the first block, four pixels into four channels; a
            block costs a quarter with each.
        dense: features of one more group, of dense blocks, after those of convolutions; 0 for none.
        start: of the weights of convex potentials, "random" or "orthogonal"; see there.
        mean: of each channel, taken off by the first layer.
        std: of each channel; a constant factor 1/min(std) results.
        generator: source of the initial weights (CPU); None uses torch's global one.

    Raises:
        RkblocksError: RK551 to RK553, RK556 for an unknown choice, a step that is no positive number, a map halved
            less than 0 or more than 8 times, a negative number of features, or dense layers with a map that is
            halved or pooled or with one more dense group.
    """
    choices = {
        "residual": (residual, RESIDUALS),
        "layers": (layers, LAYERS),
        "pool": (pool, POOLS),
        "start": (start, STARTS),
    }
    for name, (given, allowed) in choices.items():
        if given not in allowed:
            fail("RK556", f"{name} is {given!r}, expected one of {', '.join(allowed)}", help="choose one of them")
    if not isinstance(halved, int) or not 0 <= halved <= 8:
        fail("RK556", f"halved is {halved!r}, expected a whole number from 0 to 8", help="halved=1")
    if not isinstance(dense, int) or dense < 0:
        fail("RK556", f"dense is {dense!r}, expected a number of features, 0 for none", help="dense=64")
    unused = [f"halved is {halved}"] if halved else []
    unused += [f'pool is "{pool}"'] if pool != "flatten" else []
    unused += [f"dense is {dense}"] if dense else []
    if layers == "dense" and unused:
        message = f"{unused[0]}, but dense layers have no map to be halved, pooled or left for dense ones"
        fail("RK556", message, help='leave it out, or layers="convolution"')
    features = [*widths, dense] if dense else list(widths)
    tableaus = schemes(blocks, len(features))
    sizes = [None if layers == "dense" else 3] * len(widths) + [None] * bool(dense)
    state = torch.get_rng_state()
    if generator is not None:
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
    try:
        groups = [
            nn.Sequential(*(_block(tableau, width, size, residual, step, start) for _ in range(depth)))
            for tableau, width, size in zip(tableaus, features, sizes, strict=True)
        ]
        if layers == "dense":
            stem: nn.Module = nn.Sequential(nn.Flatten(), RescaledLinear(math.prod(shape), widths[0]))
            transitions: list[nn.Module] = [RescaledLinear(before, after) for before, after in pairwise(widths)]
            head = nn.Sequential(UnitHead(widths[-1], classes))
        else:
            halves = [Halve() for _ in range(halved)]
            first = RescaledConv(shape[0] * 4**halved, widths[0])
            stem = nn.Sequential(*halves, first) if halves else first
            transitions = [nn.Sequential(Halve(), RescaledConv(4 * a, b)) for a, b in pairwise(widths)]
            height, width = shape[1:]
            for _ in (*halves, *transitions):
                height, width = -(-height // 2), -(-width // 2)
            pooled = Pool() if pool == "mean" else nn.Flatten()
            last = widths[-1] if pool == "mean" else widths[-1] * height * width
            if dense:
                transitions.append(nn.Sequential(pooled, RescaledLinear(last, dense)))
            head = nn.Sequential(UnitHead(dense, classes)) if dense else nn.Sequential(pooled, UnitHead(last, classes))
    finally:
        if generator is not None:
            torch.set_rng_state(state)
    return GroupedNet(normalize(mean, std, shape[0]), stem, groups, transitions, head)


def _block(
    tableau: Tableau, width: int, size: int | None, residual: str, step: str | float | Fraction, start: str
) -> nn.Module:
    convex = residual == "convex-potential"
    inner = ConvexPotential(width, size=size, start=start) if convex else Relaxation(width, size)
    family = any(p.learnable for p in Facts(tableau).effective)
    if step == LARGEST:
        most = largest_step(tableau)
        dt = (most * 3 / 4 if family else most) or Fraction(1)
    else:
        dt = _number(step)
    guaranteed = "l2" if family and dt <= largest_step(tableau) else None
    return rk.build(tableau, residual=inner, dt=dt, statistics="shared", guaranteed=guaranteed)


def _number(step: str | float | Fraction) -> Fraction:
    try:
        value = Fraction(step)
    except (ValueError, ZeroDivisionError, OverflowError):
        value = Fraction(0)
    if value <= 0:
        fail("RK556", f"step is {step!r}, expected a positive number or {LARGEST}", help='step="1/2"')
    return step_size(value)
