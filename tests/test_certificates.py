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
from rkblocks.exact.field import Field
from rkblocks.forms import Method
from rkblocks.verify.contractivity import circle_contractivity

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
    assert len(statements) <= 90


@pytest.mark.parametrize("name", RATIONAL)
def test_every_rational_scheme_of_the_library_is_verified(name: str) -> None:
    found = result(name)
    status, words = made["judged"](found)
    assert status == 0, words
    assert words.startswith("verified, C = ")
    cfl = found["ssp"]["optimal"]["cfl"]
    first, second = words.removeprefix("verified, C = ").split(", rho = ")
    radius = found["contractivity"]["euclidean"]
    for text, exact, value in (
        (first, cfl, found["ssp"]["optimal"]["cfl_float"]),
        (second, radius["rho"], radius["rho_float"]),
    ):
        if exact is not None and "sqrt" not in exact:
            assert text == exact
        else:
            assert text.endswith(" to 100 bits")
            assert float(text.split()[0]) == pytest.approx(value, abs=1e-15)


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


RADII = ["rk4", "ssp3", "ssprk104", "ralston2", "bs3", "leastgrowth33", "ssprk54"]


def rho(found):
    return found["contractivity"]["euclidean"]["certificate"]


@pytest.mark.parametrize("name", RADII)
@pytest.mark.parametrize("factor", [Fraction(1, 2), Fraction(1001, 1000)])
@pytest.mark.parametrize("turned", [False, True])
def test_another_radius_is_refuted(name: str, factor: Fraction, turned: bool) -> None:
    """Exactly or as an interval, too small or too large, with the vector that was named and with one of nothing."""
    found = result(name)
    certificate = rho(found)
    low, high = (factor * Fraction(end) for end in certificate["interval"])
    certificate["interval"], certificate["polynomial"] = [str(low), str(low)], [str(-low), "1"]
    if turned:
        certificate["interval"] = [str(low), str(high + Fraction(1, 1000))]
        certificate["polynomial"] = [str(-low - Fraction(1, 2000)), "1"]
    assert made["judged"](found)[0] == 1


@pytest.mark.parametrize("name", RADII)
def test_another_direction_or_polynomial_is_refuted(name: str) -> None:
    found = result(name)
    rho(found)["direction"] = ["0"] * len(rho(found)["direction"])
    assert made["judged"](found)[0] == 1
    found = result(name)
    rho(found)["polynomial"] = ["-100", "1"]
    assert made["judged"](found)[0] == 1


@pytest.mark.parametrize("name", RADII)
def test_another_method_has_another_radius(name: str) -> None:
    """A weight moved by 2^-30: refuted where the method that results has its radius elsewhere."""
    found = result(name)
    low, high = map(Fraction, rho(found)["interval"])
    refuted, field = 0, Field()
    for entry in range(len(found["method"]["b"])):
        broken = json.loads(json.dumps(found))["method"]
        broken["b"][entry] = str(Fraction(broken["b"][entry]) + Fraction(1, 2**30))
        b = [field.rational(Fraction(x)) for x in broken["b"]]
        A = [[field.rational(Fraction(x)) for x in row] + [field.zero] * (len(b) - len(row)) for row in broken["A"]]
        actual = circle_contractivity(Method(field, A, b)).root.refine(80)
        if actual.high < low or actual.low > high:
            refuted += 1
            with pytest.raises(made["WrongError"]):
                made["verify_rho"](broken, rho(found))
    assert refuted


@pytest.mark.parametrize("name", RADII)
def test_a_radius_of_zero_needs_a_weight_that_is_not_positive(name: str) -> None:
    found = result(name)
    certificate = {"polynomial": ["0", "1"], "interval": ["0", "0"], "weight": f"b[0] = {found['method']['b'][0]}"}
    with pytest.raises(made["WrongError"], match="weight"):
        made["verify_rho"](found["method"], certificate)
    found["contractivity"]["euclidean"]["certificate"] = None
    assert made["judged"](found)[0] == 2


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([[1, 2], [2, 4]], True),
        ([[1, 2], [2, 3]], False),
        ([[0, 1], [1, 5]], False),
        ([[0, 0], [0, 5]], True),
        ([[2, 0, 1], [0, 0, 0], [1, 0, 1]], True),
        ([[1, 1, 1], [1, 1, 2], [1, 2, 9]], False),
    ],
)
def test_elimination_by_hand(rows: list[list[int]], verdict: bool) -> None:
    assert made["semidefinite"]([[Fraction(x) for x in row] for row in rows]) is verdict


def test_as_a_filter_behind_check() -> None:
    check = [sys.executable, "-m", "rkblocks", "check", "ssp3", "gill4", "--format", "json"]
    text = subprocess.run(check, capture_output=True, text=True, check=True, timeout=120).stdout
    done = subprocess.run([sys.executable, "-I", SCRIPT], input=text, capture_output=True, text=True, timeout=120)
    first, second = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (2, "")
    assert first == "ssp3: verified, C = 1, rho = 1"
    assert second.startswith("gill4: not judged")
