"""Diagnostics for people, as whole strings."""

from __future__ import annotations

import pytest

from rkblocks.diagnostics import Diagnostic, Severity
from rkblocks.escape import Style
from rkblocks.render.problems import WIDTH, excerpt, problem, problems

FILE = '{"name": "x",\n\t"b": ["1/2", "1/2"],\r\n "größe": "日本",\n}'


def shown(text: str, line: int, column: int | None) -> str:
    return "\n".join(excerpt(text, line, column))


def test_caret_below_the_column() -> None:
    assert shown(FILE, 1, 2) == '  |\n1 | {"name": "x",\n  |  ^'


def test_a_tab_counts_as_one_character_and_the_carriage_return_is_not_shown() -> None:
    assert shown(FILE, 2, 2) == '  |\n2 |  "b": ["1/2", "1/2"],\n  |  ^'


def test_wide_characters_move_the_caret_by_two_cells() -> None:
    line = ' "größe": "日本",'
    assert shown(FILE, 3, line.index("本") + 1) == f"  |\n3 | {line}\n  | {' ' * 13}^"


def test_without_a_column_there_is_no_caret() -> None:
    assert shown(FILE, 4, None) == "  |\n4 | }"


@pytest.mark.parametrize("line", [0, 5, -1])
def test_a_line_that_does_not_exist_gives_nothing(line: int) -> None:
    assert excerpt(FILE, line, 1) == []


def test_the_caret_may_stand_behind_the_end() -> None:
    assert shown("{", 1, 99) == "  |\n1 | {\n  |  ^"


def test_a_long_line_is_cut_around_the_column() -> None:
    line = "a" * 500 + "X" + "b" * 500
    _, text, caret = excerpt(line, 1, 501)
    assert len(text) <= WIDTH + len("1 | ……")
    assert text[caret.index("^")] == "X"
    assert text.startswith("1 | …a")
    assert text.endswith("b…")


def test_control_characters_cannot_reach_the_terminal() -> None:
    assert "\x1b" not in shown('{"a": "\x1b[31m"}', 1, 3)


def test_a_unicode_line_separator_does_not_start_a_line() -> None:
    assert excerpt('{"a\u2028": 1,\n"b": 2}', 2, 1)[1] == '2 | "b": 2}'


TEXT = '{"b": 1,\n "b": 2}\n'


def test_place_excerpt_and_help() -> None:
    found = Diagnostic("RK105", Severity.ERROR, 'duplicate key "b"', "/b", 2, 2, "remove one of the two")
    assert problem(found, source="bad.json", text=TEXT) == (
        'error[RK105]: duplicate key "b"\n'
        "  --> bad.json:2:2 (/b)\n"
        "  |\n"
        '2 |  "b": 2}\n'
        "  |  ^\n"
        "  = help: remove one of the two\n"
    )


def test_standard_input_is_named() -> None:
    found = Diagnostic("RK105", Severity.ERROR, "no JSON", "", 1, 1)
    assert problem(found, source="-", text="x") == "error[RK105]: no JSON\n  --> <stdin>:1:1\n  |\n1 | x\n  | ^\n"


def test_without_any_place() -> None:
    assert problem(Diagnostic("RK901", Severity.ERROR, "torch is missing", help="pip install torch")) == (
        "error[RK901]: torch is missing\n  = help: pip install torch\n"
    )


def test_more_lines_of_message_and_help_are_indented() -> None:
    found = Diagnostic("RK901", Severity.WARNING, "first\nsecond", help="one\ntwo")
    assert problem(found) == "warning[RK901]: first\n  second\n  = help: one\n          two\n"


def test_severity_has_its_colour_and_each_colour_ends() -> None:
    found = Diagnostic("RK901", Severity.ERROR, "message")
    assert problem(found, style=Style(True)) == "\x1b[1;31merror[RK901]\x1b[0m: \x1b[1mmessage\x1b[0m\n"


def test_several_follow_each_other() -> None:
    found = Diagnostic("RK901", Severity.INFO, "m")
    assert problems([found, found]) == "info[RK901]: m\n" * 2
    assert problems([]) == ""
