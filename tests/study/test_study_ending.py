"""How far schemes were trained: the loss at the end, the factor between schemes, and accuracy at one loss of all."""

from typing import Any

import pytest

from rkblocks.study import ending


class Cell:
    def __init__(self, name: str) -> None:
        self.name, self.setting = name, ()


def curve(*lines: tuple[float, float]) -> list[dict[str, Any]]:
    return [{"epoch": i, "train_loss": a, "validation_robust": b} for i, (a, b) in enumerate(lines, 1)]


CELLS: Any = (Cell("a"), Cell("b"))
A, B = curve((1.0, 0.2), (0.5, 0.6), (0.1, 0.7)), curve((1.2, 0.1), (0.8, 0.3), (0.4, 0.5))


def test_at_the_loss_that_all_networks_reached() -> None:
    """b ends at .4, which a passes a quarter of the way from its second to its third epoch."""
    a, b = ending.rows(CELLS, {"a": [A, A], "b": [B]})
    assert (a["seeds"], a["loss"], a["validation"]) == (2, [0.1, 0.0], [0.7, 0.0])
    assert a["at"] == {"loss": 0.4, "epoch": [2.25, 0.0], "validation": [0.625, 0.0]}
    assert b["at"] == {"loss": 0.4, "epoch": [3.0, None], "validation": [0.5, None]}
    assert ending.at_loss(A, 2.0, "validation_robust") == (1.0, 0.2), "it is below from the first epoch on"


def test_runs_without_what_is_compared_are_left_out() -> None:
    assert ending.rows(CELLS, {"a": [[{"epoch": 1}]], "b": []}) == []
    (only,) = ending.rows(CELLS, {"a": [[{"epoch": 1, "train_loss": 0.5, "validation_clean": 0.9}]]})
    assert only["metric"] == "validation_clean"
    assert ending.last_loss([]) is None


@pytest.mark.parametrize(("allowed", "ok"), [(None, None), (3.9, False), (4.0, True)])
def test_the_factor_is_that_of_the_means(allowed: float | None, ok: bool | None) -> None:
    losses = {"a": (0.05, 0.15), "b": (0.5, 0.3)}
    entries = [{"cell": name, "train_loss": one} for name, values in losses.items() for one in values]
    (row,) = ending.spread(CELLS, entries, allowed)
    assert (row["least"], row["most"], row["factor"], row["ok"]) == (["a", 0.1], ["b", 0.4], 4.0, ok)
    assert ending.spread(CELLS, entries[:2], allowed) == [], "one scheme has no other to differ from"
