"""Are C and rho sharp?  The largest expansion by one step that a search finds, against the length of the step.

    python benchmarks/sharpness.py                           the table of docs/results/guarantees.md
    python benchmarks/sharpness.py --figure sharpness.svg    curves of all schemes: Figure 1 of the paper, for networks

--json FILE keeps the numbers of either.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from timing import keep
from torch import Tensor

from rkblocks import figures, files
from rkblocks.figures import style
from rkblocks.verify.contractivity import Contractivity
from rkblocks.verify.facts import Facts

SCHEMES = ("euler", "midpoint", "ssp2", "ssp3", "rk4", "kutta3", "ssprk43", "ssprk104", "ark")
SHARES = (0.5, 0.9, 1.0, 1.02, 1.2)
STEPS = (0.02, 0.1, 0.5, 1.0, 1.2)
AXIS = tuple(2.0 ** (k / 4) for k in range(-20, 13))
"""Steps of the figure, in units of h0: from 1/32 to 8."""
NOTHING = 1e-7
"""Expansions below are those of a search that found none: float64, and gradient ascent that ends."""
NORMS = {"l2": "l2: dots at rho", "linf": "linf: dots at C"}


def expansion(A: Tensor, b: Tensor, r: float, norm: str, seed: int, starts: int = 16, steps: int = 100) -> float:
    """The largest expansion of differences by one step that gradient ascent finds, from several random starts.

    A stage sees F through its Jacobian there, (G_i - I)/h0 with G_i nonexpansive; the stages are different points, so
    that a network may have any G_i there.  l2: rotations of the plane, as complex numbers; linf: 4x4 matrices with
    absolute row sums of 1.
    """
    torch.manual_seed(seed)
    m, n = len(b), 4
    if norm == "l2":
        raw = torch.randn(starts, m, 1, dtype=torch.float64)
    else:
        raw = torch.randn(starts, m, n, n, dtype=torch.float64)
    raw.requires_grad_(True)
    optimizer = torch.optim.Adam([raw], 0.05)
    best = 0.0
    for _ in range(steps):
        grown = _grown(A, b, r, raw, norm)
        best = max(best, float(grown.detach().max()))
        optimizer.zero_grad()
        (-grown.sum()).backward()
        optimizer.step()
    return best


def _grown(A: Tensor, b: Tensor, r: float, raw: Tensor, norm: str) -> Tensor:
    m = len(b)
    if norm == "l2":
        g = torch.polar(torch.ones_like(raw[..., 0]), raw[..., 0] * math.pi)  # the result is largest on the circle
        slopes: list[Tensor] = []
        one = torch.ones(len(raw), dtype=torch.complex128)
        for i in range(m):
            y = one + r * sum((A[i, j] * slopes[j] for j in range(i)), torch.zeros_like(one))
            slopes.append((g[:, i] - 1) * y)
        return (one + r * sum(b[i] * slopes[i] for i in range(m))).abs()
    G = raw / raw.abs().sum(-1, keepdim=True)
    eye = torch.eye(raw.shape[-1], dtype=torch.float64).expand(len(raw), -1, -1)
    matrices: list[Tensor] = []
    for i in range(m):
        y = eye + r * sum((A[i, j] * matrices[j] for j in range(i)), torch.zeros_like(eye))
        matrices.append((G[:, i] - eye) @ y)
    out = eye + r * sum(b[i] * matrices[i] for i in range(m))
    return out.abs().sum(-1).max(-1).values


def searched(names: tuple[str, ...], seed: int, axis: tuple[float, ...] | None = None) -> list[dict[str, Any]]:
    """For each scheme and norm its limit in units of h0, steps and the expansion found at each; the steps are `axis`,
    or shares of the limit (absolute ones where it is 0).
    """
    rows = []
    for name in names:
        facts = Facts(files.load(name)).at_init
        field = facts.field
        A = torch.tensor([[field.to_float(a) for a in row] for row in facts.reduced.A], dtype=torch.float64)
        b = torch.tensor([field.to_float(w) for w in facts.reduced.b], dtype=torch.float64)
        rho, radius = facts.contractivity, facts.optimal
        assert isinstance(rho, Contractivity)
        assert radius is not None
        for norm, root in (("l2", rho.root), ("linf", radius.root)):
            limit = root.to_float()
            at = list(axis) if axis else [limit * share for share in SHARES] if limit else list(STEPS)
            found = [expansion(A, b, r, norm, seed) for r in at]
            rows.append({"scheme": name, "norm": norm, "limit": limit, "steps": at, "expansion": found})
            print(f"{name} {norm} done", file=sys.stderr)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """The rows of `searched` at shares of the limit, as Markdown."""
    lines = [f"| scheme | norm | limit | {' | '.join(f'{s:g} limit' for s in SHARES)} |"]
    lines.append("|---|---|---|" + "---|" * len(SHARES))
    for row in rows:
        cells = " | ".join(
            f"{x:.8f}" + ("" if row["limit"] else f" (h = {h:g})")
            for x, h in zip(row["expansion"], row["steps"], strict=True)
        )
        lines.append(f"| {row['scheme']} | {row['norm']} | {row['limit']:.6g} | {cells} |")
    return "\n".join(lines)


def draw(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw expansion - 1 against the step, a panel a norm, a dot at each positive limit."""
    figure, axes = style.new(len(NORMS), 1, width=5.2, height=3.6)
    for (axis,), (norm, title) in zip(axes, NORMS.items(), strict=True):
        for number, row in enumerate(row for row in rows if row["norm"] == norm):
            look = style.look(number)
            above = [max(value - 1, NOTHING) for value in row["expansion"]]
            axis.plot(row["steps"], above, **look | {"marker": ""}, label=row["scheme"])
            if row["limit"]:
                axis.plot([row["limit"]], [NOTHING], clip_on=False, zorder=3, **look | {"linestyle": "none"})
        axis.set_title(title, fontsize="medium")
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_ylim(NOTHING, 10)
        axis.set_xlabel("step / h0")
        axis.set_ylabel("largest expansion found - 1\n(at the foot: none)")
    style.legend_below(figure)
    figures.save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schemes", default=",".join(SCHEMES), help="names, joined by commas")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--figure", type=Path, help="search along the steps of a figure instead, and draw it here")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = searched(tuple(options.schemes.split(",")), options.seed, AXIS if options.figure else None)
    if options.figure:
        draw(rows, options.figure)
    else:
        print(table(rows))
    keep(options.json, {"rows": rows})


if __name__ == "__main__":
    main()
