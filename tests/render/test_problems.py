"""Diagnostics for people, as whole strings."""

from rkblocks.diagnostics import Diagnostic, Severity
from rkblocks.escape import Style
from rkblocks.render.problems import problem, problems

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
