"""No file whatsoever makes the reader raise: it answers with diagnostics, quickly, or with a tableau."""

import json
import sys
import time
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rkblocks import files
from rkblocks.diagnostics import Severity
from rkblocks.files.nodes import KEYS

sys.path.insert(0, str(Path(__file__).parent))
import fuzz

SECONDS = 5.0
SEEDS = [
    files.resolve(name).read_bytes()
    for name in ("ssp3", "ark", "dopri5", "ssprk104", "rk4")
]  # fmt: skip


def checked(data: bytes) -> files.Reading:
    start = time.process_time()
    reading = files.read_bytes(data, "fuzz.json")
    assert time.process_time() - start < SECONDS
    errors = [d for d in reading.diagnostics if d.severity is Severity.ERROR]
    assert (reading.tableau is None) == bool(errors)
    lines = data.count(b"\n") + 1
    for d in reading.diagnostics:
        assert d.message.isprintable()
        assert d.help.isprintable()
        assert d.line is None or 1 <= d.line <= lines
        assert d.column is None or 1 <= d.column <= len(data) + 1
    return reading


@given(st.binary(max_size=300))
@settings(deadline=None)
@example(b"\xff\xfe")
@example(b"\x00" * 8)
def test_bytes(data: bytes) -> None:
    checked(data)


@given(st.text(max_size=300))
@settings(deadline=None)
def test_texts(text: str) -> None:
    checked(text.encode("utf-8"))


@given(st.text(alphabet="{}[]:,\"'/*#\\ \n\t0123456789.eE+-ntrufalsebAc()^", max_size=200))
@settings(deadline=None)
def test_almost_json(text: str) -> None:
    checked(text.encode("utf-8"))


@given(st.data())
@settings(deadline=None)
def test_mutated_files(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(content)))
        length = data.draw(st.integers(0, 8))
        new = data.draw(
            st.binary(max_size=3) | st.sampled_from([b'"', b",", b"[", b"]", b"}", b"**", b"(", b"9" * 50, b"\\"])
        )
        content[at : at + length] = new
    checked(bytes(content))


ENTRY = st.one_of(
    st.sampled_from(["0", "1", "1/2", "w", "1/(2*w)", "sqrt(2)", "1/0", "v", "9**9**9", "1 - w**-2", "½", "", "2.5…"]),
    st.text(alphabet="0123456789wv.+-*/() sqrte^", max_size=12),
    st.integers(-3, 3),
    st.floats(),
    st.none() | st.booleans(),
)
ANY = st.recursive(
    ENTRY, lambda v: st.lists(v, max_size=4) | st.dictionaries(st.sampled_from([*KEYS, "w", "order", "init"]), v)
)
ROWS = st.lists(st.lists(ENTRY, max_size=4), max_size=4)
PARAMETER = st.fixed_dictionaries({}, optional={"domain": st.lists(ENTRY, max_size=3), "init": ENTRY, "learnable": ANY})
FILE = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(KEYS, ANY),
        **dict.fromkeys(("alpha", "beta", "A"), ROWS | ANY),
        **{key: st.lists(ENTRY, max_size=4) | ANY for key in ("b", "c", "b_hat")},
        "parameters": st.dictionaries(st.sampled_from(["w", "v", "sqrt", "x y"]), PARAMETER | ANY),
        "claims": st.dictionaries(st.sampled_from(["order", "ssp", "declared_ssp", "variance", "x"]), ENTRY) | ANY,
    },
)


@given(FILE | ANY)
@settings(deadline=None, max_examples=150)
def test_json_of_every_structure(value: object) -> None:
    checked(json.dumps(value).encode())


@given(st.lists(st.sampled_from(["0", "1", "1/2", "1/4", "sqrt(2)", "w", "1/w"]), min_size=5, max_size=5))
@settings(deadline=None)
def test_sound_files_are_read(entries: list[str]) -> None:
    """The other side: what is sound is not refused."""
    a, b0, b1, c0, c1 = entries
    content = {
        "parameters": {"w": {"domain": ["0", "1"], "init": "1/2"}},
        "A": [[], [a]],
        "b": [b0, b1],
        "c": [c0, c1],
    }
    assert checked(json.dumps(content).encode()).tableau is not None


def test_the_harness_in_short() -> None:
    """A few of the files that `python tests/files/fuzz.py` tries by the hundred thousand, and proof that it sees."""
    totals = fuzz.Totals()
    for number in (*range(90), 1324):  # the last was an internal error when it was tried first
        totals.run(number)
    assert not totals.tracebacks + totals.raw + totals.large + totals.late, str(totals)
    assert set(totals.kinds) == set(fuzz.KINDS)
    assert 0 < totals.sound < totals.read < totals.cases
    assert fuzz.case(7) == fuzz.case(7)
    assert [fuzz.raw(text) for text in ("a\x1b[2J", " ::error::x", "::error file=a::x")] == [True, True, False]
