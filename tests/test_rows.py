"""Rows for pandas: the library, evaluations, studies, as plain values; and reports as dictionaries."""

import json
from pathlib import Path

import torch

import rkblocks

ROOT = Path(__file__).resolve().parent.parent
PLAIN = (str, int, float, bool, type(None))


def test_the_library() -> None:
    rows = rkblocks.rows.library()
    assert len(rows) == len(rkblocks.files.catalog())
    assert len({tuple(row) for row in rows}) == 1
    assert all(isinstance(value, PLAIN) for row in rows for value in row.values())
    ssp3 = next(row for row in rows if row["name"] == "ssp3")
    assert (ssp3["stages"], ssp3["order"], ssp3["C"]) == (3, 3, 1.0)


def test_an_evaluation() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3))
    found = rkblocks.evaluate(
        model, torch.rand(6, 1, 4, 4), torch.arange(6) % 3, preset="quick", dataset="digits", probe=0
    )
    rows = rkblocks.rows.evaluations(found)
    entries = found["runs"][0]["entries"]
    assert [row["accuracy"] for row in rows] == [entry["accuracy"] for entry in entries]
    assert len({tuple(row) for row in rows}) == 1
    assert all(isinstance(value, PLAIN) for row in rows for value in row.values())
    assert rows[0]["eps"] is None
    assert rows[1]["norm"] == "linf"


def test_a_study() -> None:
    content = json.loads((ROOT / "docs/results/digits/results/results.json").read_text())
    rows = rkblocks.rows.study(content)
    assert len(rows) == len(content["entries"])
    assert rows[0]["clean"] == content["entries"][0]["accuracy"]["clean"]
    assert all(isinstance(value, PLAIN) for row in rows for value in row.values())


def test_a_study_shows_its_tables() -> None:
    from rkblocks.study import tables
    from rkblocks.study.results import StudyResults

    content = json.loads((ROOT / "docs/results/digits/results/results.json").read_text())
    found = StudyResults(content)
    assert str(found) == tables.plain(content).rstrip("\n")
    assert found._repr_html_().startswith("<pre>")
    assert json.loads(json.dumps(found)) == content


def test_a_report_is_a_dictionary_and_a_formula(tmp_path: Path) -> None:
    report = rkblocks.check("ssp3")
    assert json.loads(json.dumps(report.to_dict()))["order"]["value"] == 3
    assert report._repr_latex_() == r"$$p = 3,\quad C = 1,\quad \rho = 1,\quad \text{growth} = \tfrac{29}{18}$$"
    assert r"\approx 6.78529" in rkblocks.check("ssprk103")._repr_latex_()
    (tmp_path / "none.json").write_text("{")
    assert rkblocks.check(tmp_path / "none.json")._repr_latex_() == "$$$$"
