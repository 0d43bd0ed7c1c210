"""Text of others, made fit for each format: by property, and by a reader of that format."""

import ast
import csv
import html.parser
import io
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rkblocks import escape
from rkblocks.diagnostics import Diagnostic, RkblocksError, Severity

PIECES = (
    *("\x1b[31m", "\x1b]0;title\x07", "\x9b2J", "\n", "\r", "\t", "\x7f", "\u2028", "\u202e", "\u2066", "\u200f"),
    *("\ud800", "::error::x", " ::set-output name=a::b", "##[error]x", "##vso[task.x]", "%0A", "\U000e0001"),
    *("<script>", "&lt;", "]]>", "--", '"', "'", "\\", "\\input{x}", "$x$", "_", "|", "`", "[a](b)", "=1+1", "@x"),
    *("é", "½", "日本"),
)
HOSTILE = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=6).map("".join)


def assert_fit(text: str) -> None:
    """No character that is not printable but the end of a line, and no line that is a command to a log."""
    for line in text.split("\n"):
        assert line.isprintable(), repr(line)
        assert not line.lstrip().startswith("::"), line
        assert not re.search(r"##[a-z]*\[", line), line


@given(HOSTILE)
@example("::a\n ::b")
@example("###[x")
def test_lines_are_fit_for_a_log(text: str) -> None:
    found = escape.lines(text)
    assert_fit(found)
    assert escape.lines(found) == found
    assert found.count("\n") == text.count("\n")


@given(HOSTILE)
def test_a_line_is_one_and_printable(text: str) -> None:
    found = escape.line(text)
    assert found.isprintable()
    assert escape.line(found) == found


@given(st.text(alphabet=st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), max_size=20))
def test_what_is_fit_stays(text: str) -> None:
    assert escape.line(text) == text


@given(HOSTILE)
def test_colours_alone_get_through(text: str) -> None:
    found = escape.coloured(f"\x1b[1;31m{escape.line(text)}\x1b[0m\n{text}")
    assert found.startswith("\x1b[1;31m")
    assert_fit(re.sub("\x1b\\[[0-9;]*m", "x", found))


@given(HOSTILE)
def test_workflow_data_is_one_line_that_decodes(text: str) -> None:
    found = escape.workflow(text)
    assert found.isprintable()
    decoded = found.replace("%0A", "\n").replace("%25", "%")
    assert decoded == "\n".join(map(escape.line, text.split("\n")))


class Texts(html.parser.HTMLParser):
    """Collects the text and the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.tags = "", []

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))


@given(HOSTILE)
def test_html_reads_back_as_text_and_as_attribute(text: str) -> None:
    page = Texts()
    page.feed(f'<p title="{escape.html(text)}">{escape.html(text)}</p>')
    page.close()
    assert page.text == escape.line(text)
    assert page.tags == [("p", [("title", escape.line(text))])]


@given(HOSTILE)
def test_markdown_escapes_every_sign_once(text: str) -> None:
    found = escape.markdown(text)
    assert found.isprintable()
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]<>|$~]", found)
    assert re.sub(r"\\(.)", r"\1", found) == escape.line(text)


@given(HOSTILE)
def test_latex_has_no_command_of_the_text(text: str) -> None:
    found = escape.latex(text)
    rest = re.sub(r"\\(textbackslash|textasciicircum|textasciitilde)\{\}|\\[&%$#_{}]", "", found)
    assert not set(rest) & set("\\&%$#_{}^~")


@given(st.lists(HOSTILE, min_size=1, max_size=4))
def test_csv_reads_back_and_computes_nothing(texts: list[str]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(map(escape.cell, texts))
    (row,) = csv.reader(io.StringIO(out.getvalue())) if any(texts) else [texts]
    assert [cell.removeprefix("'") for cell in row] == [escape.line(text).removeprefix("'") for text in texts]
    assert not any(cell.startswith(("=", "+", "@")) for cell in row)
    assert [escape.cell(value) for value in (-1.5, 3, None, "-1.5", "-", "-x")] == [-1.5, 3, None, "-1.5", "-", "'-x"]


@given(HOSTILE)
def test_a_file_name_is_one_part_of_a_path(text: str) -> None:
    found = escape.filename(text)
    assert re.fullmatch(r"[\w.+-]*", found)
    assert not found.startswith((".", "-"))


@given(HOSTILE, HOSTILE, HOSTILE)
def test_an_error_is_fit_when_python_prints_it(message: str, help: str, source: str) -> None:
    assert_fit(str(RkblocksError([Diagnostic("RK201", Severity.ERROR, message, help=help)], source)))


def test_nothing_below_the_command_line_prints() -> None:
    """But for the progress of a training that was asked for; the library logs. `sys.stdout` is the command line's."""
    package = Path(escape.__file__).parent
    found = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "sys.stdout.write", "sys.stderr.write")
    }
    assert found == {"codes/__main__.py", "training/progress.py"}


def test_the_log_is_silent_until_it_is_listened_to() -> None:
    code = "import rkblocks, logging; logging.getLogger('rkblocks.x').warning('said')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_the_command_line_shows_the_log_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    from rkblocks.cli.shield import guarded

    before = list(logging.getLogger("rkblocks").handlers)
    assert guarded(lambda: logging.getLogger("rkblocks.x").info("waiting\n::error::x\x1b[2J")) == 0
    assert capsys.readouterr().err == "waiting\n\\u003a:error::x\\u001b[2J\n"
    assert logging.getLogger("rkblocks").handlers == before
