"""The switches between the paper's text and its code: what presets choose, and what a run records of it."""

import json
import tomllib
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from rkblocks.runs import variants
from rkblocks.settings import toml
from rkblocks.training import load, presets, train

torch.set_num_threads(1)

DOCS = Path(__file__).resolve().parents[2] / "docs" / "training.md"


def follows(config) -> dict[str, str]:
    return {key: found["follows"] for key, found in variants.in_force(config).items()}


def test_every_switch_is_a_setting_that_takes_both_values():
    for switch in variants.SWITCHES:
        for value in (switch.text, switch.code):
            if value is not None:
                section, key = switch.key.split(".")
                config = load("cifar10-paper", {switch.key: value})
                assert config.to_dict()[section][key] == value
                assert switch.value(config) == value


@pytest.mark.parametrize("name", ["cifar10-published", "mnist-published"])
def test_published_recipes_follow_the_code_throughout(name):
    assert set(follows(load(name)).values()) <= {"code", "both"}


@pytest.mark.parametrize("name", ["cifar10-paper", "mnist-paper"])
def test_paper_recipes_follow_the_text_wherever_it_speaks(name):
    for key, found in variants.in_force(load(name)).items():
        assert found["text"] is None or found["follows"] in ("text", "both"), key


def test_published_differs_from_paper_in_switches_alone():
    for data in ("cifar10", "mnist"):
        paper, published = load(f"{data}-paper").to_dict(), load(f"{data}-published").to_dict()
        changed = {f"{s}.{k}" for s, keys in paper.items() for k in keys if paper[s][k] != published[s][k]}
        assert changed
        assert changed - {"attack.fold"} <= {switch.key for switch in variants.SWITCHES}  # it acts in eval mode alone


def test_what_matters_depends_on_the_recipe():
    assert "noise.copies" not in variants.in_force(load("cifar10-paper"))
    assert "net.statistics" not in variants.in_force(load("mnist-paper"))  # group norm has none
    assert follows(load("digits", {"attack.mode": "train"}))["attack.mode"] == "code"
    assert follows(load("mnist-short"))["optimizer.lr"] == "neither"


@pytest.mark.parametrize("name", presets())
def test_the_comment_leaves_a_toml_file_as_it_is(name):
    config = load(name)
    text = f"{toml.write(config)}\n{variants.comment(config)}"
    assert tomllib.loads(text) == config.to_dict()
    for key in variants.in_force(config):
        assert f"#   {key} = " in text


def test_a_run_records_them(finished, tiny):
    record = json.loads((finished / "run.json").read_text())
    assert record["variants"] == variants.in_force(tiny())
    assert record["variants"]["net.statistics"]["value"] == "stage"
    assert record["variants"]["net.statistics"]["code"] == "shared"


@pytest.mark.parametrize(
    ("name", "mode", "size", "widths"), [("cifar10-published", "RGB", 32, [4, 4, 4]), ("mnist-published", "L", 28, [4])]
)
def test_published_recipes_run(name, mode, size, widths, tmp_path, monkeypatch):
    """One step of them on an image folder, with narrow networks; rounded examples pass the check of their ball."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    generator = torch.Generator().manual_seed(0)
    for file in (f"{part}/{label}/{i}.png" for part in ("train", "test") for label in "ab" for i in range(4)):
        (tmp_path / "set" / file).parent.mkdir(parents=True, exist_ok=True)
        pixels = torch.randint(256, (size, size, len(mode)), generator=generator, dtype=torch.uint8)
        Image.frombytes(mode, (size, size), bytes(pixels.flatten().tolist())).save(tmp_path / "set" / file)
    changes = {"data.name": str(tmp_path / "set"), "net.widths": widths, "net.depth": 1, "net.blocks": "ssp2"}
    changes |= {"training.epochs": 1, "training.batch_size": 8, "training.device": "cpu"}
    folder = train(load(name, changes), tmp_path / "run", progress=False)
    state = load_file(folder / "last.safetensors")
    tracked = [value for key, value in state.items() if key.endswith("groups.0.0.residual.norm1.num_batches_tracked")]
    if name == "cifar10-published":  # two stages, each in seven attack steps and one of training, in one set
        assert [int(count) for count in tracked] == [2 * 8]
    else:
        assert not tracked


def test_the_docs_name_every_switch():
    section = DOCS.read_text(encoding="utf-8").split("## Presets")[1].split("\n## ")[0]
    for switch in variants.SWITCHES:
        assert f"`{switch.key}`" in section, switch.key
