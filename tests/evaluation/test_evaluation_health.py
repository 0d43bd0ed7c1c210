"""The health report must pass an honest model, and catch each way of fooling a weak attack by the check made for it."""

import pytest
import torch
from torch import nn

from rkblocks.evaluation import Item, base_threat, evaluate_subject, of_model, preset_plan
from rkblocks.evaluation.health import CHECKS
from rkblocks.evaluation.health.registry import check

THREAT = base_threat("digits")


class Around(nn.Module):
    """The honest model with something done to its input and its logits."""

    def __init__(self, inner, before=lambda x: x, after=lambda z: z):
        super().__init__()
        self.inner, self.before, self.after = inner, before, after

    def forward(self, x):
        return self.after(self.inner(self.before(x)))


class StraightThrough(torch.autograd.Function):
    """Rounding to four levels that pretends to have slope one."""

    @staticmethod
    def forward(ctx, x):
        return (x * 3).round() / 3

    @staticmethod
    def backward(ctx, gradient):
        return gradient


def failed(subject, plan):
    verdicts = evaluate_subject(subject, plan, probe=80).health
    return {verdict.check for verdict in verdicts if not verdict.ok}, verdicts


@pytest.mark.parametrize("preset", ["quick", "paper"])
def test_an_honest_model_passes_every_check(honest, subject_of, preset):
    names, verdicts = failed(subject_of(honest), preset_plan(preset, THREAT, "digits"))
    assert not names, [verdict.to_dict() for verdict in verdicts if not verdict.ok]
    assert [verdict.check for verdict in verdicts] == list(CHECKS)
    assert all(verdict.figure and not verdict.advice for verdict in verdicts)


def test_the_any_definition_leaves_out_silent_success_alone(honest, subject_of):
    names, verdicts = failed(subject_of(honest), [Item("fgsm", THREAT), Item("pgd", THREAT, "any")])
    assert not names
    assert set(CHECKS) - {verdict.check for verdict in verdicts} == {"no silent success"}


MASKS = {
    "quantised input": (
        lambda model: Around(model, before=lambda x: (x * 3).round() / 3),
        {"gradients exist", "loss flat at the end", "larger eps breaks all"},
    ),
    "faked gradients": (lambda model: Around(model, before=StraightThrough.apply), {"gradients tell the truth"}),
    "saturated logits": (lambda model: Around(model, after=lambda z: z * 1e5), {"gradients exist"}),
    "zero gradients": (
        lambda model: Around(model, after=lambda z: z.detach() + 0 * z),
        {"gradients exist", "loss flat at the end", "larger eps breaks all"},
    ),
    "shattered gradients": (
        lambda model: Around(model, before=lambda x: x + 0.01 * torch.sin(x * 3000)),
        {"gradients tell the truth"},
    ),
    "randomised output": (
        lambda model: Around(model, before=lambda x: x + 0.3 * torch.randn_like(x)),
        {"deterministic", "eps 0 is clean", "independent of the batch"},
    ),
    "probabilities": (lambda model: Around(model, after=lambda z: z.softmax(1)), {"logits, not probabilities"}),
    "batch statistics": (
        lambda model: Around(model, before=lambda x: x - x.mean(0, keepdim=True)),
        {"independent of the batch"},
    ),
}


@pytest.mark.parametrize("name", MASKS)
def test_each_mask_is_caught_by_the_right_check(honest, subject_of, name):
    torch.manual_seed(0)
    mask, expected = MASKS[name]
    names, verdicts = failed(subject_of(mask(honest)), preset_plan("quick", THREAT))
    assert expected <= names, [verdict.to_dict() for verdict in verdicts]
    assert all(verdict.advice for verdict in verdicts if not verdict.ok)


def test_pgd_without_reach_is_caught(honest, subject_of):
    short = base_threat("digits", step="1/400", steps=20)
    names, _ = failed(subject_of(honest), [Item("fgsm", THREAT), Item("pgd", short)])
    assert {"reachability", "more steps change nothing", "iterative beats single step"} <= names


def test_too_few_steps_are_caught_although_they_reach(honest, subject_of):
    """A random start and four steps of eps/4 reach the rim, but do not converge on a model without adversarial
    training.
    """
    brief = base_threat("digits", steps=4, step="0.025", eps="0.1")
    names, _ = failed(subject_of(honest), [Item("pgd", brief)])
    assert "loss flat at the end" in names
    assert "reachability" not in names


def test_an_oscillating_attack_has_silent_successes():
    """Class 1 wins in a narrow band that PGD hits with every odd step and leaves with every even one."""

    class Band(nn.Module):
        def forward(self, x):
            wins = 0.03 - (x.flatten(1).mean(1) - 0.56).abs()
            return torch.stack([torch.zeros_like(wins), wins], 1)

    subject = of_model(Band(), torch.full((20, 1, 2, 2), 0.5), torch.zeros(20, dtype=torch.long))
    threat = base_threat("digits", steps=20, step="0.08", random_start=False)
    names, _ = failed(subject, [Item("pgd", threat)])
    assert "no silent success" in names
    assert "no silent success" not in failed(subject, [Item("pgd", threat, "any")])[0]


def test_a_check_is_one_function_and_names_are_unique(honest, subject_of, monkeypatch):
    monkeypatch.setattr("rkblocks.evaluation.health.registry.CHECKS", {})

    @check("at least as many images as classes")
    def enough(evidence):
        return evidence.n >= 10, f"{evidence.n} images", "evaluate more images"

    @check("does not apply")
    def silent(evidence):
        return None

    verdicts = evaluate_subject(subject_of(honest, 30), [], probe=5).health
    assert [verdict.to_dict() for verdict in verdicts] == [
        {
            "check": "at least as many images as classes",
            "ok": False,
            "figure": "5 images",
            "advice": "evaluate more images",
        }
    ]
    with pytest.raises(ValueError, match="already"):
        check("does not apply")(silent)
