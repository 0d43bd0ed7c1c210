"""A small study from its file to its table: continued, in part, with failures, and rebuilt from small files alone."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from rkblocks import study, training
from rkblocks.cli import main
from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation import compare
from rkblocks.runs.config import PRESETS
from rkblocks.runs.lock import held
from rkblocks.study import folder as kept_runs
from rkblocks.study import main as main_of_study
from rkblocks.study.statistics import paired

torch.set_num_threads(1)
RESULTS = [
    "accuracy.png",
    "accuracy.svg",
    "results.json",
    "table.csv",
    "table.md",
    "table.tex",
    "training.png",
    "training.svg",
]


def silent(line: str) -> None:
    pass


def test_the_table_is_the_mean_of_the_evaluations(finished: Path) -> None:
    assert sorted(path.name for path in (finished / "results").iterdir()) == RESULTS
    content = json.loads((finished / "results" / "results.json").read_text())
    values: dict[str, list[float]] = {}
    for scheme in ("euler", "ssp2"):
        for seed in (0, 1):
            run = finished / "runs" / f"{scheme}-seed{seed}"
            (path,) = (run / "evaluations").glob("*.json")
            entries = json.loads(path.read_text())["entries"]
            assert [(entry["attack"], entry["n"], entry["seed"]) for entry in entries] == [
                ("clean", 60, 0),
                ("pgd", 60, 0),
            ]
            assert training.load(run / "config.toml").training.seed == seed
            values.setdefault(scheme, []).append(entries[1]["accuracy"])
    euler, ssp2 = content["summary"]
    assert euler["accuracy"]["pgd2"][0] == pytest.approx(sum(values["euler"]) / 2)
    assert euler["accuracy"]["pgd2"][1] == pytest.approx(abs(values["euler"][0] - values["euler"][1]) / 2**0.5)
    assert (euler["paper"], euler["difference"]) == ({"clean": 0.5}, {})
    assert ssp2["difference"]["pgd2"] == vars(paired(values["euler"], values["ssp2"]))
    assert [(entry["run"], entry["parameters"] > 0) for entry in content["entries"]] == [
        ("runs/euler-seed0", True),
        ("runs/euler-seed1", True),
        ("runs/ssp2-seed0", True),
        ("runs/ssp2-seed1", True),
    ]


def test_the_images_are_the_same_for_all_networks(finished: Path) -> None:
    chosen = [load_file(path)["index"] for path in finished.glob("runs/*/evaluations/*.safetensors")]
    assert len(chosen) == 4
    assert all(torch.equal(chosen[0], other) for other in chosen[1:])


def test_what_is_finished_is_not_done_again(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("train", "resume"):
        monkeypatch.setattr(training, name, lambda *_, **__: pytest.fail("trained again"))
    monkeypatch.setattr("rkblocks.evaluation.resumable.Resumable", lambda *_, **__: pytest.fail("measured again"))
    before = {path: path.read_bytes() for path in (copy / "results").iterdir()}
    shutil.rmtree(copy / "results")
    study.run(copy, workers=0, say=silent)
    assert {path: path.read_bytes() for path in (copy / "results").iterdir()} == before


def test_small_files_alone_rebuild_the_same_results(copy: Path) -> None:
    before = {path.name: path.read_bytes() for path in (copy / "results").iterdir()}
    shutil.rmtree(copy / "results")
    for pattern in ("*.safetensors", "resume.pt"):
        for path in copy.rglob(pattern):
            path.unlink()
    moved = copy.rename(copy.parent / "moved")
    study.run(moved, report_only=True, say=silent)
    assert {path.name: path.read_bytes() for path in (moved / "results").iterdir()} == before
    lines: list[str] = []
    study.run(moved, dry_run=True, say=lines.append)
    assert "4 of 4 networks are finished, 0 to do" in lines[0]


def test_a_larger_study_goes_on_from_a_smaller_one(copy: Path) -> None:
    text = (copy / "study.toml").read_text()
    (copy / "study.toml").write_text(
        text.replace("seeds = [0, 1]", "seeds = [0]\ndepth = 1") + '[[cell]]\nblocks = "ssp3"\n'
    )
    (copy / "other.toml").write_text(text.replace("training.epochs = 1", "training.epochs = 2"))
    with pytest.raises(RkblocksError) as caught:  # a run of other epochs is not mistaken for one of these
        study.run(copy / "other.toml", copy, workers=0, say=silent)
    assert {one.code for one in caught.value.diagnostics} == {"RK852"}
    assert len(caught.value.diagnostics) == 4
    assert "training.epochs is 1, wanted 2" in caught.value.diagnostics[0].message
    trained: list[str] = []
    content = study.run(copy, workers=0, say=trained.append)
    assert [line.partition(":")[0] for line in trained if "done in" in line] == ["ssp3-seed0"]
    assert [row["cell"] for row in content["summary"]] == ["euler", "ssp2", "ssp3"]
    assert [row["seeds"] for row in content["summary"]] == [1, 1, 1]


def test_runs_of_older_versions_and_of_other_machines_are_taken_over(copy: Path) -> None:
    config = copy / "runs" / "euler-seed0" / "config.toml"
    text = config.read_text()
    older = "".join(line for line in text.splitlines(True) if not line.startswith(("memory =", "split_seed =")))
    config.write_text(older.replace('root = ""', 'root = "/elsewhere"'))
    assert config.read_text() != text
    lines: list[str] = []
    study.run(copy, dry_run=True, data_root="/somewhere", device="cuda", say=lines.append)
    assert "4 of 4 networks are finished" in lines[0]


@pytest.mark.parametrize(
    ("device", "gpus", "workers", "expected"),
    [
        ("auto", ["0"], 4, (4, ())),  # four networks at once on one GPU
        ("auto", ["0"], None, (1, ())),
        ("cuda", ["3", "5"], None, (2, ("3", "5"))),
        ("cuda", ["3", "5"], 4, (4, ("3", "5"))),  # two on each
        ("cuda:1", ["0", "1"], 2, (2, ())),
        ("cuda:1", ["0", "1"], None, (1, ())),
        ("cpu", ["0", "1"], 3, (3, ())),
        ("cpu", ["0"], None, (4, ())),  # four networks, eight cores
    ],
)
def test_workers_and_the_gpus_they_see(
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    gpus: list[str],
    workers: int | None,
    expected: tuple[int, tuple[str, ...]],
) -> None:
    asked: list[tuple[int, tuple[str, ...]]] = []
    monkeypatch.setattr(main_of_study, "visible_gpus", lambda: gpus)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    pool = lambda todo, work, *, workers, devices, **_: asked.append((workers, tuple(devices))) or iter(())  # noqa: E731
    monkeypatch.setattr(main_of_study, "outcomes", pool)
    study.run(tiny, tmp_path / "out", workers=workers, device=device, say=silent)
    assert asked == [expected]


def test_milestones_out_of_reach_are_named_once(tiny: Path, tmp_path: Path) -> None:
    setting = "[set]\nschedule.kind = 'steps'\nschedule.milestones = [9]\n"
    tiny.write_text(tiny.read_text().replace("[set]\n", setting))
    lines: list[str] = []
    study.run(tiny, tmp_path / "out", dry_run=True, say=lines.append)
    assert ["RK746: schedule.milestones is [9], with training.epochs =" in line for line in lines[:-1]] == [True]
    titles = [column.title for column in study.load(tiny).columns]
    assert f"  0/{len(titles)} measured  " in lines[-1]
    assert f"\nevaluation: {', '.join(titles)}\n" in lines[-1]


def test_an_evaluation_of_other_weights_does_not_count(copy: Path) -> None:
    run = copy / "runs" / "ssp2-seed1"
    weights = run / "weights.safetensors"
    save_file(load_file(copy / "runs" / "ssp2-seed0" / "weights.safetensors"), weights)  # says nothing of its run
    lines: list[str] = []
    study.run(copy, dry_run=True, say=lines.append)
    (row,) = [line.split() for line in lines[0].splitlines() if line.startswith("ssp2-seed1")]
    assert row[1:4] == ["done", "0/2", "measured"]
    content = study.run(copy, only="ssp2-*", workers=0, say=silent)
    assert content["summary"][1]["seeds"] == 2
    assert len(list((run / "evaluations").glob("*.json"))) == 2
    values = [entry["accuracy"] for entry in content["entries"] if entry["blocks"] == "ssp2"]
    assert values[0] == values[1]


def test_only_what_is_missing_is_measured(copy: Path) -> None:
    text = (copy / "study.toml").read_text()
    (copy / "study.toml").write_text(text.replace("[paper]", "[[evaluation.attacks]]\nattack = 'fgsm'\n\n[paper]"))
    content = study.run(copy, only="euler-seed0", workers=0, say=silent)
    assert set(content["entries"][0]["accuracy"]) == {"clean", "pgd2", "fgsm"}
    assert content["summary"][0]["accuracy"].keys() == {"clean", "pgd2"}, "seed 1 has no FGSM yet"
    added = json.loads((copy / "runs" / "euler-seed0" / "evaluations" / "study-test-seed0-2.json").read_text())
    assert [entry["attack"] for entry in added["entries"]] == ["clean", "fgsm"]


def test_one_network_fails_the_others_go_on_and_it_is_tried_again(
    tiny: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    grid = 'blocks = ["euler"]\noptimizer.lr = [1e30, 0.05]\nseeds = [0]\n'
    head, _, rest = tiny.read_text().partition("[grid]\n")
    tiny.write_text(
        head + "[grid]\n" + grid + "[evaluation]" + rest.partition("[evaluation]")[2].partition("[paper]")[0]
    )
    out = tmp_path / "out"
    for _ in range(2):
        assert main(["study", str(tiny), "--out", str(out), "--workers", "0"]) == 1
        said = capfd.readouterr().out
        assert said.count("RK719") == 1
        assert "euler-lr1e+30-seed0: FAILED (1 of" in said
        assert f"Failed: euler-lr1e+30-seed0; see above and {out / 'log.jsonl'}" in said
        assert "| euler | 1e+30 | 0 of 1 | - | - |" in said
        assert "| euler | 0.05 | 1 | 0." in said
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [(line["run"], line["event"]) for line in log] == [
        ("euler-lr1e+30-seed0", "failed"),
        ("euler-lr0.05-seed0", "done"),
        ("euler-lr1e+30-seed0", "failed"),
    ]
    assert "the loss is no number" in log[0]["message"]
    assert log[1]["training"] > 0


def test_an_unforeseen_exception_is_one_line_and_its_traceback_is_in_the_log(
    copy: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(copy / "runs" / "euler-seed0" / "evaluations")
    monkeypatch.setattr("rkblocks.evaluation.of_run", lambda *_, **__: 1 + "x")  # type: ignore[operator]
    arguments = ["study", str(copy), "--workers", "0"]
    assert main(arguments) == 1
    said = capfd.readouterr()
    assert "Traceback" not in said.out + said.err
    line = "RK999 internal error: TypeError: unsupported operand type(s) for +: 'int' and 'str' (RKBLOCKS_DEBUG=1"
    assert said.out.count("TypeError") == said.out.count(line) == 1
    logged = json.loads((copy / "log.jsonl").read_text().splitlines()[-1])
    assert "Traceback" in logged["traceback"]
    assert "test_study_main.py" in logged["traceback"]
    monkeypatch.setenv("RKBLOCKS_DEBUG", "1")
    assert main(arguments) == 1
    assert "Traceback" in capfd.readouterr().out


def test_three_seeds_are_those_of_the_study(copy: Path) -> None:
    text = (copy / "study.toml").read_text()
    before = study.run(copy, report_only=True, say=silent)
    assert all("three seeds: 2 in this study" in entry["health"]["failed"] for entry in before["entries"])
    (copy / "study.toml").write_text(text.replace('["euler", "ssp2"]', '["euler"]').replace("[0, 1]", "[0, 1, 2]"))
    after = study.run(copy, workers=0, say=silent)
    assert not any("three seeds" in one for entry in after["entries"] for one in entry["health"]["failed"])
    for path in copy.glob("runs/*/evaluations/*.json"):
        checks = [check["check"] for check in json.loads(path.read_text())["health"]]
        assert checks
        assert "three seeds" not in checks, "a network alone cannot tell"


def test_small_files_of_an_unfinished_network_cannot_be_continued(copy: Path) -> None:
    run = copy / "runs" / "euler-seed0"
    (run / "resume.pt").unlink()
    (run / "metrics.jsonl").write_text("")
    (copy / "runs" / "ssp2-seed0" / "weights.safetensors").unlink()
    shutil.rmtree(copy / "runs" / "ssp2-seed0" / "evaluations")
    failed = study.run(copy, workers=0, say=silent)["failed"]
    assert {name: message[:5] for name, message in failed.items()} == {"euler-seed0": "RK855", "ssp2-seed0": "RK855"}
    assert "resume.pt" in failed["euler-seed0"]
    assert "weights.safetensors" in failed["ssp2-seed0"]


def test_a_crash_before_the_first_save_is_trained_anew(copy: Path, finished: Path) -> None:
    run = copy / "runs" / "euler-seed0"
    (kept,) = (copy / "runs" / "euler-seed0" / "evaluations").glob("*.json")
    before = json.loads(kept.read_text())["entries"]
    for path in [path for path in run.iterdir() if path.is_file() and path.name not in ("config.toml", "run.json")]:
        path.unlink()
    shutil.rmtree(run / "evaluations")
    content = study.run(copy, workers=0, say=silent)
    assert content["failed"] == {}
    assert content["entries"][0]["accuracy"]["clean"] == before[0]["accuracy"]
    again, first = (load_file(folder / "runs" / "euler-seed0" / "last.safetensors") for folder in (copy, finished))
    assert all(torch.equal(again[name], value) for name, value in first.items())


def test_weights_are_never_deleted(copy: Path) -> None:
    run = copy / "runs" / "euler-seed0"
    for name in ("resume.pt", "resume.previous.pt", "metrics.jsonl"):
        (run / name).unlink()
    before = sorted(path.name for path in run.rglob("*"))
    failed = study.run(copy, only="euler-seed0", workers=0, say=silent)["failed"]
    assert failed["euler-seed0"].startswith("RK855")
    assert "weights.safetensors" in failed["euler-seed0"]
    assert sorted(path.name for path in run.rglob("*")) == before


def test_damaged_metrics_are_named_and_never_counted_as_done(copy: Path) -> None:
    metrics = copy / "runs" / "euler-seed0" / "metrics.jsonl"
    (line,) = metrics.read_text().splitlines()
    for text in ("{damaged}\n", line.replace('"epoch": 1', '"epoch": 2') + "\n", f"[]\n{line}\n"):
        metrics.write_text(text)
        for report_only in (True, False):
            content = study.run(copy, workers=0, report_only=report_only, say=silent)
            assert content["failed"]["euler-seed0"].startswith("RK855")
            assert f"{metrics}, line 1:" in content["failed"]["euler-seed0"]
            assert [entry["run"] for entry in content["entries"]] == [
                f"runs/{n}" for n in ("euler-seed1", "ssp2-seed0", "ssp2-seed1")
            ]
        assert metrics.read_text() == text
    metrics.write_text(line[:20])  # cut off by a crash: the epoch counts as not done, and the state knows better
    failed = study.run(copy, workers=0, say=silent)["failed"]
    assert failed["euler-seed0"] == f"RK855 {metrics.parent} is trained, but metrics.jsonl has 0 of 1 epochs"


@pytest.mark.parametrize("accuracy", [7.5, "x", True, -0.1])
def test_impossible_accuracies_do_not_count(copy: Path, accuracy: object) -> None:
    (path,) = (copy / "runs" / "ssp2-seed0" / "evaluations").glob("*.json")
    content = json.loads(path.read_text())
    content["entries"][1]["accuracy"] = accuracy
    path.write_text(json.dumps(content))
    lines: list[str] = []
    found = study.run(copy, report_only=True, say=lines.append)
    assert lines[0].startswith(f"{path} is passed over: entries[1].accuracy is {accuracy!r}, expected float")
    assert [entry["run"] for entry in found["entries"]] == [
        f"runs/{n}" for n in ("euler-seed0", "euler-seed1", "ssp2-seed1")
    ]


def test_a_network_in_use_fails_and_is_left_alone(tiny: Path, copy: Path, tmp_path: Path) -> None:
    shutil.rmtree(copy / "runs" / "ssp2-seed0" / "evaluations")
    for out, name in ((tmp_path / "out", "euler-seed0"), (copy, "ssp2-seed0")):
        run = out / "runs" / name
        with held(run):
            before = sorted(path.name for path in run.iterdir())
            failed = study.run(tiny, out, only=name, workers=0, say=silent)["failed"]
            assert failed[name].startswith(f"RK858 {run} is in use by process")
            assert sorted(path.name for path in run.iterdir()) == before


def test_a_folder_belongs_to_one_study(copy: Path, tmp_path: Path) -> None:
    before = (copy / "study.toml").read_bytes()
    other = tmp_path / "other.toml"
    other.write_text(before.decode().replace('name = "tiny"\n', ""))
    for dry_run in (True, False):
        with pytest.raises(RkblocksError, match=r"RK857: .* of the study tiny, not of other"):
            study.run(other, copy, workers=0, dry_run=dry_run, say=silent)
    assert (copy / "study.toml").read_bytes() == before
    study.run(other, tmp_path / "new", report_only=True, say=silent)
    assert (tmp_path / "new" / "study.toml").read_text() == 'name = "other"\n' + other.read_text()
    study.run(tmp_path / "new", report_only=True, say=silent)


def test_results_that_cannot_be_written_are_known_first(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "results").write_text("mine")
    with pytest.raises(RkblocksError, match=r"RK716: .*results cannot be created") as caught:
        study.run(tiny, tmp_path / "out", workers=0, say=silent)
    assert "--resume" not in str(caught.value)
    assert not (tmp_path / "out" / "runs").exists()


@pytest.mark.parametrize(
    "given",
    [
        {"source": None},
        {"source": 3},
        {"source": ""},
        {"out": ""},
        {"out": 3},
        {"workers": -3},
        {"workers": "x"},
        {"workers": True},
        {"threads": -1},
        {"threads": 0},
        {"only": 3},
        {"ray": ""},
        {"dry_run": None},
        {"data_root": 1},
        {"say": "loud"},
    ],
    ids=str,
)
def test_arguments_that_are_none(tiny: Path, given: dict[str, object]) -> None:
    with pytest.raises(RkblocksError) as caught:
        study.run(**{"source": tiny, **given})  # type: ignore[arg-type]
    assert [one.code for one in caught.value.diagnostics] == ["RK822"]


def test_schemes_at_fault_are_named_with_their_lines(tiny: Path) -> None:
    text = tiny.read_text().replace('["euler", "ssp2"]', '["euler", "none", "euler,ssp2,rk4"]\ndepth = [1, 2]')
    tiny.write_text(text.partition("[paper]")[0])
    line = text[: text.index("blocks =")].count("\n") + 1
    with pytest.raises(RkblocksError) as caught:
        study.run(tiny, dry_run=True, say=silent)
    assert [(one.code, one.line) for one in caught.value.diagnostics] == [("RK002", line), ("RK551", line)]
    assert caught.value.source == str(tiny)


def test_a_control_is_trained_where_the_study_says_so(tiny: Path, tmp_path: Path) -> None:
    tiny.write_text(tiny.read_text().replace('"ssp2"]', '"midrk2_published"]'))
    with pytest.raises(RkblocksError) as caught:
        study.run(tiny, tmp_path / "out", dry_run=True, say=silent)
    assert [one.code for one in caught.value.diagnostics] == ["RK304"]
    tiny.write_text(tiny.read_text().replace("[set]", "[set]\nnet.inconsistent = true"))
    only = "midrk2_published-seed0"
    content = study.run(tiny, tmp_path / "out", workers=0, only=only, say=silent)
    (entry,) = content["entries"]
    assert (entry["blocks"], content["failed"]) == ("midrk2_published", {})
    run = tmp_path / "out" / "runs" / only
    assert json.loads((run / "run.json").read_text())["variants"]["net.inconsistent"]["follows"] == "code"
    assert training.open_run(run, "cpu").model.tableaus[0].name == "midrk2_published"


def test_a_folder_of_something_else_is_left_alone(copy: Path) -> None:
    run = copy / "runs" / "euler-seed0"
    shutil.rmtree(run)
    run.mkdir()
    (run / "notes.txt").write_text("mine")
    with pytest.raises(RkblocksError) as caught:
        study.run(copy, workers=0, say=silent)
    assert [one.code for one in caught.value.diagnostics] == ["RK852"]
    assert [path.name for path in run.iterdir()] == ["notes.txt"]


def test_a_pattern_that_fits_nothing(copy: Path) -> None:
    with pytest.raises(RkblocksError) as caught:
        study.run(copy, only="ssp3-*", workers=0, say=silent)
    assert [one.code for one in caught.value.diagnostics] == ["RK854"]


def test_a_scheme_of_a_file_counts_as_its_runs_have_it(tiny: Path, tmp_path: Path) -> None:
    """Under a name of its own, and under that of another scheme; also once the file is gone, and changed."""
    content = {"name": "ssp2", "A": [[], ["1/2"]], "b": ["0", "1"]}
    own = tmp_path / "ssp2.json"
    own.write_text(json.dumps(content))
    text = tiny.read_text().replace('["euler", "ssp2"]', json.dumps([str(own)])).replace("[0, 1]", "[0]")
    tiny.write_text(text.replace("euler = [0.5]\n", ""))
    (row,) = study.run(tiny, tmp_path / "out", workers=0, say=silent)["summary"]
    assert row["scheme"] == {"ssp": 0.0, "growth": 2.25, "calls": 2.0, "order": 2.0}, "midpoint's, not ssp2's"
    own.write_text(json.dumps(content | {"b": ["1/2", "1/2"], "A": [[], ["1"]]}))
    with pytest.raises(RkblocksError, match=r"RK852: .*was trained with another .*ssp2\.json than the file has now"):
        study.run(tiny, tmp_path / "out", workers=0, say=silent)
    own.unlink()
    (again,) = study.run(tmp_path / "out", report_only=True, say=silent)["summary"]
    assert again == row


def test_a_study_is_read_once(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preset = tmp_path / "mine.toml"
    shutil.copy(PRESETS / "digits.toml", preset)
    tiny.write_text(tiny.read_text().replace('preset = "digits"', f"preset = {json.dumps(str(preset))}"))
    found = study.load(tiny)
    read: list[Path] = []
    monkeypatch.setattr("rkblocks.settings.toml.parse", lambda path: read.append(path) or pytest.fail("read again"))
    preset.unlink()
    assert [found.config(cell, 1).training.epochs for cell in found.cells] == [1, 1]
    assert [column.key for column in found.columns] == [column.key for column in found.plan(found.cells[0])]
    assert read == []


def test_a_packed_study_gives_the_same_table(copy: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    packed = study.pack(copy)
    first = packed.read_bytes()
    assert study.pack(copy).read_bytes() == first
    names = zipfile.ZipFile(packed).namelist()
    assert {"euler-seed0/run.json", "euler-seed0/evaluations/study-test-seed0.safetensors"} <= set(names)
    assert not [name for name in names if "weights" in name or "resume" in name]
    for name in ("study.toml", "runs.zip"):
        shutil.copy(copy / name, kept)
    study.run(kept, report_only=True, say=silent)
    for name in ("results.json", "table.md", "table.csv", "table.tex"):
        assert (kept / "results" / name).read_bytes() == (copy / "results" / name).read_bytes()
    assert study.run(kept, say=silent)["failed"] == {}, "all is done"
    assert not (kept / "runs").exists()
    (kept / "study.toml").write_text((kept / "study.toml").read_text().replace("[0, 1]", "[0, 1, 2]"))
    with pytest.raises(RkblocksError, match=r"RK748: .*holds 4 of 6 networks, and no weights"):
        study.run(kept, say=silent)


def test_what_became_of_every_image_is_read_from_the_pack_alone(copy: Path, tmp_path: Path) -> None:
    """McNemar's counts from runs.zip are those of the run folders, and an analysis is kept with them."""
    analysis = copy / "runs" / "euler-seed0" / "analysis"
    analysis.mkdir()
    (analysis / "analysis.json").write_text("{}")
    (analysis / "growth.csv").write_text("")
    kept = tmp_path / "kept"
    kept.mkdir()
    shutil.move(study.pack(copy), kept)
    names = zipfile.ZipFile(kept / "runs.zip").namelist()
    assert [name for name in names if "/analysis/" in name] == ["euler-seed0/analysis/analysis.json"]
    here, there = study.outcomes(copy), study.outcomes(kept)
    assert list(there) == sorted(path.name for path in (copy / "runs").iterdir())
    one, other = (compare(found["euler-seed0"], found["ssp2-seed0"]) for found in (here, there))
    assert one.to_dict() == other.to_dict()
    assert (one.first, one.second) == ("euler-seed0", "ssp2-seed0")
    entries = json.loads((copy / "results" / "results.json").read_text())["entries"]
    clean = {entry["run"].removeprefix("runs/"): entry["accuracy"]["clean"] for entry in entries}
    for name, outcome in there.items():
        assert float(next(iter(outcome.rows.values())).double().mean()) == pytest.approx(clean[name])


def test_accuracies_alone_are_no_outcomes(copy: Path, tmp_path: Path) -> None:
    for path in copy.glob("runs/*/evaluations/*.safetensors"):
        path.unlink()
    with pytest.raises(RkblocksError, match=r"RK826: .*not what became of every image"):
        study.outcomes(copy)
    with pytest.raises(RkblocksError, match="RK850"):
        study.outcomes(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("../x/run.json", b"{}", "is no file of a run"),
        ("a/weights.safetensors", b"", "is no file of a run"),
        ("/a/run.json", b"", "is no file of a run"),
        ("a/run.json", bytes(10_000), "would unpack to more than 9999 bytes"),
        ("", b"", "not a zip file"),
    ],
)
def test_a_packed_study_holds_runs_alone(
    copy: Path, name: str, content: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_runs, "LARGEST", 9999)
    shutil.rmtree(copy / "runs")
    if name:
        with zipfile.ZipFile(copy / "runs.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
    else:
        (copy / "runs.zip").write_bytes(b"PK")
    with pytest.raises(RkblocksError, match=f"(?s)RK747: .*{reason}"):
        study.run(copy, report_only=True, say=silent)
