"""The study file: cells of the grid with their names, depths for calls of F, and every mistake with its line."""

import sys
from pathlib import Path

import pytest

from rkblocks import study
from rkblocks.diagnostics import RkblocksError
from rkblocks.study.grid import mean_calls

ROOT = Path(__file__).resolve().parents[2]
GRID = 'preset = "digits"\n[grid]\nblocks = ["euler", "ssp3", "ark,euler"]\n'


def read(tmp_path: Path, text: str) -> study.Study:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return study.load(path)


def test_the_grid_is_every_combination_with_the_schemes_of_a_setting_beside_each_other(tmp_path: Path) -> None:
    found = read(tmp_path, GRID + "depth = [1, 2]\nattack.steps = [3]\nnet.init = 'paper'\nseeds = [4, 7]\n")
    assert [cell.name for cell in found.cells] == [
        "euler-depth1-steps3",
        "ssp3-depth1-steps3",
        "ark+euler-depth1-steps3",
        "euler-depth2-steps3",
        "ssp3-depth2-steps3",
        "ark+euler-depth2-steps3",
    ]
    assert found.seeds == (4, 7)
    config = found.config(found.cells[5], 7)
    assert config.net.blocks == ("ark", "euler")
    assert (config.net.depth, config.attack.steps, config.net.init, config.training.seed) == (2, 3, "paper", 7)
    assert found.cells[0].axes == {"net.blocks": "euler", "net.depth": "1", "attack.steps": "3"}
    assert found.cells[0].setting == found.cells[1].setting != found.cells[3].setting


def test_cells_besides_the_grid_and_combinations_left_out(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        GRID
        + 'depth = [1, 2]\n[[cell]]\nblocks = ["euler"]\nnet.widths = [4, 8]\n'
        + '[[cell]]\nname = "wide"\nblocks = "ssp3"\n'
        + 'attack.eps = "8/255"\n[[exclude]]\nblocks = "ssp3"\ndepth = 2\n[[exclude]]\nblocks = "ark,euler"\n',
    )
    names = [cell.name for cell in found.cells]
    assert names == ["euler-depth1", "ssp3-depth1", "euler-depth2", "euler-widths4-8", "wide"]
    assert str(found.config(found.cells[4], 0).attack.eps) == "8/255"


def test_equal_calls_of_f_make_the_depth(tmp_path: Path) -> None:
    found = read(tmp_path, GRID + "calls = [12]\n")
    assert [(cell.name, found.config(cell, 0).net.depth, cell.calls) for cell in found.cells] == [
        ("euler-calls12", 12, 12),
        ("ssp3-calls12", 4, 12),
        ("ark+euler-calls12", 8, 12),  # 2 + 1 calls in two groups: 3/2 a block
    ]
    assert len({cell.setting for cell in found.cells}) == 1
    assert mean_calls(("ark", "euler", "ssp2")) * 3 == 5
    odd = read(tmp_path, 'preset = "digits"\n[grid]\nblocks = ["ssp3"]\ncalls = 10\n')
    assert (odd.config(odd.cells[0], 0).net.depth, odd.cells[0].calls) == (3, 9)


MISTAKES = {
    "no TOML": ('name = "a"\npreset = digits\n', "RK702", 2),
    "no preset": ('[grid]\nblocks = ["euler"]\n', "RK704", None),
    "an unknown preset": ('preset = "digit"\n[grid]\nblocks = ["euler"]\n', "RK701", 1),
    "an unknown key": ('preset = "digits"\nsedes = [1]\n[grid]\nblocks = ["euler"]\n', "RK703", 2),
    "an unknown section": (GRID + "[papers]\nsource = 'x'\n", "RK703", 4),
    "an unknown setting": (GRID + "net.deepness = [1, 2]\n", "RK703", 4),
    "an unknown setting of all": (GRID + "[set]\noptimizer.learning = 0.1\n", "RK703", 5),
    "a value out of range": (GRID + "depth = [1, 0]\n", "RK704", 4),
    "an empty axis": (GRID + "depth = []\n", "RK704", 4),
    "seeds twice": (GRID + "seeds = [1, 1]\n", "RK704", 4),
    "no number of calls": (GRID + 'calls = ["many"]\n', "RK704", 4),
    "a value twice": (GRID + "depth = [1, 1]\n", "RK851", 4),
    "depth and calls": (GRID + "depth = [1]\ncalls = [6]\n", "RK851", 3),
    "no cell": ('preset = "digits"\n', "RK851", None),
    "a cell without schemes": (GRID + "[[cell]]\ndepth = 3\n", "RK851", 4),
    "two cells of one name": (GRID + '[[cell]]\nblocks = "ssp3"\n', "RK851", 4),
    "a name that is no file name": (GRID + '[[cell]]\nname = "a/b"\nblocks = "ssp3"\n', "RK704", 5),
    "an exclusion of nothing": (GRID + '[[exclude]]\nblocks = "ssp2"\n', "RK851", 4),
    "a section that is none": ("evaluation = 3\n" + GRID, "RK704", 1),
    "an attack of an unknown key": (GRID + "[[evaluation.attacks]]\nepsilon = '1/10'\n", "RK703", 5),
    "a radius that is no fraction": (GRID + "[[evaluation.attacks]]\neps = 'much'\n", "RK803", 4),
    "an unknown preset of attacks": (GRID + "[evaluation]\npreset = 'strong'\n", "RK820", 4),
    "a row of the paper for no cell": (GRID + "[paper]\ncolumns = ['clean']\n[paper.rows]\nssp2 = [0.9]\n", "RK851", 7),
    "too few numbers": (GRID + "[paper]\ncolumns = ['clean']\n[paper.rows]\nssp3 = [0.9, 0.8]\n", "RK704", 7),
    "a column that is none": (GRID + "[paper]\ncolumns = ['pgd21']\n", "RK704", 5),
    "a contrast of an unknown key": (
        GRID + "[[contrast]]\npairs = [['ssp3', 'euler']]\nname = 'a'\nnom = 'b'\n",
        "RK703",
        7,
    ),
    "a contrast without pairs": (GRID + "[[contrast]]\nname = 'a'\n", "RK704", 4),
    "a contrast without a name": (GRID + "[[contrast]]\npairs = [['ssp3', 'euler']]\n", "RK704", 4),
    "a contrast of one scheme": (GRID + "[[contrast]]\nname = 'a'\npairs = [['ssp3', 'ssp3']]\n", "RK704", 6),
    "a contrast with no cell": (GRID + "[[contrast]]\nname = 'a'\npairs = [['ssp3', 'rk4']]\n", "RK851", 6),
    "a pair twice": (
        GRID + "[[contrast]]\nname = 'a'\npairs = [['ssp3', 'euler'], ['euler', 'ssp3']]\n",
        "RK851",
        6,
    ),
    "two contrasts of one name": (
        GRID + "[[contrast]]\nname = 'a'\npairs = [['ssp3', 'euler']]\n" * 2,
        "RK704",
        8,
    ),
    "a pair of no setting": (
        'preset = "digits"\n[grid]\nblocks = ["euler", "ssp3"]\ndepth = [1, 2]\n[[exclude]]\nblocks = "euler"\n'
        'depth = 1\n[[exclude]]\nblocks = "ssp3"\ndepth = 2\n'
        "[[contrast]]\nname = 'a'\npairs = [['ssp3', 'euler']]\n",
        "RK851",
        13,
    ),
    "a name of two lines": (GRID + "[[contrast]]\nname = \"a\\nb\"\npairs = [['ssp3', 'euler']]\n", "RK704", 5),
    "a radius beside attacks": (GRID + "[evaluation]\neps = '1/10'\n[[evaluation.attacks]]\nsteps = 2\n", "RK821", 5),
    "a preset beside attacks": (
        GRID + "[evaluation]\npreset = 'quick'\n[[evaluation.attacks]]\nsteps = 2\n",
        "RK821",
        5,
    ),
    "steps of FGSM": (GRID + "[[evaluation.attacks]]\nattack = 'fgsm'\nsteps = 50\nqueries = 3\n", "RK821", 6),
    "a step of APGD": (GRID + "[[evaluation.attacks]]\nattack = 'apgd'\nstep = '1/10'\n", "RK821", 6),
    "attacks that are no tables": (GRID + "[evaluation]\nattacks = 'pgd'\n", "RK704", 5),
    "a seed of attacks that torch does not take": (GRID + f"[evaluation]\nseed = {2**63}\n", "RK704", 5),
    "a seed as an axis": (GRID + "training.seed = [0, 1]\n", "RK851", 4),
    "a seed of all": (GRID + "[set]\ntraining.seed = 1\n", "RK851", 5),
    "a seed of a cell": (GRID + "[[cell]]\nblocks = 'rk4'\ntraining.seed = 1\n", "RK851", 6),
    "numbers without cells": (GRID + "[paper]\nrows = [0.5]\n", "RK704", 5),
    "a column twice": (GRID + "[paper]\ncolumns = ['clean', 'clean']\n", "RK704", 5),
    "percentages": (GRID + "[paper]\ncolumns = ['clean']\n[paper.rows]\nssp3 = [93.5]\n", "RK704", 7),
    "a source that is no text": (GRID + "[paper]\nsource = 2020\n", "RK704", 5),
    "a scheme that is none, with calls": ('preset = "digits"\n[grid]\nblocks = ["none"]\ncalls = 6\n', "RK002", 3),
    "settings at odds": (GRID + "[set]\nschedule.milestones = [9, 3]\n", "RK704", 5),
    "settings at odds in a cell": (GRID + "[[cell]]\nblocks = 'rk4'\nschedule.milestones = [9, 3]\n", "RK704", 4),
    "a norm that is none": (GRID + "[evaluation]\nnorm = 'l3'\n", "RK802", 4),
    "too many networks": (
        GRID + "".join(f"attack.{key} = {list(range(1, 200))}\n" for key in ("steps", "restarts", "warmup")),
        "RK851",
        2,
    ),
    "a depth beyond reason": (GRID + "depth = 10_001\n", "RK704", 4),
    "calls beyond reason": (GRID + "calls = 10_001\n", "RK704", 4),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_named_with_their_lines(tmp_path: Path, mistake: str) -> None:
    text, code, line = MISTAKES[mistake]
    with pytest.raises(RkblocksError) as caught:
        read(tmp_path, text)
    assert (code, line) in [(one.code, one.line) for one in caught.value.diagnostics], str(caught.value)


def test_a_mistake_is_reported_once_by_its_full_name(tmp_path: Path) -> None:
    with pytest.raises(RkblocksError) as caught:
        read(tmp_path, "preset = 3\n" + GRID.partition("\n")[2] + "[evaluation]\nattacks = 'pgd'\n")
    assert [one.message.partition(",")[0] for one in caught.value.diagnostics] == [
        "preset is 3",
        "evaluation.attacks is 'pgd'",
    ]


def test_what_others_say_has_the_file_and_no_options(tmp_path: Path) -> None:
    for more in ("[evaluation]\npreset = 'strong'\n", "[[evaluation.attacks]]\nattack = 'pgd'\nsteps = 0\n"):
        with pytest.raises(RkblocksError) as caught:
            read(tmp_path, GRID + more)
        assert caught.value.source == str(tmp_path / "mine.toml")
        assert "--" not in str(caught.value)
        assert len(caught.value.diagnostics) == 1


@pytest.mark.parametrize(
    ("name", "help"), [("my study", "' ' cannot be in it: my_study"), (".a", "'.' cannot be in it at the start: a")]
)
def test_a_name_that_is_no_file_name_is_told_with_its_character(tmp_path: Path, name: str, help: str) -> None:
    with pytest.raises(RkblocksError) as caught:
        read(tmp_path, f'name = "{name}"\n' + GRID)
    (found,) = caught.value.diagnostics
    assert (found.code, found.line, found.column, found.help) == ("RK704", 1, 8, help)


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    with pytest.raises(RkblocksError) as caught:
        read(tmp_path, GRID + "depth = [0]\nseeds = [-1]\n[set]\nnet.deep = 1\n[evaluation]\nlimits = 3\n")
    assert [(one.code, one.line) for one in caught.value.diagnostics] == [
        ("RK703", 7),
        ("RK704", 5),
        ("RK703", 9),
    ]


def test_a_study_that_is_not_there(tmp_path: Path) -> None:
    for source in (tmp_path, tmp_path / "none.toml"):
        with pytest.raises(RkblocksError) as caught:
            study.load(source)
        assert [one.code for one in caught.value.diagnostics] == ["RK850"]


def test_the_columns_of_an_evaluation(tmp_path: Path) -> None:
    standard = read(tmp_path, GRID)
    assert [(column.key, column.title) for column in standard.columns] == [
        ("clean", "clean"),
        ("noise-x10", "noise x10"),
        ("fgsm", "FGSM"),
        ("pgd20", "PGD-20"),
        ("pgd20-any", "PGD-20 any"),
        ("pgd100-any-x5", "PGD-100 any x5"),
        ("pgd100-any-x5-margin", "PGD-100 any x5 margin"),
        ("autoattack", "AutoAttack"),
    ]
    radii = "".join(f"[[evaluation.attacks]]\neps = '{eps}'\n" for eps in ("8/255", "16/255"))
    assert [column.key for column in read(tmp_path, GRID + radii).columns] == [
        "clean",
        "pgd20-eps8_255",
        "pgd20-eps16_255",
    ]


@pytest.mark.parametrize("path", sorted((ROOT / "studies").glob("*.toml")), ids=lambda path: path.stem)
def test_the_studies_of_the_repository_are_sound(path: Path) -> None:
    found = study.load(path)
    assert found.name == path.stem
    for cell in found.cells:
        found.config(cell, found.seeds[0])


def test_table_2_is_the_papers() -> None:
    found = study.load(ROOT / "studies" / "table2.toml")
    assert len(found.cells) == 20
    assert set(found.paper.rows) == {cell.name for cell in found.cells}
    assert found.paper.rows["ark+euler+ssp2-depth10-steps12"] == {
        "clean": 0.8156,
        "fgsm": 0.5643,
        "pgd7": 0.5166,
        "pgd12": 0.5054,
        "pgd20": 0.5016,
    }
    mean = {key: sum(row[key] for row in found.paper.rows.values()) / 20 for key in ("clean", "pgd20")}
    assert mean["clean"] == pytest.approx(0.82402)  # a slip in copying would show in the sums
    assert mean["pgd20"] == pytest.approx(0.456385)


def test_an_attack_of_the_preset_that_cannot_run_here_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that silently lacked a column on one machine could not be compared with that of another."""
    monkeypatch.setitem(sys.modules, "pyautoattack", None)
    with pytest.raises(RkblocksError) as caught:
        read(tmp_path, GRID)
    assert [d.code for d in caught.value.diagnostics] == ["RK901"]
