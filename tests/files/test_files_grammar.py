"""The grammar of entries: values and precedence against Python's, places of mistakes, bounds on size."""

import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkblocks.exact.field import Field
from rkblocks.files.expression import EntryError, evaluate, names, radicands, rational
from rkblocks.files.grammar import MOST_CHARACTERS, parse

VALUES = {
    "0": 0,
    "-0": 0,
    " 12 ": 12,
    "0.75": Fraction(3, 4),
    "1e-3": Fraction(1, 1000),
    "1.5E+2": 150,
    ".5": Fraction(1, 2),
    "1.": 1,
    "0e999": 0,
    "0.1": Fraction(1, 10),
    "1/3": Fraction(1, 3),
    "-2**2": -4,
    "(-2)**2": 4,
    "2**-1": Fraction(1, 2),
    "2**-2**2": Fraction(1, 16),
    "2**3**2": 512,
    "0**0": 1,
    "8/4/2": 1,
    "8/4*2": 4,
    "8-4-2": 2,
    "8-(4-2)": 6,
    "2*-3": -6,
    "--2": 2,
    "-+-2": 2,
    "2 - -2": 4,
    "1/2**2": Fraction(1, 4),
    "-1/-2": Fraction(1, 2),
    "sqrt(9/4)": Fraction(3, 2),
    "sqrt ( 2 * 8 )": 4,
    "sqrt(0)": 0,
    "2**sqrt(9)": 8,
    "2**(6/3)": 4,
    "(-1)**9999": -1,
    "sqrt(1000000000000000000000000000000)": 10**15,
}


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_values(text: str, value: Fraction) -> None:
    assert rational(parse(text)) == value


BAD = {
    "": ("RK202", 0),
    "  ": ("RK202", 0),
    "1/": ("RK201", 2),
    "1 + * 2": ("RK201", 4),
    "*2": ("RK201", 0),
    "1 % 2": ("RK201", 2),
    "1 // 2": ("RK201", 3),
    "a.b": ("RK201", 1),
    "a[0]": ("RK206", 1),
    "sqrt 2": ("RK201", 5),
    "sqrt": ("RK201", 4),
    "1=1": ("RK201", 1),
    "2 if 1 else 3": ("RK205", 2),
    "lambda: 0": ("RK201", 6),
    "__import__('os').system('true')": ("RK201", 11),
    "𝟏": ("RK201", 0),
    "١": ("RK201", 0),
    "w": ("RK203", 0),
    "1 + aa": ("RK203", 4),
    "pi": ("RK203", 0),
    "inf": ("RK203", 0),
    "nan": ("RK203", 0),
    "exp(1)": ("RK220", 0),
    "1 + SQRT(2)": ("RK220", 4),
    "(1": ("RK204", 0),
    "1 + (2*(3+4)": ("RK204", 4),
    "1)": ("RK204", 1),
    "()": ("RK204", 1),
    "sqrt()": ("RK204", 5),
    "2a": ("RK205", 1),
    "2 a": ("RK205", 2),
    "2(3)": ("RK205", 1),
    "(1)(2)": ("RK205", 3),
    "1 1/2": ("RK205", 2),
    "1e": ("RK205", 1),
    "0x10": ("RK205", 1),
    "1.2.3": ("RK205", 3),
    "(1 2)": ("RK205", 3),
    "2^3": ("RK206", 1),
    "0,5": ("RK206", 1),
    "1_000": ("RK206", 1),
    "01": ("RK206", 0),
    "½": ("RK206", 0),
    "1 − 2": ("RK206", 2),
    "2×3": ("RK206", 1),
    "√2": ("RK206", 0),
    "3²": ("RK206", 1),
    "0.5…": ("RK206", 3),
    "1.508...": ("RK206", 5),
    "1...": ("RK206", 1),
    "1/0": ("RK207", 1),
    "1/(2 - 2)": ("RK207", 1),
    "0**-1": ("RK207", 1),
    "1 + 1/(a - a)": ("RK207", 5),
    "1/(sqrt(2)*sqrt(8) - 4)": ("RK207", 1),
    "(a - a)**-1": ("RK207", 7),
    "2**0.5": ("RK208", 3),
    "2**a": ("RK208", 3),
    "2**sqrt(2)": ("RK208", 3),
    "sqrt(-1)": ("RK209", 5),
    "1 + sqrt(1 - 2)": ("RK209", 9),
    "sqrt(sqrt(2))": ("RK210", 5),
    "sqrt(a)": ("RK210", 5),
    "sqrt(1 + a)": ("RK210", 5),
    "9**9**9": ("RK211", 4),
    "1e999999999": ("RK211", 0),
    "1e-999999999": ("RK211", 0),
    "1 + 1e1001": ("RK211", 4),
    "1" * 1001: ("RK211", 0),
    "(2**999)**999": ("RK211", 8),
    "1e700*1e700": ("RK211", 0),
    "2**(9**9**9)": ("RK211", 8),
    "2**99999": ("RK211", 3),
    "(1 + sqrt(2))**9999": ("RK211", 13),
    "a**9999": ("RK219", 1),
    "(a + b)**17": ("RK219", 7),
    "1/(1 + a)**17": ("RK219", 0),
    "(" * 60 + "1" + ")" * 60: ("RK212", 40),
    "2" + "**1" * 60: ("RK212", 121),
    "1+" * MOST_CHARACTERS + "1": ("RK212", MOST_CHARACTERS),
}


@pytest.mark.parametrize(("text", "expected"), BAD.items(), ids=[key[:20] for key in BAD])
def test_each_mistake_has_its_code_and_offset_and_is_found_at_once(text: str, expected: tuple[str, int]) -> None:
    field = Field((2,), ("a", "b"))
    start = time.process_time()
    with pytest.raises(EntryError) as raised:
        evaluate(parse(text, field.parameters), field)
    assert (raised.value.code, raised.value.offset) == expected
    assert time.process_time() - start < 1


def test_the_help_for_an_unknown_parameter_names_the_nearest() -> None:
    with pytest.raises(EntryError) as raised:
        parse("1 - bta10", ("alpha21", "beta10"))
    assert raised.value.help == "did you mean beta10?"


def test_names_and_roots_are_found_wherever_they_stand() -> None:
    tree = parse("1 - w*(v + sqrt(2))**2/sqrt(3) + -w + sqrt(4)", ("v", "w"))
    assert [name.name for name in names(tree)] == ["w", "v", "w"]
    assert [root.radicand for root in radicands(tree)] == [2, 3]


def test_longest_flat_entries_need_no_deep_stack() -> None:
    assert rational(parse("1+" * 1999 + "1")) == 2000
    assert rational(parse("-" * 3999 + "1")) == -1
    assert rational(parse("1*" * 1999 + "1")) == 1


def test_family_expressions() -> None:
    field = Field((), ("w",))
    value = evaluate(parse("1 - 1/(2*w) + (w**2 - 1)/(w + 1) - w + w**-1/2", ("w",)), field)
    assert not value
    assert field.text(evaluate(parse("1/(2*w)", ("w",)), field)) == "1/(2*w)"


def test_square_roots_are_exact() -> None:
    field = Field.spanning([Fraction(2), Fraction(3)])
    assert not evaluate(parse("sqrt(2)*sqrt(3) - sqrt(6)"), field)
    assert not evaluate(parse("1/(sqrt(3) - sqrt(2)) - sqrt(3) - sqrt(2)"), field)
    assert not evaluate(parse("sqrt(1/2) - sqrt(2)/2"), field)
    assert evaluate(parse("sqrt(2) - 1.41421356237309504880168872420969807856967187537694"), field)


NUMBERS = st.one_of(
    st.integers(0, 99).map(str),
    st.decimals(0, 100, places=3).map(str),
    st.tuples(st.integers(1, 9), st.integers(-5, 5)).map(lambda p: f"{p[0]}e{p[1]}"),
)


def combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.tuples(inner, st.sampled_from([" + ", "-", "*", " / "]), inner).map("".join)
    power = st.tuples(inner, st.integers(-3, 3)).map(lambda p: f"({p[0]})**{p[1]}")
    return st.one_of(binary, power, inner.map("({})".format), inner.map("-{}".format))


def python_value(text: str) -> Fraction:
    """The value by Python's grammar: its syntax tree with every number read as an exact decimal."""
    import ast

    tree = ast.parse(text, mode="eval")

    def value(node: ast.expr) -> Fraction:
        match node:
            case ast.Constant():
                return Fraction(ast.get_source_segment(text, node) or "")
            case ast.UnaryOp(op=ast.USub()):
                return -value(node.operand)
            case ast.BinOp():
                left, right = value(node.left), value(node.right)
                match node.op:
                    case ast.Add():
                        return left + right
                    case ast.Sub():
                        return left - right
                    case ast.Mult():
                        return left * right
                    case ast.Div():
                        return left / right
                    case ast.Pow():
                        return Fraction(left ** int(right))
        raise AssertionError(ast.dump(node))

    return value(tree.body)


@given(st.recursive(NUMBERS, combined, max_leaves=8))
@settings(deadline=None)
def test_precedence_and_values_are_pythons(text: str) -> None:
    try:
        expected = python_value(text)
    except ZeroDivisionError:
        with pytest.raises(EntryError, match="RK207"):
            rational(parse(text))
        return
    value, code = attempt(text)
    longest = max(expected.numerator.bit_length(), expected.denominator.bit_length())
    assert value == expected or (code == "RK211" and longest > 1000)  # only what is really long may be refused


def attempt(text: str) -> tuple[Fraction | None, str]:
    try:
        return rational(parse(text)), ""
    except EntryError as error:
        return None, error.code


@given(st.text(alphabet="0123456789.eEabw+-*/() sqrt,^½√\t\n", max_size=40) | st.text(max_size=30))
@settings(deadline=None)
def test_any_text_is_a_value_or_an_entry_error(text: str) -> None:
    field = Field((), ("a", "b"))
    offset = 0
    try:
        tree = parse(text, field.parameters)
        if not radicands(tree):
            evaluate(tree, field)
    except EntryError as error:
        offset = error.offset
    assert 0 <= offset <= len(text)
