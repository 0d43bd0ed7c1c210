"""The examples run on their smallest settings, and print results of their own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py") if path.name != "stand_in.py")


def run(script: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "RKBLOCKS_DATA": str(cwd / "no-data")}
    command = [sys.executable, "-W", "error::UserWarning", str(EXAMPLES / script), *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL
    )


def test_all_examples_are_tested() -> None:
    assert SCRIPTS == ["burgers.py", "cifar10.py", "design.py", "masked.py", "mnist.py", "new_tableau.py"]


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
