"""Pretrained networks: small, hashed, and as good as their card says."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch

import rkblocks
from rkblocks import data
from rkblocks.diagnostics import RkblocksError
from rkblocks.runs import pretrained

CARD = Path(__file__).resolve().parents[2] / "docs" / "model-card.md"


def test_each_has_its_line_in_the_card_and_all_are_small() -> None:
    text = CARD.read_text(encoding="utf-8")
    assert set(pretrained.names()) == set(re.findall(r"^\| `(digits-[a-z0-9-]+)` \|", text, re.MULTILINE))
    assert sum(path.stat().st_size for path in pretrained.FOLDER.rglob("*")) < 1_000_000
    assert {path.name for path in pretrained.FOLDER.iterdir() if path.is_dir()} == set(pretrained.names())


@pytest.mark.parametrize("name", ["digits-ssp3", "digits-certified-ssp3"])
def test_a_network_reaches_what_the_card_says(name: str) -> None:
    card = re.search(rf"^{name} +clean ([0-9.]+)  pgd ([0-9.]+)$", CARD.read_text(encoding="utf-8"), re.MULTILINE)
    assert card is not None
    test = data.load("digits").test
    model = rkblocks.nets.pretrained(name)
    assert not model.training
    found = rkblocks.evaluate(
        model, test.images, test.labels, attack="pgd", eps="0.1", steps=20, dataset="digits", probe=0, device="cpu"
    )
    rows = rkblocks.rows.evaluations(found)
    for row, expected in zip(rows, card.groups(), strict=True):  # another processor may round an image over an edge
        assert abs(row["accuracy"] - float(expected)) <= 2.5 / row["n"]


def test_a_name_that_is_unknown_is_answered_with_those_there_are() -> None:
    with pytest.raises(RkblocksError, match="digits-ssp3") as raised:
        rkblocks.nets.pretrained("digits-spp3")
    assert raised.value.diagnostics[0].code == "RK390"


def test_weights_that_were_changed_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(pretrained.FOLDER / "digits-ssp3", tmp_path / "digits-ssp3")
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    assert isinstance(rkblocks.nets.pretrained("digits-ssp3"), torch.nn.Module)
    weights = tmp_path / "digits-ssp3" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(RkblocksError, match="RK713"):
        rkblocks.nets.pretrained("digits-ssp3")


def test_the_hashes_are_those_of_the_files() -> None:
    assert all(len(digest) == 64 for digest in json.loads(pretrained.HASHES.read_text()).values())
