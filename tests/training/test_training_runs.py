"""Run folders: complete, reproducible, resumed bit for bit after any interruption, and suspicious of what they read."""

import errno
import json
import os
import re
import shutil
import signal

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch.nn import functional

from rkblocks.data import load as load_data
from rkblocks.data.split import unit
from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation.subject import state_hash
from rkblocks.runs import storage
from rkblocks.settings import toml
from rkblocks.training import loop, open_run, resume, train

torch.set_num_threads(1)

FILES = ("weights.safetensors", "last.safetensors")


def metrics(folder) -> list[dict]:
    found = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in found]


def assert_same_result(folder, expected):
    assert metrics(folder) == metrics(expected)
    for name in FILES:
        one, other = load_file(folder / name), load_file(expected / name)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.fixture
def copy(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "copy")


def test_the_folder_is_complete(finished, tiny):
    assert sorted(path.name for path in finished.iterdir()) == sorted(
        (*FILES, "config.toml", "metrics.jsonl", "resume.pt", "resume.previous.pt", "run.json", "tableaus")
    )
    assert toml.write(tiny()) == (finished / "config.toml").read_text()
    record = json.loads((finished / "run.json").read_text())
    assert record["groups"] == ["tableaus/ark.json", "tableaus/ssp2.json"]
    assert record["tableaus"] == {name: storage.sha256(finished / name) for name in record["groups"]}
    assert record["data"]["train"] + record["data"]["validation"] + record["data"]["test"] == 1797
    assert record["versions"]["torch"] == torch.__version__.partition("+")[0] or record["versions"]["torch"]
    lines = metrics(finished)
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert {"lr", "train_loss", "train_accuracy", "validation_clean", "validation_robust"} <= lines[0].keys()
    best = max(line["validation_robust"] for line in lines)
    assert next(line for line in reversed(lines) if line["best"])["validation_robust"] == best


def test_weights_that_are_no_numbers_are_refused_by_name(copy):
    path = copy / "weights.safetensors"
    state = load_file(path)
    name = sorted(state)[3]
    state[name].view(-1)[0] = float("nan")
    save_file(state, path)
    with pytest.raises(RkblocksError, match=re.escape(name)) as caught:
        open_run(copy, "cpu")
    assert [found.code for found in caught.value.diagnostics] == ["RK713"]
    open_run(copy, "cpu", "last")


def test_weights_know_their_run_and_are_refused_in_another(copy):
    path = copy / "weights.safetensors"
    with safe_open(path, "pt") as file:
        written = json.loads(file.metadata()["run"])
    assert written["config"] == storage.sha256(copy / "config.toml")
    assert written["blocks"] == "ark,ssp2"
    for different in ({"blocks": "ark,euler"}, {"config": "0" * 64}):
        save_file(load_file(path), path, metadata={"run": json.dumps(written | different)})
        with pytest.raises(RkblocksError, match=next(iter(different.values()))) as caught:
            open_run(copy, "cpu")
        assert [found.code for found in caught.value.diagnostics] == ["RK744"]
    save_file(load_file(path), path)  # as files of earlier versions: nothing is known of them
    open_run(copy, "cpu")


def test_open_run(finished):
    run = open_run(finished, "cpu")
    assert run.blocks == "ark,ssp2"
    assert not run.model.training
    assert run.weights_hash == storage.weights_hash(finished / "weights.safetensors") == state_hash(run.model)
    assert [tableau.name for tableau in run.tableaus] == ["ark", "ssp2"]
    data = load_data("digits", validation=run.config.data.validation)
    correct = (run.model(unit(data.validation.images)).argmax(1) == data.validation.labels).double().mean()
    best = [line for line in metrics(finished) if line["best"]][-1]
    assert float(correct) == pytest.approx(best["validation_clean"])
    last = open_run(finished, "cpu", weights="last").model.state_dict()
    assert all(torch.equal(last[key], value) for key, value in load_file(finished / "last.safetensors").items())


@pytest.mark.parametrize("kind", sorted(set(storage.TYPES.values()) - {"complex64"}))
def test_the_hash_of_weights_is_of_the_tensors_alone(kind, tmp_path):
    """Whatever else the file says; another name, shape, type or value is another hash. Of any type, the empty too."""
    weights = torch.arange(6).reshape(2, 3).to(getattr(torch, kind))
    states = [{"b": weights, "a": weights[:0]}, {"b": weights, "c": weights[:0]}, {"b": weights.reshape(3, 2)}]
    hashes = []
    for number, state in enumerate([*states, states[0]]):
        storage.save_weights(path := tmp_path / f"{number}.safetensors", state, {"seconds": number})
        hashes.append(storage.weights_hash(path))
    assert hashes[0] == hashes[3]
    assert len(set(hashes)) == 3
    assert storage.sha256(path) != storage.sha256(tmp_path / "0.safetensors")
    assert storage.weights_hashes(path) == (hashes[3], storage.sha256(path))
    model = torch.nn.Module()
    for name, tensor in states[0].items():
        model.register_buffer(name, tensor)
    assert state_hash(model) == hashes[0]


@pytest.mark.parametrize(
    "content", [b"", b"12345678", b"\xff" * 9, b"\x02" + bytes(7) + b"[]", b"\x02" + bytes(7) + b"{"]
)
def test_a_file_without_tensors_has_its_own_hash_alone(content, tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(RkblocksError, match="RK713"):
        storage.weights_hash(path)
    assert storage.weights_hashes(path) == (storage.sha256(path),)
    assert storage.weights_hashes(tmp_path / "none") == ()


def test_the_seed_decides(finished, tiny, tmp_path):
    assert_same_result(train(tiny(), tmp_path / "again", progress=False), finished)
    other = train(tiny(training__seed=1), tmp_path / "other", progress=False)
    assert metrics(other) != metrics(finished)


@pytest.mark.parametrize("stop_at", [1, 5, 8, 15])
def test_a_signal_saves_and_resuming_changes_nothing(stop_at, finished, tiny, tmp_path, monkeypatch):
    """The signal comes during a step: in an epoch, at its last step, in the last step of all."""
    steps = []
    cross_entropy = functional.cross_entropy

    def counting(*arguments):
        steps.append(1)
        if len(steps) == stop_at:
            os.kill(os.getpid(), signal.SIGTERM if stop_at % 2 else signal.SIGINT)
        return cross_entropy(*arguments)

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(functional, "cross_entropy", lambda *a, **k: cross_entropy(*a, **k) if k else counting(*a))
        with pytest.raises(RkblocksError, match="RK718") as error:
            train(tiny(), out, progress=False)
    assert f"--resume {out}" in str(error.value)
    assert len(steps) == stop_at
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert_same_result(resume(out, progress=False), finished)


@pytest.mark.parametrize("fatal", [5, 6, 8, 11])
def test_a_disk_that_fills_up(fatal, finished, tiny, tmp_path, monkeypatch):
    """The disk is full at the `fatal`-th file, before that file has its final name."""
    written = []
    replace = os.replace

    def full(source, target):
        written.append(target)
        if len([name for name in written if "previous" not in str(name)]) == fatal:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(RkblocksError, match=r"RK716.*No space left"):
            train(tiny(), tmp_path / "run", progress=False)
    if (tmp_path / "run" / "resume.pt").exists():
        assert not list((tmp_path / "run").glob(".*.part"))
        assert_same_result(resume(tmp_path / "run", progress=False), finished)
    else:
        assert fatal == 5  # the first file of state itself


def test_divergence_keeps_the_last_good_state(tiny, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(RkblocksError, match="RK719"):
        train(tiny(optimizer__lr=1e30, training__method="standard", schedule__kind="constant"), out, progress=False)
    state = storage.load_state(out / "resume.pt")
    assert all(bool(value.isfinite().all()) for value in state["model"].values())
    with pytest.raises(RkblocksError, match="RK719"):
        train(tiny(optimizer__lr=1e30, schedule__kind="constant"), tmp_path / "adversarial", progress=False)


def test_a_folder_in_use(finished, tiny, tmp_path):
    for used in (finished, finished / "config.toml"):
        with pytest.raises(RkblocksError, match="RK711"):
            train(tiny(), used, progress=False)
    (tmp_path / "own" / "tableaus").mkdir(parents=True)
    (tmp_path / "own" / "tableaus" / "ssp2.json").write_text("mine")
    with pytest.raises(RkblocksError, match=r"RK711.*ssp2\.json exists already"):
        train(tiny(), tmp_path / "own", progress=False)
    assert (tmp_path / "own" / "tableaus" / "ssp2.json").read_text() == "mine"
    (tmp_path / "file").write_text("")
    with pytest.raises(RkblocksError, match="RK716"):
        train(tiny(), tmp_path / "file" / "run", progress=False)


def test_no_run(tmp_path):
    with pytest.raises(RkblocksError, match="RK712"):
        open_run(tmp_path)
    with pytest.raises(RkblocksError, match="RK712"):
        resume(tmp_path / "nothing")


def test_no_weights_before_the_first_epoch_ends(copy):
    for name in ("weights.safetensors", "last.safetensors"):
        (copy / name).unlink()
    with pytest.raises(RkblocksError, match="RK712") as caught:
        open_run(copy)
    assert caught.value.diagnostics[0].help.endswith(f"rkblocks train --resume {copy}")


def test_damaged_files(copy):
    weights = copy / "weights.safetensors"
    whole = weights.read_bytes()
    for content in (whole[: len(whole) // 2], b"", (copy / "resume.pt").read_bytes()):
        weights.write_bytes(content)
        with pytest.raises(RkblocksError, match="RK713"):
            open_run(copy)
    weights.unlink()
    with pytest.raises(RkblocksError, match="RK712"):
        open_run(copy)
    (copy / "resume.previous.pt").unlink()
    for content in ((copy / "resume.pt").read_bytes()[:5000], b"", whole):
        (copy / "resume.pt").write_bytes(content)
        with pytest.raises(RkblocksError, match="RK713"):
            resume(copy, progress=False)
    (copy / "run.json").write_text('{"version": 1}')
    with pytest.raises(RkblocksError, match="RK713"):
        open_run(copy)


def test_weights_of_another_network(copy, tiny, tmp_path):
    other = train(tiny(net__blocks="euler", net__widths=[3, 6], training__epochs=1), tmp_path / "other", progress=False)
    save_file(load_file(other / "weights.safetensors"), copy / "weights.safetensors")  # without saying whose they are
    with pytest.raises(RkblocksError, match="RK713"):
        open_run(copy)


def test_a_changed_tableau(copy):
    path = copy / "tableaus" / "ark.json"
    path.write_text(path.read_text() + "\n")
    for use in (open_run, resume):
        with pytest.raises(RkblocksError, match="RK714"):
            use(copy)


def test_a_changed_configuration(copy):
    path = copy / "config.toml"
    path.write_text(path.read_text().replace("lr = 0.1", "lr = 0.2"))
    assert "lr = 0.2" in path.read_text()
    with pytest.raises(RkblocksError, match="RK715"):
        resume(copy, progress=False)


def test_another_kind_of_device(copy):
    state = storage.load_state(copy / "resume.pt")
    storage.save_state(copy / "resume.pt", copy / "resume.previous.pt", state | {"device": "cuda"})
    with pytest.raises(RkblocksError, match=r"RK721.*trained on cuda"):
        resume(copy, progress=False)


def test_changed_data(copy, monkeypatch):
    fingerprint = loop.fingerprint
    monkeypatch.setattr(loop, "fingerprint", lambda data: fingerprint(data)[::-1])
    with pytest.raises(RkblocksError, match="RK717"):
        resume(copy, progress=False)


def test_resuming_a_finished_run_does_nothing(copy, finished):
    assert resume(copy, progress=False) == copy
    assert_same_result(copy, finished)


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"training__device": "cuda:99"}, "RK721"),
        ({"training__device": "abacus"}, "RK721"),
        ({"training__device": "meta"}, "RK721"),
        ({"net__widths": [2] * 5, "net__blocks": "euler"}, "RK722"),
        ({"net__kind": "mnist", "net__widths": 4, "net__blocks": "euler"}, "RK722"),
        ({"training__batch_size": 5000}, "RK723"),
        ({"net__blocks": "euler,ssp2,ssp3"}, "RK551"),
        ({"data__name": "nothing"}, "RK601"),
        ({"data__name": ""}, "RK601"),
    ],
)
def test_what_cannot_be_trained_leaves_no_folder(overrides, code, tiny, tmp_path):
    with pytest.raises(RkblocksError, match=code):
        train(tiny(**overrides), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_one_class_is_nothing_to_learn(tiny, tmp_path):
    for part in ("train", "test"):
        (tmp_path / part / "cat").mkdir(parents=True)
        for i in range(8):
            Image.new("L", (8, 8), i).save(tmp_path / part / "cat" / f"{i}.png")
    with pytest.raises(RkblocksError, match=r"RK604.*one class, cat"):
        train(tiny(data__name=str(tmp_path)), tmp_path / "run", progress=False)


def test_stopped_before_its_first_step_a_run_leaves_no_folder(tiny, tmp_path, monkeypatch):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rkblocks.training.loop.make_optimizer", stop)
    with pytest.raises(KeyboardInterrupt):
        train(tiny(), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_without_validation_the_last_epoch_is_the_best(tiny, tmp_path):
    out = train(
        tiny(data__validation=0, training__epochs=2, training__method="noise"), tmp_path / "run", progress=False
    )
    assert [line["best"] for line in metrics(out)] == [True, True]
    one, other = (load_file(out / name) for name in FILES)
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_the_last_epoch_is_kept_where_that_is_the_choice(tiny, tmp_path):
    out = train(tiny(validation__choice="last"), tmp_path / "run", progress=False)
    assert [line["best"] for line in metrics(out)] == [True] * 3
    one, other = (load_file(out / name) for name in FILES)
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_channels_last_is_the_same_training(tiny, tmp_path):
    losses = []
    for layout in ("contiguous", "channels_last"):
        settings = {"net__widths": (8, 12), "training__epochs": 1, "training__method": "standard"}
        config = tiny(training__memory_format=layout, **settings)
        losses.append(metrics(train(config, tmp_path / layout, progress=False))[0]["train_loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_a_layout_in_which_torch_corrupts_memory_is_not_taken(tiny, tmp_path, capsys):
    runs = []
    for layout in ("contiguous", "channels_last"):
        config = tiny(training__memory_format=layout, net__widths=(4, 8), training__epochs=1)
        runs.append(train(config, tmp_path / layout))
        assert ("RK770" in capsys.readouterr().err) == (layout == "channels_last")
    assert load_file(runs[0] / FILES[1]).keys() == load_file(runs[1] / FILES[1]).keys()
    for name, value in load_file(runs[0] / FILES[1]).items():
        assert torch.equal(value, load_file(runs[1] / FILES[1])[name]), name


def test_lines_of_progress(tiny, tmp_path, capsys):
    train(tiny(training__epochs=1, net__blocks="euler"), tmp_path / "run")
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0] == f"{tmp_path / 'run'}: euler on digits, cpu, float32, 5 steps an epoch"
    assert lines[1].startswith("epoch 1/1  loss ")
    assert "robust" in lines[1]
    assert len(lines) == 3
