"""Settings side by side: dotted keys, and what is not the same everywhere."""

from rkblocks.settings.reader import differing, flat


def test_nested_tables_are_flattened_in_order():
    table = {"net": {"blocks": ["ark", "euler"], "deep": {"on": True}}, "seed": 3, "none": None}
    assert list(flat(table)) == [("net.blocks", ["ark", "euler"]), ("net.deep.on", True), ("seed", 3), ("none", "None")]


def test_values_that_differ_or_are_absent():
    one, other = {"a": 1, "b": [1], "c": 2}, {"a": 1, "b": [2], "d": 0}
    assert differing([one, other]) == ["b", "c", "d"]
    assert differing([one, one]) == differing([one]) == differing([]) == []
    assert differing([{"a": 1}, {"a": True}]) == ["a"]  # a number is no flag
