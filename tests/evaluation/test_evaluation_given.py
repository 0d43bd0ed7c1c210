"""A model of one's own: from Python, from a loader, from a file; every misfit is named, with the way out."""

import copy
import json
import pickle
import sys
from pathlib import Path

import numpy
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

import rkblocks
from rkblocks.cli import main
from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation import evaluate_subject, of_model, preset_plan
from rkblocks.runs.modules import load_file, named_module
from rkblocks.settings.plan import base_threat

QUICK = {"preset": "quick", "dataset": "digits", "probe": 0}


@pytest.fixture
def held_out(digits):
    return digits[0][-40:], digits[1][-40:]


def refused(code, function, *arguments, **options):
    with pytest.raises(RkblocksError) as caught:
        function(*arguments, **options)
    (found,) = caught.value.diagnostics
    assert found.code == code, found
    assert found.help
    return found.message


def test_a_model_is_evaluated_as_its_subject_is(honest, held_out):
    modes = [(module, module.training) for module in honest.modules()]
    found = rkblocks.evaluate(honest, *held_out, **QUICK, name="mine")
    expected = evaluate_subject(
        of_model(honest, *held_out, name="mine", dataset="digits"), preset_plan("quick", base_threat("digits")), probe=0
    )
    assert found == {"version": 1, "runs": [expected.to_dict()], "seeds": [], "comparisons": []}
    assert modes == [(module, module.training) for module in honest.modules()]
    json.dumps(found, allow_nan=False)


def test_tensors_arrays_and_loaders_say_the_same(honest, held_out):
    x, y = held_out
    expected = rkblocks.evaluate(honest, x, y, **QUICK)
    floats = x.float() / 255
    for images, labels in ((floats, y.int()), (floats.numpy(), numpy.asarray(y))):
        found = rkblocks.evaluate(honest, images, labels, **QUICK)["runs"][0]["entries"]
        assert found == expected["runs"][0]["entries"]
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=16)
    assert rkblocks.evaluate(honest, loader, **QUICK) == expected
    few = rkblocks.evaluate(honest, loader, **QUICK, limit=7)["runs"][0]
    assert [entry["n"] for entry in few["entries"]] == [7, 7, 7]


class Noted(nn.Sequential):
    """A network with state that is no tensor."""

    def get_extra_state(self):
        return {"version": 3}

    def set_extra_state(self, state):
        pass


def test_images_that_require_gradients_and_state_that_is_no_tensor(honest, held_out):
    x, y = held_out[0][:10].float() / 255, held_out[1][:10]
    plain, noted, leaf = (
        evaluate_worst(model, images, y)
        for model, images in ((honest, x), (Noted(honest), x), (honest, x.clone().requires_grad_()))
    )
    assert plain == noted == leaf


def test_a_model_of_any_float_takes_images_of_its_own(honest, held_out):
    x, y = held_out[0][:10].float() / 255, held_out[1][:10]
    for dtype in (torch.float64, torch.bfloat16):
        model = copy.deepcopy(honest).to(dtype)
        assert 0 <= evaluate_worst(model, x.to(dtype), y)["accuracy"] < 0.9


def evaluate_worst(model, images, labels):
    return rkblocks.evaluate(model, images, labels, attack="pgd", eps="1/10", probe=0)["runs"][0]["worst"]


def test_without_a_data_set_the_budget_is_that_of_cifar(honest, held_out):
    found = rkblocks.evaluate(honest, *held_out, attack="fgsm", probe=0)["runs"][0]
    assert found["entries"][1]["threat"]["eps"] == "8/255"
    assert rkblocks.evaluate(honest, *held_out, attack="fgsm", eps="1/10", probe=0)["runs"][0]["entries"][1] != found


def test_what_does_not_fit_is_named(honest, held_out):
    x, y = held_out
    evaluate = rkblocks.evaluate
    assert "from -" in refused("RK863", evaluate, honest, x.float() / 255 - 0.5, y)
    assert "no labels" in refused("RK863", evaluate, honest, x)
    assert "no batch" in refused("RK863", evaluate, honest, [])
    assert "(images, labels)" in refused("RK863", evaluate, honest, [x])
    assert "int64" in refused("RK863", evaluate, honest, x.long(), y)
    assert "split, source" in refused(
        "RK863", evaluate, honest, x, y, split="train", attack="transfer", source="runs/a"
    )
    assert "fails on an image torch.float32 of shape (1, 3, 8, 8)" in refused(
        "RK863", evaluate, honest, x.expand(-1, 3, -1, -1), y
    )
    assert "float64" in refused("RK808", evaluate, honest, x.double() / 255, y)
    assert "a label is 19" in refused("RK808", evaluate, honest, x, y + 10 * (y == 9))
    assert "no model" in refused("RK822", evaluate, "runs/a", x, y)
    assert "steps" in refused("RK821", evaluate, honest, x, y, steps=3)


@pytest.fixture
def mine(tmp_path, honest):
    path = tmp_path / "mine.py"
    path.write_text(
        "from torch import nn\nimport helper\n"
        "def net():\n    return nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3),"
        " nn.ReLU(), nn.Flatten(), nn.Linear(576, 10))\n"
        "made = net()\nnumber = 3\nlist_of = lambda: [1]\n"
        "def broken():\n    raise ValueError('no such size')\n"
    )
    (tmp_path / "helper.py").write_text("x = 1\n")
    return path


def test_a_network_is_named_by_its_file(mine, tmp_path):
    assert isinstance(named_module(f"{mine}:net"), nn.Sequential)
    assert isinstance(named_module(f"{mine}:made"), nn.Sequential)
    (tmp_path / "wrong.py").write_text("import not_there\n")
    for spec, words in (
        ("net", "names no network"),
        (f"{tmp_path}/absent.py:net", "no file"),
        (f"{mine}:nothing", "has no nothing"),
        (f"{mine}:number", "is a int"),
        (f"{mine}:list_of", "is a list"),
        (f"{mine}:broken", "ValueError: no such size"),
        (f"{tmp_path}/wrong.py:net", "not_there"),
    ):
        assert words in refused("RK861", named_module, spec)


def test_a_file_is_run_as_a_script_is(tmp_path):
    """Dataclasses look for their module, and a function may import from beside the file when it is called."""
    (tmp_path / "beside.py").write_text("width = 3\n")
    path = tmp_path / "json.py"  # the name of a module that is loaded already, and stays so
    path.write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom torch import nn\n"
        "@dataclass\nclass Config:\n    width: int\n"
        "class Net(nn.Linear):\n    def __init__(self, config: Config) -> None:\n"
        "        super().__init__(config.width, 2)\n"
        "def net():\n    from beside import width\n    return Net(Config(width))\n"
    )
    before = list(sys.path)
    found = named_module(f"{path}:net")
    assert found.in_features == 3
    assert torch.equal(pickle.loads(pickle.dumps(found)).weight, found.weight)
    assert sys.path == before
    assert sys.modules["json"] is json


def test_weights_of_every_usual_file(mine, honest, tmp_path):
    state = honest.state_dict()
    files = {
        "a.pt": state,
        "b.pt": {"epoch": 3, "state_dict": state},
        "c.pth": {"module." + name: value for name, value in state.items()},
    }
    for name, content in files.items():
        torch.save(content, tmp_path / name)
    save_file(state, tmp_path / "d.safetensors")
    for name in (*files, "d.safetensors"):
        model = named_module(f"{mine}:net")
        load_file(model, tmp_path / name)
        assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    torch.save(honest, tmp_path / "whole.pt")
    assert "a whole network" in refused("RK862", load_file, honest, tmp_path / "whole.pt")
    (tmp_path / "text.pt").write_text("hello")
    assert "weights only" in refused("RK862", load_file, honest, tmp_path / "text.pt")
    torch.save({"epoch": 3}, tmp_path / "none.pt")
    assert "no state_dict" in refused("RK862", load_file, honest, tmp_path / "none.pt")
    torch.save({"0.weight": torch.zeros(1)}, tmp_path / "other.pt")
    assert "does not fit" in refused("RK862", load_file, honest, tmp_path / "other.pt")
    assert "missing" in refused("RK712", load_file, honest, tmp_path / "absent.pt")
    assert "a folder" in refused("RK712", load_file, honest, tmp_path)


def test_the_command_line_prints_what_python_returns(mine, honest, tmp_path, capsys):
    torch.save(honest.state_dict(), tmp_path / "mine.pt")
    line = ["evaluate", "--model", f"{mine}:net", "--weights", str(tmp_path / "mine.pt"), "--data", "digits"]
    assert main([*line, "--attack", "noise", "--limit", "30", "--device", "cpu", "--strict", "--format", "json"]) == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert (run["run"], run["blocks"], run["data"]["name"]) == (f"{mine}:net", "", "digits")
    assert [entry["attack"] for entry in run["entries"]] == ["clean", "noise"]
    assert "an iterative attack was run" in [check["check"] for check in run["health"] if not check["ok"]]
    assert main([*line, "--attack", "fgsm", "--limit", "8", "--device", "cpu"]) == 0
    assert capsys.readouterr().out.startswith(f"{mine}:net  8 images, seed 0\n")
    for wrong in (["evaluate"], ["evaluate", "--model", "a.py:net"], ["evaluate", "runs/a", "--data", "digits"]):
        assert main(wrong) == 2
        assert "--model FILE.py:NAME" in capsys.readouterr().err
    assert not list(Path(tmp_path).glob("evaluations"))


def test_a_randomised_model_is_attacked_in_expectation_and_the_same_each_time(honest, held_out):
    class Noisy(nn.Module):
        def forward(self, x):
            return honest(x + 0.3 * torch.randn_like(x))

    options = {"attack": "pgd", "dataset": "digits", "seed": 3}
    found = [
        rkblocks.evaluate(Noisy(), *held_out, **options, eot=8, probe=0)["runs"][0]["entries"][1] for _ in range(2)
    ]
    assert found[0] == found[1]
    assert found[0]["threat"]["eot"] == 8
    few = {**options, "limit": 10, "steps": 3}
    checks = [
        {one["check"]: one for one in rkblocks.evaluate(Noisy(), *held_out, **few, **own)["runs"][0]["health"]}
        for own in ({}, {"eot": 2})
    ]
    assert [one["deterministic"]["ok"] for one in checks] == [False, True]
    assert "--eot" in checks[0]["deterministic"]["advice"]
    assert checks[1]["deterministic"]["note"]


def test_adversarial_images_are_saved_and_do_what_the_numbers_say(honest, held_out, tmp_path):
    x, y = held_out
    options = {"preset": "quick", "dataset": "digits", "probe": 0}
    (run,) = rkblocks.evaluate(honest, x, y, **options, out=tmp_path / "found", save_images=6)["runs"]
    assert Path(run["saved"]).is_file()
    with safe_open(run["images"], "pt") as file:
        names, rows = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert names == {"0": "clean", "1": "fgsm linf 1/10", "2": "pgd20 linf 1/10 final"}
    assert torch.equal(rows["label"], y[:6])
    outcomes = rkblocks.evaluation.load_outcomes(run["saved"])
    for number, correct in enumerate(outcomes.rows.values()):
        images = rows[f"{number}.images"]
        assert images.shape == (6, 1, 8, 8)
        assert float((images - x[:6] / 255).abs().max()) <= 0.1 + 1e-6
        assert torch.equal(honest(images).argmax(1) == y[:6], correct[:6])
    assert "a folder" in refused("RK863", rkblocks.evaluate, honest, x, y, save_images=2)
