"""What holds around every attack: the model is given back as it was, unfit inputs and violated postconditions are
errors.
"""

from dataclasses import replace

import pytest
import torch
from torch import nn

from rkblocks import attacks
from rkblocks.attacks import ATTACKS, Attack, Threat
from rkblocks.diagnostics import RkblocksError

torch.set_num_threads(1)
THREAT = Threat("linf", "0.1", steps=3, step="0.05")


def net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(144, 5)
    )


def batch(n=6):
    return torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(2)), torch.arange(n) % 3


def code(caught):
    return [found.code for found in caught.value.diagnostics]


def attempt(name, model, x, y, threat, **more):
    """Run any attack: `transfer` gets a source, the queries are few."""
    if ATTACKS[name].module:
        pytest.importorskip(ATTACKS[name].module)
    if ATTACKS[name].transfers:
        threat, more["source"] = replace(threat, source="another"), net().train()
    x_adv = attacks.run(name, model, x, y, replace(threat, queries=20), **more)
    assert all(module.training for source in more.values() for module in source.modules())
    return x_adv


CASES = [(name, norm) for name, attack in sorted(ATTACKS.items()) for norm in attack.norms]


@pytest.mark.parametrize(("name", "norm"), CASES)
def test_the_model_is_left_as_it_was_found(name, norm):
    model, (x, y) = net(), batch()
    y = model.eval()(x).argmax(1)  # all correct, so that every attack has work
    model.train()
    model[1].eval()
    model[0].weight.requires_grad_(False)
    model(x).sum().backward()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    gradients = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    modes = [module.training for module in model.modules()]
    flags = [p.requires_grad for p in model.parameters()]
    wide = {"linf": "0.1", "l2": "2", "l1": "20"}[norm]  # breaks nearly all, so that AutoAttack is soon done
    x_adv = attempt(name, model, x, y, replace(THREAT, norm=norm, eps=wide))
    assert not x_adv.requires_grad
    assert not x.requires_grad
    assert [module.training for module in model.modules()] == modes
    assert [p.requires_grad for p in model.parameters()] == flags
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        assert (parameter.grad is None) == (gradient is None)
        assert gradient is None or torch.equal(parameter.grad, gradient)


def test_the_model_is_restored_after_an_error_too():
    class Broken(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, x):
            raise RuntimeError("as designed")

    model, (x, y) = Broken().train(), batch()
    with pytest.raises(RuntimeError, match="as designed"):
        attacks.run("pgd", model, x, y, THREAT)
    assert model.training
    assert model.weight.requires_grad


def test_train_mode_is_used_when_asked_for():
    model, (x, y) = net(), batch()
    model.eval()
    mean = model[1].running_mean.clone()
    attacks.pgd(model, x, y, THREAT, mode="train")
    assert not torch.equal(model[1].running_mean, mean)
    assert not model.training


def test_attacks_work_inside_no_grad():
    model, (x, y) = net(), batch()
    with torch.no_grad():
        assert not torch.equal(attacks.pgd(model, x, y, THREAT), x)


@pytest.mark.parametrize(
    "result",
    [
        lambda x: (x + 0.101).clamp(0, 1),
        lambda x: x - 0.05 - x,
        lambda x: x + float("nan"),
        lambda x: x[:2],
        lambda x: x.double(),
    ],
    ids=["outside the ball", "outside the box", "not a number", "shape", "dtype"],
)
def test_a_violated_postcondition_is_an_error(result, monkeypatch):
    cheat = Attack(lambda problem: result(problem.x), lambda threat: threat)
    monkeypatch.setitem(ATTACKS, "cheat", cheat)
    with pytest.raises(RkblocksError) as caught:
        attacks.run("cheat", net(), *batch(), THREAT)
    assert code(caught) == ["RK807"]


def test_an_attack_at_the_very_edge_of_the_ball_passes(monkeypatch):
    monkeypatch.setitem(ATTACKS, "edge", Attack(lambda problem: (problem.x + 0.1).clamp(0, 1), lambda threat: threat))
    attacks.run("edge", net(), *batch(), THREAT)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (torch.full((2, 1, 8, 8), 1.5), torch.zeros(2, dtype=torch.long)),
        (torch.full((2, 1, 8, 8), float("nan")), torch.zeros(2, dtype=torch.long)),
        (torch.zeros(2, 1, 8, 8, dtype=torch.uint8), torch.zeros(2, dtype=torch.long)),
        (torch.zeros(2, 1, 8, 8), torch.zeros(3, dtype=torch.long)),
        (torch.zeros(2, 1, 8, 8), torch.zeros(2)),
    ],
    ids=["outside", "nan", "uint8", "number of labels", "float labels"],
)
def test_unfit_inputs_are_named(x, y):
    with pytest.raises(RkblocksError) as caught:
        attacks.run("pgd", net(), x, y, THREAT)
    assert code(caught) == ["RK808"]


def test_unknown_names_and_empty_budgets_are_named():
    for name, threat, definition, expected in [
        ("pqd", THREAT, "final", "RK801"),
        ("pgd", THREAT, "best", "RK811"),
        ("pgd", replace(THREAT, steps=0), "final", "RK804"),
        ("transfer", THREAT, "final", "RK810"),
    ]:
        with pytest.raises(RkblocksError) as caught:
            attacks.run(name, net(), *batch(), threat, definition=definition)
        assert code(caught) == [expected]


def test_an_attack_is_run_in_no_norm_that_it_does_not_know(monkeypatch):
    still = Attack(lambda problem: problem.x, lambda threat: threat, norms=("linf",))
    monkeypatch.setitem(ATTACKS, "still", still)
    attacks.run("still", net(), *batch(), THREAT)
    with pytest.raises(RkblocksError, match="knows linf") as caught:
        attacks.run("still", net(), *batch(), replace(THREAT, norm="l1"))
    assert code(caught) == ["RK812"]


def test_a_model_that_hides_its_gradient_is_named():
    class Detached(nn.Module):
        def forward(self, x):
            return x.detach().flatten(1)[:, :3]

    with pytest.raises(RkblocksError) as caught:
        attacks.run("pgd", Detached(), *batch(), THREAT)
    assert code(caught) == ["RK809"]


def test_eps_zero_changes_nothing():
    model, (x, y) = net(), batch()
    for name in ATTACKS:
        assert torch.equal(attempt(name, model, x, y, Threat("linf", 0, step=0)), x)


class Output(nn.Module):
    """A model that makes something else of its logits."""

    def __init__(self, turn):
        super().__init__()
        self.model, self.turn = net(), turn

    def forward(self, x):
        return self.turn(self.model(x))


LOOKING = sorted(set(ATTACKS) - {"noise", "gaussian"})  # a single draw of noise asks the model nothing


@pytest.mark.parametrize("name", LOOKING)
@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        (lambda logits: (logits, logits), "RK814"),
        (lambda logits: logits[:, 0], "RK814"),
        (lambda logits: torch.cat([logits, logits]), "RK814"),
        (lambda logits: logits * float("nan"), "RK814"),
        (torch.Tensor.detach, "RK809"),
    ],
    ids=["tuple", "vector", "rows", "nan", "detached"],
)
def test_outputs_that_are_no_logits_are_named_in_every_attack(name, turn, expected):
    if expected == "RK809" and not ATTACKS[name].gradients:
        pytest.skip("follows no gradient")
    x, y = batch()
    y = net().eval()(x).argmax(1)
    if ATTACKS[name].transfers:
        threat = replace(THREAT, source="another")
        with pytest.raises(RkblocksError) as caught:
            attacks.run(name, net(), x, y, threat, source=Output(turn))
    else:
        with pytest.raises(RkblocksError) as caught:
            attempt(name, Output(turn), x, y, THREAT)
    assert code(caught) == [expected]


class Later(nn.Module):
    """A model whose logits for the first image are something else after so many forward passes."""

    def __init__(self, value, column=slice(None), after=1):
        super().__init__()
        self.model, self.value, self.column, self.after, self.passes = net().eval(), value, column, after, 0

    def forward(self, x):
        logits = self.model(x)
        self.passes += 1
        if self.passes > self.after:
            where = torch.zeros_like(logits, dtype=torch.bool)
            where[:1, self.column] = True
            logits = torch.where(where, logits + self.value, logits)
        return logits


@pytest.mark.parametrize("definition", ["final", "any"])
@pytest.mark.parametrize("name", [*sorted(set(LOOKING) - {"fgsm"}), "noise"])  # FGSM looks at the clean image alone
def test_logits_that_are_nan_at_a_later_iterate_are_named(name, definition):
    """Nothing is broken, or held, by the place of a NaN: argmax returns it."""
    x, y = batch()
    y = net().eval()(x).argmax(1)
    threat = replace(THREAT, eps="0.01", restarts=2, queries=20)
    if ATTACKS[name].module:
        pytest.importorskip(ATTACKS[name].module)
    for label in (0, 1):  # what a NaN in every logit is taken for, and another class
        y[0] = label
        later = Later(float("nan"), after=1 if ATTACKS[name].per_example else 4)
        given = (net(), replace(threat, source="a")) if ATTACKS[name].transfers else (later, threat)
        source = {"source": later} if ATTACKS[name].transfers else {}
        with pytest.raises(RkblocksError, match=r"NaN in forward pass [2-9] of") as caught:
            attacks.run(name, given[0], x, y, given[1], definition=definition, **source)
        assert code(caught) == ["RK814"]


@pytest.mark.parametrize("name", ["pgd", "apgd", "momentum"])
@pytest.mark.parametrize("definition", ["final", "any"])
def test_infinite_logits_are_no_error_but_images_that_are_nan_are(name, definition):
    """The gradient of the cross-entropy is NaN at infinite logits. Its sign is taken for 0; in l2 so are the images,
    and APGD would keep its start as the best point.
    """
    x, y = batch()
    y = net().eval()(x).argmax(1)
    saturated = Later(float("inf"), column=int(y[0]))  # right, and as sure as can be
    for legal in ("square", "noise", name):
        attacks.run(legal, saturated, x, y, replace(THREAT, eps="0.01", restarts=2, queries=20), definition=definition)
    saturated = Later(float("inf"), column=int(y[0]))
    with pytest.raises(RkblocksError, match=r"a gradient was NaN.*pass 2 had infinite logits") as caught:
        attacks.run(name, saturated, x, y, replace(THREAT, norm="l2", steps=30), definition=definition)
    assert code(caught) == ["RK814"]


@pytest.mark.parametrize("name", LOOKING)
@pytest.mark.parametrize("label", [5, 99, -1])
def test_labels_beyond_the_classes_are_named_in_every_attack(name, label):
    x, y = batch()
    y[3] = label
    with pytest.raises(RkblocksError, match=f"a label is {label}") as caught:
        attempt(name, net(), x, y, THREAT)
    assert code(caught) == ["RK808"]


def test_labels_of_any_integer_type_give_the_same_examples():
    x, y = batch()
    expected = attacks.pgd(net(), x, y, THREAT, torch.Generator().manual_seed(0))
    for dtype in (torch.int8, torch.uint8, torch.int32):
        found = attacks.pgd(net(), x, y.to(dtype), THREAT, torch.Generator().manual_seed(0))
        assert torch.equal(found, expected)


def test_arguments_of_another_type_are_named():
    x, y = batch()
    for arguments, more, expected in [
        ((None, x, y, THREAT), {}, "RK822"),
        ((lambda x: x, x, y, THREAT), {}, "RK822"),
        ((net(), x, y, None), {}, "RK822"),
        ((net(), x, y, {"eps": "8/255"}), {}, "RK822"),
        ((net(), x, y, THREAT, 0), {}, "RK822"),
        ((net(), x, y, THREAT), {"mode": "evaluation"}, "RK822"),
        ((net(), x.tolist(), y, THREAT), {}, "RK808"),
        ((net(), None, y, THREAT), {}, "RK808"),
        ((net(), x, y.tolist(), THREAT), {}, "RK808"),
        ((net(), x, y > 0, THREAT), {}, "RK808"),
        ((net(), x.double(), y, THREAT), {}, "RK808"),
        ((net().double(), x, y, THREAT), {}, "RK808"),
    ]:
        with pytest.raises(RkblocksError) as caught:
            attacks.run("pgd", *arguments, **more)
        assert code(caught) == [expected]


def test_a_gradient_of_something_else_is_no_gradient_of_the_input():
    leaf = torch.zeros(1, requires_grad=True)
    with pytest.raises(RkblocksError) as caught:
        attacks.run("pgd", Output(lambda logits: logits.detach() + leaf), *batch(), THREAT)
    assert code(caught) == ["RK809"]
