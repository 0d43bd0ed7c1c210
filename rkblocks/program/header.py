"""The header of an emitted module: what it promises about the scheme, as written and as read back."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

from rkblocks.program.ir import Program
from rkblocks.program.scheme_summary import Summary
from rkblocks.tableau import Tableau

WIDTH = 120
_KEY = 12
"""Width of the column of keys."""


def rows(tableau: Tableau, found: Summary, program: Program) -> list[tuple[str, str]]:
    """Keys and texts of the header; a row without key continues the one above it with another figure."""
    start = " at the start of training" if found.at_init else ""
    step = f"{program.dt}{f' ({found.bound})' if found.bound else ''}"
    return [
        ("calls of F", str(program.calls)),
        ("order", f"{found.order}{start}"),
        ("SSP", f"{found.ssp} (optimal{start})"),
        ("", f"{found.declared} (as declared)"),
        ("l2", f"rho {found.rho}{start} (a step of rho h0 contracts where an Euler step of h0 does)"),
        ("growth", f"{found.growth}{start} (of the variance in one step, Kim et al. 2020, Lemma 3)"),
        *([] if program.dt in (None, 1) else [("step size", step)]),
        *([("embedded", f"order {found.embedded}")] if program.error else []),
        ("tableau", f"sha256 {tableau.digest}"),
        *(("reference", reference) for reference in tableau.references),
    ]


def header(tableau: Tableau, found: Summary, program: Program, target: str = "torch") -> str:
    """The docstring of the module."""
    title = plain(f"{tableau.name}: {tableau.title}" if tableau.title else tableau.name)
    lines = [*wrapped(title, ""), ""]
    for key, text in rows(tableau, found, program):
        lines += wrapped(plain(text), f"{key:<{_KEY}}")
    lines += [
        "",
        f"Written by rkblocks (`{_command(tableau, program, target)}`), which proved these figures exactly.",
    ]
    return '"""' + "\n".join(lines) + '\n"""\n'


def _command(tableau: Tableau, program: Program, target: str) -> str:
    """The command that writes the module."""
    options = [f"--dt {program.dt}"] if program.dt not in (None, 1) else []
    options += ["--time"] if program.time else []
    options += [] if target == "torch" else [f"--target {target}"]
    options += ["--error"] if program.error else []
    return " ".join(["rkblocks compile", plain(tableau.name), *options])


@dataclass(frozen=True)
class Header:
    """A header as read: the name of the scheme, its hash, and the text of every row by key (those without, joined)."""

    name: str
    digest: str
    rows: dict[str, str]


def read_header(docstring: str) -> Header | None:
    """The header that a docstring is; None where it is none: no ``tableau     sha256 ...``."""
    found: dict[str, str] = {}
    key = ""
    for line in docstring.splitlines()[1:]:
        start, rest = line[:_KEY].strip(), line[_KEY:].strip()
        if len(line) > _KEY and line[_KEY - 1] == " " and (not line[:_KEY].strip() or not line.startswith(" ")):
            key = start or key
            found[key] = f"{found[key]} {rest}" if key in found else rest
        else:
            key = ""
    digest = re.fullmatch(r"sha256 ([0-9a-f]{64})", found.get("tableau", ""))
    if digest is None:
        return None
    return Header(docstring.partition("\n")[0].partition(":")[0].strip(), digest[1], found)


def wrapped(text: str, key: str, indent: int = 0) -> list[str]:
    """The text in lines that fit, behind the key."""
    return textwrap.wrap(
        text,
        WIDTH - indent - 3,
        initial_indent=key,
        subsequent_indent=" " * len(key),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [key.rstrip()]


def plain(text: str) -> str:
    """Text from a tableau file that is safe inside a string literal: one line, no quotes, no backslashes."""
    return " ".join(text.replace("\\", "/").replace('"', "'").split())
