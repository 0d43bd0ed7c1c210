"""Lemma 1's premise in every trained block: does the Euler step u + h F(u) shrink differences, and up to which h?

Lemma 1 (Kim et al. 2020; Shu & Osher 1988) carries over to a scheme with SSP coefficient C what the Euler step of the
same F does in some norm up to a step size h: the scheme does it while dt <= C h. Where F has no such h, C promises
nothing. Looked at are, in the norms 1, 2 and inf, at the argument of every stage and with the F of that stage:

    pairs        two different images                adversarial, random    an image and its perturbed copy
    searched     a difference of the size of the adversarial one at this place, sought so as to be stretched most
    magnitude    |u + h F(u)| / |u|: the lemma as printed, for values and not for differences

A pair that grows refutes; pairs that shrink prove nothing. So the h found is an upper bound of the true one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from rkblocks.analysis.power_method import Map, most_stretched
from rkblocks.analysis.record import Passage, blocks_of, visit_blocks
from rkblocks.analysis.sample import Sample
from rkblocks.evaluation.growth import NORMS, growth_ratios

IMAGES = 64
DIFFERENCES = ("pairs", "adversarial", "random", "searched")


def lemma1(sample: Sample, steps: int = 10) -> list[dict[str, Any]]:
    """Return a row for each block, stage, norm and kind of difference, on at most IMAGES images.

    Keys: place; stage, from 1, or "step" for the whole step of the block; p; kind; n: pairs; ratio, largest: mean and
    largest ratio at the block's dt; shrinking: share of pairs with a ratio of at most 1; h: the largest step size at
    which no pair grows (0: none); any_h: share of pairs that shrink at some h. h and any_h are null for "step".
    steps: of the search.
    """
    few = sample.first(IMAGES)
    images = torch.cat([few.images(), few.perturbed("adversarial"), few.perturbed("random")])
    rows: list[dict[str, Any]] = []
    names: list[str] = []

    def visit(passage: Passage) -> None:
        names.append(passage.name)
        rows.extend(_rows(passage, steps))
        few.tell("premise of Lemma 1", len(names), blocks)

    blocks = len(blocks_of(few.model))
    visit_blocks(few.model, images, visit)
    return rows


def _rows(passage: Passage, steps: int) -> Iterator[dict[str, Any]]:
    dt = passage.block.dt
    for stage in passage.stages:
        f = passage.residual(stage.number)
        given = dict(_given(stage.u, stage.f)) | {"magnitude": (_third(stage.u), _third(stage.f))}
        step = _euler(f, dt)
        for p in NORMS:
            found = given | {"searched": _searched(f, step, stage.u, given, p, steps)}
            for kind, (d, e) in found.items():
                h = largest_steps(d, e, p)
                yield _row(passage, stage.number + 1, p, kind, euler_ratios(d, e, dt, p), h)
    given = dict(_given(passage.x, passage.y))
    for p in NORMS:
        for kind, (d, after) in given.items():
            yield _row(passage, "step", p, kind, growth_ratios(d, after, p), None)
        ratios = torch.stack([r for _, r in _searches(passage.step, passage.x, given, p, steps)]).amax(0)
        yield _row(passage, "step", p, "searched", ratios, None)


def _given(u: Tensor, f: Tensor) -> Iterator[tuple[str, tuple[Tensor, Tensor]]]:
    """Yield by kind the differences of arguments and of values, from [clean; adversarial; random]."""
    (x, adversarial, random), (fx, f_adversarial, f_random) = u.chunk(3), f.chunk(3)
    if len(x) > 1:
        yield "pairs", (x.roll(1, 0) - x, fx.roll(1, 0) - fx)
    yield "adversarial", (adversarial - x, f_adversarial - fx)
    yield "random", (random - x, f_random - fx)


def _searched(
    f: Map, step: Map, u: Tensor, given: dict[str, tuple[Tensor, Tensor]], p: float, steps: int
) -> tuple[Tensor, Tensor]:
    """Return the differences d that the Euler step was found to stretch most, from both starts, and F's differences."""
    x = _third(u)
    d = torch.cat([d for d, _ in _searches(step, u, given, p, steps)])
    twice = torch.cat([x, x])
    with torch.no_grad():
        return d, f(twice + d) - f(twice)


def _searches(
    function: Map, u: Tensor, given: dict[str, tuple[Tensor, Tensor]], p: float, steps: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the result of the search that starts at the adversarial difference, and at the random one, scaled alike."""
    adversarial, random = given["adversarial"][0], given["random"][0]
    yield most_stretched(function, _third(u), adversarial, p, steps)
    yield most_stretched(function, _third(u), random, p, steps)


def _third(values: Tensor) -> Tensor:
    return values.chunk(3)[0]


def _euler(f: Map, h: float) -> Map:
    return lambda u: u + h * f(u)


def _row(passage: Passage, stage: int | str, p: float, kind: str, ratios: Tensor, h: Tensor | None) -> dict[str, Any]:
    kept = ratios[~ratios.isnan()].cpu()
    row: dict[str, Any] = {
        "place": passage.name,
        "stage": stage,
        "p": "inf" if p == float("inf") else int(p),
        "kind": kind,
        "n": len(kept),
    }
    if not len(kept):
        return row | dict.fromkeys(("ratio", "largest", "shrinking", "h", "any_h"))
    row |= {
        "ratio": float(kept.mean()),
        "largest": float(kept.max()),
        "shrinking": float((kept <= 1).double().mean()),
        "h": None,
        "any_h": None,
    }
    if h is not None:
        steps = h[~h.isnan()].cpu()
        least = float(steps.min())
        row["h"] = "inf" if least == float("inf") else least
        row["any_h"] = float((steps > 0).double().mean())
    return row


LARGEST = 1024.0  # beyond it a step size is called unbounded
LEAST = 1e-6  # below it a step size is called 0: rounding cannot tell it from none
SLACK = 1e-12  # a ratio of 1 + SLACK counts as 1


def euler_ratios(d: Tensor, e: Tensor, h: float, p: float) -> Tensor:
    """Return |d + h e| / |d| in the p-norm for pairs d, e [n, ...]; nan where d is zero."""
    return growth_ratios(d, d.double() + h * e.double(), p)


def largest_steps(d: Tensor, e: Tensor, p: float) -> Tensor:
    """Return h* [n], in double: the largest h with |d + h e| <= |d| of each pair; 0 where there is none, inf beyond
    LARGEST, nan where d is zero.

    |d + h e| is convex in h and equals |d| at h = 0, so the h at which it is at most |d| fill an interval [0, h*]:
    bisection finds h*. In the 2-norm h* = max(0, -2 d.e / |e|^2).
    """
    flat_d, flat_e = d.flatten(1).double(), e.flatten(1).double()
    size: Tensor = torch.linalg.vector_norm(flat_d, ord=p, dim=1)

    def shrinks(h: Tensor) -> Tensor:
        moved: Tensor = torch.linalg.vector_norm(flat_d + h[:, None] * flat_e, ord=p, dim=1)
        return moved <= size * (1 + SLACK)

    low, high = torch.zeros_like(size), torch.full_like(size, LARGEST)
    unbounded = shrinks(high)
    for _ in range(60):  # from 1024 down to less than LEAST's rounding
        middle = (low + high) / 2
        holds = shrinks(middle)
        low, high = torch.where(holds, middle, low), torch.where(holds, high, middle)
    steps = torch.where(low < LEAST, 0.0, low)
    steps = torch.where(unbounded, math.inf, steps)
    return torch.where(size > 0, steps, torch.nan)
