"""Parts that several coefficients of a family have in common: computed once, under a name of their own.

    q1 = 1 / (2 * beta10)
    v1 = torch.addcmul(x, f0, 1 - q1)  # x + (1 - 1/(2*beta10)) f0

Parts are found where the texts of the coefficients agree, so that a name changes no operation and no order of
operations: every coefficient is the same bits with names as without.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

from rkblocks.exact.field import Element, Field
from rkblocks.program.python_text import expression_tree, unparsed

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
