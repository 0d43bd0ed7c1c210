"""Allocations that fail, by torch's own message, name the settings behind them; other errors stay what they are."""

import pytest
import torch

from rkblocks.diagnostics import RkblocksError
from rkblocks.runs import network
from rkblocks.training import loop, train
from rkblocks.training.step import naming_failures


def too_much(*_, **__):
    torch.empty(2**60, dtype=torch.uint8)


def test_an_allocation_that_fails_names_the_settings(tiny):
    named = r"RK745.*depth is 3, net\.widths \[4, 6\], training\.batch_size 200"
    with pytest.raises(RkblocksError, match=named), naming_failures(tiny(net__depth=3)):
        too_much()
    for error in (MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")):
        with pytest.raises(RkblocksError, match="RK745"), naming_failures(tiny()):
            raise error
    with pytest.raises(RuntimeError, match="shapes"), naming_failures(tiny()):
        raise RuntimeError("shapes differ")


@pytest.mark.parametrize("place", ["build", "training_step"])
def test_training_reports_it_where_it_builds_and_where_it_steps(place, tiny, tmp_path, monkeypatch):
    if place == "build":
        monkeypatch.setattr(network, "build", too_much)
    else:
        monkeypatch.setattr(loop, "training_step", lambda *_: too_much)
    with pytest.raises(RkblocksError, match="RK745"):
        train(tiny(), tmp_path / "run", progress=False)


def test_a_share_that_holds_out_no_image_is_said(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(loop, "training_step", lambda *_: too_much)
    with pytest.raises(RkblocksError, match="RK745"):
        train(tiny(data__validation=1e-6), tmp_path / "run")
    assert "data.validation 1e-06 rounds to no image of any class" in capsys.readouterr().err
