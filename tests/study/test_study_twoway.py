"""The two-way model: against scipy and printed tables, and what its intervals and power are worth, by simulation."""

import numpy as np
import pytest

from rkblocks.study.twoway import LEVEL, POWER, Model, beyond, critical, detectable

stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize(
    ("freedom", "printed"),
    [(10, (2.23, 2.57, 2.76, 2.89, 2.99)), (20, (2.09, 2.38, 2.54, 2.65, 2.73)), (60, (2.00, 2.27, 2.41, 2.51, 2.58))],
)
def test_dunnetts_table(freedom: int, printed: tuple[float, ...]) -> None:
    """Two-sided, joint 95 %, one to five comparisons (Dunnett 1964, Biometrics 20, table II)."""
    assert [critical(count, freedom) for count in range(1, 6)] == pytest.approx(printed, abs=0.0051)


@pytest.mark.parametrize(("t", "count", "freedom"), [(2.5, 3, 8), (2.5, 9, 36), (4.0, 9, 2)])
def test_the_integral_is_scipys_multivariate_t(t: float, count: int, freedom: int) -> None:
    shape = np.full((count, count), 0.5) + 0.5 * np.eye(count)
    law = stats.multivariate_t(shape=shape, df=freedom, seed=0)
    inside = law.cdf([t] * count, lower_limit=[-t] * count, maxpts=20_000)
    assert beyond(t, count, freedom) == pytest.approx(1 - inside, abs=1e-4)


def test_two_schemes_are_the_paired_t_test() -> None:
    values = np.random.default_rng(0).normal(size=(2, 6))
    (one,) = Model(values).against_first() or []
    assert one.p == pytest.approx(stats.ttest_rel(values[1], values[0]).pvalue, rel=1e-9)
    low, high = stats.ttest_rel(values[1], values[0]).confidence_interval()
    assert (one.mean - one.half, one.mean + one.half) == pytest.approx((low, high), rel=1e-6)


def simulated(schemes: int, seeds: int, true: np.ndarray, generator: np.random.Generator, images: int = 0) -> Model:
    """Accuracies of schemes and seeds with effects of both and a rest of .01; of so many images, rounded to counts."""
    values = (
        0.8 + true[:, None] + generator.normal(0, 0.02, size=(1, seeds)) + generator.normal(0, 0.01, (schemes, seeds))
    )
    return Model(np.round(values * images) / images if images else values)


@pytest.mark.parametrize(("schemes", "seeds", "images"), [(10, 5, 359), (7, 3, 0)])
def test_the_intervals_hold_all_differences_in_95_of_100_studies(schemes: int, seeds: int, images: int) -> None:
    """Jointly covered, so that any false difference among all schemes is seen in 5 of 100 studies; also of counts."""
    generator = np.random.default_rng(1)
    true = generator.normal(0, 0.01, size=schemes)
    studies, held = 600, 0
    for _ in range(studies):
        found = simulated(schemes, seeds, true, generator, images).against_first() or []
        held += all(abs(one.mean - (d - true[0])) <= one.half for one, d in zip(found, true[1:], strict=True))
    assert abs(held / studies - (1 - LEVEL)) < 4 * (LEVEL * (1 - LEVEL) / studies) ** 0.5


def test_the_bracket_and_p_agree() -> None:
    for _ in range(20):
        for one in simulated(5, 3, np.zeros(5), np.random.default_rng(5)).against_first() or []:
            assert (one.p < LEVEL) == (abs(one.mean) > one.half)


def test_the_smallest_difference_found_is_found_in_80_of_100_studies() -> None:
    """By the true spread; a study prints it by the spread that it has seen."""
    schemes, seeds, generator = 6, 4, np.random.default_rng(2)
    freedom = (schemes - 1) * (seeds - 1)
    true = np.zeros(schemes)
    true[3] = detectable(critical(schemes - 1, freedom), freedom) * 0.01 * (2 / seeds) ** 0.5
    studies = 600
    found = [simulated(schemes, seeds, true, generator).against_first() or [] for _ in range(studies)]
    assert abs(sum(one[2].p < LEVEL for one in found) / studies - POWER) < 4 * (POWER * (1 - POWER) / studies) ** 0.5


def test_a_covariate_takes_away_what_it_explains() -> None:
    """Accuracy falls with the loss alone: at equal loss the schemes are equal, in at least 95 of 100 studies."""
    generator, held, studies = np.random.default_rng(4), 0, 500
    for _ in range(studies):
        loss = np.linspace(0.2, 0.3, 6)[:, None] + generator.normal(0, 0.02, size=(6, 5))
        values = 0.9 - 0.5 * loss + generator.normal(0, 0.02, size=(1, 5)) + generator.normal(0, 0.005, size=(6, 5))
        found = Model(values).at_equal(loss) or []
        held += all(abs(one.mean) <= one.half for one in found)
    (alone,) = Model(values).at_equal(loss, [-1, 0, 0, 0, 1, 0]) or []
    assert alone.mean == pytest.approx(found[3].mean)
    assert alone.half < found[3].half, "one question asked needs no correction"
    assert held / studies > 1 - LEVEL - 0.02
    assert Model(values).against_first()[4].p < LEVEL, "without the loss the last scheme is another one"  # type: ignore[index]


def test_what_says_nothing_of_the_spread_has_no_interval() -> None:
    flat = Model(np.array([[0.5, 0.6], [0.6, 0.7]]))
    assert flat.deviation is None
    assert flat.against_first() is None
    assert flat.contrast([1, -1]) is None
    model = Model(np.random.default_rng(0).normal(size=(3, 3)))
    assert model.at_equal(np.ones((3, 3))) is None
    assert model.at_equal(np.arange(3.0)[:, None] + np.zeros((3, 3))) is None, "the same in each seed: it is the scheme"
