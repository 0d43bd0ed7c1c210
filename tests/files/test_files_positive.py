"""Proofs that a polynomial has no zero in a box: none of one that has, and one wherever there is room."""

import json
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkblocks import files
from rkblocks.exact.field import Field
from rkblocks.files.positive import never_zero

Q = Field()
small = st.integers(-3, 3)
polynomials = st.dictionaries(
    st.tuples(st.integers(0, 2), st.integers(0, 2)), small.filter(bool), min_size=1, max_size=5
)
points = st.fractions(Fraction(1, 8), Fraction(7, 8), max_denominator=8)
UNIT = (Q.rational(0), Q.rational(1))


def value(terms, x, y):
    return sum(c * x**i * y**j for (i, j), c in terms.items())


@settings(max_examples=60)
@given(polynomials, points, points, st.sampled_from([UNIT, (Q.zero, None), (None, Q.one), (None, None)]))
def test_a_polynomial_with_a_zero_inside_is_never_proved(terms, x, y, ends):
    """p - p(x, y), and its square, which keeps its sign."""
    shifted = {**terms, (0, 0): terms.get((0, 0), 0) - value(terms, x, y)}
    square = {}
    for (i, j), a in shifted.items():
        for (k, m), b in shifted.items():
            square[i + k, j + m] = square.get((i + k, j + m), 0) + a * b
    for one in (shifted, square):
        numbers = {e: Q.rational(Fraction(c)) for e, c in one.items() if c}
        assert not numbers or not never_zero(numbers, [ends, ends], Q)


@settings(max_examples=40)
@given(polynomials, st.fractions(Fraction(1, 50), 2, max_denominator=50))
def test_a_square_and_a_little_more_is_proved(terms, more):
    square = {}
    for (i, j), a in terms.items():
        for (k, m), b in terms.items():
            square[i + k, j + m] = square.get((i + k, j + m), 0) + a * b
    square[0, 0] = square.get((0, 0), 0) + more
    numbers = {e: Q.rational(Fraction(c)) for e, c in square.items() if c}
    if len({e[0] for e in numbers}) > 1 and len({e[1] for e in numbers}) > 1:
        assert never_zero(numbers, [UNIT, UNIT], Q)


def read(entry, *domains):
    names = {name: {"domain": domain, "init": "1/2"} for name, domain in zip("vw", domains, strict=True)}
    return files.read_text(json.dumps({"name": "m", "parameters": names, "A": [[], [entry]], "b": ["1/2", "1/2"]}))


@pytest.mark.parametrize(
    ("entry", "domain", "code"),
    [
        ("1/((v**2 - 1/2)**2 + (w**2 - 1/3)**2)", ["0", "1"], "RK345"),
        ("1/((v - sqrt(2)/2)**2 + (w - 1/2)**2)", ["0", "1"], "RK345"),
        ("1/((v - 1/2)**2 + (w - 1/3)**2)", ["0", "1"], "RK218"),
        ("1/((v**2 - 2)**2 + (w**2 - 1/3)**2)", ["0", "1"], None),
        ("1/(v + w)", ["0", "1"], None),  # zero at a corner, which training never reaches
        ("1/((v - w)**2 + 1/1000)", ["0", "1"], None),
        ("1/(v**2 - v*w + w**2 + sqrt(2)/100)", ["-1", "1"], None),
        ("1/(v**2 + w**2 + 1)", [None, None], None),
    ],
)
def test_denominators_in_two_parameters(entry, domain, code):
    reading = read(entry, domain, domain)
    assert [d.code for d in reading.diagnostics] == ([] if code is None else [code])
    assert (reading.tableau is None) == (code == "RK218")
