"""The report as a browser reads it: well formed, complete in itself, accessible, small, and the same every time."""

import base64
import copy
import json
import os
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from rkblocks.diagnostics import RkblocksError
from rkblocks.report import told_apart, write_run, write_runs
from rkblocks.report.elements import Accuracy, Mark, norm, number, table
from rkblocks.report.sections import SECTIONS

VOID = {"meta", "link", "img", "br", "hr", "input"}
LOADING = ("src", "href", "srcset", "data", "action", "poster", "background")


class Page(HTMLParser):
    """Reads a page and keeps what the tests ask for; a tag that is closed out of order is an error."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.loads, self.images, self.links, self.headings, self.text = [], [], [], [], [], [], []
        self.labels, self.tables = [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in found:
            self.ids.append(found["id"])
        self.labels += [found["aria-labelledby"]] if "aria-labelledby" in found else []
        self.loads += [found[name] for name in LOADING if name in found]
        if tag == "img":
            self.images.append(found)
        if tag == "a":
            self.links.append(found["href"])
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append(0)
        if tag in ("td", "th"):
            self.tables[-1][-1] += 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def check(text):
    """Return the page, after what holds for every report."""
    page = Page(text)
    assert text.startswith("<!DOCTYPE html>")
    assert len(set(page.ids)) == len(page.ids)
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert set(page.labels) <= set(page.ids)
    for value in page.loads:
        assert value.startswith(("#", "data:")), value
    assert not re.search(r"url\(|@import|<script|<iframe", text)
    assert all(image["alt"].strip() for image in page.images)
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert all(len(set(rows)) == 1 for rows in page.tables), "rows of a table have equally many cells"
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text
    return page


@pytest.fixture(scope="module")
def written(analysed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return write_run(analysed, folder)


def test_the_report_of_a_run(written, analysed):
    text = written.read_text(encoding="utf-8")
    page = check(text)
    assert written.stat().st_size < 3_000_000
    assert set(SECTIONS) - {"certificate"} | {"summary", "accuracy", "about"} == set(page.ids)
    names = {path.stem for path in written.parent.glob("*.svg")}
    assert names == {"growth-groups", "growth", "variance", "variation", "lemma1", "lipschitz", "surface", "examples"}
    assert {path.stem for path in written.parent.glob("*.png")} == names
    assert len(page.images) == len(names)
    words = "".join(page.text)
    assert "runs/a<b>&c" in words
    assert {"group 1, block 1", "group 2, block 1", "group 1"} <= set(page.text)
    assert "p = ∞" in words
    assert not re.search(r"(?<!x)groups\.0|p = inf", words)
    assert "a<b>" not in text
    for verdict in analysed["verdicts"]:
        assert verdict["sentence"] in words
    assert analysed["weights"] in words


def test_the_images_of_a_report_are_the_figures_beside_it(written):
    page = Page(written.read_text(encoding="utf-8"))
    drawn = [base64.b64decode(image["src"].removeprefix("data:image/svg+xml;base64,")) for image in page.images]
    files = {path.read_bytes() for path in written.parent.glob("*.svg")}
    assert set(drawn) == files
    for svg in drawn:
        root = ElementTree.fromstring(svg)
        loads = [value for item in root.iter() for key, value in item.attrib.items() if key.endswith("href")]
        assert all(value.startswith(("#", "data:")) for value in loads)


def test_the_report_is_the_same_every_time(written, analysed, tmp_path):
    part = copy.deepcopy(analysed)
    part["analyses"] = {name: part["analyses"][name] for name in ("lemma1", "lipschitz", "surface")}
    first = write_run(part | {"growth": {}}, tmp_path / "a")
    again = write_run(json.loads(json.dumps(part)) | {"growth": {}}, tmp_path / "b")
    assert again.read_bytes() == first.read_bytes()
    images = Page(written.read_text()).images
    assert {image["src"] for image in Page(first.read_text()).images} <= {image["src"] for image in images}


def test_without_figures_the_tables_stay(analysed, tmp_path):
    page = check(write_run(analysed, tmp_path, draw=False).read_text())
    assert page.images == []
    assert not list(tmp_path.rglob("*.svg"))
    assert len(page.tables) > 8


def test_only_what_was_measured_has_a_section(analysed, tmp_path):
    part = copy.deepcopy(analysed)
    part["analyses"] = {"variation": part["analyses"]["variation"]}
    part["growth"], part["verdicts"] = {}, []
    page = check(write_run(part, tmp_path).read_text())
    assert set(page.ids) == {"summary", "accuracy", "variation", "about"}


ENTRY = {
    "attack": "pgd",
    "definition": "final",
    "n": 10,
    "accuracy": 0.4,
    "interval": [0.1, 0.7],
    "seed": 0,
    "weights": "",
}
SAVED = {
    "entries": [
        ENTRY | {"attack": "clean", "threat": None, "accuracy": 0.9},
        ENTRY | {"threat": {"norm": "linf", "eps": "1/10", "steps": 20, "restarts": 5, "loss": "margin"}},
    ],
    "health": [
        {"check": "reachability", "ok": True, "figure": "1/2 >= 1/10", "advice": ""},
        {"check": "noise is weaker", "ok": False, "figure": "0.4 < 0.5", "advice": "use <more> steps"},
    ],
}


def saved_of(weights):
    """An evaluation of the weights with this hash."""
    return SAVED | {"entries": [entry | {"weights": weights} for entry in SAVED["entries"]]}


def test_evaluations_and_their_health_are_shown_and_unreadable_files_named(analysed, tmp_path):
    folder = tmp_path / "evaluations"
    folder.mkdir()
    (folder / "quick.json").write_text(json.dumps(saved_of(analysed["weights"])))
    (folder / "broken.json").write_text("{")
    (folder / "list.json").write_text("[1, 2]")
    (folder / "other.json").write_text('{"entries": [{"attack": 3}]}')
    text = write_run(analysed, tmp_path, draw=False).read_text()
    words = "".join(check(text).text)
    for expected in ("pgd-20 x5 margin", "0.1000 to 0.7000", "1 of 2 checks failed.", "FAILED", "use <more> steps"):
        assert expected in words
    for name in ("broken.json", "list.json", "other.json"):
        assert f"{name} is left out" in words


def test_the_summary_says_recipe_size_and_verdict(analysed, tmp_path):
    (tmp_path / "evaluations").mkdir()
    (tmp_path / "evaluations" / "quick.json").write_text(json.dumps(saved_of(analysed["weights"])))
    (tmp_path / "config.toml").write_text(
        '[training]\nmethod = "adversarial"\nepochs = 3\nseed = 7\n[optimizer]\nname = "sgd"\n[net]\nblocks = ["ark"]\n'
    )
    lines = [{"epoch": k, "train_loss": 1.5 / k, "validation_clean": 0.2 * k} for k in (1, 2)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    record = {
        "groups": ["tableaus/a.json"],
        "tableaus": {"tableaus/a.json": "0" * 64},
        "data": {"shape": [3, 8, 8], "classes": ["x"]},
        "mean": None,
        "std": None,
        "parameters": 12345,
    }
    (tmp_path / "run.json").write_text(json.dumps(record))
    part = copy.deepcopy(analysed)
    part["analyses"], part["growth"] = {"lemma1": part["analyses"]["lemma1"]}, {}
    text = write_run(part, tmp_path).read_text()
    page = check(text)
    covered = [one["verdict"] for one in analysed["verdicts"]].count("covered")
    assert (
        "clean accuracy 0.9000; at most 0.4000 under attack; not to be relied on, by the health report: noise is "
        f"weaker; the SSP coefficient covers the step of {covered} of 2 blocks." in page.text
    )
    certified = {"proved": True, "attacked": 0.9, "clean": 0.9, "refuted": 0, "n": 8}
    part["analyses"]["certificate"] = [{"eps": 0.1 * k, "certified": 1 - 0.3 * k, **certified} for k in (1, 2)]
    found = check(write_run(part, tmp_path, draw=False).read_text())
    assert "; certified 0.7000 at eps 0.1 in l2; " in "".join(found.text)  # the largest radius at which most are
    part["analyses"].pop("certificate")
    assert "adversarial training, sgd, epochs 2/3, seed 7" in page.text
    assert "12,345" in page.text
    assert page.ids.index("summary") < page.ids.index("accuracy")
    assert (tmp_path / "analysis" / "training.svg").is_file()
    assert len(page.images) == 2
    bare = check(write_run(part, tmp_path / "none", draw=False).read_text())
    assert "recipe" not in bare.text
    assert any(line.startswith("not evaluated yet; the SSP") for line in bare.text)


def test_the_report_of_several_runs(analysed, tmp_path):
    other = copy.deepcopy(analysed) | {"run": "runs/other", "blocks": "euler"}
    (tmp_path / "evaluations").mkdir()
    (tmp_path / "evaluations" / "quick.json").write_text(json.dumps(saved_of(analysed["weights"])))
    path = write_runs([(analysed, tmp_path), (other, tmp_path / "none")], tmp_path / "all.html")
    page = check(path.read_text())
    assert {"comparison", "run1", "run2", "run1-lemma1", "run2-lemma1", "run2-accuracy"} <= set(page.ids)
    assert len(page.images) == 2
    assert page.tables[0] == [9, 9, 9]
    words = "".join(page.text)
    assert "runs/other (euler)" in words
    assert "0.9000" in page.text


def test_evaluations_of_other_weights_are_left_out_and_the_others_in_order(analysed, tmp_path):
    folder = tmp_path / "evaluations"
    folder.mkdir()
    ours = ["z-first", "quick-seed0-2", "quick-seed0-10"]
    for time, name in zip((1, 2, 2), ours, strict=True):
        (folder / f"{name}.json").write_text(json.dumps(saved_of(analysed["weights"])))
        os.utime(folder / f"{name}.json", (time, time))
    (folder / "a.json").write_text(json.dumps(saved_of("another")))
    text = write_run(analysed, tmp_path, draw=False).read_text()
    assert re.findall(r"<figcaption>Accuracy, evaluation ([^<]*)<", text) == ours
    assert "1 evaluation of other weights is left out" in text
    (folder / "b.json").write_text(json.dumps(SAVED))  # says nothing of its weights
    assert "2 evaluations of other weights are left out" in write_run(analysed, tmp_path, draw=False).read_text()


def test_runs_on_different_data_are_not_averaged(analysed):
    other = copy.deepcopy(analysed)
    assert [run["blocks"] for run in told_apart([analysed, other])] == ["ark,ssp2", "ark,ssp2"]
    other["data"]["name"] = "mnist"
    assert [run["blocks"] for run in told_apart([analysed, other])] == ["ark,ssp2, digits", "ark,ssp2, mnist"]


def test_a_report_that_cannot_be_written_is_named(analysed, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RkblocksError) as caught:
        write_runs([(analysed, tmp_path)], tmp_path / "file" / "x.html", draw=False)
    assert [found.code for found in caught.value.diagnostics] == ["RK824"]


def test_cells():
    assert [norm(p) for p in (1, 2, "inf", None)] == ["1", "2", "∞", "–"]
    assert [number(Accuracy(v)) for v in (1, 0.98, 0.93333)] == ["1.0000", "0.9800", "0.9333"]
    assert [number(v) for v in (None, 1.23456, 3, float("inf"), "inf", "x")] == [
        "–",
        "1.235",
        "3",
        "unbounded",
        "unbounded",
        "x",
    ]
    text = table("A & B", ("name", "n", "w"), [("<x>", 1.0, Mark("bad", False))], words=(2,))
    assert "<figcaption>A &amp; B</figcaption>" in text
    assert '<th scope="row">&lt;x&gt;</th><td class="number">1</td><td><span class="bad">bad</span></td>' in text
