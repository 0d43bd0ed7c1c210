"""The JSON is strict: what it writes, a strict reader reads; workflow commands keep to one line whatever is in them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rkblocks.diagnostics import Diagnostic, Severity
from rkblocks.render.machines import annotation, dump


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


def test_error_with_place_and_help() -> None:
    found = Diagnostic("RK201", Severity.ERROR, "not a number", "/b/0", 6, 40, "write 1/2")
    assert annotation("a.json", found) == "::error file=a.json,line=6,col=40,title=RK201::not a number%0Awrite 1/2"


def test_warning_and_info() -> None:
    assert annotation("a.json", Diagnostic("RK301", Severity.WARNING, "w")).startswith("::warning file=a.json,")
    assert annotation("a.json", Diagnostic("RK301", Severity.INFO, "i")).startswith("::notice file=a.json,")


def test_a_path_cannot_add_properties_nor_a_message_a_command() -> None:
    found = Diagnostic("RK201", Severity.ERROR, "100 %\n::error::x\r")
    assert annotation("a,line=9:b%.json", found) == (
        "::error file=a%2Cline=9%3Ab%25.json,title=RK201::100 %25%0A::error::x\\u000d"
    )


def test_standard_input_has_no_file() -> None:
    assert annotation("-", Diagnostic("RK201", Severity.ERROR, "m", "", 1, 2)) == "::error title=RK201::m"
