"""Audits of blocks, of a trained run, and of a family that was led away from consistency."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from torch import nn

from rkblocks import blocks
from rkblocks.cli import main
from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation.audit import audit, audit_block, audit_model
from rkblocks.training import load, open_run, train

torch.set_num_threads(1)

TINY = {
    "net.blocks": "ark,ssp2",
    "net.widths": [4, 6],
    "net.depth": 2,
    "training.device": "cpu",
    "training.epochs": 1,
    "training.batch_size": 200,
    "attack.steps": 1,
    "validation.steps": 1,
    "validation.images": 50,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(load("digits", TINY), tmp_path_factory.mktemp("runs") / "ark", progress=False)


def test_every_block_of_a_trained_run(run: Path) -> None:
    (found,) = audit([run])
    opened = open_run(run, device="cpu")
    assert (found.blocks, found.weights) == ("ark,ssp2", opened.weights_hash)
    model = dict(opened.model.named_modules())
    assert [entry.tableau for entry in found.entries] == ["ark", "ark", "ssp2", "ssp2"]
    for entry in found.entries:
        assert isinstance(model[entry.name], blocks.RKBlock)
        assert entry.order == 2
        if entry.tableau == "ssp2":
            assert (entry.coefficients, entry.ssp, entry.growth) == ((), ("1", 1.0), ("7/4", 1.75))
            continue
        (b,) = entry.coefficients
        raw = model[entry.name].raw["beta10"].detach()
        assert float(raw) != 1.0, "training moved it"
        assert (b.name, b.raw, b.dtype) == ("beta10", float(raw), "float32")
        assert b.value == Fraction(float(torch.sigmoid(raw)))
        assert Fraction(entry.ssp[0]) == max(Fraction(0), 2 - 1 / b.value)
        assert Fraction(entry.growth[0]) == Fraction(9, 4) - 1 / b.value + 1 / (2 * b.value**2)
        assert entry.growth[1] == float(Fraction(entry.growth[0]))


def test_a_run_without_an_average_says_so(run: Path) -> None:
    with pytest.raises(RkblocksError, match=r"RK712.*average\.safetensors does not exist") as caught:
        audit([run], weights="average")
    assert "keeps no average" in str(caught.value)


def test_the_average_of_the_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    averaged = train(load("digits", TINY | {"averaging.kind": "ema"}), tmp_path / "run", progress=False)
    found = {name: audit([averaged], weights=name)[0] for name in ("last", "average")}
    raw = {name: one.entries[0].coefficients[0].raw for name, one in found.items()}
    opened = open_run(averaged, device="cpu", weights="average")
    assert raw["average"] == float(opened.model.state_dict()[f"{found['last'].entries[0].name}.raw.beta10"])
    assert raw["average"] != raw["last"]
    assert main(["audit", str(averaged), "--weights", "average"]) == 0
    assert found["average"].weights[:12] in capsys.readouterr().out
    options = ["--attack", "fgsm", "--limit", "20", "--device", "cpu", "--weights", "average", "--format", "json"]
    assert main(["evaluate", str(averaged), *options]) == 0
    checks = json.loads(capsys.readouterr().out)["runs"][0]["health"]
    (figure,) = [one["figure"] for one in checks if one["check"] == "no selection on the test set"]
    assert "; best: " in figure
    assert "; average: " in figure


def test_an_average_that_is_not_there(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(run), "--weights", "average"]) == 2
    assert "error[RK712]" in capsys.readouterr().err


def test_the_value_is_the_number_that_the_step_uses() -> None:
    """A block whose residual is constant returns x + dt F: the coefficient shows in the result of the first stage."""

    class Seen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.points: list[torch.Tensor] = []

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.points.append(x)
            return torch.ones_like(x)

    for dtype in (torch.float32, torch.float64):
        block = blocks.build("ark", Seen(), dtype=dtype)
        block.raw["beta10"].data.fill_(0.1234567)
        block(torch.zeros(1, dtype=dtype))
        value = block.exact_coefficients()["beta10"]
        assert Fraction(float(block.residual.points[1].detach())) == value
        (entry,) = audit_model(nn.Sequential(block))
        assert (entry.name, entry.coefficients[0].value) == ("0", value)
    assert block.exact_coefficients()["beta10"] != Fraction(float(torch.tensor(0.1234567).sigmoid()))


def test_learned_step_size_is_listed() -> None:
    block = blocks.build("ssp3", nn.Tanh(), dt=0.5, learn_dt=True)
    entry = audit_block(block)
    assert [c.name for c in entry.coefficients] == ["dt"]
    assert entry.dt == entry.coefficients[0].value == pytest.approx(Fraction(1, 2), rel=1e-6)
    assert (entry.order, entry.ssp[0]) == (3, "1")


def test_a_family_that_left_consistency_says_so() -> None:
    block = blocks.build("ark_free", nn.Tanh())
    assert audit_block(block).order == 2
    block.raw["beta20"].data.fill_(0.25)
    entry = audit_block(block)
    assert entry.order == 0
    assert any("5/4" in problem for problem in entry.problems), entry.problems
    block.raw["alpha20"].data.fill_(0.25)
    assert any("the row alpha[1] sums to 3/4" in problem for problem in audit_block(block).problems)
    assert audit_block(block).row()[3:] == ("none", "-", "-", "-")


def test_the_command(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(run)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{run}  blocks ark,ssp2, weights ")
    assert "beta10 = 0." in out
    assert out.splitlines()[-1].startswith("learned coefficients are the float32 numbers")
    assert main(["audit", str(run), "--weights", "last", "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["runs"]
    first = found["entries"][0]
    exact = Fraction(first["coefficients"]["beta10"]["exact"])
    assert float(exact) == first["coefficients"]["beta10"]["float"]
    assert exact.denominator & (exact.denominator - 1) == 0
    assert first["ssp"]["cfl_float"] == pytest.approx(float(2 - 1 / exact))
    euclidean = first["contractivity"]["euclidean"]
    p = (1 - 1 / (2 * exact)) / (2 * exact)
    assert euclidean["rho_float"] == pytest.approx(float((float(p - 3 * p**2) ** 0.5 - p) / (Fraction(1, 2) - 2 * p)))
    assert main(["audit", str(run.parent / "none")]) == 2
    assert "RK712" in capsys.readouterr().err
