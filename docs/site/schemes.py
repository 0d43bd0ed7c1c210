"""The library of schemes: a table that can be filtered, and a page a scheme; all of it from the tableau files.

A page is made once for each content of a file and of the code that reads and draws it, and kept in build/.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import formulas
from kept import KEPT, SUBSET
from pages import ROOT, fenced

from rkblocks import escape, figures, files, verify
from rkblocks.render import report_text

_CODE = ("*.py", "exact/*.py", "files/**/*.py", "verify/*.py", "render/*.py", "figures/*.py")


@dataclass(frozen=True)
class Page:
    """What a scheme has on the site. row: its cells in the table; picture: the PNG of its stability region."""

    name: str
    markdown: str
    row: dict[str, Any]
    picture: Path


def pages() -> list[Page]:
    """Return a page for each file of the library, by name; a second call for the same files and code reads them."""
    chosen = [name for name in os.environ.get(SUBSET, "").split(",") if name]
    code = _code()
    with chdir(ROOT):
        return [_page(entry.path, code) for entry in files.catalog() if not chosen or entry.name in chosen]


def index(made: list[Page]) -> str:
    """Return the page with the table; without scripts it is a table like any other."""
    rows = sorted((page.row for page in made), key=lambda row: (row["order"] or 0, row["stages"], row["name"]))
    orders = sorted({str(row["order"]) for row in rows if row["order"] is not None}, key=int)
    options = "".join(f'<option value="{order}">order {order}</option>' for order in orders)
    about = (
        f"{len(rows)} schemes. Every number is computed from the file by `rkblocks check`, exactly; decimals are"
        " shortened. C is the optimal SSP coefficient in any norm, rho that of Euclidean norms, growth that of the"
        " variance in one step (Lemma 3 of Kim et al. 2020). Of a family (f) the numbers are those of its start."
        " [About the library](../tableaus.md)."
    )
    heads = "".join(f"<th>{head}</th>" for head in ("name", "scheme", "order", "stages", "C", "rho", "growth"))
    return f"""---
hide: [toc]
---

# Schemes

{about}

<form class="rk-filter" aria-label="Filter" hidden>
<input type="search" name="words" placeholder="Name, title, reference" aria-label="Words">
<select name="order" aria-label="Order"><option value="">any order</option>{options}</select>
<input type="number" name="stages" min="1" placeholder="stages ≤" aria-label="Stages, at most">
<input type="number" name="ssp" min="0" step="any" placeholder="C ≥" aria-label="SSP coefficient, at least">
<input type="number" name="growth" min="0" step="any" placeholder="growth ≤" aria-label="Growth, at most">
<label><input type="checkbox" name="family"> families</label>
<output name="count"></output>
</form>

<div class="rk-scroll" tabindex="0" role="region" aria-label="Table of the schemes">
<table class="rk-library">
<thead><tr>{heads}</tr></thead>
<tbody>
{"".join(_row(row) for row in rows)}</tbody>
</table>
</div>
"""


def _row(row: dict[str, Any]) -> str:
    words = html.escape(" ".join([row["name"], row["title"], *row["aliases"], *row["references"]]).lower())
    mark = ' <abbr title="family">f</abbr>' if row["family"] else ""
    numbers = "".join(
        f'<td data-value="{"" if row[key][1] is None else row[key][1]}">{html.escape(row[key][0])}</td>'
        for key in ("C", "rho", "growth")
    )
    order = "-" if row["order"] is None else row["order"]
    return (
        f'<tr data-words="{words}" data-family="{int(row["family"])}">'
        f'<td><a href="{row["name"]}.html">{row["name"]}</a>{mark}</td>'
        f"<td>{html.escape(row['title'])}</td><td>{order}</td><td>{row['stages']}</td>{numbers}</tr>\n"
    )


def _page(path: Path, code: str) -> Page:
    key = hashlib.sha256(path.read_bytes() + code.encode()).hexdigest()[:16]
    kept, picture = KEPT / f"{path.stem}-{key}.json", KEPT / f"{path.stem}-{key}.png"
    if not (kept.exists() and picture.exists()):
        for old in KEPT.glob(f"{path.stem}-{'?' * 16}.*"):
            old.unlink()
        KEPT.mkdir(parents=True, exist_ok=True)
        markdown, row = _made(path, picture)
        kept.write_text(json.dumps({"markdown": markdown, "row": row}), encoding="utf-8")
    found = json.loads(kept.read_text(encoding="utf-8"))
    return Page(path.stem, found["markdown"], found["row"], picture)


def _code() -> str:
    sources = [file for pattern in _CODE for file in sorted((ROOT / "rkblocks").glob(pattern))]
    sources += sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in sources)).hexdigest()


def _made(path: Path, picture: Path) -> tuple[str, dict[str, Any]]:
    place = path.resolve().relative_to(ROOT).as_posix()
    tableau, report = files.load(place), verify.check(place)
    found, source = report.to_dict(), path.read_text(encoding="utf-8").rstrip("\n")
    figures.save(figures.of_scheme("stability", tableau), picture)
    row = {
        "name": tableau.name,
        "title": tableau.title,
        "aliases": list(tableau.aliases),
        "references": list(tableau.references),
        "family": bool(tableau.parameters),
        "order": found["order"]["value"] or None,
        "stages": found["stages"],
        "C": number(found["ssp"]["optimal"], "cfl"),
        "rho": number((found.get("contractivity") or {}).get("euclidean"), "rho"),
        "growth": number(found["variance"], "growth"),
    }
    checked = f"$ rkblocks check {tableau.name}\n" + report_text.paragraph(report, text=source).rstrip("\n")
    parts = [f"# {tableau.name}", f"**{escape.markdown(tableau.title)}**" if tableau.title else ""]
    if tableau.aliases:
        parts.append(f"Also known as {', '.join(map(escape.markdown, tableau.aliases))}.")
    parts += ["", _facts(row, found), "## One step", formulas.step(tableau)]
    parts += [f"- {line}" for line in formulas.parameters(tableau)]
    parts += ["## Butcher array", formulas.butcher(tableau)]
    parts += [
        "## Stability region",
        f"![Stability region of {tableau.name}, with its real and imaginary intervals]({tableau.name}.png)",
    ]
    parts += [fenced(f"$ rkblocks show {tableau.name} --figure stability -o {tableau.name}.png", "console")]
    parts += ["## What is proved", fenced(checked, "console")]
    if tableau.references:
        parts += ["## References", "\n".join(f"- {escape.markdown(reference)}" for reference in tableau.references)]
    use = f'block = rkblocks.build("{tableau.name}", residual=F)  # F: any module x -> F(x) that keeps the shape'
    parts += ["## Use", fenced(f"import rkblocks\n\n{use}", "python")]
    parts += ["## File", f"`{place}`", fenced(source, "json")]
    return "\n\n".join(part for part in parts if part) + "\n", row


def _facts(row: dict[str, Any], found: dict[str, Any]) -> str:
    """Return the numbers of a scheme as one table, in lines that a narrow screen holds."""
    stability = found.get("stability") or {}
    order = (
        "none"
        if row["order"] is None
        else f"{row['order']}{' (within the tolerance)' if found['order']['verdict'] == 'tolerance' else ''}"
    )
    lines = [("order", order), ("stages", str(row["stages"]))]
    names = {
        "C": "C, SSP coefficient in any norm",
        "rho": "rho, in Euclidean norms",
        "growth": "growth of the variance",
    }
    lines += [(names[key], row[key][0]) for key in names]
    for key in ("real", "imaginary"):
        if stability.get(key):
            lines.append((f"stable {key} interval", number(stability[key], "value")[0]))
    note = "<caption>of the initial values</caption>" if row["family"] else ""
    cells = "".join(f"<tr><th>{head}</th><td>{html.escape(value)}</td></tr>" for head, value in lines)
    return f'<table class="rk-facts">{note}{cells}</table>'


def number(part: dict[str, Any] | None, key: str) -> tuple[str, float | None]:
    """Return the text of an exact value and the value as a double: short ones exactly, others with four digits."""
    if part is None:
        return "-", None
    exact = part.get(key)
    value = part.get(f"{key}_float", part.get("float"))
    if value is None:
        value = part.get(f"{key}_at_init_float")
    if value is None:
        return ("-" if exact is None else str(exact)), None
    if isinstance(exact, str) and len(exact) <= 8 and not any(letter.isalpha() for letter in exact.replace("sqrt", "")):
        return (exact if exact.isdigit() else f"{exact} = {value:.4g}"), value
    return f"{value:.4g}", value
