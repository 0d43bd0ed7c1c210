"""The JSON scanner: places of values, and every departure from JSON with its own code, line and column."""

import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkblocks.files.nodes import MOST_OF_A_CODE, Array, Constant, Node, Number, Object, Problems, Text, child
from rkblocks.files.sources import MOST_BYTES, decode
from rkblocks.files.text import MOST_LEVELS, parse


def scanned(text: str) -> tuple[Node | None, list[tuple[str, int | None, int | None]]]:
    problems = Problems()
    root = parse(text, problems)
    return root, [(d.code, d.line, d.column) for d in problems.diagnostics()]


BAD = {
    "trailing comma in a list": ("[1,\n 2, ]", [("RK109", 2, 3)]),
    "trailing comma in an object": ('{"a": 1,}', [("RK109", 1, 8)]),
    "leading comma": ("[, 1]", [("RK109", 1, 2)]),
    "two commas": ("[1,, 2]", [("RK109", 1, 4)]),
    "lone comma": ("[,]", [("RK109", 1, 2)]),
    "missing comma in a list": ('["1" "2"]', [("RK108", 1, 6)]),
    "missing comma in an object": ('{"a": 1\n "b": 2}', [("RK108", 2, 2)]),
    "semicolon": ("[1; 2]", [("RK107", 1, 3)]),
    "colon in a list": ('["a": 1]', [("RK107", 1, 5)]),
    "line comment": ("[1, // one\n 2]", [("RK110", 1, 5)]),
    "block comment": ("[1, /* \n */ 2]", [("RK110", 1, 5)]),
    "hash comment": ("# head\n[1]", [("RK110", 1, 1)]),
    "block comment without end": ("[1] /* ", [("RK110", 1, 5)]),
    "single quotes": ("['1']", [("RK111", 1, 2)]),
    "typographic quotes": ("[“1”]", [("RK111", 1, 2)]),
    "backquotes": ("[`1`]", [("RK111", 1, 2)]),
    "unquoted key": ("{a: 1}", [("RK112", 1, 2)]),
    "number as a key": ("{1: 1}", [("RK112", 1, 2)]),
    "list as a key": ("{[1]: 1}", [("RK112", 1, 2)]),
    "unquoted text": ("[euler]", [("RK112", 1, 2)]),
    "NaN": ("[NaN]", [("RK113", 1, 2)]),
    "infinity": ("[1, -Infinity]", [("RK113", 1, 5)]),
    "Python's True": ("[True]", [("RK113", 1, 2)]),
    "Python's None": ("[None]", [("RK113", 1, 2)]),
    "leading zero": ("[01]", [("RK114", 1, 2)]),
    "leading plus": ("[+1]", [("RK114", 1, 2)]),
    "no digit before the point": ("[.5]", [("RK114", 1, 2)]),
    "no digit after the point": ("[1.]", [("RK114", 1, 2)]),
    "no digit in the exponent": ("[1e]", [("RK114", 1, 2)]),
    "hexadecimal": ("[0x10]", [("RK114", 1, 2)]),
    "underscores": ("[1_000]", [("RK114", 1, 2)]),
    "fraction": ("[1, 3/4]", [("RK115", 1, 5)]),
    "fraction with spaces": ("[3 / 4, 1]", [("RK115", 1, 2)]),
    "call": ("[sqrt(2)]", [("RK115", 1, 2)]),
    "tab in a string": ('["a\tb"]', [("RK116", 1, 4)]),
    "unknown escape": (r'["a\x"]', [("RK117", 1, 4)]),
    "short unicode escape": (r'["\u12"]', [("RK117", 1, 3)]),
    "high surrogate alone": (r'["\ud800"]', [("RK118", 1, 3)]),
    "low surrogate alone": (r'["a\udc00"]', [("RK118", 1, 4)]),
    "pair the wrong way": (r'["\udc00\ud800"]', [("RK118", 1, 3), ("RK118", 1, 9)]),
    "raw surrogate": ('["\ud800"]', [("RK118", 1, 3)]),
    "string without end": ('["a\n"]', [("RK119", 1, 2)]),
    "file ends in a string": ('["a', [("RK119", 1, 2)]),
    "list without end": ("[1,\n [2]", [("RK120", 1, 1)]),
    "object without end": ('{"a": [1]', [("RK120", 1, 1)]),
    "file ends after a colon": ('{"a":', [("RK120", 1, 6)]),
    "nothing at all": ("", [("RK120", 1, 1)]),
    "wrong closing bracket": ('{"a": [1, 2}', [("RK120", 1, 12)]),
    "wrong closing bracket, nothing outside": ("[1}", [("RK120", 1, 3)]),
    "second value": ("[1]\n[2]", [("RK121", 2, 1)]),
    "superfluous bracket": ("[1]]", [("RK121", 1, 4)]),
    "too deep": ("[" * 100, [("RK122", 1, MOST_LEVELS + 1)]),
    "deep enough to overflow a stack": ("[" * 100_000, [("RK122", 1, MOST_LEVELS + 1)]),
    "no colon": ('{"a" 1}', [("RK123", 1, 6)]),
    "no value": ('{"a": , "b": 1}', [("RK123", 1, 7)]),
    "no colon and no value": ('{"a"}', [("RK123", 1, 5)]),
    "equals sign": ('{"a" = 1}', [("RK123", 1, 6)]),
    "no-break space": ("[1,\u00a02]", [("RK124", 1, 4)]),
    "zero-width space": ("[\u200b1]", [("RK124", 1, 2)]),
    "duplicate key": ('{"a": 1,\n "b": 2,\n "a": 3}', [("RK105", 3, 2)]),
    "duplicate key, written differently": (r'{"a": 1, "\u0061": 3}', [("RK105", 1, 10)]),
    "markup": ("<html>", [("RK107", 1, 1)]),
    "stray operator": ("[*]", [("RK107", 1, 2)]),
    "several problems": (
        "{'a': .5,\n b: [1 2,],}",
        [("RK111", 1, 2), ("RK114", 1, 7), ("RK112", 2, 2), ("RK108", 2, 8), ("RK109", 2, 9), ("RK109", 2, 11)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BAD.values(), ids=BAD)
def test_each_departure_from_json_has_its_code_and_place(text: str, expected: list[tuple[str, int, int]]) -> None:
    _, found = scanned(text)
    assert found == expected


def test_reading_goes_on_as_if_repaired() -> None:
    root, found = scanned("{'a': [1 2,], b: 3/4}")
    assert {code for code, _, _ in found} == {"RK111", "RK108", "RK109", "RK112", "RK115"}
    assert isinstance(root, Object)
    assert [m.key.value for m in root.members] == ["a", "b"]
    a, b = root.get("a"), root.get("b")
    assert isinstance(a, Array)
    assert [item.text for item in a.items if isinstance(item, Number)] == ["1", "2"]
    assert isinstance(b, Text)
    assert (b.value, b.column_at(1)) == ("3/4", 19)


def test_the_first_of_duplicate_keys_is_kept() -> None:
    root, _ = scanned('{"a": 1, "a": 2}')
    assert isinstance(root, Object)
    assert len(root.members) == 1
    assert root.get("a") == Number(1, 7, "1")


def test_places_count_characters_within_strings_with_escapes() -> None:
    root, found = scanned('\n [ "a\\u00e9\\n/\\ud83d\\ude00x" ]')
    assert not found
    assert isinstance(root, Array)
    (text,) = root.items
    assert isinstance(text, Text)
    assert text.value == "aé\n/😀x"
    assert [text.column_at(i) for i in range(7)] == [5, 6, 12, 14, 15, 27, 28]


def test_numbers_keep_their_text_and_true_is_no_number() -> None:
    root, found = scanned("[0.10, 1E+3, -0, 123456789012345678901234567890, true, null]")
    assert not found
    assert isinstance(root, Array)
    numbers = [n.text for n in root.items if isinstance(n, Number)]
    assert numbers == ["0.10", "1E+3", "-0", "123456789012345678901234567890"]
    assert [c.value for c in root.items if isinstance(c, Constant)] == [True, None]


def test_one_systematic_mistake_is_not_repeated_for_ever() -> None:
    _, found = scanned("[" + "'1', " * 500 + "1]")
    assert [code for code, _, _ in found] == ["RK111"] * MOST_OF_A_CODE + ["RK199"]


def test_pointers_are_escaped() -> None:
    assert child("/a", "b/c~d") == "/a/b~1c~0d"
    assert child("", 3) == "/3"


def plain(node: Node | None) -> object:
    match node:
        case Object():
            return {m.key.value: plain(m.value) for m in node.members}
        case Array():
            return [plain(item) for item in node.items]
        case Text() | Constant():
            return node.value
        case Number():
            return json.loads(node.text)
    raise AssertionError(node)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    LEAVES, lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text(), v, max_size=4), max_leaves=12
)


@given(VALUES, st.booleans(), st.sampled_from([None, 0, 2, "\t"]))
@settings(deadline=None)
def test_agrees_with_the_standard_library_on_json(value: object, ascii_only: bool, indent: int | str | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    root, found = scanned(text)
    assert not found
    assert plain(root) == value


@given(st.text(alphabet="[]{},:\"\\/truefalsn0123456789.eE+- \n\t'#*aé\u00a0\ud800", max_size=60))
@settings(deadline=None)
def test_accepts_exactly_what_json_accepts(text: str) -> None:
    """Strictness in both directions, against json with its extensions (NaN, duplicates, surrogates) set aside."""

    class RefusedError(Exception):
        pass

    def refuse(*_: object) -> None:
        raise RefusedError

    def unique(pairs: list[tuple[str, object]]) -> object:
        if len(dict(pairs)) < len(pairs):
            raise RefusedError
        return dict(pairs)

    try:
        value = json.loads(text, parse_constant=refuse, object_pairs_hook=unique)
        accepted = not any("\ud800" <= c <= "\udfff" for c in json.dumps(value, ensure_ascii=False))
    except (ValueError, RefusedError, RecursionError):
        accepted = False
    root, found = scanned(text)
    assert (not found) == accepted
    assert (root is not None) or found


def decoded(data: bytes) -> tuple[str | None, list[tuple[str, int | None, int | None]]]:
    problems = Problems()
    return decode(data, problems), [(d.code, d.line, d.column) for d in problems.diagnostics()]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", ("RK101", 1, 1)),
        (b" \n\t ", ("RK101", 1, 1)),
        (b'{"a":\n "\xe9"}', ("RK102", 2, 3)),
        (b"\x89PNG\r\n", ("RK102", 1, 1)),
        (b'{"a": "x\0y"}', ("RK102", 1, 9)),
        (b"\xed\xa0\x80", ("RK102", 1, 1)),
        ('{"a": 1}'.encode("utf-16"), ("RK103", 1, 1)),
        ('{"a": 1}'.encode("utf-16-le"), ("RK103", 1, 1)),
        ('{"a": 1}'.encode("utf-16-be"), ("RK103", 1, 1)),
        ('{"a": 1}'.encode("utf-32"), ("RK103", 1, 1)),
        ('{"a": 1}'.encode("utf-32-be"), ("RK103", 1, 1)),
        (b" " * (MOST_BYTES + 1), ("RK106", None, None)),
    ],
)
def test_bytes_that_are_no_json_text(data: bytes, expected: tuple[str, int, int]) -> None:
    assert decoded(data) == (None, [expected])


def test_a_byte_order_mark_is_a_warning_and_shifts_no_column() -> None:
    text, found = decoded(b'\xef\xbb\xbf{"a": 1}')
    assert (text, found) == ('{"a": 1}', [("RK104", 1, 1)])


def test_nesting_takes_no_more_stack_than_the_bound() -> None:
    assert sys.getrecursionlimit() > 20 * MOST_LEVELS
