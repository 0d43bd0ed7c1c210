"""From "I have so many calls of F" to a trained block: designed schemes, the price of C, and one of them in a network.

    python examples/design.py              minutes on one core
    python examples/design.py --tiny       seconds

For four stages and order three, the least Lemma-3 growth that is found is traced against the SSP coefficient that is
required; every point is a scheme that `check` proved. The scheme with C = 3/2 is written to a file and trained.
"""

from __future__ import annotations

import argparse
import sys
from fractions import Fraction
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import cross_entropy

import rkblocks
from rkblocks import RkblocksError, data, figures
from rkblocks.figures.tradeoff import tradeoff

STAGES, ORDER = 4, 3


def traced(most: Fraction, points: int) -> list[tuple[float, float]]:
    """C and least growth, from C = 0 up to the largest coefficient."""
    found = []
    for k in range(points + 1):
        ssp = most * k / points
        scheme = rkblocks.design(STAGES, ORDER, minimize="growth", require=[f"ssp >= {ssp}"])
        report = scheme.report.to_dict()
        found.append((report["ssp"]["optimal"]["cfl_float"], report["variance"]["growth_float"]))
        print(f"C >= {ssp!s:5}  C = {found[-1][0]:.4f}  least growth {found[-1][1]:.6f}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/design"), help="where files and the figure are written")
    parser.add_argument("--tiny", action="store_true", help="fewer points and steps")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)

    # 1. The longest stable step for the calls at hand, proved to be the longest.
    longest = rkblocks.design(STAGES, ORDER, maximize="ssp")
    reached = longest.report.to_dict()["ssp"]["optimal"]["cfl"]
    print(f"largest C: {reached}, optimal: {'proved' if longest.optimal else 'not proved'}")

    # 2. What C costs: least growth against C.
    curve = traced(Fraction(2), 2 if options.tiny else 8)
    reports = {name: rkblocks.check(name).to_dict() for name in ("ssp3", "ssprk43", "leastgrowth43")}
    known = {name: (r["ssp"]["optimal"]["cfl_float"], r["variance"]["growth_float"]) for name, r in reports.items()}
    for path in figures.save(tradeoff({f"{STAGES} stages, order {ORDER}": curve}, known), options.out / "tradeoff"):
        print(f"wrote {path}")

    # 3. One of them as a file, and as a block in a network of one's own.
    chosen = rkblocks.design(STAGES, ORDER, minimize="growth", require=["ssp >= 3/2"], name="mild")
    path = options.out / "mild.json"
    path.write_text(chosen.text)
    width = 32
    residual = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
    model = nn.Sequential(nn.Linear(64, width), rkblocks.build(path, residual=residual), nn.Linear(width, 10))
    print(model[1].extra_repr())
    digits = data.load("digits", validation=0.0)
    images, labels = digits.train.images.flatten(1) / 255, digits.train.labels
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    steps = 60 if options.tiny else 600
    for _ in range(steps):
        rows = torch.randint(len(labels), (64,))
        loss = cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = model(digits.test.images.flatten(1) / 255).argmax(1) == digits.test.labels
    print(f"after {steps} steps: loss {loss.item():.3f}, test accuracy {right.float().mean().item():.3f}")


if __name__ == "__main__":
    try:
        main()
    except RkblocksError as error:
        sys.exit(str(error))
