"""Canonical forms: what is written is proved by `check`, is the same method, and certifies what was asked for."""

from dataclasses import replace
from fractions import Fraction

import pytest

from rkblocks import codes, files, verify
from rkblocks.diagnostics import RkblocksError
from rkblocks.exact.field import Field
from rkblocks.exact.work import within
from rkblocks.tableau import Claims, Tableau
from rkblocks.verify import facts as facts_module
from rkblocks.verify.canonical import canonical
from rkblocks.verify.facts import Facts

TABLE = '{"name": "table", "A": %s, "b": %s}'


def read(A: str, b: str) -> Tableau:
    tableau = files.read_text(TABLE % (A, b)).tableau
    assert tableau is not None
    return tableau


@pytest.mark.parametrize(
    "name",
    ["euler", "ssp3", "ssprk43", "ssprk104", "ralston2", "ssprk53", "ssprk54_butcher", "leastgrowth42", "linssp44"],
)
def test_the_file_is_sound_certifies_the_optimum_and_is_the_same_method(name: str) -> None:
    tableau = files.load(name)
    found = canonical(tableau)
    again = files.read_text(files.to_json(found.tableau), "again.json").tableau
    assert again == found.tableau
    report = verify.check(again)
    assert report.ok
    assert "RK318" not in {d.code for d in report.diagnostics}  # no better form is left to be offered
    assert {claim.claim for claim in report.claims} == {"order", "ssp", "declared_ssp", "variance"}
    assert report.ssp.declared.cfl == str(Fraction(found.r))
    optimal = report.ssp.optimal
    assert optimal.cfl_float == pytest.approx(float(Fraction(found.r)), abs=1e-12)
    assert optimal.certificate == verify.check(tableau).ssp.optimal.certificate
    if optimal.cfl is None:
        assert Fraction(0) < _above(optimal) - Fraction(found.r) <= Fraction(1, 10**12) + Fraction(1, 10**30)
        assert any("largest decimal of 12 places" in note for note in found.notes)
    else:
        assert (Fraction(optimal.cfl), found.notes) == (Fraction(found.r), ())
    assert again.reduced.A == tableau.reduced.A
    assert again.reduced.b == tableau.reduced.b


def _above(optimal: object) -> Fraction:
    """An upper bound of a root, 1e-30 above it, by bisection with its certificate alone."""
    polynomial = [int(c) for c in optimal.certificate.polynomial]
    low, high = map(Fraction, optimal.certificate.interval)

    def value(x: Fraction) -> Fraction:
        return sum((c * x**k for k, c in enumerate(polynomial)), Fraction(0))

    left = value(low) > 0
    while high - low > Fraction(1, 10**30):
        middle = (low + high) / 2
        low, high = (middle, high) if (value(middle) > 0) == left else (low, middle)
    return high


def test_a_quadratic_optimum_is_written_with_its_square_root() -> None:
    tableau = read('[[], ["1/2"], ["1/2", "1/2"]]', '["1/4", "1/3", "5/12"]')
    optimal = verify.check(tableau).ssp.optimal
    assert optimal.cfl == "9/5 - sqrt(21)/5"
    found = canonical(tableau)
    assert (found.r, found.notes) == (optimal.cfl, ())
    assert found.tableau.field.roots != tableau.field.roots
    report = verify.check(files.read_text(files.to_json(found.tableau)).tableau)
    assert report.ok
    assert report.ssp.declared.cfl == optimal.cfl == report.ssp.optimal.cfl


@pytest.mark.parametrize("at", ["3/4", "0.5", "1", "sqrt(2)/2", "2**-10"])
def test_any_smaller_coefficient(at: str) -> None:
    found = canonical(files.load("ssp3"), at)
    report = verify.check(files.read_text(files.to_json(found.tableau)).tableau)
    assert report.ok
    claims = {claim.claim: claim.claimed for claim in report.claims}
    assert claims["declared_ssp"] == at
    assert claims["ssp"] == "1"
    assert report.ssp.declared.nonnegative


@pytest.mark.parametrize(
    "at", ["5/4", "1.000000000000001", "0", "-1", "1/0", "x", "", "sqrt(2)", "1e99", "sqrt(1e999)"]
)
def test_what_cannot_be_asked_for(at: str) -> None:
    with pytest.raises(RkblocksError) as raised:
        canonical(files.load("ssp3"), at)
    assert [d.code for d in raised.value.diagnostics] == ["RK021"]


def test_a_better_form_replaces_one_that_certifies_nothing() -> None:
    text = '{"name": "heun", "alpha": [["1"], ["1", "0"]], "beta": [["1"], ["1/2", "1/2"]]}'
    tableau = files.read_text(text).tableau
    assert verify.check(tableau).ssp.declared.cfl == "0"
    assert canonical(tableau).tableau.shu_osher == files.load("ssp2").shu_osher


def test_unused_stages_are_left_out_and_said() -> None:
    found = canonical(read('[[], ["1"], ["0", "1/2"]]', '["1/2", "1/2", "0"]'))
    assert found.tableau.stages == 2
    assert found.tableau.claims.ssp.text == "1"
    assert any("left out: 1 unused or equal stage" in note for note in found.notes)


def test_a_family_gives_its_member_at_the_initial_values() -> None:
    found = canonical(files.load("ark_ssp"))
    assert (found.tableau.name, found.r, found.tableau.parameters) == ("ark_ssp_at_init", "2/3", ())
    assert any("beta10 = 3/4" in note for note in found.notes)
    assert verify.check(found.tableau).ok


def test_embedded_weights_stay_where_their_stages_do() -> None:
    pair = '{"name": "pair", "A": [[], ["1"]], "b": ["1/2", "1/2"], "b_hat": ["1/3", "2/3"]}'
    found = canonical(files.read_text(pair).tableau)
    assert found.tableau.butcher_form.b_hat is not None
    assert verify.check(found.tableau).embedded.value == 1
    more = '{"name": "pair", "A": [[], ["1"], ["1", "1"]], "b": ["1/2", "1/2", "0"], "b_hat": ["0", "0", "1"]}'
    found = canonical(files.read_text(more).tableau)
    assert found.tableau.butcher_form.b_hat is None
    assert any("b_hat" in note for note in found.notes)


@pytest.mark.parametrize(
    ("name", "code"), [("midpoint", "RK022"), ("rk4", "RK022"), ("dopri5", "RK022"), ("rk33_family", "RK022")]
)
def test_no_form_of_such_a_method_certifies_anything(name: str, code: str) -> None:
    with pytest.raises(RkblocksError) as raised:
        canonical(files.load(name))
    assert [d.code for d in raised.value.diagnostics] == [code]
    assert raised.value.status == codes.entry(code).status


def test_an_inconsistent_table_is_refused_with_the_words_of_check() -> None:
    with pytest.raises(RkblocksError) as raised:
        canonical(read('[[], ["1"]]', '["1/2", "1/3"]'))
    assert "RK304" in {d.code for d in raised.value.diagnostics}


def test_numbers_that_no_file_can_hold() -> None:
    a = '"0.' + "1" * 600 + '"'
    with pytest.raises(RkblocksError) as raised:
        canonical(read(f"[[], [{a}], [{a}, {a}]]", '["1/4", "1/4", "1/2"]'))
    assert [d.code for d in raised.value.diagnostics] == ["RK023"]


def test_where_the_optimum_is_only_bounded_the_bound_is_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    """A budget too small for the number itself, but not for bounds of it."""
    exact = verify.check("ssprk53").ssp.optimal.cfl_float
    certified = 0
    for limit in (2000, 4000, 6000, 8000):
        monkeypatch.setattr(facts_module, "within", lambda compute, limit=limit: within(compute, limit))
        tableau = replace(files.load("ssprk53"), claims=Claims(), title=f"within {limit} steps")
        bracket = Facts(tableau).bracket
        if bracket is None or not bracket[0]:
            continue
        found = canonical(tableau, digits=6)
        assert bracket[0] - Fraction(1, 10**6) < Fraction(found.r) <= bracket[0] < exact < bracket[1]
        assert found.tableau.claims.ssp is None
        assert verify.check(found.tableau).ok
        assert any("only bounded" in note for note in found.notes)
        certified += 1
    assert certified


def test_a_bound_of_numbers_too_long_for_a_file_is_refused() -> None:
    text = next(block.text for block in codes.entry("RK324").blocks if block.role == "fails")
    with pytest.raises(RkblocksError) as raised:
        canonical(files.read_text(text).tableau, digits=6)
    assert [d.code for d in raised.value.diagnostics] == ["RK023"]


def test_check_offers_the_canonical_form_where_one_certifies_more() -> None:
    tableau = canonical(files.load("leastgrowth42"), digits=6).tableau
    (found,) = (d for d in verify.check(tableau).diagnostics if d.code == "RK318")
    assert "rkblocks canonical" in found.help


@pytest.mark.parametrize(("old", "new"), [((21,), (3, 7)), ((6,), (2, 3, 5)), ((), (2,)), ((2, 3), (2, 3, 7))])
def test_numbers_of_a_smaller_field_are_the_same_in_a_larger_one(old, new):
    """Sympy reads long algebraic numbers back from expressions as nan; 400 digits are no worse than four here."""
    smaller, larger = Field(old), Field(new)
    number = smaller.rational(Fraction(10**400 + 7, 3**900))
    for k, d in enumerate(old):
        number = number + smaller.sqrt(Fraction(d)) * smaller.rational(Fraction(7**500, 11**333 + k))
    found = larger.embedded(number, smaller)
    low, high = larger.enclose(found, 3000)
    assert max(low, smaller.enclose(number, 3000)[0]) <= min(high, smaller.enclose(number, 3000)[1])
    assert larger.embedded(number * number, smaller) == found * found
    with pytest.raises(ValueError, match="does not lie"):
        Field((13,)).embedded(
            smaller.sqrt(Fraction(old[0])) if old else Field((2,)).sqrt(Fraction(2)), smaller if old else Field((2,))
        )
