"""Nothing is lost: processes killed at any moment, disks that are full, files that are damaged or gone."""

import json
import random
import shutil
import signal

import pytest
import torch
from commands import dying, ended, limited, signalled, start
from PIL import Image
from safetensors.torch import load_file, save_file

from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation import evaluate
from rkblocks.runs import storage
from rkblocks.training import loop, open_run, resume, train

WEIGHTS = ("weights.safetensors", "last.safetensors")


def metrics(folder):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def assert_same_result(folder, expected):
    assert metrics(folder) == metrics(expected)
    for name in WEIGHTS:
        one, other = load_file(folder / name), load_file(expected / name)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)
    assert not list(folder.glob(".*.part"))


@pytest.fixture
def copy(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "copy")


def arguments(run, finished):
    """The command that begins the run, or goes on with it once it is known what it is to be."""
    if (run / "config.toml").exists():
        return ["train", "--resume", str(run)]
    often = ["--set", "training.save_minutes=1e-9"]  # the state is saved after every step
    return ["train", "--preset", str(finished / "config.toml"), *often, "--out", str(run)]


def test_killed_again_and_again(finished, tmp_path):
    """SIGKILL and SIGTERM at random moments, until the training is done: the same weights, bit for bit."""
    chance, run, statuses = random.Random(11), tmp_path / "run", []
    while len(statuses) < 6 and 0 not in statuses:
        calls, number = chance.randint(1, 3000), chance.choice((signal.SIGKILL, signal.SIGTERM))
        moment = (number, chance.randint(0, 6), calls)
        statuses.append(ended(start(arguments(run, finished), tmp_path / "errors", signalled, *moment)))
    assert set(statuses) <= {0, 2, 130, -signal.SIGKILL, -signal.SIGTERM}
    assert {2, -signal.SIGKILL} <= set(statuses), "stopped and killed at least once each"
    said = (tmp_path / "errors").read_text()
    assert said.count("RK718") == statuses.count(2)
    assert "Traceback" not in said
    assert 0 in statuses or ended(start(arguments(run, finished), tmp_path / "errors")) == 0
    assert_same_result(run, finished)


def test_killed_while_writing(finished, tmp_path):
    """Processes that die in the middle of a file, before or after it gets its name; each continues the one before."""
    chance, run = random.Random(2), tmp_path / "run"
    places = [(1, "half"), (3, "after"), (4, "half")]  # a tableau, run.json, config.toml: the folder is still free
    places += [(5, "half")]  # the first state
    places += [(chance.randint(1, 4), how) for how in ("half", "before", "after", "half")]
    for place in places:
        assert ended(start(arguments(run, finished), tmp_path / "errors", dying, *place)) == -signal.SIGKILL
    assert list(run.glob(".*.part"))  # half a file was left behind, and is cleared away
    assert ended(start(arguments(run, finished), tmp_path / "errors")) == 0
    assert_same_result(run, finished)


def test_a_full_disk(finished, tmp_path):
    """The state of the first step fits no more than half: the one before is kept, and training continues from it."""
    run, errors = tmp_path / "run", tmp_path / "errors"
    assert ended(start(arguments(run, finished), errors, dying, 7, "before")) == -signal.SIGKILL
    before = (run / "resume.pt").read_bytes()
    assert ended(start(arguments(run, finished), errors, limited, len(before) // 2)) == 2
    assert f"error[RK716]: {run / 'resume.pt'} cannot be written: File too large" in errors.read_text()
    assert (run / "resume.pt").read_bytes() == before
    assert ended(start(arguments(run, finished), errors)) == 0
    assert_same_result(run, finished)


def test_a_disk_that_is_full_from_the_first_step(finished, tmp_path):
    """Not even the first state fits; with room, the run begins, in its folder and with its own settings."""
    run, errors = tmp_path / "run", tmp_path / "errors"
    assert ended(start(arguments(run, finished), errors, limited, 10_000)) == 2
    assert "error[RK716]" in errors.read_text()
    assert sorted(path.name for path in run.iterdir()) == ["config.toml", "run.json", "tableaus"]
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "data": {**record["data"], "train": 7}}))
    with pytest.raises(RkblocksError, match="RK717"):
        resume(run, progress=False)
    (run / "run.json").write_text(json.dumps(record))
    assert ended(start(arguments(run, finished), errors)) == 0
    assert f"{run} has nothing saved yet: it begins" in errors.read_text()
    assert_same_result(run, finished)


def test_a_damaged_state_gives_way_to_the_one_before(copy, finished, capsys):
    path = copy / "resume.pt"
    whole = path.read_bytes()
    weight = storage.load_state(path)["model"]["groups.0.0.residual.conv1.weight"]
    inside = whole.index(weight.numpy().tobytes()) + 3  # only a checksum can tell that one bit is another
    damaged = {
        "cut off": whole[: len(whole) // 2],
        "empty": b"",
        "altered": whole[:inside] + bytes([whole[inside] ^ 1]) + whole[inside + 1 :],
    }
    previous = (copy / "resume.previous.pt").read_bytes()
    for content in damaged.values():
        path.write_bytes(content)
        (copy / "resume.previous.pt").write_bytes(previous)
        resume(copy)
        said = capsys.readouterr().err
        assert f"{path} cannot be read" in said
        assert "goes on from the state before, after step 0 of epoch 3, and repeats what came since" in said
        assert_same_result(copy, finished)
        assert storage.load_state(path)["progress"]["epoch"] == 3
    path.write_bytes(b"")
    (copy / "resume.previous.pt").unlink()
    with pytest.raises(RkblocksError, match=r"RK713.*resume\.pt"):
        resume(copy, progress=False)


@pytest.mark.parametrize("damage", ["missing", "cut off"])
def test_weights_of_a_finished_run_are_made_again(damage, tiny, tmp_path, capsys):
    """After one epoch the state has the best weights as well as the last."""
    averaged = {"averaging__kind": "ema", "averaging__evaluated": damage == "missing"}
    run = train(tiny(training__epochs=1, attack__steps=1, **averaged), tmp_path / "run", progress=False)
    whole = {name: (run / name).read_bytes() for name in WEIGHTS}
    for name, content in whole.items():
        if damage == "missing":
            (run / name).unlink()
        else:
            (run / name).write_bytes(content[: len(content) // 2])
    resume(run)
    said = capsys.readouterr().err
    for name, content in whole.items():
        assert f"{run / name} was missing or damaged, and is made again from resume.pt" in said
        assert (run / name).read_bytes() == content


def test_weights_of_an_earlier_epoch_are_not_invented(copy):
    state = storage.load_state(copy / "resume.pt")
    state["progress"]["best_epoch"] = 2  # whichever it was
    storage.save_state(copy / "resume.pt", copy / "resume.previous.pt", state)
    (copy / "weights.safetensors").unlink()
    with pytest.raises(RkblocksError, match=r"RK743: .*weights\.safetensors is missing or damaged: .*epoch 2"):
        resume(copy, progress=False)
    assert not (copy / "weights.safetensors").exists()


def test_a_configuration_edited_by_hand(copy):
    path, record = copy / "config.toml", copy / "run.json"
    text = path.read_text()
    for old, new in (('normalization = "dataset"', 'normalization = "none"'), ("split_seed = 0", "split_seed = 1")):
        assert old in text
        path.write_text(text.replace(old, new))
        for use in (resume, open_run, lambda run: evaluate([run])):
            with pytest.raises(RkblocksError, match=r"RK715.*config\.toml"):
                use(copy)
    content = json.loads(record.read_text())
    del content["config"]  # a run of before there was such a hash
    record.write_text(json.dumps(content))
    with pytest.raises(RkblocksError, match="RK744"):  # the weights know it as well
        open_run(copy, "cpu")
    save_file(load_file(copy / WEIGHTS[0]), copy / WEIGHTS[0])
    assert open_run(copy, "cpu").config.data.split_seed == 1
    with pytest.raises(RkblocksError, match="RK715"):  # the state has always had one
        resume(copy, progress=False)


@pytest.fixture
def pictures(tmp_path):
    for part in ("train", "test"):
        for label, shade in (("dark", 40), ("light", 200)):
            (tmp_path / "pictures" / part / label).mkdir(parents=True)
            for i in range(12):
                Image.new("L", (8, 8), shade + i).save(tmp_path / "pictures" / part / label / f"{i}.png")
    return tmp_path / "pictures"


def test_a_data_folder_that_is_deleted(pictures, tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    config = tiny(data__name=str(pictures), training__batch_size=6, training__epochs=1, attack__steps=1)
    run = train(config, tmp_path / "run", progress=False)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    shutil.rmtree(pictures)
    with pytest.raises(RkblocksError, match=r"RK601.*pictures"):
        resume(run, progress=False)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_run_folder_that_is_deleted_meanwhile(tiny, tmp_path, monkeypatch):
    run = tmp_path / "run"
    monkeypatch.setattr(loop, "measure", lambda *_: shutil.rmtree(run) or {"validation_clean": 0.5})
    with pytest.raises(RkblocksError, match=r"RK716.*run.*cannot be written: No such file or directory"):
        train(tiny(), run, progress=False)
