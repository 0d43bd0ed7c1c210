"""The health report must pass an honest model, and catch each way of fooling a weak attack by the check made for it."""

import copy
import math
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation import MASKS, Images, Item, base_threat, evaluate_subject, of_model, of_run, preset_plan
from rkblocks.evaluation.health import CHECKS, Evidence, registry
from rkblocks.evaluation.health.blackbox import ENSEMBLE, tolerated
from rkblocks.evaluation.health.registry import check
from rkblocks.evaluation.measure import Listener
from rkblocks.evaluation.subject_evaluation import carried_out
from rkblocks.intervals import smallest_found
from rkblocks.settings.plan import Plan, missing_rows

THREAT = base_threat("digits")


def failed(subject, plan):
    verdicts = evaluate_subject(subject, plan, probe=80).health
    return {verdict.check for verdict in verdicts if not verdict.ok}, verdicts


def check_alone(name, subject, plan, probe=80, missing=()):
    """The verdict of one check, without the cost of the others."""
    rows = evaluate_subject(subject, plan, probe=0).measurements
    absent = {row.attack: row for row in missing}
    return CHECKS[name](Evidence(subject, rows, subject.sample(probe), 0, 256, absent))


RUNS_ALONE = {"no selection on the test set", "three seeds"}  # checks that need a run folder


def sibling(model):
    """The model with a little noise on its weights: another network of the same task."""
    twin, noise = copy.deepcopy(model), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter += 0.02 * torch.randn(parameter.shape, generator=noise)
    return twin


@pytest.mark.parametrize("preset", ["quick", "paper"])
def test_an_honest_model_passes_every_check(honest, subject_of, preset):
    subject = replace(subject_of(honest), sources={"its twin": sibling(honest)})
    names, verdicts = failed(subject, preset_plan(preset, THREAT, "digits"))
    assert not names, [verdict.to_dict() for verdict in verdicts if not verdict.ok]
    certified = {"no attack breaks a certified image"}  # of networks with guarantees alone
    assert {verdict.check for verdict in verdicts} == set(CHECKS) - RUNS_ALONE - certified
    assert all(verdict.figure and not verdict.advice for verdict in verdicts)


def test_any_iterate_counts_what_was_broken_on_the_way(honest, subject_of):
    ok, figure, _ = check_alone("no silent success", subject_of(honest), [Item("pgd", THREAT, "any")])
    assert ok
    assert figure.endswith("any iterate counts")


def test_one_is_singular_and_nothing_is_not_below_nothing(honest, subject_of):
    _, figure, _ = check_alone("threat model recorded", subject_of(honest), [Item("fgsm", THREAT)])
    assert figure.startswith("1 row with norm, eps")
    item = Item("pgd", THREAT, "final")
    paths = {name: torch.tensor([k < 1 for k in range(50)]) for name in ("ever_broken", "clean")}
    loss = torch.tensor([0.0] + [3.0] * 19 + [3.0 - 1e-5])  # a little lower at the end
    trace = SimpleNamespace(loss=loss, ever_broken=paths["ever_broken"], finally_broken=torch.zeros(50).bool())
    clean = SimpleNamespace(correct=paths["clean"])
    evidence = SimpleNamespace(probe=item, n=50, clean=clean, trace=lambda item: trace, slack=lambda: 1)
    assert CHECKS["loss flat at the end"](evidence)[1] == "the last quarter of the steps brought 0.0% of the rise"
    silent = CHECKS["no silent success"](evidence)[1]
    assert silent == "1 of 50 images was broken on the way, not at the end"


@pytest.mark.parametrize("name", MASKS)
def test_each_mask_is_caught_by_the_right_check(honest, subject_of, name):
    torch.manual_seed(0)
    subject = subject_of(MASKS[name].worn_by(honest))
    done = evaluate_subject(subject, preset_plan("quick", THREAT), probe=0)
    evidence = Evidence(done.subject, done.measurements, done.subject.sample(80), 0, 256, unrun=done.missing)
    for caught_by in MASKS[name].caught_by:
        ok, figure, advice = CHECKS[caught_by](evidence)
        assert not ok, (caught_by, figure)
        assert advice


@pytest.mark.parametrize("name", MASKS)
def test_masks_hardly_change_what_is_predicted(honest, subject_of, name):
    """In eval mode, without an attack: a mask hides, it is no other classifier. Noise and centring cost some."""
    torch.manual_seed(0)
    subject = subject_of(honest)
    x, own = subject.floats(torch.arange(len(subject))), subject.labels
    with torch.no_grad():
        plain, masked = (model(x).argmax(1) == own for model in (honest, MASKS[name].worn_by(honest)))
    costly = ("quantised input", "faked gradients", "randomised output", "batch statistics", "thermometer codes")
    assert float(masked.float().mean()) >= float(plain.float().mean()) - (0.5 if name in costly else 0.0)


def test_transfer_catches_misleading_gradients(honest, subject_of):
    masked = subject_of(MASKS["misleading gradients"].worn_by(honest))
    ok, figure, _ = check_alone(
        "transfer breaks nothing more", replace(masked, sources={"twin": sibling(honest)}), preset_plan("quick", THREAT)
    )
    assert not ok
    assert figure.startswith("transfer from twin breaks ")
    assert check_alone("transfer breaks nothing more", masked, preset_plan("quick", THREAT)) is None


def test_a_row_of_square_is_counted_on_all_images(honest, subject_of):
    """By hand: the images that stand after PGD and fall to Square."""
    subject = subject_of(MASKS["misleading gradients"].worn_by(honest), 100)
    plan = [Item("pgd", THREAT), Item("square", replace(THREAT, queries=300), "any")]
    rows = evaluate_subject(subject, plan, probe=0).measurements
    alone = int((rows[0].correct & rows[1].correct & ~rows[2].correct).sum())
    ok, figure, _ = check_alone("Square breaks nothing more", subject, plan)
    assert (ok, alone > 2) == (False, True)
    assert f"breaks {alone} of {int((rows[0].correct & rows[1].correct).sum())} images" in figure


def test_a_missing_autoattack_fails_its_check_and_says_how_to_install_it(honest, subject_of, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    absent = missing_rows("standard", THREAT)
    assert [row.attack for row in absent] == ["autoattack"]
    assert "autoattack" not in {item.attack for item in preset_plan("standard", THREAT)}
    ok, figure, advice = check_alone("AutoAttack agrees", subject_of(honest, 40), [Item("pgd", THREAT)], missing=absent)
    assert not ok
    assert figure == "not run: pyautoattack is not installed"
    assert advice == "pip install 'rkblocks[autoattack]'"
    found = carried_out(subject_of(honest, 10), Plan((), absent, probe=0)).to_dict()
    assert found["missing"] == [{"attack": "autoattack", "reason": "pyautoattack is not installed", "help": advice}]


def test_autoattack_is_counted_where_the_evaluation_has_it(honest, subject_of):
    """Saturated logits: AutoAttack's targeted loss does not mind the scale that stops the cross-entropy."""
    pytest.importorskip("pyautoattack")
    subject = subject_of(MASKS["saturated logits"].worn_by(honest), 40)
    wide = base_threat("digits", eps="0.3")  # so wide that hardly any image stands, which keeps AutoAttack short
    plan = [Item("pgd", wide), Item("autoattack", wide)]
    ok, figure, _ = check_alone("AutoAttack agrees", subject, plan)
    assert not ok
    assert figure.startswith("AutoAttack breaks ")


def test_a_model_at_chance_is_not_worth_attacking(subject_of):
    blind = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    with torch.no_grad():
        blind[1].weight.zero_()
    ok, _, advice = check_alone("clean accuracy first", subject_of(blind), [])
    assert not ok
    assert "chance" in advice


def test_what_is_not_recorded_is_named(honest, subject_of):
    ok, figure, _ = check_alone("threat model recorded", replace(subject_of(honest, 20), weights=""), [])
    assert (ok, figure) == (False, "not recorded: weights")


@pytest.fixture
def run(trained):
    return of_run(trained, Images(limit=40), device="cpu")


def test_weights_are_not_chosen_on_the_images_evaluated(run, trained):
    name, plan = "no selection on the test set", [Item("pgd", replace(THREAT, steps=2))]
    ok, figure, _ = check_alone(name, run, plan)
    assert ok
    held_out = run.origin.held_out
    assert held_out > 0
    rows = evaluate_subject(run, plan, probe=0).measurements
    assert figure.startswith(f"the last epoch, not chosen; best: clean {rows[0].accuracy:.3f}, PGD ")
    assert "; last: clean " in figure
    ok, figure, _ = check_alone(name, replace(run, origin=replace(run.origin, choice="best")), plan)
    assert ok
    assert figure.startswith(f"chosen on {held_out} validation images; best: clean {rows[0].accuracy:.3f}, PGD ")
    for split, words in (("validation", "chose the weights"), ("train", "were trained on")):
        ok, figure, _ = check_alone(name, of_run(trained, Images(split, 20), device="cpu"), plan)
        assert not ok
        assert words in figure
    ok, figure, _ = check_alone(name, replace(run, origin=replace(run.origin, held_out=0)), plan)
    assert (ok, figure) == (False, "no images were held out of training")


def test_three_seeds_are_asked_for(run):
    assert check_alone("three seeds", run, [])[:2] == (None, "training seed 0 of this configuration")
    more = replace(run, origin=replace(run.origin, seeds=(0, 1, 4)))
    assert check_alone("three seeds", more, [])[:2] == (True, "training seeds 0, 1, 4 of this configuration")


def test_pgd_without_reach_is_caught(honest, subject_of):
    short = base_threat("digits", step="1/400", steps=20)
    plan = [Item("fgsm", THREAT), Item("pgd", short)]
    for name in ("reachability", "more steps change nothing", "iterative beats single step"):
        assert not check_alone(name, subject_of(honest), plan)[0]


def test_too_few_steps_are_caught_although_they_reach(honest, subject_of):
    """A random start and four steps of eps/4 reach the rim, but do not converge on a model without adversarial
    training.
    """
    brief = base_threat("digits", steps=4, step="0.025", eps="0.1")
    plan = [Item("pgd", brief)]
    assert not check_alone("loss flat at the end", subject_of(honest), plan)[0]
    assert check_alone("reachability", subject_of(honest), plan)[0]


def test_an_oscillating_attack_has_silent_successes():
    """Class 1 wins in a narrow band that PGD hits with every odd step and leaves with every even one."""

    class Band(nn.Module):
        def forward(self, x):
            wins = 0.03 - (x.flatten(1).mean(1) - 0.56).abs()
            return torch.stack([torch.zeros_like(wins), wins], 1)

    subject = of_model(Band(), torch.full((20, 1, 2, 2), 0.5), torch.zeros(20, dtype=torch.long))
    threat = base_threat("digits", steps=20, step="0.08", random_start=False)
    assert not check_alone("no silent success", subject, [Item("pgd", threat)])[0]
    assert check_alone("no silent success", subject, [Item("pgd", threat, "any")])[0]


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


def test_outputs_that_are_no_numbers_pass_no_check_of_the_outputs(honest, subject_of):
    class Broken(torch.nn.Module):
        def forward(self, x):
            return honest(x) * float("nan")

    evidence = Evidence(subject_of(Broken(), 8), (), subject_of(Broken(), 8), 0, 8)
    names = ("deterministic", "independent of the batch", "logits, not probabilities", "gradients exist")
    for name in (*names, "gradients tell the truth"):
        found = CHECKS[name](evidence)
        assert found is not None
        assert not found[0], name


def test_in_l1_the_attacks_of_another_kind_are_checks_too(honest, subject_of):
    ball = base_threat("digits", norm="l1", eps="1", step="1/5")
    plan = [Item("pgd", ball, "any"), Item("apgd", replace(ball, steps=100, loss="margin", targets=9), "any")]
    found = {one.check: one for one in evaluate_subject(subject_of(honest, 20), plan, probe=8).health}
    for name in ("Square breaks nothing more", "AutoAttack agrees", "larger eps breaks all", "reachability"):
        assert found[name].ok, found[name]


@pytest.mark.parametrize(("left", "ok"), [(0, True), (2, True), (12, None), (40, False)])
def test_images_that_stay_right_by_chance_in_the_largest_ball_are_a_note(monkeypatch, left, ok):
    """An untrained network that gives most images one class left .17 of them right, and the check said ok."""
    evidence = SimpleNamespace(probe=Item("pgd", THREAT), n=100, classes=10, slack=lambda: 2)
    curve = [(Fraction(0), 50), (Fraction(1), left)]
    monkeypatch.setattr("rkblocks.evaluation.health.convergence.eps_sweep", lambda evidence, item: curve)
    assert CHECKS["larger eps breaks all"](evidence)[0] is ok


HONEST_SHAPES = {
    "two classes": lambda model: nn.Sequential(model, Picked([0, 1])),
    "three classes": lambda model: nn.Sequential(model, Picked([0, 1, 2])),
    "float64": lambda model: copy.deepcopy(model).double(),
    "bfloat16": lambda model: copy.deepcopy(model).bfloat16(),
    "flat inputs": lambda model: nn.Sequential(nn.Unflatten(1, (1, 8, 8)), model),
}
THOROUGH = (
    ("fgsm", {}, "final"),
    ("pgd", {"steps": 40, "restarts": 2}, "any"),
    ("pgd", {"steps": 40, "restarts": 2, "loss": "margin"}, "any"),
    ("autoattack", {}, "any"),
)


class Picked(nn.Module):
    """Some of the logits."""

    def __init__(self, classes):
        super().__init__()
        self.classes = classes

    def forward(self, z):
        return z[:, self.classes]


@pytest.mark.parametrize("name", HONEST_SHAPES)
def test_an_honest_model_of_any_shape_type_and_number_of_classes_passes(honest, digits, name):
    """AutoAttack takes float32 images of four classes or more; where it cannot run, rows of our own stand in for it."""
    model = HONEST_SHAPES[name](honest)
    classes = {"two classes": 2, "three classes": 3}.get(name, 10)
    images, labels = digits[0][-400:].float() / 255, digits[1][-400:]
    images, labels = images[labels < classes][:60], labels[labels < classes][:60]
    images = images.flatten(1) if name == "flat inputs" else images.to(next(model.parameters()).dtype)
    subject = of_model(model, images, labels.int())
    # so wide that most images fall at once, which keeps the searches short
    wide = base_threat("digits", eps="0.2")
    plan = [Item(attack, replace(wide, **own), how) for attack, own, how in THOROUGH]
    done = evaluate_subject(subject, plan, probe=40)
    assert not [verdict.to_dict() for verdict in done.health if not verdict.ok]
    assert [row.attack for row in done.missing] == ["autoattack"]
    assert [row.item.attack for row in done.measurements[4:]] == ["apgd", "apgd", "square"]


@pytest.mark.parametrize("name", ["honest", "three pixels of four detached", "all but the border detached"])
def test_a_gradient_that_bfloat16_rounds_to_zero_is_not_missing(honest, digits, name):
    """The margin is a difference of logits; where their gradients are equal in eight bits it has none."""
    model = copy.deepcopy(honest if name == "honest" else MASKS[name].worn_by(honest)).bfloat16()
    images, labels = (digits[0][-150:].float() / 255).bfloat16(), digits[1][-150:]
    sample = of_model(model, images, labels)
    ok, figure, _ = CHECKS["no part of the gradient is missing"](Evidence(sample, (), sample, 0, 50))
    assert ok == (name == "honest"), figure


@pytest.mark.parametrize("name", ["thermometer codes", "no graph"])
def test_a_model_without_gradients_loses_its_gradient_rows_alone(honest, subject_of, name):
    subject = subject_of(MASKS[name].worn_by(honest), 60)
    plan = [Item("noise", THREAT), Item("pgd", THREAT), Item("square", replace(THREAT, queries=50), "any")]
    done = evaluate_subject(subject, plan, probe=30).to_dict()
    assert [row["attack"] for row in done["entries"]] == ["clean", "noise", "square"]
    (absent,) = done["missing"]
    assert (absent["attack"], absent["row"]) == ("pgd", "pgd20 linf 1/10 final")
    assert "differentiable path" in absent["reason"]
    wrong = {check["check"] for check in done["health"] if not check["ok"]}
    assert wrong >= {"gradients exist", "every attack was run", "an iterative attack was run"}
    assert not any("could not be made" in check["figure"] for check in done["health"])


@pytest.mark.parametrize(
    "plan",
    [
        [],
        [Item("noise", THREAT)],
        [Item("fgsm", THREAT)],
        [Item("square", replace(THREAT, queries=1), "any")],
        [Item("apgd", replace(THREAT, steps=1))],
    ],
    ids=lambda plan: plan[0].attack if plan else "nothing",
)
def test_health_asks_for_an_iterative_attack(honest, subject_of, plan):
    found = {one.check: one for one in evaluate_subject(subject_of(honest, 60), plan, probe=30).health}
    missing = found["an iterative attack was run"]
    assert not missing.ok
    assert "--preset standard" in missing.advice


def test_two_steps_of_apgd_are_iterative_and_have_not_converged(honest, subject_of):
    plan = [Item("apgd", replace(THREAT, steps=2, eps="0.2", random_start=False))]
    assert check_alone("an iterative attack was run", subject_of(honest, 60), plan)[0]
    ok, figure, _ = check_alone("more steps change nothing", subject_of(honest), plan)
    assert not ok
    assert figure.startswith("APGD-2 ")


def test_decoys_do_not_hide_the_classes_that_occur(honest, subject_of):
    """Twenty classes that never win take every loss of AutoAttack's rows; the row aimed at classes that occur is as low
    as on the bare model.
    """
    plan = [Item("pgd", THREAT, "any"), Item("apgd", replace(THREAT, steps=50, loss="margin", targets=9), "any")]
    plain, decoy = (
        evaluate_subject(subject_of(model, 100), plan, probe=0).measurements
        for model in (honest, MASKS["decoy logits"].worn_by(honest))
    )
    assert decoy[1].accuracy > plain[1].accuracy + 0.05
    assert decoy[2].accuracy <= plain[2].accuracy + 0.02


def test_the_most_thorough_row_must_be_the_lowest(honest, subject_of):
    """Saturated logits: 40 steps of cross-entropy see nothing, 20 of the margin do."""
    subject = subject_of(MASKS["saturated logits"].worn_by(honest), 100)
    plan = [Item("pgd", replace(THREAT, steps=40), "any"), Item("pgd", replace(THREAT, loss="margin"), "any")]
    ok, figure, advice = check_alone("the most thorough row is the lowest", subject, plan)
    assert not ok
    assert figure.startswith("pgd40 linf 1/10 any ")
    assert "loss margin" in advice
    equal = [plan[0], Item("pgd", replace(THREAT, steps=40, loss="margin"), "any")]
    assert check_alone("the most thorough row is the lowest", subject_of(honest, 100), equal)[0]


@pytest.mark.parametrize(
    ("norm", "eps", "ok"), [("linf", "8", False), ("linf", "0.49", True), ("l2", "3.9", True), ("l2", "4", False)]
)
def test_a_ball_that_holds_the_middle_of_the_box_is_named(honest, subject_of, norm, eps, ok):
    plan = [Item("fgsm", base_threat("digits", norm=norm, eps=eps))]
    found = check_alone("the ball leaves a choice", subject_of(honest, 20), plan)
    assert found[0] is ok
    assert "255" in found[2]


def test_nothing_to_test_is_a_note(honest, subject_of):
    """No image stands a ball that holds the box: nothing is left for Square to break."""
    done = evaluate_subject(subject_of(honest, 40), [Item("pgd", base_threat("digits", eps="0.9"), "any")], probe=20)
    found = {one.check: one for one in done.health}["Square breaks nothing more"]
    assert (found.ok, found.note, found.figure) == (True, True, "nothing to test: no image stands")


def test_a_miss_of_three_percent_is_found_nine_times_out_of_ten():
    for n in (129, 200, 266, 400):
        few = sum(math.comb(n, k) * 0.03**k * 0.97 ** (n - k) for k in range(tolerated(n) + 1))
        more = few + math.comb(n, tolerated(n) + 1) * 0.03 ** (tolerated(n) + 1) * 0.97 ** (n - tolerated(n) - 1)
        assert few <= 0.1 < more
    assert tolerated(25) == 1  # too few for that: the figure says what they can find
    assert smallest_found(25, 1) == pytest.approx(0.147, abs=1e-3)
    assert (smallest_found(1, 1), tolerated(ENSEMBLE)) == (1.0, 4)


@pytest.mark.parametrize("output", [dict, tuple], ids=["dict", "tuple"])
def test_outputs_that_are_no_logits_are_refused_with_the_way_out(honest, subject_of, output):
    class Wrapped(nn.Module):
        def forward(self, x):
            return {"logits": honest(x)} if output is dict else (honest(x), x)

    with pytest.raises(RkblocksError) as caught:
        evaluate_subject(subject_of(Wrapped(), 10), [Item("pgd", THREAT)])
    (found,) = caught.value.diagnostics
    assert found.code == "RK814"
    assert "out['logits']" in found.help


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8, torch.int16])
def test_labels_of_any_integer_type(honest, digits, dtype):
    x, y = digits[0][-20:], digits[1][-20:]
    found = [
        evaluate_subject(of_model(honest, x, labels), [Item("fgsm", THREAT)], probe=5) for labels in (y, y.to(dtype))
    ]
    assert torch.equal(found[0].measurements[1].correct, found[1].measurements[1].correct)
    for wrong, code in ((y.float(), "RK823"), (y + 10, "RK808")):
        with pytest.raises(RkblocksError) as caught:
            evaluate_subject(of_model(honest, x, wrong), [Item("fgsm", THREAT)])
        assert [one.code for one in caught.value.diagnostics] == [code]


def test_a_radius_is_offered_where_nothing_stands(honest, subject_of):
    """By hand: the radius of the note leaves images to PGD with as many steps; twice it does not."""
    plan = [Item("pgd", base_threat("digits", eps="0.8"), "any")]
    ok, figure, advice = check_alone("something stands", subject_of(honest, 60), plan, probe=40)
    assert ok is None
    eps = advice.rpartition(" ")[2]
    assert f"at eps {eps} " in figure
    sample = subject_of(honest, 60).sample(40)
    for radius, stand in ((eps, True), (2 * Fraction(eps), False)):
        item = Item("pgd", base_threat("digits", eps="0.8").with_eps(str(radius)), "any")
        assert bool(evaluate_subject(sample, [item], probe=0).measurements[1].correct.any()) is stand
    assert check_alone("something stands", subject_of(honest, 60), [Item("pgd", THREAT, "any")], probe=40)[0]


def test_a_listener_is_told_the_check_that_comes_next(monkeypatch):
    told = []

    class Listening:
        def __call__(self, label, done, total):
            told.append((label, done, total))

        def doing(self, label, part):
            told.append((label, part))

    monkeypatch.setattr(registry, "CHECKS", dict.fromkeys("ab", lambda evidence: None))
    registry.health_report(None, Listener(Listening()))
    assert told == [("health", "a"), ("health", 0, 2), ("health", "b"), ("health", 1, 2), ("health", 2, 2)]
