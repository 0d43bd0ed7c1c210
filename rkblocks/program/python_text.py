"""Exact numbers and expressions as Python text: floats rounded once, expressions in parameters, names that are free."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Mapping
from decimal import ROUND_DOWN, Context, Decimal

from rkblocks.exact.field import Element, Field

LONGEST_BITS = 84
"""Fractions with larger numerators or denominators (25 digits) are shown by their first `DIGITS` digits."""
DIGITS = 20

_TAKEN = re.compile(r"[fuvsq]\d+|x|y|t|dt|self|torch|nn|math|mean|error|Tensor")


def local_names(parameters: tuple[str, ...]) -> dict[str, str]:
    """A Python name for every parameter: its own, with underscores added where that is taken or a keyword."""
    names: dict[str, str] = {}
    for name in parameters:
        free = name
        while (
            keyword.iskeyword(free) or keyword.issoftkeyword(free) or _TAKEN.fullmatch(free) or free in names.values()
        ):
            free += "_"
        names[name] = free
    return names


def number_text(field: Field, a: Element) -> str:
    """The literal of the double nearest to a number: the one place where a coefficient is rounded."""
    return literal(field.to_float(a))


def literal(value: float) -> str:
    """A double as Python source, as a formatter would write it."""
    return repr(value).replace("e+", "e")


def comment_text(field: Field, a: Element) -> str:
    """A coefficient for people: exact, or the leading digits of a fraction that is too long to be read."""
    if not field.is_rational(a):
        return field.text(a)
    value = field.fraction(a)
    if max(value.numerator.bit_length(), value.denominator.bit_length()) < LONGEST_BITS:
        return str(value)
    digits = Context(prec=DIGITS, rounding=ROUND_DOWN)
    return f"{digits.divide(Decimal(value.numerator), Decimal(value.denominator)).normalize(digits)}…"


def expression_tree(field: Field, a: Element, names: Mapping[str, str]) -> ast.expr:
    """An element as a Python expression in the local names of the parameters."""
    text = field.text(a) if field.free_parameters(a) else number_text(field, a)
    tree = _Python(names).visit(ast.parse(text, mode="eval").body)
    assert isinstance(tree, ast.expr)
    return tree


def unparsed(tree: ast.AST) -> str:
    """The text of an expression, spaced as a formatter would."""
    return hug_powers(ast.unparse(tree))


def hug_powers(text: str) -> str:
    """``b ** 2`` as ``b**2``, which is how formatters write simple powers."""
    return re.sub(r"(?<![\w.)\]])([\w.]+) \*\* (-?[\w.]+)", r"\1**\2", text)


class _Python(ast.NodeTransformer):
    """Rewrites the grammar of tableau files to Python: local names, and square roots as powers."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Name(self.names.get(node.id, node.id), node.ctx)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """sqrt(q), the one function of the grammar."""
        radicand = self.visit(node.args[0])
        return ast.BinOp(radicand, ast.Pow(), ast.Constant(0.5))
