"""Trees against known counts, against sympy's integration, and against their own text."""

from itertools import permutations

import pytest
from sympy import Rational, integrate, symbols

from rkblocks.verify import trees


def test_counts_and_texts() -> None:
    assert [len(trees.trees(n)) for n in range(1, 11)] == [1, 1, 2, 4, 9, 20, 48, 115, 286, 719]
    assert [trees.text(t) for t in trees.trees(4)] == ["[[[[]]]]", "[[[][]]]", "[[[]][]]", "[[][][]]"]


def test_trees_are_different_sorted_and_canonical() -> None:
    for n in range(1, 9):
        texts = [trees.text(t) for t in trees.trees(n)]
        assert texts == sorted(set(texts))
        assert all(
            trees.nodes(t) == n and trees.parse(text) == t for t, text in zip(trees.trees(n), texts, strict=True)
        )


def test_parse_takes_children_in_any_order() -> None:
    for tree in trees.trees(6):
        for order in permutations(tree):
            assert trees.parse("[" + "".join(map(trees.text, order)) + "]") == tree


@pytest.mark.parametrize("written", ["", "[", "]", "[]]", "[][]", "[a]", "[[]"])
def test_parse_refuses_what_is_no_tree(written: str) -> None:
    with pytest.raises(ValueError, match=r"tree|position"):
        trees.parse(written)


def test_density_is_what_integration_gives() -> None:
    """The component of a root solves y' = product of its children's components; then y(1) = 1/gamma."""
    t = symbols("t")

    def solution(tree: trees.Tree) -> object:
        slope = Rational(1)
        for child in tree:
            slope = slope * solution(child)
        return integrate(slope, (t, 0, t))

    for n in range(1, 7):
        for tree in trees.trees(n):
            assert solution(tree).subs(t, 1) == Rational(1, trees.gamma(tree))


def test_labellings_add_up_to_factorials() -> None:
    """The monotonic labellings n!/(gamma sigma) of all trees with n nodes number (n-1)! (Hairer et al., II.2)."""
    from math import factorial

    for n in range(1, 9):
        total = sum(factorial(n) // (trees.gamma(t) * trees.sigma(t)) for t in trees.trees(n))
        assert total == factorial(n - 1)


def test_no_tree_without_nodes() -> None:
    with pytest.raises(ValueError, match="at least one node"):
        trees.trees(0)


def test_a_cut_tree_is_the_tree_again_when_put_together() -> None:
    for n in range(1, 10):
        for tree in trees.trees(n):
            path, below = trees.cut(tree)
            assert 2 * sum(map(trees.nodes, path)) < n or not path
            assert all(2 * trees.nodes(child) <= n for child in below)
            for rest in reversed(path):
                below = tuple(sorted((*rest, below), key=trees.text))
            assert below == tree
