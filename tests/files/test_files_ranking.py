"""Claims as numbers without sympy, filters, and sorting."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rkblocks import files, verify
from rkblocks.cli import listing
from rkblocks.files.library import Entry
from rkblocks.files.ranking import KEYS, Range, approximate, arranged, chosen, ranked, read_range


def entry(name: str, stages: int = 2, parameters: dict[str, str] | None = None, **claims: str | int) -> Entry:
    return Entry(name, "", (), stages, dict(claims), Path(f"{name}.json"), parameters or {})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3/4", 0.75),
        ("1.508…", 1.508),
        ("2.6506291914...", 2.6506291914),
        ("-1/2 + sqrt(2)/2", 0.20710678118654757),
        ("-(2 - 5)**2/3", -3.0),
        ("2 - 1/t", 2 - 1 / 0.75),
        ("1/(t - 3/4)", None),
        ("9**9**9", None),
        ("1e999", None),
        ("u", None),
        ("__import__('os')", None),
        ("", None),
        ("…", None),
    ],
)
def test_an_entry_as_a_float(text: str, value: float | None) -> None:
    found = approximate(text, {"t": 0.75})
    assert found == value if value is None else found == pytest.approx(value, rel=1e-15)


def test_the_numbers_of_the_library_are_those_that_the_checker_proves() -> None:
    """Exact against float, on a part of the library that has every kind of claim."""
    for name in ("ssp3", "gill4", "ssprk53", "ssprk54", "ark_ssp", "leastgrowth33", "rk4", "dopri5"):
        row = ranked(next(e for e in files.catalog() if e.name == name))
        report = verify.check(name)
        assert row.order == report.order.value
        assert pytest.approx(report.ssp.optimal.cfl_float, abs=1e-9) == row.C
        assert row.growth == pytest.approx(report.variance.growth_float, rel=1e-9)
        assert row.per_stage == pytest.approx(row.C / row.entry.stages)


def test_a_family_is_ranked_at_its_initial_values() -> None:
    row = ranked(entry("f", parameters={"t": "3/4"}, ssp="2 - 1/t", order=2))
    assert pytest.approx(2 / 3) == row.C
    assert ranked(entry("f", parameters={"t": "t"}, ssp="2 - 1/t")).C is None


@pytest.mark.parametrize(
    ("text", "found"), [("3", Range(3, 3)), ("3+", Range(3, None)), ("3-5", Range(3, 5)), (" 10 ", Range(10, 10))]
)
def test_ranges(text: str, found: Range) -> None:
    assert read_range(text) == found
    assert (found.low in found, found.low - 1 in found) == (True, False)


@pytest.mark.parametrize("text", ["", "x", "-3", "3-", "3++", "1/2", "३", "99999"])
def test_no_ranges(text: str) -> None:
    with pytest.raises(ValueError, match="N-M"):
        read_range(text)


def test_a_range_upside_down_holds_nothing() -> None:
    with pytest.raises(ValueError, match="write 3-5"):
        read_range("5-3")


ROWS = [
    ranked(e)
    for e in (
        entry("a", 3, order=3, ssp="1", variance="29/18"),
        entry("b", 4, order=3, ssp="2"),
        entry("c", 2, {"t": "1"}, order=2, ssp="0", variance="7/4"),
        entry("d", 5, order=4, ssp="1.508…"),
        entry("e", 2),
    )
]


def names(rows: tuple[object, ...]) -> str:
    return "".join(r.entry.name for r in rows)


def test_filters() -> None:
    assert names(chosen(ROWS, order=Range(3, None))) == "abd"
    assert names(chosen(ROWS, stages=Range(2, 3))) == "ace"
    assert names(chosen(ROWS, ssp=True)) == "abd"
    assert names(chosen(ROWS, family=True)) == "c"
    assert names(chosen(ROWS, order=Range(3, 3), ssp=True, stages=Range(4, None))) == "b"


@pytest.mark.parametrize(
    ("key", "up", "down"),
    [
        ("name", "abcde", "edcba"),
        ("stages", "ceabd", "dbace"),
        ("order", "cabde", "dabce"),
        ("C", "cadbe", "bdace"),
        ("C/stages", "cdabe", "badce"),
        ("growth", "acbde", "cabde"),  # 29/18 < 7/4
    ],
)
def test_orders_put_what_is_not_claimed_last(key: str, up: str, down: str) -> None:
    assert names(arranged(ROWS, key)) == up
    assert names(arranged(ROWS, key, reverse=True)) == down


def test_the_command_offers_what_can_be_sorted_by() -> None:
    assert tuple(KEYS) == listing.KEYS


def test_a_file_that_is_no_tableau_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = {"name": "good", "A": [[]], "b": ["1"], "claims": {"order": 1, "ssp": 1.5, "variance": "2"}}
    contents = {
        "good": json.dumps(good),
        "cut": '{"name": "cut"',
        "list": "[]",
        "deep": "[" * 100000,
        "odd": '{"A": 3}',
    }
    for stem, text in contents.items():
        (tmp_path / f"{stem}.json").write_text(text)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    monkeypatch.setattr("rkblocks.files.library.folder", lambda: tmp_path)
    found = files.catalog.__wrapped__()
    assert [e.name for e in found] == ["good", "odd"]
    assert found[0].claims == {"order": 1, "ssp": "1.5", "variance": "2"}
    assert (found[1].stages, found[1].claims) == (0, {})


def test_finding_a_name_reads_one_file() -> None:
    code = (
        "from rkblocks.files import library; e = library.find('ssp3');"
        "assert e.name == 'ssp3'; assert library.catalog.cache_info().misses == 0;"
        "assert library.find('SSP33').name == 'ssp3'; assert library.catalog.cache_info().misses == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
