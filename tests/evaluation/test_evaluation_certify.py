"""Certificates: the radius against a search for its counterexample, the command, and the trap that it refuses."""

import copy
import json
import sys
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import pytest
import torch

from rkblocks.analysis import analyze_network
from rkblocks.attacks import Threat
from rkblocks.cli import main
from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation import certify_subject, evaluate_subject, of_model
from rkblocks.evaluation.certify import budgets, claimed
from rkblocks.nets import bounded
from rkblocks.runs.config import load
from rkblocks.settings.plan import Item
from rkblocks.training import train

torch.set_num_threads(1)


def trained(scheme: str, tmp_path, *changes: str):
    """A short run on the digits."""
    config = load(
        "digits-certified", [f"net.blocks={scheme}", "net.depth=2", "net.widths=32", "training.epochs=4", *changes]
    )
    return train(config, tmp_path / scheme)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return trained("rk4", tmp_path_factory.mktemp("runs"))


@lru_cache
def subject_of(scheme: str, **options):
    """A network fitted to two clusters by hand, so that radii are large: labels by the first pixel."""
    torch.manual_seed(0)
    net = bounded(scheme, 2, shape=(1, 4, 4), widths=(12,), layers="dense", classes=3, **options)
    images = torch.rand(60, 1, 4, 4)
    labels = (images[:, 0, 0, 0] * 3).long().clamp_max(2)
    optimizer = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(4 * net(images), labels).backward()
        optimizer.step()
    return of_model(net.eval(), images, labels, blocks=scheme)


@pytest.mark.parametrize("scheme", ["euler", "rk4", "ssprk43"])
def test_no_point_within_the_radius_has_another_class(scheme: str) -> None:
    subject = subject_of(scheme, step="largest")
    found = certify_subject(subject)
    assert found.lipschitz == 1.0
    assert 0 < found.rounding < 1e-6 < found.rounding_float32
    assert (found.radii > 0).sum() > 30
    assert ((found.radii > 0) <= found.correct).all()
    x, y = subject.images, subject.labels
    for trial in range(20):
        direction = torch.randn_like(x) if trial % 2 else _steepest(subject.model, x, y)
        direction = direction / direction.flatten(1).norm(dim=1)[:, None, None, None]
        moved = x + 0.999 * found.radii.float()[:, None, None, None] * direction
        with torch.no_grad():
            still = subject.model(moved).argmax(1) == y
        assert still[found.radii > 0].all()


def _steepest(model, x, y):
    x = x.clone().requires_grad_(True)
    logits = model(x)
    own = logits.gather(1, y[:, None])
    rest = logits.scatter(1, y[:, None], -1e9).max(1).values
    (gradient,) = torch.autograd.grad((rest - own[:, 0]).sum(), x)
    return gradient + 1e-9


def test_the_radius_is_the_margin_over_the_distance_of_the_rows() -> None:
    subject = subject_of("euler")
    found = certify_subject(subject)
    double = copy.deepcopy(subject.model).double()
    with torch.no_grad():
        logits, (weight,) = double(subject.images.double()), double.head[-1].in_use()
    for k in range(10):
        y = int(subject.labels[k])
        others = [j for j in range(3) if j != y]
        by_hand = min(float((logits[k, y] - logits[k, j]) / (weight[y] - weight[j]).norm()) for j in others)
        assert float(found.radii[k]) == pytest.approx(max(by_hand, 0), abs=1e-6)


def test_the_command_certifies_a_run(run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["certify", str(run), "--eps", "1/10,1/2", "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["runs"]
    assert (found["norm"], found["lipschitz"]) == ("l2", 1.0)
    assert [entry["eps"] for entry in found["entries"]] == ["1/10", "1/2"]
    first, second = (entry["certified"] for entry in found["entries"])
    assert found["entries"][0]["clean"] >= first > second
    assert found["blocks"][0] == {"block": "group1.0", "scheme": "rk4", "step": 1.0, "limit": 1.0, "holds": True}
    saved = json.loads(Path(found["saved"]).read_text())
    assert saved["entries"] == found["entries"]
    assert main(["certify", str(run), "--no-save"]) == 0
    text = capsys.readouterr().out
    assert "group1.1  rk4" in text
    assert f"rounding in float64, used here, takes {found['rounding']:.1e} off each radius" in text
    assert f"run in float32 would lose {found['rounding_float32']:.1e}" in text


def test_an_evaluation_shows_both_bounds_and_checks_the_certificate(run, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--attack", "pgd", "--norm", "l2", "--eps", "1/2", "--step", "1/8", "--steps", "10", "--no-save"]
    assert main(["evaluate", str(run), *arguments, "--limit", "60", "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["runs"]
    clean, attacked = found["entries"]
    assert "certified" not in clean
    assert attacked["certified"] <= attacked["accuracy"]
    (check,) = [c for c in found["health"] if c["check"] == "no attack breaks a certified image"]
    assert check["ok"]
    assert check["figure"].startswith("0 of ")
    assert main(["evaluate", str(run), *arguments, "--limit", "60"]) == 0
    head = capsys.readouterr().out.splitlines()[1]
    assert head.split()[-1] == "certified"


def test_midpoint_is_refused_and_an_analysis_shows_what_it_would_have_claimed(tmp_path, capsys) -> None:
    folder = trained("midpoint", tmp_path)
    assert main(["certify", str(folder)]) == 2
    error = capsys.readouterr().err
    assert "RK880" in error
    assert "group1.0 has no guarantee: midpoint, step 1, limit 0" in error
    assert main(["analyze", str(folder), "--only", "certificate", "--limit", "40"]) == 0
    assert "FALSE: a block has no guarantee" in capsys.readouterr().out
    assert "claimed, not proved" in (folder / "analysis" / "report.html").read_text()
    assert (folder / "analysis" / "certificate.svg").exists()


def test_a_false_certificate_is_broken() -> None:
    """A block x -> x - s(x) that doubles differences under the midpoint rule: the formula claims what is not so."""
    subject = subject_of("midpoint", step=8)
    with pytest.raises(RkblocksError) as found:
        certify_subject(subject)
    assert found.value.diagnostics[0].code == "RK880"
    assert claimed(subject).lipschitz == 1.0
    rows = analyze_network(subject, Threat("l2", Fraction(1, 2)), only="certificate").tables["certificate"]
    assert not rows[0]["proved"]
    assert sum(row["refuted"] for row in rows) > 0


def test_a_false_premise_fails_the_health_check(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = subject_of("midpoint", step=8)
    monkeypatch.setattr(sys.modules["rkblocks.evaluation.certify"], "certify_subject", claimed)
    item = Item("pgd", Threat("l2", Fraction(1, 4), steps=10, step=Fraction(1, 16)), "any")
    found = evaluate_subject(subject, [item], probe=60)
    (check,) = [v for v in found.health if v.check == "no attack breaks a certified image"]
    assert not check.ok


def test_radii_are_read_as_budgets() -> None:
    assert budgets("1/4, 0.5", "digits") == (Fraction(1, 4), Fraction(1, 2))
    assert budgets(None, "mnist")[2] == Fraction("1.58")
    for text, code in ((",", "RK882"), ("x", "RK803")):
        with pytest.raises(RkblocksError) as found:
            budgets(text, "digits")
        assert found.value.diagnostics[0].code == code
