"""Exact coefficients as text in Python, and parts that several of them have in common, under a name of their own.

    q1 = 1 / (2 * beta10)
    v1 = torch.addcmul(x, f0, 1 - q1)  # x + (1 - 1/(2*beta10)) f0

Such parts are found where the texts of the coefficients agree, so that a name changes no operation and no order of
operations: every coefficient is the same bits with names as without.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import ROUND_DOWN, Context, Decimal
from typing import TypeVar

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


Node = TypeVar("Node", bound=ast.AST)


class Coefficients:
    """The texts of coefficients in Python, and ``lines``, the statements that name what they share.

    Args:
        elements: of ``field``, all that will be asked for, in the order in which they are used, each as often as it is.
        names: the local names of the parameters.
    """

    def __init__(self, field: Field, elements: Iterable[Element], names: Mapping[str, str]) -> None:
        used = [a for a in elements if field.free_parameters(a)]
        trees = {a: expression_tree(field, a, names) for a in used}
        naming = _Naming(_repeated(trees[a] for a in used))
        self.field, self.names = field, names
        self.texts = {a: unparsed(naming.visit(tree)) for a, tree in trees.items()}
        self.lines = tuple(naming.lines)

    def text(self, a: Element) -> str:
        """An element as a Python expression, in the names of the parameters and of shared parts."""
        return self.texts[a] if a in self.texts else unparsed(expression_tree(self.field, a, self.names))


def _repeated(trees: Iterable[ast.expr]) -> frozenset[str]:
    """The parts used at least twice, those inside a repeated part counted once for all its uses."""
    uses: Counter[str] = Counter()

    def walk(node: ast.AST) -> None:
        if _worth(node):
            uses[ast.dump(node)] += 1
            if uses[ast.dump(node)] > 1:
                return
        for child in ast.iter_child_nodes(node):
            walk(child)

    for tree in trees:
        walk(tree)
    return frozenset(part for part, count in uses.items() if count > 1)


def _worth(node: ast.AST) -> bool:
    """Whether a part gains by a name: an operation on parameters that is more than a number times or to one of them."""
    if not isinstance(node, ast.BinOp):
        return False
    simple = isinstance(node.left, ast.Constant | ast.Name) and isinstance(node.right, ast.Constant | ast.Name)
    operands = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    return len(operands) > 1 or (bool(operands) and not simple)


class _Naming(ast.NodeTransformer):
    """Replaces repeated parts by names, and writes down what they stand for, inner ones first."""

    def __init__(self, repeated: frozenset[str]) -> None:
        self.repeated = repeated
        self.named: dict[str, str] = {}
        self.lines: list[str] = []

    def visit(self, node: Node) -> Node | ast.Name:
        """The node with its repeated parts named; a copy, as trees may share nodes."""
        part = ast.dump(node)
        if part in self.named:
            return ast.Name(self.named[part])
        exact = unparsed(node) if part in self.repeated else ""
        fields = {name: self.visit(v) if isinstance(v, ast.expr) else v for name, v in ast.iter_fields(node)}
        copied = type(node)(**fields)
        if part not in self.repeated:
            return copied
        name = self.named[part] = f"q{len(self.named) + 1}"
        code = unparsed(copied)
        self.lines.append(f"{name} = {code}" if code == exact else f"{name} = {code}  # {exact}")
        return ast.Name(name)
