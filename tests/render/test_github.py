"""Workflow commands: the documented escapes, and places only where there is a file."""

from rkblocks.diagnostics import Diagnostic, Severity
from rkblocks.render.machines import annotation


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
