"""Accuracy under common corruptions: every corruption and severity, whatever the batch size, and in the table."""

import pytest
import torch
from torch import nn

from rkblocks.attacks import ExampleStreams
from rkblocks.attacks.corruptions import CORRUPTIONS, corrupt
from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation import evaluate_subject, of_model
from rkblocks.evaluation.corrupted import SEVERITIES, corrupted
from rkblocks.evaluation.subject import Subject
from rkblocks.evaluation.subject_evaluation import carried_out
from rkblocks.render.network_results import evaluation
from rkblocks.settings.plan import Plan


@pytest.fixture(name="subject")
def _subject() -> Subject:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)).double()
    images = torch.rand(20, 1, 8, 8, dtype=torch.float64)
    return of_model(model, images, model(images).argmax(1))


def test_each_corruption_at_each_severity_whatever_the_batches(subject: Subject) -> None:
    found = corrupted(subject, seed=3, batch=7)
    assert [(one["corruption"], one["severity"]) for one in found] == [(c, s) for c in CORRUPTIONS for s in SEVERITIES]
    assert found == corrupted(subject, seed=3, batch=20)
    one = next(one for one in found if (one["corruption"], one["severity"]) == ("gaussian_noise", 5))
    streams = ExampleStreams.of(3, subject.indices).fork("gaussian_noise 5")
    x = corrupt("gaussian_noise", subject.images, 5, streams)
    assert one["accuracy"] == (subject.model(x).argmax(1) == subject.labels).double().mean().item()
    low, high = one["interval"]
    assert low <= one["accuracy"] <= high


def test_only_where_asked_for_and_in_the_table(subject: Subject) -> None:
    plain = evaluate_subject(subject, (), probe=0).to_dict()
    assert "corruptions" not in plain
    run = carried_out(subject, Plan((), probe=0, corruptions=True)).to_dict()
    assert run["worst"] == plain["worst"], "no adversary"
    lines = evaluation(run).splitlines()
    head = next(i for i, line in enumerate(lines) if line.lstrip().startswith("corruption "))
    assert [line.split()[0] for line in lines[head + 1 : head + 1 + len(CORRUPTIONS)]] == list(CORRUPTIONS)
    values = [one["accuracy"] for one in run["corruptions"][:5]]
    assert lines[head + 1].split()[1:] == [f"{value:.4f}" for value in (*values, sum(values) / 5)]


def test_yes_is_no_answer(subject: Subject) -> None:
    with pytest.raises(RkblocksError, match="expected true or false") as caught:
        Plan((), corruptions="yes")  # type: ignore[arg-type]
    assert caught.value.diagnostics[0].code == "RK822"
