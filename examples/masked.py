"""The health report of an honest model, and of the same model with a mask that fools weak attacks.

    python examples/masked.py                                  both, with gradients that point the wrong way
    python examples/masked.py --mask "saturated logits"
    python examples/masked.py --list

A small network is trained against PGD on scikit-learn's digits, some seconds on a CPU. Then the same evaluation is made
of it and of its masked twin. The masked one seems more robust; the report says why that is not so.
"""

from __future__ import annotations

import argparse
import sys
from fractions import Fraction

import torch
from torch import nn

from rkblocks import RkblocksError, attacks, data
from rkblocks.data.split import Dataset, unit
from rkblocks.evaluation import MASKS, base_threat, evaluate_subject, of_model, preset_plan


def trained(digits: Dataset, epochs: int) -> nn.Module:
    """Return a convolutional network trained against PGD with 4 steps at linf 1/10."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(576, 10)
    )
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    generator = torch.Generator().manual_seed(0)
    threat = attacks.Threat("linf", Fraction(1, 10), steps=4, step=Fraction(1, 25))
    images, labels = unit(digits.train.images), digits.train.labels
    for epoch in range(epochs):
        for rows in torch.randperm(len(images), generator=generator).split(64):
            x = attacks.pgd(model, images[rows], labels[rows], threat, generator) if epoch else images[rows]
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), labels[rows]).backward()
            optimizer.step()
    return model.eval()


def main(arguments: list[str] | None = None) -> int:
    """Print both reports; 0 if the honest model passes and the masked one is caught by its checks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mask", default="misleading gradients", choices=MASKS, metavar="NAME", help="see --list")
    parser.add_argument("--list", action="store_true", help="name the masks, and end")
    parser.add_argument("--tiny", action="store_true", help="only show that it runs")
    options = parser.parse_args(arguments)
    if options.list:
        print("".join(f"{name}: {mask.what}\n" for name, mask in MASKS.items()), end="")
        return 0
    torch.set_num_threads(1)
    digits, mask = data.load("digits"), MASKS[options.mask]
    honest = trained(digits, 2 if options.tiny else 8)
    images, labels = (digits.test.images[:60], digits.test.labels[:60]) if options.tiny else vars(digits.test).values()
    failed = []
    for name, model in (("honest", honest), (options.mask, mask.worn_by(honest))):
        torch.manual_seed(0)
        subject = of_model(model, images, labels, name=name, blocks="a plain network", dataset="digits")
        done = evaluate_subject(subject, preset_plan("quick", base_threat("digits")), probe=20 if options.tiny else 100)
        print(done, end="\n\n")
        failed.append({verdict.check for verdict in done.health if not verdict.ok})
    return 0 if options.tiny or (not failed[0] and set(mask.caught_by) <= failed[1]) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RkblocksError as error:
        sys.exit(str(error))
