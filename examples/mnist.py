"""Train and attack the paper's MNIST network with several schemes.

    python examples/mnist.py --data-root ~/data                            minutes a network on two cores
    python examples/mnist.py --data-root ~/data --preset mnist-paper       the paper's recipe: for a GPU
    python examples/mnist.py --tiny                                        seconds, on a stand-in for MNIST

Kim et al. 2020, section 4.2.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stand_in import stand_in

from rkblocks import RkblocksError, evaluate, training

TINY = ["training.epochs=4", "training.batch_size=20", "net.depth=1", "net.widths=8"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--blocks", nargs="+", default=["euler", "ssp2", "ssp3", "ark_mnist"], help="schemes to compare"
    )
    parser.add_argument("--preset", default="mnist-short", help="recipe (default: %(default)s)")
    parser.add_argument("--data-root", default=None, help="folder with MNIST/raw (default: $RKBLOCKS_DATA, then data/)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, default=1000, help="test images to attack (default: %(default)s)")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/mnist"), help="folder for the runs (default: %(default)s)"
    )
    parser.add_argument("--tiny", action="store_true", help="the smallest settings that run everything")
    options = parser.parse_args()

    settings = [f"training.seed={options.seed}"]
    if options.tiny:
        source = stand_in(options.out / "stand-in", size=28, channels=1)
        options.limit = min(options.limit, 100)
        settings += [*TINY, f"data.name={source}"]
    if options.data_root:
        settings.append(f"data.root={options.data_root}")

    runs = []
    for scheme in options.blocks:
        config = training.load(options.preset, [*settings, f"net.blocks={scheme}"])
        runs.append(training.train(config, options.out / f"{scheme}-seed{options.seed}"))
    result = evaluate(
        runs, preset="quick", seed=options.seed, limit=options.limit, data_root=options.data_root, probe=0
    )

    print(
        f"{'blocks':<12}{'attack':<10}{'eps':<8}{'accuracy':<10}95 % interval ({result['runs'][0]['data']['n']} images)"
    )
    for run in result["runs"]:
        for entry in run["entries"]:
            threat = entry["threat"] or {"eps": "-", "steps": ""}
            attack = f"{entry['attack']}-{threat['steps']}" if entry["attack"] == "pgd" else entry["attack"]
            low, high = entry["interval"]
            print(f"{run['blocks']:<12}{attack:<10}{threat['eps']:<8}{entry['accuracy']:<10.4f}{low:.4f} to {high:.4f}")


if __name__ == "__main__":
    try:
        main()
    except RkblocksError as error:
        sys.exit(str(error))
