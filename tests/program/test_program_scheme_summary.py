"""The short form of what was proved: exact where it is short, leading digits where it is not."""

from fractions import Fraction

import pytest

from rkblocks import files, verify
from rkblocks.exact.value import Exact
from rkblocks.program.lower import proved
from rkblocks.program.scheme_summary import number, summary


@pytest.mark.parametrize(
    ("name", "order", "ssp", "declared", "growth"),
    [
        ("euler", 1, "1", "1", "2"),
        ("midpoint", 2, "not SSP", None, "9/4"),
        ("ssp3", 3, "1", "1", "29/18"),
        ("rk4", 4, "not SSP", "no Shu-Osher form in the file", None),
        ("ssprk54", 4, "1.5081800491…", None, None),
    ],
)
def test_facts(name: str, order: int, ssp: str, declared: str | None, growth: str | None) -> None:
    found = summary(verify.check(files.load(name)))
    assert (found.order, found.ssp[:11]) == (order, ssp[:11])
    assert declared in (None, found.declared)
    assert growth in (None, found.growth)


def test_family() -> None:
    found = summary(verify.check(files.load("ark")))
    assert "2 - 1/beta10 for " in found.ssp
    assert found.declared == "none, negative entries at the start of training"
    assert found.stability.startswith("SSP coefficient ")


def test_a_family_whose_optimum_has_no_formula() -> None:
    """What is known is its value at the start, and what the declared form or a proof guarantees."""
    found = summary(verify.check(files.load("rk33_ssp")))
    assert found.ssp == "1 at the start of training, at least 1/2 whatever is learned"
    assert found.bound == "SSP while dt <= C dt_FE"
    found = summary(verify.check(files.load("rk33_family")))
    assert (found.stability, found.bound) == ("not SSP at the start of training", "")


def test_a_family_consistent_at_its_start_only() -> None:
    found = proved(files.load("ark_free"))
    assert found.at_init
    assert found.label == "consistent at the start of training only (order 2, SSP coefficient 1 there; RK320)"
    assert not proved(files.load("ark")).at_init


def test_long_numbers_are_cut_not_rounded() -> None:
    assert number(Exact.rational(Fraction(29, 18))) == "29/18"
    assert number(verify.check("ark").variance.number) == "9/4 - 1/beta10 + 1/(2*beta10**2)"
    assert number(Exact.rational(Fraction(762406163401431, 287632146308408))) == "2.65062919143…"
    assert number(None) == "unknown"
