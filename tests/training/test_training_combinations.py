"""Settings that are sound alone: refused beside one another, or named where a shortened recipe leaves them idle."""

from fractions import Fraction

import pytest

from rkblocks.diagnostics import RkblocksError, Severity
from rkblocks.runs.combinations import without_effect
from rkblocks.training import load, train
from rkblocks.training.optimizers import learning_rate


@pytest.mark.parametrize(
    ("overrides", "path"),
    [
        (["training.loss=trades", "training.method=standard"], "training.loss"),
        (["training.loss=mart", "training.method=free"], "training.loss"),
        (["attack.rounded=true"], "attack.rounded"),  # eps 0.1 of digits is 25.5/255
        (["attack.rounded=true", "attack.eps=8/255", "training.loss=trades"], "attack.rounded"),
        (["attack.rounded=true", "attack.eps=1", "attack.norm=l2"], "attack.rounded"),  # many pixels are rounded up
        (["averaging.kind=ema", "averaging.start=10"], "averaging.start"),
        (["averaging.evaluated=true"], "averaging.evaluated"),
        (["schedule.milestones=3"], "schedule.milestones"),  # digits has one-cycle
        (["schedule.kind=steps"], "schedule.kind"),
        (["net.inconsistent=true", "net.kind=bounded"], "net.inconsistent"),
    ],
)
def test_settings_at_odds(overrides, path):
    with pytest.raises(RkblocksError) as error:
        load("digits", overrides)
    assert [(one.code, one.path) for one in error.value.diagnostics] == [("RK706", path)]
    assert error.value.diagnostics[0].help


def test_settings_that_go_together():
    assert load("digits", ["attack.rounded=true", "attack.eps=8/255"]).attack.rounded
    assert load("digits", ["training.loss=mart", "averaging.start=10"]).training.beta == 6
    assert load("digits", ["free.alpha=1/2", "training.method=free"]).free.alpha == Fraction(1, 2)


@pytest.mark.parametrize(
    ("epochs", "milestones", "says"),
    [
        (200, "60,100,140", ""),
        (141, "60,100,140", ""),
        (140, "60,100,140", "training.epochs = 140: 140 is never reached"),
        (100, "60,100,140", "training.epochs = 100: 100, 140 are never reached"),
        (20, "60,100,140", "training.epochs = 20: the rate stays at 0.1"),
        (20, "6,10,14", ""),
    ],
)
def test_milestones_that_are_never_reached(epochs, milestones, says):
    """The warning speaks exactly where some milestone changes the rate of no epoch."""
    config = load("cifar10-paper", [f"training.epochs={epochs}", f"schedule.milestones={milestones}"])
    found = without_effect(config)
    rates = {learning_rate(config, epoch, 0, 1) for epoch in range(epochs)}
    assert bool(found) == (len(rates) < 1 + len(config.schedule.milestones)) == bool(says)
    for one in found:
        assert (one.code, one.severity, one.path) == ("RK746", Severity.WARNING, "schedule.milestones")
        assert says in one.message
        assert f"name epochs below {epochs}" in one.help


def test_a_shortened_recipe_is_trained_and_the_warning_said(tiny, tmp_path, capsys):
    config = tiny(schedule__kind="steps", schedule__milestones=[5], training__epochs=1, attack__steps=1)
    train(config, tmp_path / "run")
    said = capsys.readouterr().err
    assert "warning RK746: schedule.milestones is [5], with training.epochs = 1: the rate stays at 0.1" in said
