"""The cost model on programs small enough to count by hand."""

import pytest

from rkblocks.program import explain
from rkblocks.program.cost import Cost


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # x + F(x): one add; backward adds the two gradients of x.
        ("euler", Cost(calls=1, passes=1, live=1, backward=1, saved=0, held=1)),
        # u1 = x + F/2, y = x + F(u1): backward scales one gradient and adds x's three.
        ("midpoint", Cost(calls=2, passes=2, live=2, backward=3, saved=0, held=3)),
        # u1, u1 + F(u1), their mean with x: backward scales two, adds x's three gradients and u1's two.
        ("ssp2", Cost(calls=2, passes=3, live=2, backward=5, saved=0, held=3)),
        ("ssp3", Cost(calls=3, passes=5, live=2, backward=9, saved=0, held=5)),
    ],
)
def test_counts(name: str, expected: Cost) -> None:
    assert explain(name)[-1].cost == expected


def test_calls_come_first_then_passes_then_live_tensors() -> None:
    assert Cost(1, 9, 9, 9, 9, 9) < Cost(2, 0, 0, 0, 0, 0)
    assert Cost(1, 1, 9, 9, 9, 9) < Cost(1, 2, 0, 0, 0, 0)
    assert Cost(1, 1, 1, 9, 9, 9) < Cost(1, 1, 2, 0, 0, 0)


def test_text_names_every_figure() -> None:
    text = explain("ark")[-1].cost.text()
    assert text == "2 calls of F, 3 passes forward, 9 backward, 2 live tensors, 2 saved"
