"""The excerpt shows one line and puts the caret below the right character."""

import pytest

from rkblocks.render.problems import WIDTH, excerpt

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
