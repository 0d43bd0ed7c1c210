"""Every file in tableaus/ is read, proved and shown in the docs: a new file is tested without anyone writing a test."""

import json
import runpy
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

import rkblocks
from rkblocks import files, verify
from rkblocks.diagnostics import Severity, TableauError
from rkblocks.program import interpret, lower
from rkblocks.testing import assert_order_is_measured, assert_routes_agree

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "tableaus").glob("*.json"))
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)

#: The paper's naive block: consistent at its initial values and on a constraint, so that it has no order as a family.
NAIVE = "ark_free"
CONSISTENT = [path for path in FILES if path.stem != NAIVE]

#: The methods of the paper and those that the issue and NUMERICS.md name: they must be there under these names.
NAMED = (
    *("euler", "midpoint", "ssp2", "ssp3", "ark", "ark_mnist", "ark_free", "ark_ssp"),
    *("ralston2", "kutta3", "heun3", "rk4", "threeeighths", "bs3", "bs5", "fehlberg45", "cashkarp", "dopri5", "tsit5"),
    *(f"ssprk{m}2" for m in range(3, 11)),
    *("ssprk43", "ssprk53", "ssprk63", "ssprk93", "ssprk163", "ssprk54", "ssprk104"),
    *("linssp33", "linssp44", "cooperverner8", "butcher6a", "hairer10", "williamson3", "carpenterkennedy54"),
)


def names(path: Path) -> list[str]:
    document = json.loads(path.read_text(encoding="utf-8"))
    return [document["name"], *document.get("aliases", [])]


def test_the_library_is_large_enough_and_walked() -> None:
    assert len(FILES) >= 70
    assert {path.stem for path in FILES} >= set(NAMED)
    assert {entry.path for entry in files.catalog()} == set(FILES)


def test_no_two_schemes_share_a_name_or_alias() -> None:
    """The library finds names without regard to case and spaces, so they must differ beyond these."""
    counted = Counter("".join(name.split()).casefold() for path in FILES for name in names(path))
    assert not {name: n for name, n in counted.items() if n > 1}


@each_file
def test_a_file_reads_without_remarks_and_cites_its_source(path: Path) -> None:
    reading = files.read(path)
    assert not [str(d) for d in reading.diagnostics]
    tableau = reading.tableau
    assert tableau is not None
    assert tableau.name == path.stem
    assert tableau.title
    assert tableau.references
    assert files.read_text(files.to_json(tableau), "again.json").tableau == tableau


@each_file
def test_a_file_is_sound_and_its_claims_are_true(path: Path) -> None:
    report = verify.check(path)
    assert report.ok, [str(d) for d in report.diagnostics if d.severity is Severity.ERROR]
    assert all(claim.holds for claim in report.claims)
    if path in CONSISTENT:
        assert report.order.value >= 1
        assert {claim.claim for claim in report.claims} >= {"order"}


@pytest.mark.parametrize("path", CONSISTENT, ids=lambda path: path.stem)
def test_the_order_shows_as_a_slope_and_all_routes_make_the_same_step(path: Path) -> None:
    tableau = files.load(path)
    assert_routes_agree(tableau)
    assert_order_is_measured(tableau)


def test_the_naive_block_says_that_it_is_consistent_at_its_start_only() -> None:
    report = verify.check(NAIVE)
    assert report.order.value == 0
    assert [d.code for d in report.diagnostics if d.severity is Severity.WARNING].count("RK320") == 2


def test_a_control_is_unfit_and_says_truly_how() -> None:
    """What the published mid-RK2 computes: two Euler steps, of 1/2 and of 1; in no list, and found by its name."""
    controls = sorted((ROOT / "tableaus" / "controls").glob("*.json"))
    assert [path.stem for path in controls] == ["midrk2_published"]
    assert not {path.stem for path in controls} & {entry.name for entry in files.catalog()}
    tableau = files.load("midrk2_published")
    report = verify.check(tableau)
    assert not report.ok
    assert report.order.value == 0
    assert [d.code for d in report.diagnostics if d.severity is Severity.ERROR] == ["RK304"]
    assert {claim.claim: (claim.claimed, claim.holds) for claim in report.claims} == {
        "order": ("0", True),
        "ssp": ("1", True),
        "rho": ("1", True),
        "variance": ("5/2", True),
    }
    f = lambda u: u * u + 1  # noqa: E731
    x = Fraction(1, 3)
    half = x + f(x) / 2
    assert interpret(lower(tableau, inconsistent=True), f, x) == x + f(x) / 2 + f(x + f(x) / 2) == half + f(half)
    with pytest.raises(TableauError, match=r"RK304(.|\n)*inconsistent=True"):
        lower(tableau)
    with pytest.raises(TableauError, match="RK301"):
        lower(rkblocks.tableau(A=[["1/2"]], b=[1]), inconsistent=True)


def test_the_table_in_the_docs_is_in_step() -> None:
    page = ROOT / "docs" / "tableaus.md"
    text = page.read_text(encoding="utf-8")
    made = runpy.run_path(str(ROOT / "docs" / "make_tableaus.py"))
    assert made["page"](text) == text, "run `python docs/make_tableaus.py`"
    assert all(f"`{path.stem}`" in text for path in FILES)
