# ruff: noqa: E501, RUF005
"""Texts that are wrong, hostile or too large: a diagnostic at its place with a remedy, in bounded time, and nothing runs."""

import contextlib
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_convert_formats import TEXTS

from rkblocks.cli import main
from rkblocks.convert import FORMATS, convert
from rkblocks.diagnostics import RkblocksError

FAULTS = {
    "nothing recognisable": ("only words", "RK380", 1, 1),
    "JSON": ('{"A": [[]], "b": ["1"]}', "RK380", 1, 1),
    "an empty file": ("", "RK101", 1, 1),
    "no table": ("stages = 3;", "RK381", 1, 1),
    "several": ("function f()\nA=[0]; b=[1];\nfunction g()\nA=[0]; b=[1];", "RK382", 3, 1),
    "a function": ("A = [0 0; 1 0];\nb = [exp(1) 1];", "RK383", 2, 6),
    "a name of nothing": ("A = [0 0; x 0];\nb = [1 1];", "RK383", 1, 11),
    "a call that would run": ("import os\nA = [[os.system('false')]]\nb = [1]", "RK383", 2, 7),
    "a loop": ("A = zeros(2,2);\nfor i = 2:2\n A(i,i-1) = 1;\nend\nb = [1 1];", "RK383", 3, 4),
    "a change in place": ("A = [0 0; 1 0]; b = [1 1];\nA(2,1) += 1;", "RK383", 2, 8),
    "several names at once": ("A, b = [[0]], [1]\nimport x", "RK383", 1, 13),
    "a range": ("A = [0 0; 1 0]; b = [1 1];\nb = A(1:2);", "RK383", 2, 8),
    "an open bracket": ("A = [0 0; 1 0;\nb = [1 1];", "RK383", 2, 3),
    "an index of no table": ("A[99][0] = 1.0;\ndouble b[1] = {1.0};", "RK384", 1, 3),
    "weights of other stages": ("0 |\n1 | 1\n--+--\n  | 1 2 3\n", "RK384", 4, 1),
    "rows that fit no stage": ("0 |\n1 | 1 2 3\n--+--\n  | 1 2\n", "RK384", 2, 1),
    "a ragged matrix": ("A = [0 0; 1]; b = [1 1];", "RK136", 1, 11),
    "integers in C": ("double A[1][1] = {{0}};\ndouble b[1] = {1/1};", "RK385", 2, 16),
    "two numbers for one": ("A = [0 0; 1 0];\nb = [1 0];\nb = [0 1];", "RK386", 3, 1),
    "two numbers for an element": ("A = [0 0; 1 0];\nA(2,1) = 1; A(2,1) = 2; b = [1 0];", "RK386", 2, 13),
    "numbers left out": ("array([[0, ..., 0]])\narray([1])", "RK387", 1, 12),
    "a common factor": ("A =\n  1.0e+03 *\n 0 0\n 1 0\nb = 1 1\n", "RK387", 2, 1),
    "parts of a matrix": ("A =\n  Columns 1 through 8\n 0 0\n 1 0\nb = 1 1\n", "RK387", 2, 1),
    "a line of another length": (" 0  |\n 1  | 1\n____|_______\n    | 1/2 1/2\n", "RK384", 3, 1),
    "an object's name": ("<nodepy.rk.ExplicitRungeKuttaMethod object at 0x7>", "RK387", 1, 1),
    "division by zero": ("A = [0 0; 1/0 0]; b = [1 1];", "RK207", 1, 11),
    "a leading zero": ("A = [0 0; 01 0]; b = [1 1];", "RK206", 1, 11),
    "too many stages": ("A = zeros(65,65); b = zeros(1,65);", "RK138", 1, 5),
    "a long number": ("x = 1.5;\n" + "x = x*x;\n" * 30 + "A = [x]; b = [1];", "RK212", None, None),
    "a cell of LaTeX": ("\\begin{array}{c|c}0 & \\\\ \\hline & \\pi \\end{array}", "RK383", 1, 35),
    "a cell of CSV": ("A,0,0\nA,x,0\nb,1,1\n", "RK383", 2, 1),
    "an unknown row of CSV": ("A,0\nb,1\nfoo,1\n", "RK383", 3, 1),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_named_at_its_place(case: str) -> None:
    text, code, line, column = FAULTS[case]
    with pytest.raises(RkblocksError) as raised:
        convert(text, "source")
    found = raised.value.diagnostics[0]
    assert (found.code, found.help != "") == (code, True)
    if line is not None:
        assert (found.line, found.column) == (line, column), str(found)
    assert raised.value.status == 2


def test_a_call_names_another_format_or_table() -> None:
    for arguments in ({"form": "fortran"}, {"table": "other"}, {"name": "1 2"}, {"tolerance": "-1"}):
        with pytest.raises(RkblocksError) as raised:
            convert("A = [0]; b = [1];", "x.m", **arguments)
        assert all(d.help for d in raised.value.diagnostics)


LARGE = {
    "words": "x = 1;\n" * 100_000,
    "brackets": "A = " + "[" * 200_000,
    "parentheses": "b = " + "(" * 1000 + "1" + ")" * 1000,
    "signs": "A = [0]; b = [" + "-" * 300_000 + "1]",
    "doubling": "A = [1]; b = [1];\n" + "A = A + A;\n" * 1000,
    "work": "x = zeros(64,64);\n" + "x = x*1;\n" * 20_000 + "A = x; b = [1];",
    "same": "x = zeros(64,64);\n" + "x = array(x);\n" * 60_000 + "A = x; b = [1];",
    "powers": "A = [0]; b = [2^2^2^2^2^2^2^2];",
    "digits": "A = [0]; b = [" + "7" * 500_000 + "];",
    "functions": "function " * 50_000 + "\nA = [0]; b = [1];",
    "quotes": "import x\n" + '"' * 300_001,
    "rows": "1 2 3\n" * 100_000,
    "cells": "\\begin{array}{c}" + "&" * 300_000 + "\\end{array}",
    "begins": "\\begin{array}" * 60_000,
    "rules": "_____|_____\n" * 50_000,
    "commas": "," * 500_000 + "1",
    "braces": "double A[2] = " + "{" * 200_000,
    "tables": "ARK_BUTCHER_TABLE(X, {" * 30_000,
}


@pytest.mark.parametrize("case", LARGE)
def test_what_is_large_takes_bounded_time(case: str) -> None:
    begin = time.process_time()
    with contextlib.suppress(RkblocksError):
        convert(LARGE[case], "large")
    assert time.process_time() - begin < 60  # a bound on growth, not on speed: each is 2^n or n^2 without a bound


PIECES = st.sampled_from(
    [*"Ab=[](){}\n ;,1/*^-'\"&|", "0.5", "1/2", "//", "**", "sqrt(2)", "convert(T, ", "array(", "B->A[1][0]"]
    + ["\\frac{1}{2}", "\\\\", "____|____", "a21", "function f", "def f", "\\begin{array}", "\\end{array}"]
    + ["# name: ", "#stage order", "...", "é", "\x1b[2J", "::error::"]
)  # fmt: skip


def lines_of_a_refusal(text: str, form: str | None) -> list[int]:
    """Where the diagnostics of a text are; nothing where it holds a table. Another error than ours is none of them."""
    try:
        convert(text, "any", form=form)
    except RkblocksError as error:
        return [d.line for d in error.diagnostics if d.line is not None]
    return []


@given(
    st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=200),
    st.sampled_from([None, *(f.name for f in FORMATS)]),
)
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_table_or_a_diagnostic(text: str, form: str | None) -> None:
    assert all(1 <= line <= text.count("\n") + 2 for line in lines_of_a_refusal(text, form))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_text_with_a_piece_changed_is_a_table_or_a_diagnostic(data: st.DataObject) -> None:
    form, _, text = TEXTS[data.draw(st.sampled_from(sorted(TEXTS)))]
    start = data.draw(st.integers(0, len(text)))
    end = min(len(text), start + data.draw(st.integers(0, 8)))
    changed = text[:start] + "".join(data.draw(st.lists(PIECES, max_size=3))) + text[end:]
    lines_of_a_refusal(changed, data.draw(st.sampled_from([None, form])))


def test_nothing_is_executed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mark = tmp_path / "ran"
    source = tmp_path / "evil.py"
    source.write_text(
        f"import os\nA = [[open({str(mark)!r}, 'w').write('x')]]\nb = [eval('1')]\nos.mkdir({str(mark)!r})\n"
    )
    assert main(["convert", str(source)]) == 2
    assert not mark.exists()
    assert "help: " in capsys.readouterr().err
