"""A well-formed program passes, and breaking one rule is named."""

from dataclasses import replace
from fractions import Fraction

import pytest

from rkblocks.exact import Field
from rkblocks.program.ir import Combine, Evaluate, Program, Return, Term
from rkblocks.program.well_formed import InvalidProgram, validated
from rkblocks.tableau import Parameter

Q = Field()
ONE, HALF = Q.one, Q.rational(1, 2)
F0 = Evaluate("f0", "x", Q.zero)
U1 = Combine("u1", (Term(ONE, "x"), Term(ONE, "f0")))
F1 = Evaluate("f1", "u1", ONE)
Y = Combine("y", (Term(HALF, "x"), Term(HALF, "u1"), Term(HALF, "f1")))
HEUN = Program(Q, (F0, U1, F1, Y, Return("y")))


def test_accepts_a_well_formed_program_and_counts_calls() -> None:
    assert validated(HEUN, calls=2) is HEUN
    with pytest.raises(InvalidProgram, match="called 2 times, expected 3"):
        validated(HEUN, calls=3)


BROKEN = {
    "u1 is used before it is defined": (F0, F1, U1, Y, Return("y")),
    "u1 is defined twice": (F0, U1, U1, F1, Y, Return("y")),
    "x is defined twice": (F0, Combine("x", (Term(ONE, "f0"),)), U1, F1, Y, Return("y")),
    "never used: f1": (F0, U1, F1, Return("u1")),
    "exactly one return": (F0, U1, F1, Y),
    "the return is the last": (F0, U1, F1, Return("u1"), Y),
    "F is evaluated at f0, which is a slope": (
        F0,
        Evaluate("f1", "f0", ONE),
        Combine("y", (Term(ONE, "x"), Term(ONE, "f1"))),
        Return("y"),
    ),
    "f0 is returned, which is a slope": (F0, Return("f0")),
    "the weights of u1 miss one by -1/2": (F0, Combine("u1", (Term(HALF, "x"), Term(ONE, "f0"))), Return("u1")),
    "u1 names a value twice": (F0, Combine("u1", (Term(HALF, "x"), Term(HALF, "x"), Term(ONE, "f0"))), Return("u1")),
    "s is an empty sum": (
        F0,
        Combine("u1", (Term(ONE, "x"), Term(ONE, "f0"))),
        Combine("s", ()),
        Combine("y", (Term(ONE, "u1"), Term(ONE, "s"))),
        Return("y"),
    ),
    "returned as an error, which is a state": (F0, U1, F1, Y, Return("y", "u1")),
    "y uses a difference": (
        F0,
        Combine("error", (Term(HALF, "f0"),)),
        Combine("y", (Term(ONE, "x"), Term(ONE, "error"))),
        Return("y"),
    ),
    "is no element": (F0, Combine("u1", (Term(ONE, "x"), Term(0.5, "f0"))), Return("u1")),
}


@pytest.mark.parametrize("message", BROKEN)
def test_names_the_rule_that_is_broken(message: str) -> None:
    with pytest.raises(InvalidProgram, match=message):
        validated(replace(HEUN, body=BROKEN[message]))


def test_tolerance_covers_weights_of_decimal_tables_only_as_far_as_stated() -> None:
    near = Combine("u1", (Term(Q.rational(999, 1000), "x"), Term(ONE, "f0")))
    program = Program(Q, (F0, near, Return("u1")), tolerance=Fraction(1, 1000))
    assert validated(program) is program
    with pytest.raises(InvalidProgram, match="miss one"):
        validated(replace(program, tolerance=Fraction(1, 1001)))


def test_weights_that_are_one_at_the_start_only_pass_where_the_program_says_so() -> None:
    field = Field(parameters=("a",))
    near = Combine("y", (Term(field.parameter("a"), "x"), Term(field.one, "f0")))
    body = (Evaluate("f0", "x", field.zero), near, Return("y"))
    naive = Program(field, body, (Parameter("a", None, None, Q.one),), only_at_init=True)
    assert validated(naive) is naive
    with pytest.raises(InvalidProgram, match="miss one by a - 1"):
        validated(replace(naive, only_at_init=False))
    with pytest.raises(InvalidProgram, match="miss one"):
        validated(replace(naive, parameters=(Parameter("a", None, None, Q.rational(2)),)))


def test_declared_parameters_are_those_that_occur() -> None:
    field = Field(parameters=("a", "b"))
    a = field.parameter("a")
    parameters = tuple(Parameter(name, None, None, Q.one) for name in ("a", "b"))
    body = (
        Evaluate("f0", "x", field.zero),
        Combine("y", (Term(field.one, "x"), Term(a, "f0"))),
        Return("y"),
    )
    assert validated(Program(field, body, parameters[:1]))
    with pytest.raises(InvalidProgram, match=r"\['a', 'b'\] are declared, \['a'\] occur"):
        validated(Program(field, body, parameters))
