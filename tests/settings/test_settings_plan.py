"""Presets and budgets."""

from fractions import Fraction

import pytest

from rkblocks.attacks import Threat
from rkblocks.diagnostics import RkblocksError
from rkblocks.settings.plan import PRESETS, Item, base_threat, preset_plan


def test_the_paper_preset_has_the_columns_of_its_tables():
    rows = {
        name: [item.label for item in preset_plan("paper", base_threat(name), name)] for name in ("mnist", "cifar10")
    }
    assert rows == {
        "mnist": ["fgsm linf 3/10", "pgd20 linf 3/10 final", "pgd30 linf 3/10 final"],
        "cifar10": ["fgsm linf 8/255", *(f"pgd{steps} linf 8/255 final" for steps in (7, 12, 20))],
    }


def test_the_standard_preset_is_thorough():
    threats = [
        (item.threat.steps, item.threat.restarts, item.threat.loss, item.definition)
        for item in preset_plan("standard", Threat())
    ]
    assert (100, 5, "ce", "any") in threats
    assert (100, 5, "margin", "any") in threats


@pytest.mark.parametrize("preset", ["paper", *PRESETS])
@pytest.mark.parametrize("dataset", ["mnist", "fashion", "digits", "cifar10", "photos/"])
def test_every_row_of_every_preset_reaches_the_rim(preset, dataset):
    for item in preset_plan(preset, base_threat(dataset), dataset):
        assert item.attack in ("noise", "autoattack") or item.threat.reach >= item.threat.eps


def test_labels_tell_rows_apart():
    for preset in PRESETS:
        labels = [item.label for item in preset_plan(preset, Threat())]
        assert len(set(labels)) == len(labels)


def test_options_change_the_budget_and_a_lone_eps_scales_the_step():
    assert base_threat("cifar10", eps="16/255").length == Fraction(4, 255)
    assert base_threat("cifar10", eps="16/255", step="1/255").length == Fraction(1, 255)
    assert base_threat("photos/").eps == Fraction(8, 255)
    assert base_threat("mnist", loss="margin", eps=None).loss == "margin"


def test_items_hold_the_threat_that_the_attack_really_uses():
    assert Item("fgsm", Threat(steps=20)).threat.to_dict()["steps"] == 1
    assert Item("noise", Threat(steps=20)).threat.to_dict()["steps"] == 0


def test_unknown_presets_are_named():
    with pytest.raises(RkblocksError) as caught:
        preset_plan("thorough", Threat())
    assert [found.code for found in caught.value.diagnostics] == ["RK820"]
