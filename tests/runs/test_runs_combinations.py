"""What the best weights of a run were chosen by, and when that is said to be chance."""

import hashlib
import json
import math
from pathlib import Path

import pytest

from rkblocks.runs.combinations import by_chance
from rkblocks.runs.config import load
from rkblocks.runs.summaries import chosen
from rkblocks.settings import toml


@pytest.mark.parametrize(
    ("settings", "held_out", "expected"),
    [
        ({}, 143, "best of 10 epochs is chosen by robust accuracy on 143 images, on which accuracies differ by 0.08"),
        ({"validation.images": 100}, 5000, "robust accuracy on 100 images, on which accuracies differ by 0.10"),
        ({"training.method": "noise"}, 399, "clean accuracy on 399 images"),
        ({}, 400, ""),
        ({"training.method": "noise", "validation.images": 10}, 5000, ""),
        ({"training.epochs": 1}, 143, ""),
        ({}, 0, ""),
        ({"validation.choice": "last"}, 143, ""),
    ],
)
def test_a_choice_by_few_images_is_said(settings: dict[str, object], held_out: int, expected: str) -> None:
    found = by_chance(load("digits", {"validation.choice": "best"} | settings), held_out)
    assert [one.code for one in found] == ["RK749"] * bool(expected)
    assert not found or expected in found[0].message


def test_the_number_is_two_standard_errors_at_one_half() -> None:
    n = 143
    assert 2 * math.sqrt(0.5 * 0.5 / n) == pytest.approx(n**-0.5)


def test_a_report_says_what_was_chosen(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        toml.write(load("digits", {"training.epochs": 3, "validation.choice": "best"}))
    )
    record = {"groups": ["tableaus/a.json"], "tableaus": {"tableaus/a.json": "0" * 64}, "mean": None, "std": None}
    data = {"shape": [1, 8, 8], "classes": ["0", "1"], "validation": 143}
    (tmp_path / "run.json").write_text(json.dumps(record | {"data": data}))
    lines = [{"epoch": k, "best": best} for k, best in ((1, True), (2, True), (3, False))]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = {}
    for name in ("weights", "last", "average"):
        (tmp_path / f"{name}.safetensors").write_text(name)
        found[name] = chosen(tmp_path, hashlib.sha256(name.encode()).hexdigest())
    assert found == {
        "weights": "epoch 2 of 3, the best by robust accuracy on 143 validation images",
        "last": "the last of 3 epochs",
        "average": "the average over training",
    }
    assert chosen(tmp_path, "of another file") == chosen(tmp_path / "none", "") == ""
    (tmp_path / "config.toml").write_text(toml.write(load("digits", {"training.epochs": 3})))
    assert chosen(tmp_path, hashlib.sha256(b"weights").hexdigest()) == "the last of 3 epochs"


def test_a_configuration_without_the_choice_means_the_best(tmp_path: Path) -> None:
    """Runs of before have no such key."""
    (tmp_path / "config.toml").write_text("[training]\nepochs = 3\n")
    assert load(tmp_path / "config.toml").validation.choice == "best"
    assert load("digits").validation.choice == "last"
