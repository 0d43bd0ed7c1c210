"""Attacks that keep to 8-bit images: against a search in whole numbers, and against the rule of the published code."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rkblocks import attacks
from rkblocks.attacks import ExampleStreams, Threat
from rkblocks.attacks.projection import eight_bit, project_rounded
from rkblocks.diagnostics import RkblocksError

torch.set_num_threads(1)

EPS = st.one_of(st.fractions(0, 1, max_denominator=1000), st.integers(0, 255).map(lambda level: Fraction(level, 255)))


def task(n=12, dtype=torch.float64, seed=0):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(64, 3)).to(dtype)
    levels = torch.randint(256, (n, 1, 6, 6))
    x = levels.to(dtype) / 255
    return net, levels, x, net(x).argmax(1)


@pytest.mark.parametrize(
    ("eps", "step"), [("3/10", "1/100"), ("8/255", "3/255"), ("1/10", "7/255"), ("1/600", "1/255")]
)
def test_pgd_is_a_search_in_whole_numbers(eps, step):
    """Levels are integers, the ball is decided with fractions, and the loop knows nothing of the package."""
    net, start, x, y = task()
    threat = Threat("linf", eps, steps=12, step=step, random_start=False, rounded=True)
    allowed = int(255 * threat.eps)  # a pixel moves a whole number of levels, none beyond the ball
    levels = start.clone()
    for _ in range(threat.steps):
        leaf = (levels.double() / 255).requires_grad_(True)
        (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(net(leaf), y, reduction="sum"), leaf)
        moved = levels + torch.round(255 * float(threat.step) * gradient.sign()).long()
        levels = torch.minimum(torch.maximum(moved, start - allowed), start + allowed).clamp(0, 255)
    found = attacks.pgd(net, x, y, threat)
    assert torch.equal(found, levels.double() / 255)
    assert torch.equal(levels, start) == (allowed == 0)


@settings(max_examples=50)
@given(
    name=st.sampled_from([name for name, attack in attacks.ATTACKS.items() if "rounded" in attack.options]),
    definition=st.sampled_from(["final", "any"]),
    eps=EPS,
    step=st.fractions(0, Fraction(1, 5), max_denominator=500),
    random_start=st.booleans(),
    steps=st.integers(1, 3),
    seed=st.integers(0, 9),
)
def test_images_are_multiples_of_a_level_in_the_ball(name, definition, eps, step, random_start, steps, seed):
    net, levels, x, y = task(3, torch.float32, seed)
    transfers = name == "transfer"
    threat = Threat(
        eps=eps, steps=steps, step=step, random_start=random_start, rounded=True, source="a" if transfers else None
    )
    source = {"source": task(seed=9, dtype=torch.float32)[0]} if transfers else {}
    found = attacks.run(name, net, x, y, threat, ExampleStreams.of(seed, range(3)), definition=definition, **source)
    reached = (found.double() * 255).round()
    assert torch.equal((reached / 255).float(), found)
    assert int((reached - levels).abs().max()) <= 255 * eps


@given(EPS, st.integers(0, 255), st.floats(0, 1))
def test_the_nearest_image_of_the_ball_is_taken(eps, level, point):
    found = project_rounded(torch.tensor([[level / 255.0]]).double(), torch.tensor([[point]]).double(), eps)
    candidates = [k for k in range(256) if abs(k - level) <= 255 * eps]
    distance = abs(255 * Fraction(point) - round(float(found) * 255))
    assert round(float(found) * 255) in candidates
    assert distance <= min(abs(255 * Fraction(point) - k) for k in candidates) + Fraction(1, 10**9)


@given(EPS, st.integers(0, 9))
def test_the_published_rule_differs_where_it_leaves_the_ball_alone(eps, seed):
    """It projects, cuts to the box, and rounds: off by half a level at most, and by nothing where 255 eps is whole."""
    torch.manual_seed(seed)
    x = torch.randint(256, (200,)).double() / 255
    point = torch.rand(200).double()
    published = eight_bit((x + (point - x).clamp(-float(eps), float(eps))).clamp(0, 1))
    found = project_rounded(x, point, eps)
    beyond = ((published - x).abs() * 255).round() > int(255 * eps)
    assert torch.equal(found[~beyond], published[~beyond])
    assert float(((published - x).abs() * 255).max()) <= float(255 * eps) + 0.5 + 1e-9
    assert not (beyond.any() and (255 * eps).denominator == 1)


def test_a_step_is_as_long_as_its_levels():
    """On a linear model: 20 steps of 1/100, 3/255 each, reach 60/255, and 20 of 1/1000 nothing."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(36, 2)).double()
    x, y = torch.full((2, 1, 6, 6), 128.0).double() / 255, torch.tensor([0, 1])
    for step, levels in (("1/100", 60), ("1/1000", 0), ("2/255", 40), ("1/102", 40)):
        threat = Threat(eps="3/10", steps=20, step=step, random_start=False, rounded=True)
        assert threat.reach == Fraction(levels, 255)
        found = attacks.pgd(net, x, y, threat)
        assert bool((((found - x) * 255).round().abs() == levels).all())
    assert Threat(eps="3/10", steps=20, step="1/100").reach == Fraction(1, 5)


def test_the_option_is_part_of_the_record():
    threat = Threat(eps="8/255", step="2/255", rounded=True)
    assert threat.to_dict()["rounded"] is True
    assert threat.text().endswith("loss ce, 8 bit")
    assert "rounded" not in Threat(rounded=False).to_dict()
    assert Threat(rounded=False) == Threat()


def test_what_cannot_be_rounded_is_refused():
    net, _, x, y = task(3)
    for images, threat, code in (
        (x * 0.99, Threat(eps="8/255", rounded=True), "RK808"),
        (x, Threat("l2", "1/2", rounded=True), "RK812"),
    ):
        with pytest.raises(RkblocksError) as caught:
            attacks.pgd(net, images, y, threat)
        assert caught.value.diagnostics[0].code == code
    attacks.noise(net, x * 0.99, y, Threat(eps="8/255", rounded=True))  # noise has no use for it
