"""The upper bounds: against the literature, against a float linear program, and checked by the script of docs/."""

import json
import subprocess
import sys
from fractions import Fraction
from math import prod
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from rkblocks.synthesis.bound import ssp_bound

DOCS = Path(__file__).parents[2] / "docs"
# Kraaijevanger 1986, table 5.1: the largest linear threshold factors.
KNOWN = {
    (3, 3): 1,
    (4, 3): 2,
    (5, 3): 2.65063,
    (6, 3): 3.51839,
    (7, 3): 4.28791,
    (8, 3): 5.10715,
    (9, 3): 6,
    (10, 3): 6.78529,
    (5, 4): 2,
    (6, 4): 2.65063,
    (10, 4): 6,
}


@pytest.mark.parametrize(("stages", "order"), KNOWN)
def test_bounds_of_the_literature(stages, order):
    assert ssp_bound(stages, order).root.to_float() == pytest.approx(KNOWN[stages, order], abs=1e-5)


@given(st.integers(1, 40))
def test_order_1_and_2_in_closed_form(stages):
    assert ssp_bound(stages, 1).root.fraction == stages
    if stages > 1:
        assert ssp_bound(stages, 2).root.fraction == stages - 1


def feasible(stages: int, order: int, r: float) -> bool:
    """Whether coefficients gamma >= 0 exist, by a solver in doubles: the other route."""
    rows = [[prod(range(j - k + 1, j + 1)) / r**k for j in range(stages + 1)] for k in range(order + 1)]
    found = linprog(np.zeros(stages + 1), A_eq=rows, b_eq=np.ones(order + 1), method="highs")
    return found.status == 0


@pytest.mark.parametrize(("stages", "order"), [(3, 2), (5, 3), (7, 3), (6, 4), (9, 4), (8, 5), (12, 6)])
def test_a_linear_program_is_feasible_below_and_not_above(stages, order):
    bound = ssp_bound(stages, order).root.to_float()
    assert feasible(stages, order, bound * (1 - 1e-4))
    assert not feasible(stages, order, bound * (1 + 1e-4))


@given(st.integers(1, 14), st.data())
def test_the_dual_is_nonnegative_at_the_points_and_negative_above_the_bound(stages, data):
    bound = ssp_bound(stages, data.draw(st.integers(1, stages)))
    for j in range(stages + 1):
        assert sum(y * prod(range(j - k + 1, j + 1)) for k, y in enumerate(bound.dual)) >= 0
    above = bound.root.refine(60).high + Fraction(1, 10**12)
    assert sum(y * above**k for k, y in enumerate(bound.dual)) < 0


def judged(bound: dict) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-I", str(DOCS / "check_bound.py")],
        input=json.dumps({"bound": bound}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("stages", "order"), [(4, 1), (7, 2), (5, 3), (9, 3), (10, 4)])
def test_the_script_verifies_the_certificate(stages, order):
    found = judged(ssp_bound(stages, order).to_dict())
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith("verified")


def test_the_script_refuses_a_bound_that_is_too_small_and_a_dual_that_is_negative():
    bound = ssp_bound(5, 3).to_dict()
    low = bound | {"polynomial": ["-5", "2"], "interval": ["5/2", "5/2"]}
    assert "not negative just above" in judged(low).stdout
    assert judged(bound | {"dual": ["-1", *bound["dual"][1:]]}).returncode == 1
    assert judged(bound | {"stages": 6}).returncode == 1  # another stage is another inequality


@pytest.mark.parametrize("text", ["", "[", "[1]", "{}", '{"bound": 1}'])
def test_the_script_says_what_it_wants_where_there_is_no_bound(text):
    command = [sys.executable, "-I", str(DOCS / "check_bound.py")]
    found = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
    assert (found.returncode, found.stderr) == (2, "")
    assert "rkblocks design" in found.stdout


@pytest.mark.parametrize("broken", [{}, {"stages": "x"}, {"dual": ["1/0"]}, {"interval": None}])
def test_the_script_calls_a_certificate_wrong_that_cannot_be_read(broken):
    bound = ssp_bound(5, 3).to_dict() | broken if broken else {"stages": 5}
    found = judged(bound)
    assert (found.returncode, found.stderr) == (1, "")
    assert "cannot be read" in found.stdout


@pytest.mark.parametrize(("stages", "order"), [(3, 0), (3, 4), (0, 0)])
def test_orders_out_of_range(stages, order):
    with pytest.raises(ValueError, match="stages"):
        ssp_bound(stages, order)
