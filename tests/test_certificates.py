"""docs/check_certificate.py verifies what `check` certifies, by code that shares nothing with it, and refutes lies."""

import ast
import json
import runpy
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from rkblocks import files, verify

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "docs" / "check_certificate.py"
made = runpy.run_path(str(SCRIPT))

TABLEAUS = [(entry.name, files.load(entry.name)) for entry in files.catalog()]
RATIONAL = [name for name, t in TABLEAUS if not t.parameters and not t.field.roots]
OTHERS = [name for name, _ in TABLEAUS if name not in RATIONAL]
POSITIVE = ["euler", "ssp3", "ssprk104", "ssprk53", "leastgrowth42", "ssprk54_butcher"]
ssp = pytest.mark.parametrize("name", [*POSITIVE, "rk4", "tsit5"])


def result(name):
    return json.loads(json.dumps(verify.check(name).to_dict()))


def test_the_script_stands_alone_and_is_short() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    imported = {n.name for node in ast.walk(tree) if isinstance(node, ast.Import) for n in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"json", "sys", "fractions"}
    assert not any(isinstance(node, ast.Assert) for node in ast.walk(tree))  # python -O must not make it blind
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and not isinstance(node, ast.Expr)]
    assert len(statements) <= 60


@pytest.mark.parametrize("name", RATIONAL)
def test_every_rational_scheme_of_the_library_is_verified(name: str) -> None:
    found = result(name)
    status, words = made["judged"](found)
    assert status == 0, words
    assert words.startswith("verified, C = ")
    cfl = found["ssp"]["optimal"]["cfl"]
    if cfl is not None and "sqrt" not in cfl:
        assert words == f"verified, C = {cfl}"
    else:
        assert float(words.split()[3]) == pytest.approx(found["ssp"]["optimal"]["cfl_float"], abs=1e-15)


@pytest.mark.parametrize("name", OTHERS)
def test_square_roots_and_families_are_not_judged(name: str) -> None:
    status, words = made["judged"](result(name))
    assert status == 2
    assert words.startswith("not judged")


def test_most_of_the_library_is_verified() -> None:
    assert len(RATIONAL) > 100
    assert {"gill4", "cooperverner8", "ark", "rk33_family"} <= set(OTHERS)


@ssp
def test_a_larger_coefficient_is_refuted(name: str) -> None:
    found = result(name)
    certificate = found["ssp"]["optimal"]["certificate"]
    low, high = map(Fraction, certificate["interval"])
    certificate["interval"] = [str(low + Fraction(1, 1000)), str(high + Fraction(1, 1000))]
    certificate["polynomial"] = [str(-high - Fraction(1, 1000)), "1"]
    assert made["judged"](found)[0] == 1


@pytest.mark.parametrize("name", POSITIVE)
def test_a_smaller_coefficient_is_refuted(name: str) -> None:
    found = result(name)
    certificate = found["ssp"]["optimal"]["certificate"]
    half = Fraction(certificate["interval"][0]) / 2
    certificate["interval"], certificate["polynomial"] = [str(half), str(half)], [str(-half), "1"]
    assert made["judged"](found)[0] == 1


@ssp
def test_another_entry_is_refuted(name: str) -> None:
    broken = result(name)
    broken["ssp"]["optimal"]["certificate"]["entry"] = "d[0]"  # 1, whatever r
    assert made["judged"](broken)[0] == 1


@pytest.mark.parametrize("name", POSITIVE)
def test_another_method_is_refuted(name: str) -> None:
    """One entry of A or b moved in the last place of a double: the root of the named entry moves with it."""
    broken = result(name)
    i, _, j = broken["ssp"]["optimal"]["certificate"]["entry"][2:-1].partition(",")
    rows = [*broken["method"]["A"], broken["method"]["b"]]
    rows[int(i)][0 if not j else int(j)] = str(Fraction(rows[int(i)][0 if not j else int(j)]) + Fraction(1, 2**52))
    assert made["judged"](broken)[0] == 1


def test_as_a_filter_behind_check() -> None:
    check = [sys.executable, "-m", "rkblocks", "check", "ssp3", "gill4", "--format", "json"]
    text = subprocess.run(check, capture_output=True, text=True, check=True, timeout=120).stdout
    done = subprocess.run([sys.executable, "-I", SCRIPT], input=text, capture_output=True, text=True, timeout=120)
    first, second = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (2, "")
    assert first == "ssp3: verified, C = 1"
    assert second.startswith("gill4: not judged")
