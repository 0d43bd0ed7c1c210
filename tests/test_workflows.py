"""The workflows: every file is read, every command in them is there, every extra has a way to be tried."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCRIPT = ROOT / ".github" / "try-extras.sh"


def steps(path: Path) -> list[dict]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [step for job in content["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_script_that_a_workflow_calls_is_there_and_runs(path: Path) -> None:
    called = [word for step in steps(path) for word in re.findall(r"^(\.[\w/.-]+)", step.get("run", ""), re.MULTILINE)]
    assert called
    for name in called:
        assert (ROOT / name).stat().st_mode & 0o100, name


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_jobs_that_are_waited_for_exist(path: Path) -> None:
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    needed = [job["needs"] for job in jobs.values() if "needs" in job]
    assert {name for one in needed for name in ([one] if isinstance(one, str) else one)} <= set(jobs)


def test_ci_runs_on_two_systems_and_every_python_that_is_supported() -> None:
    matrix = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["whole"]["strategy"]["matrix"]
    assert matrix["os"] == ["ubuntu-latest", "macos-latest"]
    lowest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    assert matrix["python"][0] == lowest
    assert len(matrix["python"]) >= 4


def test_ci_tries_the_oldest_torch_that_is_allowed() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    runs = "\n".join(step.get("run", "") for step in steps(ROOT / ".github/workflows/ci.yml"))
    for name, where in (("torch", "torch"), ("torchvision", "vision")):
        (floor,) = re.findall(rf"{name}>=([\d.]+)", " ".join(extras[where]))
        assert f"'{name}=={floor}.*'" in runs
    for folder in re.findall(r"tests/\w+", runs):
        assert (ROOT / folder).is_dir()


def test_each_extra_has_a_way_to_be_tried() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    ways = set(re.findall(r"^    (\w+)\) ", SCRIPT.read_text(encoding="utf-8"), re.MULTILINE))
    assert ways == {"core", *extras}


def test_the_script_is_a_script() -> None:
    assert subprocess.run(["bash", "-n", str(SCRIPT)], capture_output=True, text=True).stderr == ""
