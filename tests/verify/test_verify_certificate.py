"""The independent script of the documentation proves our certificates from the JSON alone, and notices wrong ones."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from rkblocks.verify import check

SCRIPT = Path(__file__).parents[2] / "docs" / "check_certificate.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_certificate", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parts(name: str) -> tuple[dict, dict]:
    found = check(name).to_dict()
    return found["method"], found["ssp"]["optimal"]["certificate"]


@pytest.mark.parametrize(
    "name", ["euler", "midpoint", "ssp2", "ssp3", "rk4", "dopri5", "ssprk43", "ssprk104", "leastgrowth32", "ssprk54"]
)
def test_certificates_are_proved(script: ModuleType, name: str) -> None:
    method, certificate = parts(name)
    assert script.check(method["A"], method["b"], certificate)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("ssp3", {"polynomial": ["-2", "1"], "interval": ["2", "2"]}),
        ("ssp3", {"polynomial": ["-1", "2"], "interval": ["1/2", "1/2"]}),
        ("ssp3", {"entry": "P[1,0]"}),
        ("rk4", {"entry": "P[1,0]"}),
        ("leastgrowth32", {"entry": "P[1,0]"}),
    ],
)
def test_wrong_certificates_are_noticed(script: ModuleType, name: str, change: dict) -> None:
    method, certificate = parts(name)
    assert not script.check(method["A"], method["b"], certificate | change)


def test_the_script_needs_nothing_of_ours() -> None:
    found = json.dumps({"results": [check("ssprk43").to_dict()]})
    done = subprocess.run(
        [sys.executable, "-I", str(SCRIPT)], input=found, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ssprk43: C = 2 proved\n", "")
    assert "rkblocks" not in SCRIPT.read_text(encoding="utf-8").split('"""')[2]
