"""Train the paper's CIFAR-10 network adversarially with several schemes, one of them a scheme for each group.

    python examples/cifar10.py --data-root ~/data                   a GPU, or patience
    python examples/cifar10.py --data ~/cifar10-jpeg                an image folder: train/CLASS/*, test/CLASS/*
    python examples/cifar10.py --tiny                               seconds, on a stand-in: shows that it runs

Kim et al. 2020, section 4.3; SSP-adap is ark, euler, ssp2 in the three groups.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stand_in import stand_in

from rkblocks import RkblocksError, evaluate, training

TINY = ["training.epochs=3", "training.batch_size=20", "net.depth=1", "net.widths=4,8,16", "attack.steps=1"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--blocks", nargs="+", default=["euler", "ssp2", "ssp3", "ark,euler,ssp2"], help="schemes to compare"
    )
    parser.add_argument("--preset", default="cifar10-short", help="recipe (default: %(default)s)")
    parser.add_argument("--data", default="cifar10", help="cifar10, or an image folder (default: %(default)s)")
    parser.add_argument(
        "--data-root", default=None, help="folder with cifar-10-batches-py (default: $RKBLOCKS_DATA, then data/)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, default=1000, help="test images to attack (default: %(default)s)")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/cifar10"), help="folder for the runs (default: %(default)s)"
    )
    parser.add_argument("--tiny", action="store_true", help="the smallest settings that run everything")
    options = parser.parse_args()

    if options.tiny:
        options.data = stand_in(options.out / "stand-in", size=32, channels=3)
        options.limit = min(options.limit, 100)
    settings = [f"training.seed={options.seed}", f"data.name={options.data}", *(TINY if options.tiny else [])]
    if options.data_root:
        settings.append(f"data.root={options.data_root}")

    runs = []
    for scheme in options.blocks:
        config = training.load(options.preset, [*settings, f"net.blocks={scheme}"])
        runs.append(training.train(config, options.out / f"{scheme.replace(',', '-')}-seed{options.seed}"))
    result = evaluate(
        runs, preset="quick", seed=options.seed, limit=options.limit, data_root=options.data_root, probe=0
    )

    print(
        f"{'blocks':<18}{'attack':<10}{'eps':<8}{'accuracy':<10}95 % interval ({result['runs'][0]['data']['n']} images)"
    )
    for run in result["runs"]:
        for entry in run["entries"]:
            threat = entry["threat"] or {"eps": "-", "steps": ""}
            attack = f"{entry['attack']}-{threat['steps']}" if entry["attack"] == "pgd" else entry["attack"]
            low, high = entry["interval"]
            print(f"{run['blocks']:<18}{attack:<10}{threat['eps']:<8}{entry['accuracy']:<10.4f}{low:.4f} to {high:.4f}")


if __name__ == "__main__":
    try:
        main()
    except RkblocksError as error:
        sys.exit(str(error))
