"""What a report holds on request: residuals, internal stability polynomials, downwind splittings."""

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rkblocks
from rkblocks import files
from rkblocks.cli import main
from rkblocks.forms import Method
from rkblocks.testing import strategies
from rkblocks.verify import requests
from rkblocks.verify.downwind import splitting
from rkblocks.verify.stability import stability_polynomial

optimize = pytest.importorskip("scipy.optimize")


def numbers(t: rkblocks.Tableau) -> tuple[list[list[Fraction]], list[Fraction]]:
    field, method = t.field, t.reduced
    return [list(map(field.fraction, row)) for row in method.A], list(map(field.fraction, method.b))


def feasible(A: list[list[Fraction]], b: list[Fraction], r: float) -> bool:
    """up (I + rK) - down (I - rK) = rK, row sums at most 1, all nonnegative: as Ketcheson 2011 has it, in floats."""
    K = np.zeros((len(b) + 1, len(b) + 1))
    for i, row in enumerate([*A, b]):
        K[i, : len(row)] = [float(e) for e in row]
    n, one = len(K), np.eye(len(K))
    for i in range(1, n):
        equations = np.hstack([(one + r * K).T, -(one - r * K).T])
        bounds = [(0, None) if k < i else (0, 0) for k in range(n)] * 2  # a stage uses earlier ones
        found = optimize.linprog(np.ones(2 * n), A_eq=equations, b_eq=r * K[i], bounds=bounds, method="highs")
        if not found.success or found.fun > 1 + 1e-9:
            return False
    return True


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("euler", 1.0),
        ("ssp2", 1.0),
        ("ssp3", 1.0),
        ("midpoint", 3**0.5 - 1),
        ("ssprk43", 2.0),
        ("rk4", 0.68501606),
        ("kutta3", None),
        ("heun3", None),
        ("bs5", None),
    ],
)
def test_the_optimal_downwind_coefficient(name: str, value: float | None) -> None:
    A, b = numbers(rkblocks.load(name))
    found = splitting(A, b)
    assert found is not None
    low, high = float(found.low), float(found.high)
    assert 0 < high - low < 1e-6
    assert value is None or low <= value + 1e-8 <= high + 1e-6
    assert feasible(A, b, low * (1 - 1e-6))
    assert not feasible(A, b, high * (1 + 1e-6))


@settings(max_examples=40, deadline=None)
@given(strategies.tableaus(stages=(1, 4)))
def test_a_splitting_is_the_method_and_no_worse_than_without(t: rkblocks.Tableau) -> None:
    A, b = numbers(t)
    found = splitting(A, b)
    report = rkblocks.check(t)
    assert found is not None
    assert report.ssp is not None
    assert report.ssp.optimal is not None
    C = report.ssp.optimal.number
    assert C is None or C.nearest is None or C.nearest <= found.high
    r = found.low
    if not r:
        return
    rows: list[list[Fraction]] = [[Fraction(0)] * (len(b) + 1)]
    for i, (up, down) in enumerate(zip(found.up, found.down, strict=True), 1):
        assert min(*up, *down) >= 0
        assert sum(up) + sum(down) <= 1
        row = [Fraction(0)] * (len(b) + 1)
        for k, (x, y) in enumerate(zip(up, down, strict=True)):
            row = [e + (x + y) * f for e, f in zip(row, rows[k], strict=True)]
            row[k] += (x - y) / r
        rows.append(row)
        assert row[: len(b)] == [*[A, [b]][i == len(b)][0 if i == len(b) else i], *[0] * len(b)][: len(b)]


def test_a_form_with_negative_beta_has_a_coefficient_with_downwind(capsys) -> None:
    t = rkblocks.tableau(alpha=[[1], ["1/2", "1/2"]], beta=[[1], ["-1/4", "3/4"]], name="down")
    report = rkblocks.check(t)
    assert report.to_dict()["ssp"]["declared"]["downwind"] == {"cfl": "2/3", "cfl_float": 2 / 3}
    (found,) = [d for d in report.diagnostics if d.code == "RK316"]
    assert "with a downwind operator there the form certifies c = 2/3" in found.message


@settings(max_examples=40, deadline=None)
@given(strategies.tableaus(stages=(1, 4), form="shu_osher"))
def test_internal_polynomials_add_up_to_the_stability_polynomial(t: rkblocks.Tableau) -> None:
    field, form = t.field, t.butcher_form
    psi = stability_polynomial(Method(field, form.A, form.b))
    total = [field.one] + [field.zero] * len(form.b)  # an error in x itself reaches every stage and the result
    for polynomial in requests.of_butcher(Method(field, form.A, form.b)):
        for k, c in enumerate(polynomial):
            total[k] = total[k] + c
    assert tuple(total[: len(psi)]) == psi
    assert not any(total[len(psi) :])
    assert t.shu_osher is not None
    assert requests.of_shu_osher(field, t.shu_osher)[0] == psi


@settings(max_examples=25, deadline=None)
@given(strategies.tableaus(stages=(2, 4), form="shu_osher"), st.data())
def test_an_error_in_one_stage_grows_by_its_polynomial(t: rkblocks.Tableau, data: st.DataObject) -> None:
    assert t.shu_osher is not None
    rows = [[list(map(t.field.fraction, row)) for row in part] for part in (t.shu_osher.alpha, t.shu_osher.beta)]
    stage, z = data.draw(st.integers(0, t.stages - 1)), data.draw(strategies.fractions())

    def result(error: Fraction) -> Fraction:
        values = [Fraction(1) + (error if stage == 0 else 0)]
        for i, (alpha, beta) in enumerate(zip(*rows, strict=True), 1):
            terms = zip(alpha, beta, values, strict=True)
            values.append(sum(((a + z * w) * u for a, w, u in terms), Fraction(0)) + (error if i == stage else 0))
        return Fraction(values[-1])

    polynomial = requests.of_shu_osher(t.field, t.shu_osher)[stage]
    grown = sum(t.field.fraction(c) * z**k for k, c in enumerate(polynomial))
    assert result(Fraction(1)) - result(Fraction(0)) == grown


def test_residuals_are_listed(capsys) -> None:
    report = rkblocks.check("rk4", residuals=5).to_dict()
    assert [len([r for r in report["residuals"] if r["order"] == n]) for n in range(1, 6)] == [1, 1, 2, 4, 9]
    assert all(r["residual"] == "0" for r in report["residuals"] if r["order"] <= 4)
    assert any(r["residual"] != "0" for r in report["residuals"] if r["order"] == 5)
    for r in report["residuals"]:
        assert Fraction(r["left"]) - Fraction(r["right"]) == Fraction(r["residual"])
    assert "residuals" not in rkblocks.check("rk4").to_dict()
    with pytest.raises(ValueError, match="up to order 10"):
        rkblocks.check("rk4", residuals=11)
    assert main(["check", "rk4", "--residuals", "3", "--internal", "--downwind"]) == 0
    out = capsys.readouterr().out
    assert "[[[]]]  1/6 for 1/6: holds" in out
    assert "Butcher form, an error in u3: 0, 1/6" in out
    assert "downwind  optimal 0.68501604" in out
    assert main(["check", "rk4", "--residuals", "11"]) == 2
    capsys.readouterr()
    assert main(["check", "cooperverner8", "ark", "--downwind", "--format", "json"]) == 0
    for result in json.loads(capsys.readouterr().out)["results"]:
        assert result["downwind"]["bracket"] is None
        assert "rational" in result["downwind"]["reason"]


def test_the_real_interval_of_rounded_digits(tmp_path) -> None:
    """The polynomial touches 1 and -1 in between, so that rounded digits end it at the first (RKC, Verwer 1996)."""

    def rows(digits: int | None) -> dict[str, object]:
        A = [[2 * (i - j) * (1 if j else Fraction(1, 2)) * Fraction(1, 49) for j in range(i)] for i in range(1, 8)]
        A = [[Fraction(k, 49) * 2 for k in range(i, 0, -1)] for i in range(7)]
        for i, row in enumerate(A):
            if row:
                row[0] = Fraction(i, 49)
        b = [Fraction(7, 49), *(Fraction(2 * k, 49) for k in range(6, 0, -1))]
        text = (lambda q: str(q)) if digits is None else (lambda q: f"{float(q):.{digits}g}")
        return {"name": "rkc", "A": [[text(e) for e in row] for row in A], "b": [text(e) for e in b]}

    exact = rkblocks.check(files.read_text(json.dumps(rows(None))).tableau).to_dict()["stability"]
    assert exact["real"]["value"] == "98"
    assert "real_rounded" not in exact
    rounded = rkblocks.check(files.read_text(json.dumps({**rows(16), "tolerance": "1e-12"})).tableau)
    found = rounded.to_dict()["stability"]
    assert found["real"]["float"] < 90
    assert found["real_rounded"]["float"] == pytest.approx(98, abs=1e-6)
    from rkblocks.render.report_text import paragraph

    assert "real axis, the rounding of the digits allowed for: stable from 0 to -98" in paragraph(rounded, verbose=True)
