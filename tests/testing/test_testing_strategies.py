"""What the strategies promise holds of every tableau and file they draw."""

import pytest
from hypothesis import HealthCheck, given, settings

from rkblocks import files, verify
from rkblocks.diagnostics import Severity
from rkblocks.tableau import Tableau
from rkblocks.testing import families, tableaus
from rkblocks.testing import files as tableau_files

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def errors(report: verify.Report) -> list[str]:
    return [str(d) for d in report.diagnostics if d.severity is Severity.ERROR]


@few
@given(tableaus())
def test_drawn_tableaus_pass_check(tableau: Tableau) -> None:
    report = verify.check(tableau)
    assert not errors(report)
    assert report.ok
    assert report.order.value >= 1
    assert report.order.verdict == "exact"


@pytest.mark.parametrize(
    ("order", "stages"),
    [(2, (2, 5)), (3, (3, 5)), (4, 4), (4, 8)],
    ids=["2", "3", "4", "4 by 8 stages"],
)
def test_the_order_asked_for_holds(order: int, stages: int | tuple[int, int]) -> None:
    @settings(few, max_examples=10)
    @given(tableaus(order=order, stages=stages))
    def holds(tableau: Tableau) -> None:
        assert verify.check(tableau).order.value >= order

    holds()


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_ssp_coefficient_asked_for_is_positive(order: int) -> None:
    @settings(few, max_examples=15)
    @given(tableaus(order=order, ssp=True, stages=(1, 4)))
    def holds(tableau: Tableau) -> None:
        report = verify.check(tableau)
        assert report.order.value >= order
        assert report.ssp.optimal.cfl_float > 0

    holds()


@few
@given(tableaus(form="shu_osher", stages=(2, 4)))
def test_the_form_asked_for_is_given(tableau: Tableau) -> None:
    assert tableau.alpha is not None
    assert 2 <= tableau.stages <= 4


@settings(few, max_examples=15)
@given(families())
def test_drawn_families_pass_check(tableau: Tableau) -> None:
    report = verify.check(tableau)
    assert not errors(report)
    assert report.order.value in (2, 4)


@few
@given(tableau_files())
def test_drawn_files_read_as_their_tableau(drawn: tuple[str, Tableau]) -> None:
    text, tableau = drawn
    reading = files.read_text(text, "drawn.json")
    assert not reading.diagnostics
    assert reading.tableau == tableau


@pytest.mark.parametrize(
    "options",
    [
        {"order": 5},
        {"order": 4, "stages": 5},
        {"ssp": True, "order": 4},
        {"form": "triangle"},
        {"stages": 1, "order": 2},
    ],
    ids=str,
)
def test_impossible_wishes_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no strategy for"):
        tableaus(**options)
