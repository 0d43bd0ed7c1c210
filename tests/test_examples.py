"""The examples run on their smallest settings, and print results of their own."""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from rkblocks.analysis import Sample
from rkblocks.evaluation import Images, base_threat, of_run

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py") if path.name != "stand_in.py")


def run(script: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "RKBLOCKS_DATA": str(cwd / "no-data")}
    command = [sys.executable, "-W", "error::UserWarning", str(EXAMPLES / script), *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL
    )


def test_all_examples_are_tested() -> None:
    assert SCRIPTS == ["burgers.py", "cifar10.py", "design.py", "figure4.py", "masked.py", "mnist.py", "new_tableau.py"]


def test_a_new_tableau(tmp_path: Path) -> None:
    done = run("new_tableau.py", "--tiny", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("my_ssp42: ok True, order 2 (exact),\n")
    assert "SSP coefficient 3, growth 15103/11664\n" in done.stdout
    losses = [float(loss) for loss in re.findall(r"loss (\d\.\d+)", done.stdout)]
    assert len(losses) == 3
    assert losses[-1] < losses[0]


def test_burgers(tmp_path: Path) -> None:
    done = run("burgers.py", "--tiny", "--out", "figure", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    head, *rows = done.stdout.splitlines()
    assert head.split()[:2] == ["scheme", "C"]
    growth = {row.split()[0]: float(row.split()[-2]) for row in rows[:3]}
    assert growth["euler"] > 0.1  # beyond its limit
    assert growth["midpoint"] < 0
    assert growth["ssp3"] < 0
    assert rows[3:] == [f"wrote {Path('figure') / f'burgers.{ending}'}" for ending in ("png", "svg")]
    assert all((tmp_path / "figure" / f"burgers.{ending}").stat().st_size > 10_000 for ending in ("png", "svg"))


def test_a_design(tmp_path: Path) -> None:
    done = run("design.py", "--tiny", "--out", "designs", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("largest C: 2, optimal: proved\n")
    growths = [float(growth) for growth in re.findall(r"least growth (\d\.\d+)", done.stdout)]
    assert growths == sorted(growths)
    assert len(growths) == 3
    assert (tmp_path / "designs" / "tradeoff.png").stat().st_size > 10_000
    assert "SSP coefficient 3/2" in done.stdout


def test_an_honest_and_a_masked_model(tmp_path: Path) -> None:
    done = run("masked.py", "--tiny", "--mask", "zero gradients", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    honest, masked = done.stdout.split("\n\n")[:2]
    assert honest.startswith("honest  blocks a plain network, 60 images, seed 0\n")
    assert "ok     gradients exist" in honest
    assert "FAILED gradients exist: 20 of 20" in masked


@pytest.mark.parametrize(
    ("script", "blocks", "eps"),
    [("mnist.py", ["euler", "ark_mnist"], "8/255"), ("cifar10.py", ["ark,euler,ssp2"], "8/255")],
)
def test_training_on_the_stand_in_says_so_and_runs(tmp_path: Path, script: str, blocks: list[str], eps: str) -> None:
    done = run(script, "--tiny", "--blocks", *blocks, "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "stand in for the data set" in done.stderr
    head, *rows = done.stdout.splitlines()
    assert head.split()[:4] == ["blocks", "attack", "eps", "accuracy"]
    assert [row.split()[:3] for row in rows] == [
        [scheme, *cells] for scheme in blocks for cells in (["clean", "-"], ["fgsm", eps], ["pgd-20", eps])
    ]
    assert all(0.0 <= float(row.split()[3]) <= 1.0 for row in rows)


@pytest.mark.parametrize("script", ["mnist.py", "cifar10.py"])
def test_without_tiny_a_missing_data_set_is_one_message(tmp_path: Path, script: str) -> None:
    done = run(script, "--out", "out", cwd=tmp_path)
    assert done.returncode == 1
    assert "RK602" in done.stderr
    assert "Traceback" not in done.stderr


def test_growth_of_a_study(tmp_path: Path) -> None:
    """Figure 4: equation 17 anew for one network, and the differences from the table's own numbers."""
    done = run("figure4.py", "--tiny", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    networks = [f"{scheme}-seed{seed}" for seed in (0, 1) for scheme in ("euler", "midpoint", "ssp2")]
    assert done.stderr.splitlines() == [f"{name}: measured" for name in networks]
    head, *rest = done.stdout.splitlines()
    assert head == "figure4-tiny: seeds 0, 1, 20 test images a network"
    heads = [line.split("|")[1].strip() for line in rest if line.endswith(" | group1 | group2 | group3 |")]
    kinds = ["adversarial", "adversarial, from the image", "random"]
    assert heads == [f"{kind}, p = {p}" for p in (2, 1) for kind in kinds]
    assert all((tmp_path / "out" / f"figure4.{ending}").stat().st_size > 10_000 for ending in ("png", "svg"))

    saved = json.loads((tmp_path / "out" / "figure4.json").read_text())
    own = [saved["networks"][f"ssp2-seed{seed}"]["growth"]["random"][1] for seed in (0, 1)]
    euler = [saved["networks"][f"euler-seed{seed}"]["growth"]["random"][1] for seed in (0, 1)]
    assert {(row["group"], row["p"]) for row in (*own, *euler)} == {("group1", 2)}
    ratio = math.sqrt(own[0]["mean"] * own[1]["mean"] / (euler[0]["mean"] * euler[1]["mean"]))
    mean = (own[0]["mean"] + own[1]["mean"]) / 2
    table = done.stdout.partition("| random, p = 2")[2].splitlines()
    row = next(line for line in table if line.startswith("| ssp2"))
    assert row.startswith(f"| ssp2 | {mean:.3f} ± ")
    assert f", {100 * (ratio - 1):+.1f} % [" in row.split("|")[2]

    subject = of_run(tmp_path / "out" / "study" / "runs" / "ssp2-seed1", Images(limit=20, weights="last"), device="cpu")
    x = subject.floats(torch.arange(20))
    sample = Sample(subject, base_threat("digits"))
    with torch.no_grad():
        clean, other = subject.model.eval().trace(x), subject.model.trace(sample.perturbed("random"))
    (_, before, after), (_, before_, after_) = clean[0], other[0]
    ratios = (after_ - after).flatten(1).norm(dim=1) / (before_ - before).flatten(1).norm(dim=1)
    assert own[1]["mean"] == pytest.approx(float(ratios.mean()), rel=1e-4)

    again = run("figure4.py", "out/figure4.json", cwd=tmp_path)
    assert again.stdout == done.stdout[: done.stdout.index("wrote")]
    interrupted = {**saved, "networks": {name: one for name, one in saved["networks"].items() if one["seed"] == 0}}
    (tmp_path / "out" / "figure4.json").write_text(json.dumps(interrupted))
    resumed = run("figure4.py", "out/study", "--limit", "20", "--out", "out", cwd=tmp_path)
    assert resumed.stderr.splitlines() == [f"{name}: measured" for name in networks[3:]]
    assert resumed.stdout == done.stdout
    assert json.loads((tmp_path / "out" / "figure4.json").read_text()) == saved
    fewer = {name: one for name, one in saved["networks"].items() if one["blocks"] != "midpoint"}
    (tmp_path / "fewer.json").write_text(json.dumps({**saved, "networks": fewer}))
    partly = run("figure4.py", "fewer.json", cwd=tmp_path)
    assert (partly.returncode, partly.stderr) == (0, "")
    assert partly.stdout.count("| ssp2 | ") == 6
    assert "SSP against not SSP" not in partly.stdout, "no scheme of another pair stands in for midpoint"
    (tmp_path / "half.json").write_text('{"study": ')
    for source in ("none.json", "half.json", "out/study/results/results.json"):
        unread = run("figure4.py", source, cwd=tmp_path)
        assert (unread.returncode, unread.stdout) == (1, "")
        assert unread.stderr.startswith(f"{source} is no figure4.json of this script: ")
    empty = run("figure4.py", "out/study", "--out", "other", "--limit", "0", cwd=tmp_path)
    assert empty.returncode == 1
    assert "RK823" in empty.stderr
