"""The commands of the core: what they print, where, and with which status."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rkblocks.cli import main

Run = Callable[..., tuple[int, str, str]]

HEUN = '{"name": "mine", "alpha": [["1"], ["1/2", "1/2"]], "beta": [["1"], ["0", "1/2"]], "claims": {"order": 2}}'


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process: status, standard output, standard error."""

    def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(arguments)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return status, out, err

    return command


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_list_names_the_papers_schemes(run: Run) -> None:
    status, out, _ = run("list")
    names = [line.split()[0] for line in out.splitlines()]
    assert status == 0
    assert {"euler", "midpoint", "ssp2", "ssp3", "ark"} <= set(names)
    _, text, _ = run("list", "--format", "json")
    found = json.loads(text)
    assert [entry["name"] for entry in found["tableaus"]] == names[1:]


def test_list_filters_and_sorts(run: Run) -> None:
    _, text, _ = run("list", "--order", "3+", "--stages", "4-5", "--ssp", "--sort", "C/stages", "--reverse")
    head, *rows = text.splitlines()
    assert head.split() == ["name", "stages", "order", "C", "C/stages", "rho", "growth", "title"]
    assert rows[0].split()[:5] == ["ssprk53", "5", "3", "2.6506", "0.53013"]
    assert "ssprk43" in {row.split()[0] for row in rows}
    shares = [float(row.split()[4]) for row in rows]
    assert shares == sorted(shares, reverse=True)
    _, text, _ = run("list", "--sort", "rho", "--reverse", "--format", "json")
    radii = [entry["rho"] for entry in json.loads(text)["tableaus"] if entry["rho"] is not None]
    assert radii == sorted(radii, reverse=True)
    assert len(radii) > 100
    _, text, _ = run("list", "--family", "--format", "json")
    families = json.loads(text)["tableaus"]
    assert "ark" in {entry["name"] for entry in families}
    assert all(entry["parameters"] for entry in families)
    assert run("list", "--ssp", "--stages", "2")[2] == (
        "not listed, for want of a claim: ark, ark_free, ark_mnist, ark_ssp_half, ark_ssp_wide, rk22_family; "
        "rkblocks check NAME says what holds for which parameters\n"
    )
    assert run("list", "--stages", "2")[2] == ""
    assert run("list", "--order", "2", "--stages", "2")[2].startswith("not listed, for want of a claim: ark_free; ")
    status, out, err = run("list", "--order", "99", "--stages", "1")
    assert (status, len(out.splitlines()), err) == (0, 1, "no scheme of the library fits\n")
    assert run("list", "--order", "three")[0] == 2


def test_show_draws_the_scheme(run: Run) -> None:
    status, out, _ = run("show", "ssp2")
    assert status == 0
    assert "  result = 1/2 x + 1/2 u1 + 1/2 dt F(u1)\n" in out
    assert "  0 |\n  1 | 1\n  --+---------\n    | 1/2  1/2\n" in out


def test_show_writes_a_file_that_checks(run: Run, folder: Path) -> None:
    _, out, _ = run("show", "ark", "--format", "json")
    (folder / "copy.json").write_text(out)
    assert run("check", "copy.json")[0] == 0


def test_check_of_a_sound_file(run: Run, folder: Path) -> None:
    (folder / "mine.json").write_text(HEUN)
    status, out, err = run("check", "mine.json")
    assert (status, err) == (0, "")
    assert out.startswith("mine: sound  mine.json\n  stages    2\n  order     2, exactly\n")


def test_check_takes_a_folder_and_counts(run: Run, folder: Path) -> None:
    (folder / "a.json").write_text(HEUN)
    (folder / "b.json").write_text(HEUN.replace('"order": 2', '"order": 3'))
    (folder / "c.json").write_text("{")
    status, out, _ = run("check", ".")
    assert status == 2
    assert "3 files: 1 sound, 1 unfit, 1 unreadable; " in out.splitlines()[-1]
    assert run("check", "a.json", "b.json")[0] == 1
    assert run("check", "a.json")[0] == 0


def test_check_shows_the_line_of_a_problem(run: Run, folder: Path) -> None:
    (folder / "bad.json").write_text('{"name": "x",\n "A": [[]], "b": ["1/"]}\n')
    status, out, _ = run("check", "bad.json")
    assert status == 2
    assert '\n2 |  "A": [[]], "b": ["1/"]}\n' in out
    assert "--> bad.json:2:" in out


def test_check_in_json(run: Run, folder: Path) -> None:
    (folder / "mine.json").write_text(HEUN)
    status, out, _ = run("check", "mine.json", "nope", "--format", "json")
    found = json.loads(out)
    assert status == 2
    assert found["version"] == 1
    mine, nope = found["results"]
    assert mine["ok"] is True
    assert mine["source"] == "mine.json"
    assert mine["order"]["value"] == 2
    assert mine["ssp"]["optimal"]["cfl"] == "1"
    assert nope["ok"] is False
    assert nope["diagnostics"][0]["code"] == "RK002"


def test_check_in_github_form(run: Run, folder: Path) -> None:
    (folder / "b.json").write_text(HEUN.replace('"order": 2', '"order": 3'))
    status, out, _ = run("check", "b.json", "--format", "github")
    assert status == 1
    assert out.startswith("::error file=b.json,line=1,col=")


def test_explain_is_case_insensitive_and_lists_all(run: Run) -> None:
    status, out, _ = run("explain", "rk901")
    assert status == 0
    assert out.startswith("# RK901: ")
    assert run("explain", "901") == (0, out, "")
    assert "RK901" in run("explain")[1]


def test_schema_is_json(run: Run) -> None:
    status, out, _ = run("schema")
    assert status == 0
    assert json.loads(out)["$schema"].startswith("https://json-schema.org/")


def test_compile_to_a_file_and_to_the_output(run: Run, folder: Path) -> None:
    status, out, err = run("compile", "ssp3", "-o", "block.py")
    assert (status, out, err) == (0, "", "wrote block.py\n")
    text = (folder / "block.py").read_text()
    assert run("compile", "ssp3") == (0, text, "")
    assert run("compile", "ssp3", "-o", "-") == (0, text, "")


def test_compile_explains_its_passes_and_its_rounding(run: Run, folder: Path) -> None:
    status, out, err = run("compile", "ark", "--explain")
    assert (status, err) == (0, "")
    assert out.startswith("# lower (Butcher form): 2 calls of F, ")
    assert "\n# merge_equal: " in out
    assert "\nfloat32   unit roundoff 6.0e-08   largest error " in out
    assert "f3 = F(y)" in run("compile", "bs3", "--explain", "--error", "--dt", "1/2")[1]


def test_compile_takes_step_size_time_and_error(run: Run, folder: Path) -> None:
    _, out, _ = run("compile", "bs3", "--dt", "1/2", "--time", "--error")
    assert "\nstep size   1/2\nembedded    order 2\n" in out
    assert "def forward(self, x: Tensor, t: float | Tensor = 0.0) -> tuple[Tensor, Tensor]:" in out
    for wrong in (["ssp3", "--dt", "none"], ["ssp3", "--dt=-1"], ["rk4", "--error"]):
        status, out, err = run("compile", *wrong)
        assert (status, out) == (2, "")
        assert err.startswith("error[RK50")


def test_compile_says_where_it_cannot_write(run: Run, folder: Path) -> None:
    status, _, err = run("compile", "ssp3", "-o", "none/block.py")
    assert status == 2
    assert err.startswith("error[RK903]")


def test_compile_refuses_what_check_refuses(run: Run, folder: Path) -> None:
    (folder / "implicit.json").write_text('{"name": "implicit", "A": [["1/2"]], "b": ["1"]}')
    checked = run("check", "implicit.json", "--format", "json")
    codes = [found["code"] for found in json.loads(checked[1])["results"][0]["diagnostics"]]
    status, out, err = run("compile", "implicit.json")
    assert (status, out) == (checked[0], "")
    assert status == 1
    assert all(code in err for code in codes)


@pytest.mark.parametrize("arguments", [["show", "nope"], ["compile", "nope"], ["show", "none.json"]])
def test_an_unknown_name_is_2_on_stderr(run: Run, folder: Path, arguments: list[str]) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("error[RK00")


def test_train_wants_a_recipe(run: Run) -> None:
    status, _, err = run("train")
    assert status == 2
    assert "digits" in err
    assert "--resume" in err


def test_resume_stands_alone(run: Run) -> None:
    assert run("train", "--resume", "runs/x", "--seed", "1")[0] == 2
    assert run("train", "--resume", "runs/x", "--preset", "digits")[0] == 2


def test_canonical_writes_a_file_that_checks(run: Run, folder: Path) -> None:
    (folder / "heun.json").write_text(
        '{"name": "heun", "alpha": [["1"], ["1", "0"]], "beta": [["1"], ["1/2", "1/2"]], "claims": {"order": 2}}'
    )
    assert "declared 0, every entry nonnegative" in run("check", "heun.json")[1]
    assert run("canonical", "heun.json", "-o", "better.json") == (0, "", "wrote better.json\n")
    assert "declared 1, every entry nonnegative" in run("check", "better.json")[1]
    assert json.loads(run("canonical", "heun.json")[1]) == json.loads((folder / "better.json").read_text())


def test_canonical_says_on_the_other_stream_what_is_not_exact(run: Run, folder: Path) -> None:
    status, out, err = run("canonical", "ssprk54_butcher", "--digits", "6")
    assert status == 0
    assert json.loads(out)["claims"]["declared_ssp"] == "1.506494"
    assert "r = 1.506494 is the largest decimal of 6 places below it" in err
    status, out, err = run("canonical", "midpoint")
    assert (status, out) == (1, "")
    assert "error[RK022]: midpoint has C = 0: P[2,0] is negative" in err


@pytest.mark.parametrize(("form", "begin"), [("latex", "% ssp3: "), ("markdown", "# ssp3: "), ("json", "{")])
def test_show_in_other_forms_and_to_a_file(run: Run, folder: Path, form: str, begin: str) -> None:
    status, out, _ = run("show", "ssp3", "--format", form)
    assert status == 0
    assert out.startswith(begin)
    assert run("show", "ssp3", "--format", form, "-o", "ssp3.out") == (0, "", "wrote ssp3.out\n")
    assert (folder / "ssp3.out").read_text() == out


@pytest.mark.parametrize(
    "arguments",
    [
        ("compile", "ssp3", "-o", ""),
        ("canonical", "ssp2", "-o", " "),
        ("show", "ssp3", "-o", ""),
        ("train", "--preset", "digits", "--blocks", "ssp3", "--out", ""),
        ("train", "--resume", ""),
        ("demo", "--tiny", "--out", ""),
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_an_empty_name_is_not_the_current_folder(run: Run, folder: Path, arguments: tuple[str, ...]) -> None:
    """As from `--out "$UNSET"` in a script: refused at once, with nothing written."""
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert f"Invalid value for '{arguments[-2]}" in err
    assert "the name is empty" in err
    assert not any(folder.iterdir())
