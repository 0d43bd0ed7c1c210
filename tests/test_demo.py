"""The demo, small: exact verdicts, the shape of results.json, continuing, and stopping with its workers."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest
import torch

from rkblocks.demo import PAPER, results, run
from rkblocks.demo import task as tasks
from rkblocks.demo.settings import Settings, pgd, settle
from rkblocks.demo.verdicts import verdict, verdict_table
from rkblocks.diagnostics import RkblocksError
from rkblocks.settings.threat import Threat
from rkblocks.study.spec import load

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compiled")
    return {scheme: verdict(scheme, folder) for scheme in PAPER}, folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder, lines = tmp_path_factory.mktemp("demo") / "out", []
    content = run(folder, schemes=("euler", "ark"), tiny=True, workers=0, say=lines.append)
    return content, folder, "\n".join(lines)


def test_the_verdicts_are_the_papers(verdicts):
    found, folder = verdicts
    assert {name: report["order"]["value"] for name, report in found.items()} == {
        "euler": 1,
        "midpoint": 2,
        "ssp2": 2,
        "ssp3": 3,
        "ark": 2,
    }
    growth = {name: report["variance"]["growth"] for name, report in found.items()}
    assert (growth["euler"], growth["midpoint"], growth["ssp2"], growth["ssp3"]) == ("2", "9/4", "7/4", "29/18")
    assert "beta10" in growth["ark"]
    optimal = {name: report["ssp"]["optimal"].get("cfl") for name, report in found.items()}
    assert (optimal["euler"], optimal["midpoint"], optimal["ssp2"], optimal["ssp3"]) == ("1", "0", "1", "1")
    assert {name: report["calls"] for name, report in found.items()} == {
        "euler": 1,
        "midpoint": 2,
        "ssp2": 2,
        "ssp3": 3,
        "ark": 2,
    }
    for name in PAPER:
        compile((folder / f"{name}_block.py").read_text(), name, "exec")


def test_the_table_of_verdicts_shows_them(verdicts):
    text = verdict_table(list(verdicts[0].values()))
    for word in (*PAPER, "29/18", "9/4", "7/4"):
        assert word in text


def test_results_have_the_shape_of_the_interface(finished):
    content, folder, said = finished
    assert said.count("The first networks have started;") == 1
    assert re.search(r"^euler-seed0: done in \d+ (s|min).* \(1 of 2\), about .* left$", said, re.MULTILINE)
    assert re.search(r"^ark-seed0: done in \d+ (s|min).* \(2 of 2\)$", said, re.MULTILINE)
    seeds = [check for one in content["entries"] for check in one["health"] if check["check"] == "three seeds"]
    assert [check["figure"] for check in seeds] == ["training seed 0 of this configuration"] * 2
    saved = json.loads((folder / "results.json").read_text())
    assert {key: saved[key] for key in saved} == {key: content[key] for key in saved}
    assert saved["version"] == 1
    assert [(entry["blocks"], entry["seed"]) for entry in saved["entries"]] == [("euler", 0), ("ark", 0)]
    for entry in saved["entries"]:
        assert {"blocks", "seed", "clean", "fgsm", "pgd20", "growth"} <= set(entry)
        assert 0 <= entry["pgd20"] <= 1
        assert set(entry["growth"]) == {"adversarial", "random"}
        assert list(entry["sweep"]) == ["0", "1/10", "1"]
        assert entry["sweep"]["0"] == entry["clean"]
        assert (folder / entry["run"] / "weights.safetensors").is_file()
        assert (folder / entry["run"] / "evaluations" / "demo-test-seed0.json").is_file()
    for row in saved["summary"]:
        assert row["seeds"] == 1
        assert row["clean"] == [
            pytest.approx(next(e["clean"] for e in saved["entries"] if e["blocks"] == row["blocks"])),
            None,
        ]
    assert saved["entries"][0]["coefficients"] == {}
    assert {tuple(values) for values in saved["entries"][1]["coefficients"].values()} == {("beta10",)} or any(
        "beta10" in values for values in saved["entries"][1]["coefficients"].values()
    )
    for name in ("accuracy", "growth", "eps", "training"):
        assert (folder / "figures" / f"{name}.png").is_file()
        assert (folder / "figures" / f"{name}.svg").is_file()
    for word in ("euler", "ark", "PGD-20", "growth group1", "Health checks", str(folder)):
        assert word in said


def test_a_finished_demo_is_not_trained_again(finished, monkeypatch):
    content, folder, _ = finished
    monkeypatch.setattr("rkblocks.training.train", lambda *_, **__: pytest.fail("trained again"))
    lines = []
    again = run(folder, schemes=("euler", "ark"), tiny=True, workers=0, say=lines.append)
    assert again["entries"] == content["entries"]
    said = "\n".join(lines)
    assert "; 2 of 2 are finished already." in said
    assert "done in" not in said


def test_other_settings_do_not_continue_it(finished):
    with pytest.raises(RkblocksError) as caught:
        run(finished[1], schemes=("euler",), tiny=True, workers=0, say=lambda line: None)
    assert [found.code for found in caught.value.diagnostics] == ["RK841"]


def test_folders_of_others_are_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RkblocksError) as caught:
        run(tmp_path, tiny=True, workers=0)
    assert [found.code for found in caught.value.diagnostics] == ["RK841"]
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("seeds", [0, -1, 1.5, True, 10**6])
def test_unfit_numbers_of_seeds_are_named(tmp_path, seeds):
    with pytest.raises(RkblocksError) as caught:
        run(tmp_path / "out", seeds, workers=0)
    assert [found.code for found in caught.value.diagnostics] == ["RK841"]


def test_an_entry_cut_off_counts_as_none(tmp_path):
    (tmp_path / tasks.ENTRY).write_text('{"blocks": "eul')
    assert tasks.read_entry(tmp_path) is None
    assert tasks.read_entry(tmp_path / "nowhere") is None


def test_tasks_go_seed_by_seed(tmp_path):
    settings = Settings(schemes=("euler", "own/scheme.json"), seeds=2)
    settle(tmp_path, settings)
    found = settings.tasks(tmp_path)
    assert [task.name for task in found] == ["euler-seed0", "scheme-seed0", "euler-seed1", "scheme-seed1"]
    assert found[3].config.net.blocks == ("own/scheme.json",)
    assert [task.evaluation.seed for task in found] == [0, 0, 1, 1]
    assert {task.seeds for task in found} == {(0, 1)}
    assert pgd(found[0]) == Threat(eps="1/10", steps=20, step="1/40")


def test_the_settings_of_a_demo_are_a_study_file(finished):
    study = load(finished[1] / "demo.toml")
    assert [cell.blocks for cell in study.cells] == ["euler", "ark"]
    assert [column.key for column in study.columns] == ["clean", "fgsm", "pgd20"]


def entry(blocks, seed, clean, last):
    growth = {"2": {"group1": 1.0 + seed}}
    accuracies = {"clean": clean, "fgsm": clean - 0.1, "pgd20": clean - 0.2}
    sweep = {"0": clean, "1/10": clean - 0.2, "1": last}
    return {
        "blocks": blocks,
        "seed": seed,
        **accuracies,
        "growth": {"adversarial": growth},
        "sweep": sweep,
        "health": [],
    }


def test_summaries_have_mean_and_deviation_over_seeds():
    summary = results.summarize([entry("ssp2", 0, 0.9, 0.0), entry("euler", 0, 0.8, 0.0), entry("ssp2", 1, 0.8, 0.05)])
    assert [(row["blocks"], row["seeds"]) for row in summary] == [("ssp2", 2), ("euler", 1)]
    assert summary[0]["clean"] == pytest.approx([0.85, 0.1 / 2**0.5])
    assert summary[0]["growth"] == {"group1": pytest.approx([1.5, 0.5**0.5])}
    assert summary[1]["clean"] == [0.8, None]
    text = results.table(summary)
    assert "0.850 (0.071)" in text
    assert "0.800" in text
    assert "at or below chance" in results.sweep_line(summary, 0.1)
    assert "NOT at chance" in results.sweep_line(results.summarize([entry("ssp2", 0, 0.9, 0.4)]), 0.1)


def test_the_spread_of_the_schemes_stands_beside_the_error_bar_of_a_network():
    entries = [{**entry("ssp2", 0, 0.9, 0.0), "n": 100}, {**entry("euler", 0, 0.8, 0.0), "n": 100}]
    line = results.spread_line(entries, results.summarize(entries))
    assert "the means of the schemes lie within 0.100" in line
    assert "one network on 100 images is 0.184 wide" in line  # Wilson: 65 of 100, 0.5525 to 0.7364
    assert "schemes" not in results.spread_line(entries[:1], results.summarize(entries[:1]))


SCRIPT = """
import sys
from rkblocks.demo import run

if __name__ == "__main__":
    changes = {"training.epochs": 2}
    run(sys.argv[1], schemes=("euler", "ssp2", "ssp3"), tiny=True, workers=2, changes=changes)
"""


@pytest.mark.slow
def test_ctrl_c_stops_the_workers_and_the_same_folder_continues(tmp_path):
    script, out = tmp_path / "script.py", tmp_path / "out"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(out.glob("networks/*/metrics.jsonl")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True).stdout
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert f"Continue with: the same call, and out={str(out)!r}\n" in said, "no command has these schemes"
    assert not (out / "results.json").exists()
    assert len(children.split()) >= 2
    assert "Traceback" not in said
    deadline = time.monotonic() + 60  # the bookkeeper of multiprocessing ends a moment after its parent
    while any(map(alive, children.split())):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    saved = json.loads((out / "results.json").read_text())
    assert [one["blocks"] for one in saved["entries"]] == ["euler", "ssp2", "ssp3"]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False
