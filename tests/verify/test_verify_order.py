"""Order conditions against a second route: running the method, exactly, on problems that isolate one tree each."""

from fractions import Fraction
from math import factorial

import pytest
import verify_methods as known
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.polys.domains import QQ
from sympy.polys.rings import ring as sympy_ring

from rkblocks.exact.field import Field
from rkblocks.forms import Method
from rkblocks.verify import trees
from rkblocks.verify.integral import ring
from rkblocks.verify.order import Conditions, ElementaryWeights, order, principal_error, stage_order


def run(method: known.Method, tree: trees.Tree) -> Fraction:
    """One step of size 1 from 0 on the system with a component for each node: y' = product over the children."""
    field, A, b = method
    A, b = [[field.fraction(e) for e in row] for row in A], [field.fraction(e) for e in b]
    flat: list[list[int]] = []

    def number(node: trees.Tree) -> int:
        children = [number(child) for child in node]
        flat.append(children)
        return len(flat) - 1

    root = number(tree)

    def slope(y: list[Fraction]) -> list[Fraction]:
        values = []
        for children in flat:
            product = Fraction(1)
            for child in children:
                product *= y[child]
            values.append(product)
        return values

    slopes: list[list[Fraction]] = []
    for row in A:
        stage = [sum((a * s[n] for a, s in zip(row, slopes, strict=False)), Fraction(0)) for n in range(len(flat))]
        slopes.append(slope(stage))
    return sum((weight * s[root] for weight, s in zip(b, slopes, strict=True)), Fraction(0))


@pytest.mark.parametrize("name", ["SSP3", "RK4", "SSPRK43", "DOPRI5"])
def test_elementary_weights_are_what_running_gives(name: str) -> None:
    method = getattr(known, name)
    field, A, b = method
    conditions = Conditions(ElementaryWeights(field, A), b)
    for n in range(1, 7):
        for tree in trees.trees(n):
            assert field.fraction(conditions.condition(tree).left) == run(method, tree)


@pytest.mark.parametrize(
    ("name", "p", "witness", "left"),
    [
        ("EULER", 1, "[[]]", "0"),
        ("MIDPOINT", 2, "[[[]]]", "0"),
        ("SSP2", 2, "[[[]]]", "0"),
        ("SSP3", 3, "[[[[]]]]", "0"),
        ("RK4", 4, "[[[[[]]]]]", "0"),
        ("SSPRK43", 3, "[[[[]]]]", "1/48"),
        ("DOPRI5", 5, "[[[[[[]]]]]]", "1/600"),
    ],
)
def test_order_holds_and_the_next_fails(name: str, p: int, witness: str, left: str) -> None:
    field, A, b = method = getattr(known, name)
    found = order(Method(field, A, b))
    assert (found.value, found.verdict, found.exact, field.text(found.residual)) == (p, "exact", p, "0")
    assert (trees.text(found.witness.tree), field.text(found.witness.left)) == (witness, left)
    for n in range(1, p + 1):
        assert all(run(method, t) == Fraction(1, trees.gamma(t)) for t in trees.trees(n))
    failing = [t for t in trees.trees(p + 1) if run(method, t) != Fraction(1, trees.gamma(t))]
    assert failing[0] == found.witness.tree


@pytest.mark.parametrize(("name", "p"), [("SSP2", 2), ("SSP3", 3), ("RK4", 4), ("MIDPOINT", 2), ("SSPRK43", 3)])
def test_scalar_taylor_expansion_agrees(name: str, p: int) -> None:
    """The classical route: one step and the exact solution of y' = f(y), both in powers of the step up to 5.

    Coefficients are polynomials in f, f', f'', ... at x; a power series is a list of them.
    """
    R, *f = sympy_ring("f0:6", QQ)
    n = 6

    def times(left: list, right: list) -> list:
        return [sum((left[i] * right[k - i] for i in range(k + 1)), R.zero) for k in range(n)]

    def of_f(shift: list) -> list:
        total, power = [R.zero] * n, [R.one] + [R.zero] * (n - 1)
        for k in range(5):
            total = [x + f[k] * y / factorial(k) for x, y in zip(total, power, strict=True)]
            power = times(power, shift)
        return total

    _, A, b = getattr(known, name)
    slopes: list[list] = []
    for row in (*A, b):
        shift = [R.zero] * n
        for a, slope in zip(row, slopes, strict=False):
            shift = [x + y for x, y in zip(shift, [R.zero, *(c * a for c in slope[:-1])], strict=True)]
        slopes.append(of_f(shift))
        step = shift
    exact, derivative = [R.zero], f[0]
    for k in range(1, n):
        exact.append(derivative / factorial(k))
        derivative = sum((derivative.diff(f[i]) * f[i + 1] * f[0] for i in range(5)), R.zero)
    agree = [not x - y for x, y in zip(step, exact, strict=True)]
    assert all(agree[: p + 1])
    assert not agree[p + 1]


def test_cooper_verner_with_sqrt_21() -> None:
    field, A, b = known.cooper_verner8()
    found = order(Method(field, A, b))
    assert (found.value, found.verdict) == (8, "exact")
    assert found.witness.right == Fraction(1, 362880)


def test_a_wrong_sign_in_dormand_prince_is_found() -> None:
    field, A, b = known.DOPRI5
    wrong = tuple(tuple(-e if (i, j) == (4, 1) else e for j, e in enumerate(row)) for i, row in enumerate(A))
    assert order(Method(field, wrong, b)).value < 3


def test_tolerance_gives_its_own_verdict() -> None:
    field = Field()
    off = field.rational(Fraction(1, 2) + Fraction(1, 10**12))
    A, b = ((field.zero, field.zero), (field.one, field.zero)), (off, field.one - off)
    exact = order(Method(field, A, b))
    assert (exact.value, exact.verdict) == (1, "exact")
    close = order(Method(field, A, b), Fraction(1, 10**11))
    assert (close.value, close.verdict, close.exact) == (2, "tolerance", 1)
    assert field.fraction(close.residual) == Fraction(1, 10**12)
    assert order(Method(field, A, b), Fraction(1, 10**13)).value == 1


def test_a_tolerance_that_zero_would_pass_grants_nothing() -> None:
    field, A, b = known.EULER
    assert order(Method(field, A, b), Fraction(9, 10)).value == 1


def test_no_order_at_all() -> None:
    field, A, b = known.rational("1", "1/2 1/3")
    found = order(Method(field, A, b))
    assert (found.value, found.verdict, trees.text(found.witness.tree)) == (0, "none", "[]")
    assert field.fraction(found.residual) == Fraction(1, 6)


def test_family_holds_as_identities() -> None:
    field, A, b = known.ark()
    found = order(Method(field, A, b))
    assert (found.value, found.verdict, trees.text(found.witness.tree)) == (2, "exact", "[[[]]]")


def test_stage_order_and_principal_error() -> None:
    field, A, b = known.SSP2
    conditions = Conditions(ElementaryWeights(field, A), b)
    # Third-order defects: tall tree 0 - 1/6; bushy tree 1/2 - 1/3, symmetry 2.
    assert field.fraction(principal_error(conditions, 2)) == Fraction(1, 36) + Fraction(1, 144)
    c = tuple(sum(row, field.zero) for row in A)
    assert stage_order(Method(field, A, b), c) == 1
    assert stage_order(Method(field, A, b), (field.zero, field.rational(1, 2))) == 0
    rounded = (b[0], b[1] + field.rational(1, 10**9))
    assert stage_order(Method(field, A, rounded), c) == 0
    assert stage_order(Method(field, A, rounded), c, Fraction(1, 10**8)) == 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.fractions(-2, 2, max_denominator=7), min_size=6, max_size=6), st.sampled_from(range(1, 6)))
def test_generated_methods_agree_with_running_them(entries: list[Fraction], n: int) -> None:
    field = Field()
    below, weights = entries[:3], entries[3:]
    A = ((0, 0, 0), (below[0], 0, 0), (below[1], below[2], 0))
    method = (
        field,
        tuple(tuple(field.rational(Fraction(e)) for e in row) for row in A),
        tuple(map(field.rational, weights)),
    )
    conditions = Conditions(ElementaryWeights(field, method[1]), method[2])
    for tree in trees.trees(n):
        assert field.fraction(conditions.condition(tree).left) == run(method, tree)


@pytest.mark.parametrize("roots", [(), (21,), (2, 3), (2, 3, 5)])
@pytest.mark.parametrize("parameters", [(), ("p", "q")])
def test_integral_elements_compute_as_the_field_does(roots: tuple[int, ...], parameters: tuple[str, ...]) -> None:
    field = Field(roots if not parameters else roots[:1], parameters)
    elements = [field.rational(1, 3), field.rational(-2, 5)]
    elements += [field.sqrt(Fraction(d)) * elements[0] + elements[1] for d in field.roots]
    elements += [field.parameter(p) / (field.parameter(p) + elements[-1]) for p in field.parameters]
    integers = ring(field)
    cleared, scale = integers.clear(elements)
    for x, y in zip(elements, cleared, strict=True):
        assert integers.element(y, scale) == x
        for u, v in zip(elements, cleared, strict=True):
            assert integers.element(y * v, scale * scale) == x * u
            assert integers.element(y - v * 3, scale) == x - u * 3
