"""What files, names and arguments say is data in whatever a command prints, in every format."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_escape import HOSTILE, PIECES, Texts, assert_fit

from rkblocks.cli import main
from rkblocks.cli.shield import BROKEN_PIPE

MATLAB = "A = [0 0; 1 0]; b = [1/2 1/2];"
PRINTABLE = HOSTILE.map(lambda text: "".join(c for c in text if c.isprintable()))
"""Hostile text that a tableau file may hold as a title."""
SOUND = {"name": "x", "A": [[], ["1"]], "b": ["1/2", "1/2"]}


def printed(*arguments: str) -> str:
    """Everything that a command line prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        assert main(arguments) in (0, 1, 2)
    assert "RK999" not in out.getvalue()
    return out.getvalue()


@contextlib.contextmanager
def a_file(content: object, name: str = "x.json") -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        yield str(path)


def assert_annotations(text: str) -> None:
    for line in text.splitlines():
        assert line.isprintable()
        assert re.match(r"::(error|warning|notice) (file=[^,:]*,)?(line=\d+,)?(col=\d+,)?title=RK\d{3}::", line), line


def check_in_every_format(path: str) -> None:
    assert_fit(printed("check", path))
    assert_fit(printed("check", path, "-v"))
    found = printed("check", path, "--format", "json")
    assert_fit(found)
    json.loads(found)
    assert_annotations(printed("check", path, "--format", "github"))


@given(
    HOSTILE, st.sampled_from(["key", "name", "title", "aliases", "references", "entry", "parameter", "claim", "text"])
)
@settings(max_examples=60, deadline=None)
@example("\x1b[2J\x1b]0;pwned\x07\n::error::injected", "key")
def test_check_of_a_hostile_file(text: str, place: str) -> None:
    content: Any = dict(SOUND)
    if place == "text":
        content = text
    elif place == "key":
        content[text or "k"] = 1
    elif place in ("aliases", "references"):
        content[place] = [text]
    elif place == "entry":
        content["b"] = ["1/2", text]
    elif place == "parameter":
        content["parameters"] = {text: {"domain": ["0", "1"], "init": text, text: text}}
    elif place == "claim":
        content["claims"] = {"order": text, "ssp": text, text: "1"}
    else:
        content[place] = text
    content = content if isinstance(content, str) else json.dumps(content)
    with a_file(content.encode("utf-8", "replace").decode()) as path:
        check_in_every_format(path)


@given(HOSTILE)
@settings(max_examples=25, deadline=None)
def test_arguments_are_data(text: str) -> None:
    text = text.replace("\ud800", "") or "x"
    for command in (
        ["check"],
        ["show"],
        ["canonical"],
        ["compile"],
        ["convert"],
        ["explain"],
        ["check", "--format"],
        ["show", "ssp3", "--format"],
        ["show", "ssp3", "--figure"],
        ["runs"],
        [],
        ["list", "--order"],
    ):
        assert_fit(printed(*command, "--", text) if command and len(command) == 1 else printed(*command, text))
    assert_annotations(printed("check", "--format", "github", "--", text))


@given(HOSTILE)
@settings(max_examples=25, deadline=None)
def test_names_of_files_are_data(text: str) -> None:
    name = "".join(c for c in text if c not in "/\0\ud800")[:40] + ".json"
    with a_file(SOUND, name) as path:
        check_in_every_format(path)
        assert_fit(printed("show", path))
        assert_fit(printed("canonical", path, "-o", f"{path}.out"))
    with a_file(MATLAB, name) as path:
        assert_fit(printed("convert", path))
        assert_fit(printed("convert", path, "-o", f"{path}.out"))
    with a_file("{", name) as path:
        check_in_every_format(path)
        check_in_every_format(str(Path(path).parent))


COMMENTS = {"latex": "% ", "python": "# ", "julia": "# ", "matlab": "% ", "c": "// ", "csv": "\0"}
"""What begins a line that says what the file says; CSV has none."""


def code_of(path: str, form: str) -> list[str]:
    """The lines of `show` that are no comments."""
    found = printed("show", path, "--format", form)
    assert_fit(found)
    return [line for line in found.splitlines() if not line.startswith(COMMENTS[form])]


@cache
def plain_code(form: str) -> list[str]:
    with a_file(SOUND) as path:
        return code_of(path, form)


@given(PRINTABLE, PRINTABLE)
@settings(max_examples=40, deadline=None)
@example("::error::x", " ::error::y")
@example("\\input{x}", "\\end{document}")
def test_every_form_of_a_scheme(title: str, reference: str) -> None:
    content = SOUND | {"title": title, "references": [reference], "aliases": [title]}
    content = {key: value for key, value in content.items() if value and value != [""] and str(value).strip(" []'")}
    with a_file(content) as path:
        if "RK140" in printed("check", path):  # nothing but blanks
            return
        check_in_every_format(path)
        for form in ("text", "json", "markdown"):
            assert_fit(printed("show", path, "--format", form))
        for form in COMMENTS:  # what the file says stands in comments alone
            assert code_of(path, form) == plain_code(form)
        for command in (["compile"], ["compile", "--explain"], ["canonical"]):
            assert_fit(printed(*command, path))
        compile(printed("compile", path), "emitted", "exec")


def test_a_figure_of_a_hostile_file(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    text = "".join(c for c in "".join(PIECES) if c.isprintable() and c != "/")
    path = tmp_path / f"{text[:60]}.json"
    path.write_text(json.dumps(SOUND | {"title": text}))
    for figure in ("stability", "monotonicity"):
        found = printed("show", str(path), "--figure", figure, "-o", f"{path}.svg")
        assert_fit(found)
        assert found.startswith("wrote ")
    assert_fit(printed("show", str(path), "--figure", "region", "-o", f"{path}.svg"))


TABLES = {
    "MATLAB": "% {0}\n" + MATLAB,
    "a name": "function {0}()\n" + MATLAB,
    "an entry": "A = [0 0; {0} 0]; b = [1/2 1/2];",
    "C": "/* {0} */ double A[2][2] = {{{{0, 0}}, {{1, 0}}}}; double b[2] = {{0.5, 0.5}};",
    "a cell": "0 |\n1 | {0}\n--+--\n  | 1/2 1/2\n",
    "CSV": "A,0,0\nA,1,0\nb,1/2,{0}\n",
    "LaTeX": "\\begin{{array}}{{c|cc}}0 & & \\\\ 1 & 1 & \\\\ \\hline & {0} & 1 \\end{{array}}",
    "all of it": "{0}",
}


@given(HOSTILE, st.sampled_from(sorted(TABLES)), st.sampled_from(["--from", "--table", "--name", "--tolerance"]))
@settings(max_examples=60, deadline=None)
@example("\x1b[2J\x1b]0;pwned\x07\n::error::injected", "MATLAB", "--name")
def test_convert_of_a_hostile_table(text: str, place: str, option: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    with a_file(TABLES[place].format(text)) as path:
        assert_fit(printed("convert", path))
        found = printed("convert", path, option, text)
        assert_fit(found)
        if place == "MATLAB" and option == "--name" and found.startswith("{"):
            written, _ = json.JSONDecoder().raw_decode(found)
            assert written["A"] == [["0", "0"], ["1", "0"]]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 1000,
        b"\xff\xfe" + "A = [0]; b = [1]".encode("utf-16-le"),
        bytes(range(256)),
        b"A = [0];\r b = [1];",
    ],
    ids=["empty", "zeros", "utf-16", "every byte", "carriage returns"],
)
def test_convert_and_show_of_bytes_that_are_no_text(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(content)
    for command in ("convert", "show"):
        assert_fit(printed(command, str(path)))
        assert_fit(printed(command, str(tmp_path)))  # a folder
        assert_fit(printed(command, str(path / "y.txt")))  # below a file


@pytest.mark.parametrize(
    "text",
    [
        "A = [" + "0 " * 400_000 + "]; b = [1];",
        "A = [" + "9" * 400_000 + "]; b = [1];",
        "A = " + "(" * 100_000 + "1" + ")" * 100_000 + "; b = [1];",
        "A = " + "[" * 100_000 + "]" * 100_000 + "; b = [1];",
        "\n".join(f"x{k} = {k};" for k in range(50_000)) + "\nA = [0]; b = [1];",
        "% " + "x" * 3_000_000 + "\nA = [0]; b = [1];",
        "A = [0]; b = [2^2^2^2^2^2^2^2];",
        "A = [0]; b = [1e999999999];",
    ],
    ids=["numbers", "digits", "parentheses", "brackets", "names", "a comment", "powers", "an exponent"],
)
def test_convert_of_huge_input_ends(text: str) -> None:
    with a_file(text, "x.m") as path:
        found = printed("convert", path)
        assert_fit(found)
        assert len(found) < 20_000
        assert_fit(printed("show", path))


@pytest.mark.parametrize(
    "command", [["convert", "-", "--from", "matlab"], ["show", "ssp3"], ["show", "ssp3", "--format", "c"]]
)
def test_a_reader_that_leaves_hears_nothing(command: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "rkblocks", *command], input=MATLAB, text=True, stdout=write, stderr=subprocess.PIPE
    )
    os.close(write)
    assert done.returncode == BROKEN_PIPE
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder of two runs whose names, settings and files are hostile."""
    hostile = "".join(PIECES).replace("\ud800", "").replace("/", "").replace("\n", "\r\n")
    for number in (1, 2):
        run = tmp_path / f"::error::{hostile[:80]}{number}"
        run.mkdir()
        text = json.dumps(hostile)
        (run / "config.toml").write_text(
            f"[net]\nblocks = [{text}]\n[data]\nname = {text}\n[training]\nmethod = {text}\nseed = {number}\n"
        )
        (run / "run.json").write_text("{}")
        (run / "metrics.jsonl").write_text("nonsense\n")
    return tmp_path


def test_the_listing_of_runs(runs: Path) -> None:
    for options in ([], ["--compare"], ["--sort", "blocks"], ["--compare", "--format", "json"]):
        found = printed("runs", str(runs), *options)
        assert_fit(found)
        assert "error" in found


def page_of(text: str) -> str:
    from rkblocks.report import elements, page

    body = [
        elements.paragraph(text),
        elements.table(text, ["a", text], [[text, 1.0], ["b", elements.Mark(text, good=True)]], (1,)),
        elements.listed([(text, text)]),
        elements.folded(text, ""),
        elements.image("<svg/>", text, text),
        elements.Section("id", text, "").html(),
    ]
    return page.page(text, "\n".join(body))


def tags_of(page: str) -> list[str]:
    found = Texts()
    found.feed(page)
    found.close()
    return [tag for tag, _ in found.tags]


@given(HOSTILE)
@settings(max_examples=30, deadline=None)
def test_the_page_of_a_report(text: str) -> None:
    found = page_of(text)
    assert tags_of(found) == tags_of(page_of("x"))
    assert all(line.isprintable() for line in found.split("\n"))


@given(HOSTILE)
@settings(max_examples=15, deadline=None)
def test_the_tables_of_an_analysis(text: str) -> None:
    import csv

    from rkblocks.analysis.save import table

    found = table([{"run": text, "value": 1.5}])
    rows = list(csv.reader(io.StringIO(found)))
    assert len(rows) == 2
    assert rows[1][0].isprintable()
    assert not rows[1][0].startswith(("=", "+", "@"))


@given(HOSTILE)
@settings(max_examples=15, deadline=None)
def test_a_figure_is_drawn_whatever_its_labels_say(text: str) -> None:
    from xml.etree import ElementTree

    pytest.importorskip("matplotlib")
    from rkblocks.figures import style

    figure, [[axis]] = style.new()
    axis.plot([0, 1], [0, 1], label=f"x{text}")
    axis.set_title(text)
    axis.set_xticks([0], [style.fit(text)])
    axis.legend()
    found = style.as_svg(figure)
    ElementTree.fromstring(found)
    assert all(line.isprintable() for line in found.split("\n"))


class Keeps:
    """A reporter that does nothing."""

    def say(self, text: str) -> None: ...
    def step(self, epoch: int, step: int, steps: int) -> None: ...
    def epoch(self, metrics: Mapping[str, Any], epochs: int, seconds_left: float) -> None: ...


def test_tags_of_tensorboard_are_metrics_of_ours(tmp_path: Path) -> None:
    """What a folder of images calls its classes is no part of a tag; what else a metric is called is made fit."""
    pytest.importorskip("tensorboard")
    from rkblocks.training.progress import Board

    board = Board(Keeps(), tmp_path, 0)
    seen: list[str] = []
    board.writer.add_scalar = lambda tag, value, step: seen.append(tag)
    board.epoch({"epoch": 1, "train_loss": 0.5, "a\x1b[2J\n::error::b": 1.0}, 1, 0.0)
    board.writer.close()
    assert seen == ["train_loss", r"a\u001b[2J\u000a::error::b"]
