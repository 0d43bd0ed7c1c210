"""The text of an evaluation, as a whole string."""

from __future__ import annotations

from typing import Any

import pytest

from rkblocks.render.network_results import comparisons, evaluation, group, long, seeds, short


def row(attack: str, accuracy: float, **threat: Any) -> dict[str, Any]:
    full = {"norm": "linf", "eps": "8/255", "steps": 20, "step": "2/255", "restarts": 1, "loss": "ce", **threat}
    return {
        "attack": attack,
        "threat": None if attack == "clean" else full,
        "definition": "final",
        "n": 100,
        "accuracy": accuracy,
        "interval": [accuracy - 0.1, accuracy + 0.1],
        "seed": 3,
    }


def test_an_evaluation() -> None:
    run = {
        "run": "runs/a",
        "blocks": ["ark", "euler"],
        "entries": [row("clean", 0.8), row("fgsm", 0.5), row("pgd", 0.4, restarts=5, loss="margin")],
        "health": [
            {"check": "reachability", "ok": True, "figure": 5.0, "advice": "more steps"},
            {"check": "converged", "ok": False, "figure": {"20": 0.4, "40": 0.35}, "advice": "use more steps"},
        ],
        "saved": "runs/a/evaluations/quick.json",
    }
    assert evaluation(run) == (
        "runs/a  blocks ark,euler, 100 images, seed 3\n"
        "  attack  ball        search                         accuracy  95 % interval\n"
        "  clean   -           -                                0.8000  0.7000 to 0.9000\n"
        "  fgsm    linf 8/255  final                            0.5000  0.4000 to 0.6000\n"
        "  pgd-20  linf 8/255  step 2/255, x5, margin, final    0.4000  0.3000 to 0.5000\n"
        "  health\n"
        "    ok     reachability: 5\n"
        "    FAILED converged: 20 0.4, 40 0.35\n"
        "           use more steps\n"
        "  saved runs/a/evaluations/quick.json\n"
    )


def test_seeds_and_comparisons() -> None:
    spread = {"mean": 0.5, "deviation": 0.0125}
    group = {
        "blocks": "ssp3",
        "seeds": [0, 1, 2],
        "rows": [row("clean", 0.8) | spread, row("pgd", 0.4) | spread],
        "worst": spread,
    }
    assert seeds([group]) == (
        "blocks ssp3, training seeds 0, 1, 2, mean (deviation)\n"
        "  attack        ball        search                    accuracy\n"
        "  clean         -           -                  0.5000 (0.0125)\n"
        "  pgd-20        linf 8/255  step 2/255, final  0.5000 (0.0125)\n"
        "  every attack                                 0.5000 (0.0125)\n"
    )
    said = {"statement": "a is more robust than b: ...", "settings": {}}
    differs = {"training.epochs": [10, 2], "optimizer.nesterov": [True, None]}
    assert comparisons([said, said | {"settings": differs}]).splitlines()[1:] == [
        "  a is more robust than b: ...",
        "  a is more robust than b: ...",
        "    settings that differ: training.epochs 10, 2; optimizer.nesterov true, (none)",
    ]
    assert seeds([]) == comparisons([]) == ""


@pytest.mark.parametrize(
    ("place", "whole", "brief", "of"),
    [
        ("groups.0.0", "group 1, block 1", "g1 b1", "groups.0"),
        ("groups.2.11", "group 3, block 12", "g3 b12", "groups.2"),
        ("groups.0.1 stage 2", "group 1, block 2, stage 2", "g1 b2 s2", "groups.0"),
        ("group1", "group 1", "g1", ""),
        ("layer1.0", "layer1.0", "layer1.0", "layer1"),
        ("image to logits", "image to logits", "image to logits", ""),
    ],
)
def test_names_of_places(place, whole, brief, of):
    assert (long(place), short(place), group(place)) == (whole, brief, of)
