"""The ready-made properties pass sound schemes, and fail for each way in which a scheme can be unsound."""

import dataclasses
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings

import rkblocks
from rkblocks import files, testing
from rkblocks.diagnostics import RkblocksError
from rkblocks.exact.field import Field
from rkblocks.forms import Butcher
from rkblocks.tableau import Claims, Tableau
from rkblocks.testing import properties, slope, tableaus

QQ = Field()


def heun(**changes: object) -> Tableau:
    q = QQ.rational
    form = Butcher(((q(0), q(0)), (q(1), q(0))), (q(1, 2), q(1, 2)))
    return dataclasses.replace(Tableau("heun", QQ, butcher=form), **changes)


@pytest.mark.parametrize("name", ["euler", "ssp3", "gill4", "ark", "dopri5", "ssprk53", "rk33_ssp"])
def test_sound_schemes_are_sound(name: str) -> None:
    testing.assert_sound(name)


def test_a_path_will_do(tmp_path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(files.to_json(heun()), encoding="utf-8")
    assert testing.assert_checks(path).order.value == 2


def test_a_false_claim_is_no_sound_scheme() -> None:
    with pytest.raises(AssertionError, match="RK401"):
        testing.assert_sound(heun(claims=Claims(order=3)))


def test_an_unreadable_file_is_an_assertion(tmp_path) -> None:
    path = tmp_path / "mine.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(AssertionError, match="RK1"):
        testing.assert_sound(path)


def test_routes_that_differ_are_found(monkeypatch) -> None:
    """The property can fail: the program of another scheme is not this scheme's step."""
    monkeypatch.setattr(properties, "lower", lambda tableau: rkblocks.lower("midpoint"))
    with pytest.raises(AssertionError, match="by the program"):
        testing.assert_routes_agree("ssp2")


def test_forms_that_differ_are_found() -> None:
    both = dataclasses.replace(files.load("ssp2"), butcher=files.load("midpoint").butcher_form)
    with pytest.raises(AssertionError, match="Shu-Osher form"):
        testing.assert_routes_agree(both)


def test_an_order_that_is_not_measured_is_found(monkeypatch) -> None:
    monkeypatch.setattr(slope, "measured_order", lambda tableau: 1.0)
    with pytest.raises(AssertionError, match=r"order 2 is claimed, 1\.00 is measured"):
        testing.assert_order_is_measured("ssp2")


def test_a_block_that_differs_is_found(monkeypatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(properties, "lower", lambda tableau: rkblocks.lower("midpoint"))
    with pytest.raises(AssertionError, match="block and interpreter differ"):
        testing.assert_block_is_interpreter("ssp2")


@pytest.mark.parametrize(
    ("name", "order"), [("euler", 1), ("midpoint", 2), ("kutta3", 3), ("rk4", 4), ("hairer10", 10)]
)
def test_slopes_are_orders(name: str, order: int) -> None:
    assert testing.measured_order(files.load(name)) == pytest.approx(order, abs=0.05)


def test_a_slope_below_the_tolerance_is_not_measured() -> None:
    assert testing.measured_order(heun(tolerance=Fraction(1, 10))) is None


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tableaus(order=2, stages=(2, 4)))
def test_drawn_tableaus_are_sound(tableau: Tableau) -> None:
    testing.assert_sound(tableau)


def test_missing_hypothesis_is_named(monkeypatch) -> None:
    import importlib
    import sys

    monkeypatch.setitem(sys.modules, "hypothesis", None)
    monkeypatch.setitem(sys.modules, "hypothesis.strategies", None)
    with pytest.raises(RkblocksError, match="RK901") as caught:
        importlib.reload(sys.modules["rkblocks.testing.breakage"])
    assert "rkblocks[testing]" in str(caught.value)
    monkeypatch.undo()
    importlib.reload(sys.modules["rkblocks.testing.breakage"])


def test_the_public_names_resolve() -> None:
    for name in testing.__all__:
        assert callable(getattr(testing, name))
    with pytest.raises(AttributeError):
        _ = testing.nothing_of_the_kind
