"""Diagnostics and the errors that carry them."""

import copy
import json
import pickle

import pytest

from rkblocks.diagnostics import Diagnostic, RkblocksError, Severity, TableauError, diagnostic, fail, typed


def test_severity_comes_from_the_code_unless_said_otherwise() -> None:
    assert diagnostic("RK105", "twice").severity is Severity.ERROR
    assert diagnostic("RK104", "mark").severity is Severity.WARNING
    assert diagnostic("RK199", "more").severity is Severity.INFO
    assert diagnostic("RK105", "twice", severity="warning").severity is Severity.WARNING


def test_a_code_without_a_file_is_a_mistake_of_ours() -> None:
    with pytest.raises(LookupError):
        diagnostic("RK000", "nothing")


def test_the_object_of_the_report() -> None:
    found = diagnostic("RK207", "division by zero", path="/b/0", line=3, column=9, help="do not")
    assert json.loads(json.dumps(found.to_dict())) == {
        "code": "RK207",
        "severity": "error",
        "message": "division by zero",
        "path": "/b/0",
        "line": 3,
        "column": 9,
        "help": "do not",
    }
    assert str(found) == "line 3, column 9: error RK207: division by zero\n  help: do not"
    assert str(diagnostic("RK001", "no file")) == "error RK001: no file"


def test_status_is_that_of_the_worst_error() -> None:
    unread, unfit = diagnostic("RK207", "unread"), diagnostic("RK304", "unfit")
    warning = diagnostic("RK104", "warning")
    assert (unread.status, unfit.status, warning.status) == (2, 1, 0)
    assert RkblocksError([unfit]).status == 1
    assert RkblocksError([unfit, unread, warning]).status == 2
    assert RkblocksError([]).status == RkblocksError([warning]).status == 1  # raising is a failure in any case


def test_fail_raises_one_error_whatever_the_severity_of_the_code() -> None:
    with pytest.raises(RkblocksError) as raised:
        fail("RK104", "a mark", help="remove it", source="a.json")
    (found,) = raised.value.diagnostics
    assert (found.code, found.severity, found.help) == ("RK104", Severity.ERROR, "remove it")
    assert str(raised.value) == "a.json: error RK104: a mark\n  help: remove it"


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_an_error_survives_copying_and_worker_processes(again) -> None:
    error = TableauError([diagnostic("RK207", "zero", line=1, column=2)], "a.json")
    twin = again(error)
    assert type(twin) is TableauError
    assert (twin.diagnostics, twin.source, str(twin)) == (error.diagnostics, "a.json", str(error))


def test_diagnostics_are_values() -> None:
    assert diagnostic("RK207", "zero") == Diagnostic("RK207", Severity.ERROR, "zero")
    assert len({diagnostic("RK207", "zero"), diagnostic("RK207", "zero")}) == 1


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("3", "'3', a str"),
        (None, "None, a NoneType"),
        (True, "True, a bool"),
        (2.0, "2.0, a float"),
        ([1] * 100, f"{repr([1] * 100)[:59]}…, a list"),
        (int, "the class int"),
        (object(), "an object"),
    ],
)
def test_an_argument_of_another_type_is_named_with_what_it_is(value: object, found: str) -> None:
    table = {"steps": ((int,), "a whole number"), "name": ((str,), "a text")}
    typed({"name": "x", "steps": 3}, table)
    with pytest.raises(RkblocksError) as caught:
        typed({"name": "x", "steps": value}, table)
    (one,) = caught.value.diagnostics
    assert (one.code, one.message) == ("RK822", f"steps is {found}; expected a whole number")
    assert one.help == "give steps as a whole number"
    typed({"steps": True}, {"steps": ((int, bool), "a whole number or a flag")})
