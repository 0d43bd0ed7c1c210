"""What files, names and arguments say is data in whatever a command prints, in every format."""

import contextlib
import io
import json
import re
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
        ["explain"],
        ["check", "--format"],
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
    with a_file("{", name) as path:
        check_in_every_format(path)
        check_in_every_format(str(Path(path).parent))


@cache
def plain_latex() -> list[str]:
    with a_file(SOUND) as path:
        return [line for line in printed("show", path, "--format", "latex").splitlines() if not line.startswith("% ")]


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
        for form in ("text", "json", "latex", "markdown"):
            found = printed("show", path, "--format", form)
            assert_fit(found)
            if form == "latex":  # what the file says stands in comments alone
                code = [line for line in found.splitlines() if not line.startswith("% ")]
                assert code == plain_latex()
        for command in (["compile"], ["compile", "--explain"], ["canonical"]):
            assert_fit(printed(*command, path))
        compile(printed("compile", path), "emitted", "exec")


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
