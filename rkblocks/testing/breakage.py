"""One thing broken: file texts with exactly one fault, and the code of the diagnosis that this fault must get."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from rkblocks.extras import require
from rkblocks.files import read_text
from rkblocks.tableau import Tableau

if TYPE_CHECKING:
    from hypothesis import strategies as st
else:
    st = require("hypothesis.strategies", "testing", "rkblocks.testing.broken")

Document = dict[str, Any]


@dataclass(frozen=True)
class Broken:
    """A file text with one fault: what was done, and the one error code that `check` must give."""

    text: str
    code: str
    what: str


def _always(document: Document) -> bool:
    return True


@dataclass(frozen=True)
class Breakage:
    """A way to break a file: ``apply`` gets the document and a position within it, and returns the new text."""

    what: str
    code: str
    apply: Callable[[Document, int], str]
    applies: Callable[[Document], bool] = _always


def broken(tableau: Tableau) -> st.SearchStrategy[Broken]:
    """Strategy for texts of the tableau's file with exactly one thing broken, each with the code to expect.

    Args:
        tableau: a sound one, for example from `tableaus()`; a family works too.
    """

    written = tableau.to_json()
    possible = [breakage for breakage in BREAKAGES if breakage.applies(json.loads(written))]

    def build(breakage: Breakage, at: int) -> Broken:
        return Broken(breakage.apply(json.loads(written), at), breakage.code, breakage.what)

    return st.builds(build, st.sampled_from(possible), st.integers(0, 10**6))


def _text(document: Document) -> str:
    return json.dumps(document, indent=1)


def _last_row(document: Document) -> list[Any]:
    """The row of the result: it is never empty and sums to one in b, and in alpha."""
    row: list[Any] = document["b"] if "b" in document else document["beta"][-1]
    return row


def _entry(new: Callable[[str], Any]) -> Callable[[Document, int], str]:
    """Rewrite one entry of the last row."""

    def apply(document: Document, at: int) -> str:
        row = _last_row(document)
        row[at % len(row)] = new(str(row[at % len(row)]))
        return _text(document)

    return apply


def _change(edit: Callable[[Document], Any]) -> Callable[[Document, int], str]:
    """Edit the document in place."""

    def apply(document: Document, at: int) -> str:
        edit(document)
        return _text(document)

    return apply


def _write(edit: Callable[[str], str]) -> Callable[[Document, int], str]:
    """Edit the text."""
    return lambda document, at: edit(_text(document))


def _ragged(document: Document) -> None:
    (document["A"] if "A" in document else document["alpha"])[-1].append("0")
    if "A" in document:
        document["A"][-1].append("0")


def _orphan(document: Document) -> None:
    document.pop("b" if "A" in document else "beta")


def _shift(document: Document) -> None:
    """Add to one entry of the last row, so that the weights no longer sum to one."""
    row = _last_row(document)
    row[-1] = f"({row[-1]}) + 1/7"


def _alpha_sum(document: Document) -> None:
    """The weight of x in the last row: it changes no entry of the Butcher form."""
    document["alpha"][-1][0] = f"({document['alpha'][-1][0]}) + 1/7"


def _disagree(document: Document) -> None:
    """Another scheme's Butcher form beside the Shu-Osher form, with the same b: its weights still sum to one."""
    form = tableau_form(document)
    document["A"] = [list(row) for row in form[:-1]]
    document["b"] = form[-1]
    document["A"][-1][0] = f"({document['A'][-1][0]}) + 1/7"


def tableau_form(document: Document) -> list[list[str]]:
    """Rows 1..m of the Butcher form of a document in Shu-Osher form, as file text; row i has i-1 entries, b has m."""
    tableau = read_text(_text(document), "form").tableau
    assert tableau is not None
    form, text = tableau.butcher_form, tableau.field.text
    return [*([text(a) for a in row[:i]] for i, row in enumerate(form.A)), [text(a) for a in form.b]]


def _implicit(document: Document) -> None:
    """A full matrix with one entry on its diagonal."""
    m = len(document["A"] if "A" in document else document["alpha"])
    for key in ("alpha", "beta", "c", "b_hat"):
        document.pop(key, None)
    document["A"] = [["1/3" if i == j == m - 1 else "0" for j in range(m)] for i in range(m)]
    document["b"] = [str(Fraction(1, m))] * m


#: Faults in the text, in the structure, in an entry: all of status 2.
READING = (
    Breakage("the text is cut off", "RK120", _write(lambda text: text.rstrip()[:-1])),
    Breakage("a comma before the closing brace", "RK109", _write(lambda text: text.rstrip()[:-1] + ",}")),
    Breakage("text after the end", "RK121", _write(lambda text: text + '\n{"name": "another"}')),
    Breakage("a comment", "RK110", _write(lambda text: "// a scheme\n" + text)),
    Breakage("a second name", "RK105", _write(lambda text: text.rstrip()[:-1] + ',"name": "again"}')),
    Breakage("nothing", "RK101", lambda document, at: ""),
    Breakage("a list around the object", "RK130", _write(lambda text: f"[{text}]")),
    Breakage("a misspelt key", "RK131", _change(lambda d: d.update(claim={"order": 1}))),
    Breakage("a number for a name", "RK132", _change(lambda d: d.update(name=7))),
    Breakage("a name with a space", "RK139", _change(lambda d: d.update(name="my scheme"))),
    Breakage("half of a form", "RK134", _change(_orphan)),
    Breakage("a row too long", "RK136", _change(_ragged)),
    Breakage("an order claim in words", "RK144", _change(lambda d: d.update(claims={"order": "three"}))),
    Breakage("a negative tolerance", "RK145", _change(lambda d: d.update(tolerance="-1e-3"))),
    Breakage("a comparison in an entry", "RK201", _entry(lambda e: f"{e} %")),
    Breakage("an empty entry", "RK202", _entry(lambda e: "")),
    Breakage("an undeclared name", "RK203", _entry(lambda e: f"{e} + undeclared")),
    Breakage("an open parenthesis", "RK204", _entry(lambda e: f"({e}")),
    Breakage("a missing operator", "RK205", _entry(lambda e: f"({e}) 2")),
    Breakage("a division by zero", "RK207", _entry(lambda e: f"({e})/(1 - 1)")),
    Breakage("a broken exponent", "RK208", _entry(lambda e: f"({e})**(1/2)")),
    Breakage("the square root of a negative number", "RK209", _entry(lambda e: f"{e} + sqrt(-2)")),
    Breakage("an unknown function", "RK220", _entry(lambda e: f"{e} + exp(1)")),
)

#: Faults of the method or of a claim: the numbers are read, and are unfit; all of status 1.
MEANING = (
    Breakage("weights that do not sum to one", "RK304", _change(_shift)),
    Breakage("a row of alpha that does not sum to one", "RK302", _change(_alpha_sum), lambda d: "alpha" in d),
    Breakage("two forms that disagree", "RK303", _change(_disagree), lambda d: len(d.get("alpha", [])) > 1),
    Breakage("a stage that needs itself", "RK301", _change(_implicit), lambda d: "parameters" not in d),
    Breakage("too high an order claimed", "RK401", _change(lambda d: d.update(claims={"order": 99}))),
    Breakage("too high an SSP coefficient claimed", "RK402", _change(lambda d: d.update(claims={"ssp": "1000"}))),
    Breakage("too much claimed of the form", "RK403", _change(lambda d: d.update(claims={"declared_ssp": "1000"}))),
    Breakage(
        "too long a contracting step claimed",
        "RK360",
        _change(lambda d: d.update(claims={"rho": "1000"})),
        lambda d: "parameters" not in d,  # of a family rho may have no formula, and then no claim of it is decided
    ),
    Breakage("too little growth claimed", "RK404", _change(lambda d: d.update(claims={"variance": "1/2"}))),
)

BREAKAGES = (*READING, *MEANING)
