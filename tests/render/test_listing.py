"""Tables of the command line, as whole strings."""

from pathlib import Path

from rkblocks.files.library import Entry
from rkblocks.files.ranking import ranked
from rkblocks.render.listing import columns, listing, record

EULER = Entry(
    "euler",
    "Forward Euler",
    ("ResBlock",),
    1,
    {"order": 1, "ssp": "1", "rho": "1", "variance": "2"},
    Path("euler.json"),
)
MINE = Entry("mine", "A scheme without claims", (), 10, {}, Path("mine.json"))
LONG = Entry(
    "ssprk54",
    "Digits",
    (),
    5,
    {"order": 4, "ssp": "1.5081800491…", "rho": "1.8349…", "variance": "123/10000000"},
    Path("x.json"),
)


def test_a_listing() -> None:
    assert listing([ranked(entry) for entry in (EULER, MINE, LONG)]) == (
        "name     stages  order  C       C/stages  rho     growth    title\n"
        "euler         1      1  1       1         1       2         Forward Euler\n"
        "mine         10      -  -       -         -       -         A scheme without claims\n"
        "ssprk54       5      4  1.5082  0.30164   1.8349  1.23e-05  Digits\n"
    )


def test_a_record_has_claims_as_written_and_as_numbers() -> None:
    assert record(ranked(LONG)) == {
        "name": "ssprk54",
        "title": "Digits",
        "aliases": (),
        "stages": 5,
        "claims": {"order": 4, "ssp": "1.5081800491…", "rho": "1.8349…", "variance": "123/10000000"},
        "parameters": {},
        "order": 4,
        "C": 1.5081800491,
        "C/stages": 1.5081800491 / 5,
        "rho": 1.8349,
        "growth": 1.23e-05,
    }


def test_an_empty_table_keeps_its_head() -> None:
    assert columns(("a", "b"), []) == "a  b\n"


def test_the_last_column_is_cut_where_a_line_is_too_short() -> None:
    rows = [("a", "1", "a long title of many words"), ("bb", "22", "short")]
    full = columns(("name", "n", "title"), rows)
    assert columns(("name", "n", "title"), rows, width=200) == full
    found = columns(("name", "n", "title"), rows, width=24).splitlines()
    assert found[1] == "a     1   a long title …"
    assert max(map(len, found)) == 24
    assert max(map(len, columns(("name", "n", "title"), rows, width=1).splitlines())) == 18  # eight letters are left


def test_a_narrow_terminal_shows_fewer_columns_and_every_name() -> None:
    rows = [ranked(entry) for entry in (EULER, MINE, LONG)]
    full = listing(rows)
    assert listing(rows, width=max(map(len, full.splitlines()))) == full
    found = listing(rows, width=72)
    assert found == (
        "name     stages  order  C       rho     growth    title\n"
        "euler         1      1  1       1       2         Forward Euler\n"
        "mine         10      -  -       -       -         A scheme without clai…\n"
        "ssprk54       5      4  1.5082  1.8349  1.23e-05  Digits\n"
    )
    assert listing(rows, width=50).startswith("name     stages  order  C       title\neuler   ")
    for width in range(45, 100):
        assert max(map(len, listing(rows, width=width).splitlines())) <= width
