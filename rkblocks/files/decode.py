"""Bytes to text: UTF-8 and nothing else, within a bound, with a diagnosis for everything that editors leave behind."""

from __future__ import annotations

from rkblocks.files.collected import Problems

MOST_BYTES = 1 << 20
"""Longest file: a hundred times the largest tableau of the literature."""

_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def decode(data: bytes, problems: Problems) -> str | None:
    """The text of a file, without a byte order mark; None (and a problem) where it is no UTF-8 text.

    Args:
        data: at most MOST_BYTES + 1 bytes, so that one more than allowed is noticed.
    """
    if len(data) > MOST_BYTES:
        problems.add(
            "RK106", f"the file is larger than {MOST_BYTES} bytes", help="a tableau file needs a few kilobytes"
        )
        return None
    encoding = _wide_encoding(data)
    if encoding:
        problems.add(
            "RK103",
            f"the file is encoded as {encoding}, expected UTF-8",
            line=1,
            column=1,
            help="save it as UTF-8 (in PowerShell: Set-Content -Encoding utf8NoBOM)",
        )
        return None
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
        problems.add(
            "RK104", "the file begins with a byte order mark", line=1, column=1, help="save as UTF-8 without BOM"
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        problems.add(
            "RK102",
            f"byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8 text",
            line=before.count("\n") + 1,
            column=len(before) - before.rfind("\n"),
            help="save the file as UTF-8; a binary file cannot be a tableau",
        )
        return None
    if "\0" in text:
        at = text.index("\0")
        problems.add(
            "RK102",
            f"a NUL byte at offset {at}: this is a binary file, expected JSON text",
            line=text.count("\n", 0, at) + 1,
            column=at - text.rfind("\n", 0, at),
            help="save the file as text in UTF-8",
        )
        return None
    if not text.strip(" \t\r\n"):
        problems.add("RK101", "the file is empty", line=1, column=1, help='write at least {"A": [[]], "b": ["1"]}')
        return None
    return text


def _wide_encoding(data: bytes) -> str:
    """UTF-16 or UTF-32 by its byte order mark, or by the NULs that every ASCII character has there."""
    for mark, name in _MARKS.items():
        if data.startswith(mark):
            return name
    head = data[:64]
    if len(head) >= 8 and (not any(head[::2][:4]) or not any(head[1::2][:4])) and any(head):
        return "UTF-32" if head[:8].count(0) == 6 else "UTF-16"
    return ""
