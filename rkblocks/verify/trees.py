"""Rooted trees, the indices of the order conditions (Butcher 1963; Hairer, Norsett & Wanner 1993, section II.2).

A tree is the tuple of the sub-trees at its root, sorted by text; the single node is ``()``.  Its text writes a node as
a pair of brackets around its children: ``[]`` the single node, ``[[[[]]]]`` the tall tree with four nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import groupby
from math import factorial, prod

Tree = tuple["Tree", ...]

LEAF: Tree = ()


@cache
def text(tree: Tree) -> str:
    """The tree as nested brackets, ``[]`` for the single node."""
    return f"[{''.join(map(text, tree))}]"


def parse(written: str) -> Tree:
    """The tree that nested brackets describe, in canonical form whatever the order of the children.

    Raises ValueError where the text is no tree.
    """
    open_nodes: list[list[Tree]] = [[]]
    for k, character in enumerate(written):
        if character == "[":
            open_nodes.append([])
        elif character == "]" and len(open_nodes) > 1:
            children = open_nodes.pop()
            open_nodes[-1].append(tuple(sorted(children, key=text)))
        else:
            raise ValueError(f"unexpected {character!r} at position {k} of the tree {written!r}")
    if len(open_nodes) != 1 or len(open_nodes[0]) != 1:
        raise ValueError(f"{written!r} is not one tree of balanced brackets")
    return open_nodes[0][0]


@cache
def nodes(tree: Tree) -> int:
    """Number of nodes: the order of the condition that belongs to the tree."""
    return 1 + sum(map(nodes, tree))


@cache
def gamma(tree: Tree) -> int:
    """Density: the product, over all nodes, of the size of the sub-tree there.  1/gamma is the right side."""
    return nodes(tree) * prod(map(gamma, tree))


@cache
def sigma(tree: Tree) -> int:
    """Symmetry: the number of automorphisms of the tree."""
    repeated = (factorial(len(list(group))) for _, group in groupby(tree))
    return prod(map(sigma, tree)) * prod(repeated)


@cache
def cut(tree: Tree) -> tuple[tuple[Tree, ...], Tree]:
    """The tree cut above one of its nodes, near the middle: what is beside the path from the root to it, and below it.

    The path goes to the largest child while that has more than half of the nodes; ``path[k]`` is the tree of the other
    children of its k-th node.
    """
    half, path = nodes(tree) // 2, []
    while tree:
        largest = max(range(len(tree)), key=lambda i: nodes(tree[i]))
        if nodes(tree[largest]) <= half:
            break
        path.append(tree[:largest] + tree[largest + 1 :])
        tree = tree[largest]
    return tuple(path), tree


@cache
def trees(n: int) -> tuple[Tree, ...]:
    """All rooted trees with n >= 1 nodes, sorted by text: 1, 1, 2, 4, 9, 20, 48, 115, 286, 719, ... of them."""
    if n < 1:
        raise ValueError(f"a tree has at least one node, not {n}")
    found = [tuple(sorted(children, key=text)) for children in _forests(n - 1, n - 1)]
    return tuple(sorted(found, key=text))


def _forests(total: int, largest: int) -> Iterator[Tree]:
    """Yield every multiset of trees with ``total`` nodes together and at most ``largest`` in each, once."""
    if total == 0:
        yield ()
        return
    for size in range(min(total, largest), 0, -1):
        pool = trees(size)
        for first, *rest in _multisets(len(pool), total // size):
            chosen = tuple(pool[i] for i in (first, *rest))
            for smaller in _forests(total - size * len(chosen), size - 1):
                yield chosen + smaller


def _multisets(kinds: int, most: int) -> Iterator[tuple[int, ...]]:
    """Yield the nonempty ascending tuples over ``range(kinds)`` of length at most ``most``."""
    level: list[tuple[int, ...]] = [(i,) for i in range(kinds)]
    for length in range(1, most + 1):
        yield from level
        if length < most:
            level = [(*head, i) for head in level for i in range(head[-1], kinds)]
