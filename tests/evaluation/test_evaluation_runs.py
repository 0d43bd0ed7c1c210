"""Evaluate and analyze on a real run folder: a small network of blocks, trained for an epoch on digits."""

import hashlib
import json
import resource
import shutil
import statistics

import pytest
import torch
from safetensors.torch import load_file, save_file

from rkblocks import training
from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation import Images, evaluate, of_model, of_run
from rkblocks.runs import lock


def test_a_run_is_evaluated_and_saved(trained):
    labels = []
    found = evaluate([trained], preset="quick", limit=60, probe=20, progress=lambda label, *_: labels.append(label))
    (run,) = found["runs"]
    assert (found["version"], run["run"], run["blocks"]) == (1, str(trained), "ark")
    assert [(e["attack"], e["n"]) for e in run["entries"]] == [("clean", 60), ("fgsm", 60), ("pgd", 60)]
    assert run["entries"][2]["threat"]["eps"] == "1/10"
    assert run["entries"][2]["threat"]["step"] == "1/40"
    assert run["entries"][0]["weights"] == training.open_run(trained).weights_hash
    assert all(set(check) - {"note"} == {"check", "ok", "figure", "advice"} for check in run["health"])
    assert "three seeds" in [check["check"] for check in run["health"] if check.get("note")]
    assert len(run["health"]) > 10
    assert {"clean", "fgsm linf 1/10", "pgd20 linf 1/10 final", "health"} <= set(labels)
    saved = json.loads((trained / "evaluations" / "quick-test-seed0.json").read_text())
    assert saved["entries"] == run["entries"]


FGSM = {"attack": "fgsm", "limit": 20, "probe": 0, "device": "cpu"}


def test_a_run_in_use_is_evaluated_without_saving_alone(trained, tmp_path):
    """And evaluating holds the lock of every run that it writes in, under any of its names, until it is done."""
    run, other = (shutil.copytree(trained, tmp_path / name) for name in ("run", "other"))
    for folder in (run, other):
        shutil.rmtree(folder / "evaluations", ignore_errors=True)
    (tmp_path / "link").symlink_to(run)
    with lock.held(run):
        with pytest.raises(RkblocksError, match=r"run is in use by process (.|\n)*--no-save evaluates") as caught:
            evaluate([other, run], **FGSM)
        assert [one.code for one in caught.value.diagnostics] == ["RK858"]
        evaluate(run, **FGSM, save=False)
    seen = []
    in_use = lambda *_: seen.append([(folder / lock.IN_USE).exists() for folder in (run, other)])  # noqa: E731
    evaluate([run, tmp_path / "link", other], **FGSM, progress=in_use)
    assert all(map(all, seen))
    assert not any((folder / lock.IN_USE).exists() for folder in (run, other))
    seen.clear()
    evaluate(run, **FGSM, save=False, progress=in_use)
    assert not any(map(any, seen))


def test_an_evaluation_that_cannot_be_saved_is_refused_first(trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run", ignore=shutil.ignore_patterns("evaluations"))
    (run / "evaluations").write_text("a file")
    with pytest.raises(RkblocksError, match="RK824"):
        evaluate(run, **FGSM, progress=lambda *_: pytest.fail("it began"))
    assert not (run / lock.IN_USE).exists()


def test_a_full_disk_is_known_before_the_work(trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run", ignore=shutil.ignore_patterns("evaluations"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(RkblocksError, match=r"RK824: cannot save the evaluation in .*: File too large"):
            evaluate(run, **FGSM, progress=lambda *_: pytest.fail("it began"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (run / "evaluations").exists()


def test_one_attack_in_full(trained):
    options = {"attack": "pgd", "eps": "0.2", "steps": 3, "restarts": 2, "definition": "any", "loss": "margin"}
    found = evaluate([trained], **options, limit=30, probe=0, save=False)
    clean, entry = found["runs"][0]["entries"]
    assert clean["attack"] == "clean"
    assert entry["definition"] == "any"
    assert (entry["threat"]["eps"], entry["threat"]["step"], entry["threat"]["restarts"]) == ("1/5", "1/20", 2)


def test_subjects_of_runs(trained):
    test, validation = of_run(trained, device="cpu"), of_run(trained, Images("validation"), device="cpu")
    assert len(test) > len(validation) > 0
    assert test.dataset == "digits"
    last = of_run(trained, Images(weights="last"), device="cpu")
    assert len(last.weights) == 64


@pytest.mark.parametrize(
    "options", [{"split": "tests"}, {"limit": 0}, {"weights": "worst"}, {"seed": -1}, {"seed": 10**30}]
)
def test_unfit_options_are_named(trained, options):
    with pytest.raises(RkblocksError) as caught:
        of_run(trained, Images(**options))
    assert [found.code for found in caught.value.diagnostics] == ["RK823"]


@pytest.mark.parametrize("device", ["abacus", "cuda:99", "meta"])
def test_a_device_that_is_not_there_is_named(trained, device):
    with pytest.raises(RkblocksError, match="RK721"):
        of_run(trained, device=device)


def test_a_slip_in_the_second_run_costs_no_work_on_the_first(trained, tmp_path):
    labels = []
    with pytest.raises(RkblocksError, match="RK712"):
        evaluate([trained, tmp_path], preset="quick", limit=5, progress=lambda label, *_: labels.append(label))
    assert not labels


def test_a_folder_of_runs_is_no_run_but_names_them(tmp_path):
    for name in ("b", "a"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        for file in ("config.toml", "run.json"):
            (tmp_path / "runs" / name / file).write_text("")
    for folder, pattern in ((tmp_path / "runs", "*"), (tmp_path, "*/*")):
        with pytest.raises(RkblocksError) as caught:
            evaluate([folder], preset="quick")
        runs = f"{tmp_path / 'runs' / 'a'}, {tmp_path / 'runs' / 'b'}"
        assert caught.value.diagnostics[0].help == f"it holds runs: {runs}; all of them are {folder / pattern}"


def test_no_run_is_named(tmp_path):
    with pytest.raises(RkblocksError) as caught:
        evaluate([tmp_path], preset="quick")
    assert [found.code for found in caught.value.diagnostics] == ["RK712"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"limit": "5"}, "RK822"),
        ({"limit": 2.0}, "RK822"),
        ({"seed": None}, "RK822"),
        ({"seed": True}, "RK822"),
        ({"batch": "all"}, "RK822"),
        ({"batch": 0}, "RK823"),
        ({"probe": -1}, "RK823"),
        ({"preset": 3}, "RK822"),
        ({"attack": ["pgd"]}, "RK822"),
        ({"attack": "pgd", "eps": [8, 255]}, "RK822"),
        ({"attack": "pgd", "steps": "20"}, "RK822"),
        ({"attack": "pgd", "random_start": "yes"}, "RK822"),
        ({"split": ("test",)}, "RK822"),
        ({"device": 0}, "RK822"),
        ({"data_root": 5}, "RK822"),
        ({"weights": "worst"}, "RK823"),
        ({"save": 1}, "RK822"),
        ({"resume": "yes"}, "RK822"),
        ({"progress": "loud"}, "RK822"),
    ],
)
def test_values_of_another_type_are_named(options, expected):
    with pytest.raises(RkblocksError) as caught:
        evaluate(["no/such/run"], **options)
    assert [found.code for found in caught.value.diagnostics] == [expected]


@pytest.mark.parametrize("runs", [5, None, [], [5], b"runs", {"runs": 1}])
def test_runs_that_are_no_paths_are_named(runs):
    with pytest.raises(RkblocksError) as caught:
        evaluate(runs)
    assert [found.code for found in caught.value.diagnostics] == ["RK822"]


def test_subjects_of_another_type_are_named(honest):
    for arguments in ((None, torch.zeros(1), torch.zeros(1)), (honest, [[0.0]], torch.zeros(1)), (honest, 1, 1)):
        with pytest.raises(RkblocksError, match="RK822"):
            of_model(*arguments)


def sibling(trained, folder, seed, factor):
    """A copy of the run as if of another seed: noise on all weights changes some predictions."""
    copy = shutil.copytree(trained, folder, ignore=shutil.ignore_patterns("evaluations", "analysis"))
    config = (copy / "config.toml").read_text()
    assert "\nseed = 0\n" in config
    (copy / "config.toml").write_text(config.replace("\nseed = 0\n", f"\nseed = {seed}\n"))
    record = json.loads((copy / "run.json").read_text())
    record["config"] = hashlib.sha256((copy / "config.toml").read_bytes()).hexdigest()
    (copy / "run.json").write_text(json.dumps(record))
    for name in ("weights", "last"):
        state = load_file(copy / f"{name}.safetensors")
        noise = torch.Generator().manual_seed(seed)
        state = {
            k: v + factor * torch.randn(v.shape, generator=noise) if v.is_floating_point() else v
            for k, v in state.items()
        }
        save_file(state, copy / f"{name}.safetensors")
    return copy


def test_seeds_of_one_configuration_are_averaged_and_all_pairs_compared(trained, tmp_path):
    runs = [trained, sibling(trained, tmp_path / "one", 1, 0.02), sibling(trained, tmp_path / "two", 2, 0.04)]
    found = evaluate(runs, preset="quick", limit=60, probe=0, save=False)
    (group,) = found["seeds"]
    assert (group["seeds"], group["runs"]) == ([0, 1, 2], [str(run) for run in runs])
    for k, row in enumerate(group["rows"]):
        values = [run["entries"][k]["accuracy"] for run in found["runs"]]
        assert row["values"] == values
        assert (row["mean"], row["deviation"]) == pytest.approx((statistics.mean(values), statistics.stdev(values)))
    assert [row["attack"] for row in group["rows"]] == ["clean", "fgsm", "pgd"]
    assert [(c["first"], c["second"]) for c in found["comparisons"]] == [
        (str(runs[a]), str(runs[b])) for a, b in ((0, 1), (0, 2), (1, 2))
    ]
    assert all((c["settings"], c["unhealthy"]) == ({}, []) for c in found["comparisons"])
    json.dumps(found, allow_nan=False)


def test_one_run_has_no_seeds_and_no_comparison(trained):
    found = evaluate(trained, preset="quick", limit=10, probe=0, save=False)
    assert (found["seeds"], found["comparisons"]) == ([], [])


def test_more_targets_than_wrong_classes_are_recorded_as_those_there_are(trained):
    found = evaluate(trained, attack="targeted", targets=1000, steps=1, limit=4, probe=0, save=False)
    assert found["runs"][0]["entries"][1]["threat"]["targets"] == 9


def test_an_empty_name_is_no_run():
    for runs in ("", [""]):
        with pytest.raises(RkblocksError, match="RK822"):
            evaluate(runs)
