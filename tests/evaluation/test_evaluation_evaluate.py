"""Evaluations: entries as the interface fixes them, independent of the batch size, saved with the outcome of every
image.
"""

import json
import math
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from torch import nn

from rkblocks.attacks import ATTACKS
from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation import Item, base_threat, evaluate, evaluate_subject, of_model, preset_plan
from rkblocks.evaluation.subject import state_hash
from rkblocks.evaluation.subject_evaluation import save_evaluation

THREAT = base_threat("digits")


def code(caught):
    return [found.code for found in caught.value.diagnostics]


def test_entries_are_as_the_interface_fixes_them(honest, subject_of):
    found = evaluate_subject(subject_of(honest), preset_plan("quick", THREAT), seed=3, probe=0).to_dict()
    clean, fgsm, pgd = found["entries"]
    assert (clean["attack"], clean["threat"]) == ("clean", None)
    assert set(pgd) == {"attack", "threat", "definition", "n", "accuracy", "interval", "seed", "weights", "versions"}
    assert pgd["threat"] == {
        "norm": "linf",
        "eps": "1/10",
        "steps": 20,
        "step": "1/40",
        "restarts": 1,
        "random_start": True,
        "loss": "ce",
        "bounds": ["0", "1"],
    }
    assert (pgd["attack"], pgd["definition"], pgd["n"], pgd["seed"]) == ("pgd", "final", 400, 3)
    assert pgd["interval"][0] < pgd["accuracy"] < pgd["interval"][1]
    assert 0.2 < pgd["accuracy"] <= fgsm["accuracy"] < clean["accuracy"]
    assert clean["accuracy"] > 0.85
    assert pgd["weights"] == state_hash(honest)
    assert found["worst"]["accuracy"] <= pgd["accuracy"]
    assert found["health"] == []
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("definition", ["final", "any"])
def test_outcomes_do_not_depend_on_the_batch_size(honest, subject_of, definition):
    """Every attack; in double precision, so that rounding of other batch shapes cannot flip the sign of a gradient."""
    subject = subject_of(nn.Sequential(*honest).double(), 90)
    subject = replace(subject, sources={"itself": subject.model})
    try:
        threat = base_threat("digits", steps=6, restarts=2, targets=2, decay="1", queries=30, source="itself")
        plan = [Item(name, threat, definition) for name, attack in ATTACKS.items() if attack.per_example]
        results = [evaluate_subject(subject, plan, seed=5, batch=size, probe=0) for size in (7, 64, 90)]
    finally:
        honest.float()
    for rows in zip(*(result.measurements for result in results), strict=True):
        assert all(torch.equal(row.prediction, rows[0].prediction) for row in rows)


def test_an_attack_that_depends_on_the_batch_is_given_the_same_batches(honest, subject_of, monkeypatch):
    """AutoAttack draws its numbers for a batch; a stand-in that does the same shows which batches it gets."""
    seen = []

    def whole(problem):
        x = problem.x
        seen.append(len(x))
        return (x + 0.3 * torch.rand(x.shape, generator=torch.Generator().manual_seed(len(x)))).clamp(0, 1)

    monkeypatch.setitem(ATTACKS, "autoattack", replace(ATTACKS["autoattack"], function=whole, module=None))
    plan = [Item("autoattack", base_threat("digits", eps="0.3"))]
    first, second = (evaluate_subject(subject_of(honest), plan, batch=size, probe=0) for size in (32, 300))
    assert seen == [256, 144] * 2
    assert torch.equal(first.measurements[1].prediction, second.measurements[1].prediction)


def test_a_part_of_the_images_has_the_outcomes_of_the_whole(honest, subject_of):
    """The noise of an image is named by its place in the split, not in the batch."""
    honest.double()
    try:
        whole = subject_of(honest, 120)
        part = whole.sample(30, seed=4)
        plan = [Item("pgd", base_threat("digits", steps=5))]
        complete, partial = (evaluate_subject(subject, plan, probe=0).measurements[1] for subject in (whole, part))
    finally:
        honest.float()
    assert len(set(part.indices.tolist())) == 30
    assert torch.equal(partial.prediction, complete.prediction[part.indices])


def test_any_counts_only_what_was_correct_when_clean(honest, subject_of):
    rows = evaluate_subject(subject_of(honest), [Item("pgd", THREAT, "any")], probe=0).measurements
    clean, attacked = rows
    assert bool((clean.correct | ~attacked.correct).all())
    assert torch.equal(attacked.prediction[~clean.correct], clean.prediction[~clean.correct])


def test_the_standard_preset_ends_below_the_quick_one(honest, subject_of, monkeypatch):
    """Without AutoAttack, which takes long, and breaks but more."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    subject = subject_of(honest, 100)
    quick, standard = (evaluate_subject(subject, preset_plan(name, THREAT), probe=0) for name in ("quick", "standard"))
    assert standard.to_dict()["worst"]["accuracy"] <= quick.to_dict()["worst"]["accuracy"]


def test_saved_evaluations_hold_the_outcome_of_every_image(honest, subject_of, tmp_path):
    done = evaluate_subject(subject_of(honest, 50), preset_plan("quick", THREAT), seed=1, probe=0)
    path = save_evaluation(done, tmp_path / "evaluations", "quick")
    assert path.name == "quick-test-seed1.json"
    assert json.loads(path.read_text()) == done.to_dict()
    with safe_open(path.with_suffix(".safetensors"), "pt") as file:
        assert file.metadata() == {"0": "clean", "1": "fgsm linf 1/10", "2": "pgd20 linf 1/10 final"}
        assert torch.equal(file.get_tensor("index"), torch.arange(50))
        correct = file.get_tensor("2.correct")
        assert torch.equal(correct, file.get_tensor("2.prediction") == file.get_tensor("label"))
        assert int(correct.sum()) / 50 == done.to_dict()["entries"][2]["accuracy"]
    assert save_evaluation(done, tmp_path / "evaluations", "quick").name == "quick-test-seed1-2.json"


def test_a_folder_that_cannot_be_written_is_named(honest, subject_of, tmp_path):
    done = evaluate_subject(subject_of(honest, 10), [], probe=0)
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(RkblocksError) as caught:
        save_evaluation(done, tmp_path / "taken", "quick")
    assert code(caught) == ["RK824"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"preset": "thorough"}, "RK820"),
        ({"attack": "pqd"}, "RK801"),
        ({"attack": "pgd", "norm": "l7"}, "RK802"),
        ({"attack": "pgd", "eps": "eight"}, "RK803"),
        ({"attack": "pgd", "steps": 0}, "RK804"),
        ({"attack": "pgd", "loss": "mse"}, "RK805"),
        ({"attack": "pgd", "definition": "best"}, "RK811"),
        ({"steps": 40}, "RK821"),
        ({"definition": "any"}, "RK821"),
        ({"attack": "fgsm", "steps": 5}, "RK821"),
        ({"attack": "fgsm", "step": "1/255"}, "RK821"),
        ({"attack": "fgsm", "restarts": 2}, "RK821"),
        ({"attack": "fgsm", "random_start": True}, "RK821"),
        ({"attack": "noise", "steps": 3}, "RK821"),
        ({"attack": "noise", "loss": "margin"}, "RK821"),
        ({"attack": "pgd", "queries": 10}, "RK821"),
        ({"attack": "pgd", "source": "runs/a"}, "RK821"),
        ({"queries": 10}, "RK821"),
        ({"attack": "transfer"}, "RK810"),
        ({"attack": "targeted", "targets": "all"}, "RK813"),
        ({"attack": "noise", "random_start": False}, "RK821"),
    ],
)
def test_slips_are_found_before_any_run_is_opened(options, expected):
    with pytest.raises(RkblocksError) as caught:
        evaluate(["no/such/run"], **options)
    assert code(caught) == [expected]
    (found,) = caught.value.diagnostics
    if options.get("attack") == "pqd":
        assert found.help.startswith("did you mean pgd? rkblocks evaluate --list-attacks")
    if options == {"attack": "fgsm", "step": "1/255"}:
        assert found.message == "attack fgsm does not use step"


def test_empty_subjects_are_named():
    with pytest.raises(RkblocksError) as caught:
        of_model(nn.Flatten(), torch.zeros(0, 1, 2, 2), torch.zeros(0, dtype=torch.long))
    assert code(caught) == ["RK823"]


def test_the_hash_names_the_weights(honest):
    before = state_hash(honest)
    other = nn.Sequential(*[nn.Flatten(), nn.Linear(64, 10)])
    assert len(before) == 64
    assert state_hash(other) != before
    with torch.no_grad():
        honest[0].bias[0] += math.ulp(1.0) + 1e-6
    try:
        assert state_hash(honest) != before
    finally:
        with torch.no_grad():
            honest[0].bias[0] -= math.ulp(1.0) + 1e-6


@pytest.mark.parametrize(("after", "where"), [(0, "clean images"), (2, "images after fgsm")])
def test_logits_that_are_nan_are_no_prediction(honest, subject_of, after, where):
    """FGSM looks at clean images alone, its examples are first seen when they are counted: that row is missing."""

    class Later(nn.Module):
        passes = 0

        def forward(self, x):
            self.passes += 1
            return honest(x) * (float("nan") if self.passes > after else 1)

    if after:
        (row,) = evaluate_subject(subject_of(Later(), 40), [Item("fgsm", base_threat("digits"))], probe=0).missing
        assert f"of 40 {where} linf 1/10 are NaN" in row.reason
        return
    with pytest.raises(RkblocksError, match=f"of 40 {where}.* are NaN") as caught:
        evaluate_subject(subject_of(Later(), 40), [Item("fgsm", base_threat("digits"))])
    assert [found.code for found in caught.value.diagnostics] == ["RK814"]
