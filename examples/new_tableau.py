"""From a scheme on paper to a verified block in a network of one's own.

    python examples/new_tableau.py              a minute on one core
    python examples/new_tableau.py --tiny       seconds

The scheme is SSPRK(4,2), four stages of order two with SSP coefficient 3 (Spiteri & Ruuth 2002, theorem 9), written
down as one would type it from the paper.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import rkblocks
from rkblocks import RkblocksError, data

TABLEAU = """\
{
  "name": "my_ssp42",
  "title": "SSPRK(4,2)",
  "alpha": [["1"], ["0", "1"], ["0", "0", "1"], ["1/4", "0", "0", "3/4"]],
  "beta":  [["1/3"], ["0", "1/3"], ["0", "0", "1/3"], ["0", "0", "0", "1/4"]],
  "claims": {"order": 2, "ssp": "3"},
  "references": ["Spiteri & Ruuth 2002, SIAM J. Numer. Anal. 40, theorem 9"]
}
"""


class Mixer(nn.Module):
    """A residual of one's own: attention over the 8 rows of an image, then a small perceptron.

    Shape: [n, 8, width] to [n, 8, width]. Any module that keeps the shape of its input will do.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, num_heads=2, batch_first=True)
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        mixed, _ = self.attention(y, y, y, need_weights=False)
        fed: Tensor = self.feed(y + mixed)
        return fed


class Classifier(nn.Module):
    """Rows of an 8 x 8 image as tokens, `depth` blocks of the scheme, mean, ten classes."""

    def __init__(self, scheme: rkblocks.Tableau, width: int, depth: int) -> None:
        super().__init__()
        self.stem = nn.Linear(8, width)
        self.blocks = nn.Sequential(*(rkblocks.build(scheme, residual=Mixer(width)) for _ in range(depth)))
        self.head = nn.Linear(width, 10)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.blocks(self.stem(images[:, 0])).mean(1))
        return logits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/new_tableau"), help="where the tableau file is written")
    parser.add_argument("--tiny", action="store_true", help="fewer steps")
    options = parser.parse_args()
    torch.manual_seed(0)

    # 1. Write the file.
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "my_ssp42.json"
    path.write_text(TABLEAU)

    # 2. Verify it: what `rkblocks check runs/new_tableau/my_ssp42.json --format json` prints.
    report = rkblocks.check(path).to_dict()
    print(f"{report['name']}: ok {report['ok']}, order {report['order']['value']} ({report['order']['verdict']}),")
    print(f"  not {report['order']['witness']['order']}, as the tree {report['order']['witness']['tree']} shows,")
    print(f"  SSP coefficient {report['ssp']['optimal']['cfl']}, growth {report['variance']['growth']}")

    # 3. Use it. Every block has one residual, registered once, and evaluates it four times a step.
    scheme = rkblocks.load(path)
    model = Classifier(scheme, width=16, depth=2)
    print(model.blocks[0].extra_repr())

    # 4. Train it like any other module.
    digits = data.load("digits", validation=0.0)
    steps = 60 if options.tiny else 600
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(1, steps + 1):
        rows = torch.randint(len(digits.train.labels), (64,))
        loss = cross_entropy(model(digits.train.images[rows] / 255), digits.train.labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % (steps // 3) == 0:
            with torch.no_grad():
                right = model(digits.test.images / 255).argmax(1) == digits.test.labels
            print(f"step {step:4d}  loss {loss.item():.3f}  test accuracy {right.float().mean().item():.3f}")


if __name__ == "__main__":
    try:
        main()
    except RkblocksError as error:
        sys.exit(str(error))
