"""Evaluate and analyze on a real run folder: a small network of blocks, trained for an epoch on digits."""

import json

import pytest
import torch

from rkblocks import training
from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation import analyze, evaluate, of_run

torch.set_num_threads(1)
SMALL = {
    "net.blocks": "ark",
    "net.widths": [4, 8],
    "training.epochs": 1,
    "training.device": "cpu",
    "attack.steps": 1,
    "data.validation": 0.05,
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "ark"
    return training.train(training.load("digits", SMALL), folder, progress=False)


def test_a_run_is_evaluated_and_saved(trained):
    labels = []
    found = evaluate([trained], preset="quick", limit=60, probe=20, progress=lambda label, *_: labels.append(label))
    (run,) = found["runs"]
    assert (found["version"], run["run"], run["blocks"]) == (1, str(trained), "ark")
    assert [(e["attack"], e["n"]) for e in run["entries"]] == [("clean", 60), ("fgsm", 60), ("pgd", 60)]
    assert run["entries"][2]["threat"]["eps"] == "1/10"
    assert run["entries"][2]["threat"]["step"] == "1/40"
    assert run["entries"][0]["weights"] == training.open_run(trained).weights_hash
    assert all(set(check) == {"check", "ok", "figure", "advice"} for check in run["health"])
    assert len(run["health"]) > 10
    assert {"clean", "fgsm linf 1/10", "pgd20 linf 1/10 final", "health: reachability"} <= set(labels)
    saved = json.loads((trained / "evaluations" / "quick-test-seed0.json").read_text())
    assert saved["entries"] == run["entries"]


def test_one_attack_in_full(trained):
    options = {"attack": "pgd", "eps": "0.2", "steps": 3, "restarts": 2, "definition": "any", "loss": "margin"}
    found = evaluate([trained], **options, limit=30, probe=0, save=False)
    clean, entry = found["runs"][0]["entries"]
    assert clean["attack"] == "clean"
    assert entry["definition"] == "any"
    assert (entry["threat"]["eps"], entry["threat"]["step"], entry["threat"]["restarts"]) == ("1/5", "1/20", 2)


def test_a_run_is_analyzed(trained):
    (found,) = analyze([trained], limit=40, steps=3)
    groups = {row.group for row in found.growth["adversarial"]}
    assert groups == {"group1", "group2"}
    assert all(row.pairs == 40 and row.mean > 0 for rows in found.growth.values() for row in rows)
    assert (trained / "analysis" / "growth.csv").is_file()


def test_subjects_of_runs(trained):
    test, validation = of_run(trained, device="cpu"), of_run(trained, split="validation", device="cpu")
    assert len(test) > len(validation) > 0
    assert test.dataset == "digits"
    last = of_run(trained, device="cpu", weights="last")
    assert len(last.weights) == 64


@pytest.mark.parametrize(
    "options", [{"split": "tests"}, {"limit": 0}, {"weights": "worst"}, {"seed": -1}, {"seed": 10**30}]
)
def test_unfit_options_are_named(trained, options):
    with pytest.raises(RkblocksError) as caught:
        of_run(trained, **options)
    assert [found.code for found in caught.value.diagnostics] == ["RK823"]


@pytest.mark.parametrize("device", ["abacus", "cuda:99", "meta"])
def test_a_device_that_is_not_there_is_named(trained, device):
    with pytest.raises(RkblocksError, match="RK721"):
        of_run(trained, device=device)


def test_a_slip_in_the_second_run_costs_no_work_on_the_first(trained, tmp_path):
    labels = []
    with pytest.raises(RkblocksError, match="RK712"):
        evaluate([trained, tmp_path], preset="quick", limit=5, progress=lambda label, *_: labels.append(label))
    assert not labels


def test_no_run_is_named(tmp_path):
    with pytest.raises(RkblocksError) as caught:
        evaluate([tmp_path], preset="quick")
    assert [found.code for found in caught.value.diagnostics] == ["RK712"]
