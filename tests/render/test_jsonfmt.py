"""The JSON is strict: what it writes, a strict reader reads."""

import json
from typing import Any

import pytest

from rkblocks.render.machines import dump


def refuse(constant: str) -> Any:
    raise AssertionError(f"{constant} is not JSON")


def test_non_finite_numbers_become_null() -> None:
    text = dump({"a": float("nan"), "b": [float("inf"), -float("inf"), 1.5], "c": (1, "x")})
    assert json.loads(text, parse_constant=refuse) == {"a": None, "b": [None, None, 1.5], "c": [1, "x"]}


def test_floats_keep_every_digit() -> None:
    assert json.loads(dump(1.6111111111111112)) == 1.6111111111111112


def test_a_lone_surrogate_of_a_file_name_is_written_as_ascii() -> None:
    assert dump({"source": "bad\udcff.json"}).isascii()


def test_an_object_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError):
        dump({"a": object()})
