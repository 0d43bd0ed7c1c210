"""Interpreter = block = emitted source = retrofit, forward and gradients: the whole library, and generated methods."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from blocks_common import agree
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from rkblocks import files
from rkblocks.exact import Field
from rkblocks.forms import Butcher, Method, canonical_shu_osher, reduce
from rkblocks.program.construction import error_weights
from rkblocks.tableau import Tableau
from rkblocks.testing import families, tableaus

NAMES = [entry.name for entry in files.catalog()]
Q = Field()


@pytest.mark.parametrize("name", NAMES)
def test_library(name: str) -> None:
    tableau = files.load(name)
    agree(tableau, 1e-9 if tableau.tolerance else 1e-11)


EMBEDDED = [name for name in NAMES if files.load(name).b_hat is not None]


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_methods_of_the_library_with_their_error(name: str) -> None:
    tableau = files.load(name)
    agree(tableau, 1e-9 if tableau.tolerance else 1e-11, error=True)


@st.composite
def methods(draw: st.DrawFn) -> Tableau:
    """Explicit methods of one to five stages with small rationals and weights that sum to one."""
    m = draw(st.integers(1, 5))
    entry = st.sampled_from([Fraction(p, q) for q in (1, 2, 3, 5) for p in range(-3, 4)])
    A = tuple(tuple(Q.rational(draw(entry)) if j < i else Q.zero for j in range(m)) for i in range(m))
    weights = [draw(entry) for _ in range(m - 1)]
    b = tuple(Q.rational(w) for w in (*weights, 1 - sum(weights)))
    form = Butcher(A, b)
    if draw(st.booleans()):
        shu_osher = canonical_shu_osher(Method(Q, A, b), Q.rational(draw(entry)))
        return Tableau("generated", Q, shu_osher=shu_osher, butcher=form)
    return Tableau("generated", Q, butcher=form)


SETTINGS = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
SIZES = st.sampled_from([Fraction(1), Fraction(1, 3), Fraction(5, 4)])


@settings(max_examples=50, **SETTINGS)
@given(methods(), SIZES)
def test_generated(tableau: Tableau, dt: Fraction) -> None:
    agree(tableau, dt=dt)


@settings(max_examples=20, **SETTINGS)
@given(st.one_of(tableaus(form="shu_osher"), tableaus(order=3)), SIZES, st.floats(0, 1))
def test_generated_with_time(tableau: Tableau, dt: Fraction, t: float) -> None:
    agree(tableau, dt=dt, t=t)


@settings(max_examples=12, **SETTINGS)
@given(families(), SIZES)
def test_generated_families(tableau: Tableau, dt: Fraction) -> None:
    """Their learned coefficients get the same gradients as well."""
    agree(tableau, dt=dt)


def rows(*texts: str) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(Q.rational(Fraction(entry)) for entry in text.split()) for text in texts)


LAST_IS_RESULT = Tableau(  # and only that: neither the result nor the estimate depends on F there
    "generated", Q, butcher=Butcher(A=rows("0 0 0", "-3 0 0", "2 -1 0"), b=rows("2 -1 0")[0])
)


@settings(max_examples=10, **SETTINGS)
@given(methods(), SIZES)
@example(LAST_IS_RESULT, Fraction(1))
def test_generated_embedded_methods(tableau: Tableau, dt: Fraction) -> None:
    """With the Euler step as embedded method, where it is another one."""
    m = len(tableau.butcher_form.b)
    form = replace(tableau.butcher_form, b_hat=(Q.one, *(Q.zero for _ in range(m - 1))))
    embedded = Tableau("generated", Q, butcher=form)
    assume(any(reduce(Method(Q, form.A, error_weights(embedded))).b))
    agree(embedded, dt=dt, error=True)
