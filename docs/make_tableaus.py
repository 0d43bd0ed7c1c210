"""Write the table of the library into docs/tableaus.md, from the tableau files: `python docs/make_tableaus.py`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from rkblocks.files import Entry, catalog

PAGE = Path(__file__).resolve().parent / "tableaus.md"
BEGIN, END = "<!-- table of the library: begin -->\n", "<!-- table of the library: end -->\n"
HEAD = ("name", "scheme", "order", "stages", "C", "rho", "growth", "first source")


def decimal(text: str) -> str:
    """A claimed value, shortened to 4 digits; an expression in parameters stays as it is."""
    digits = text.rstrip("…")
    if re.fullmatch(r"[0-9]+(/[0-9]+)?", digits) and len(digits) <= 7:
        return digits
    try:
        numerator, _, denominator = digits.partition("/")
        return f"{float(numerator) / float(denominator or 1):.4g}"
    except ValueError:
        return f"`{digits}`"


def row(entry: Entry, first_source: str) -> str:
    """One line of the table."""
    claims = {key: decimal(str(value)) for key, value in entry.claims.items()}
    cells = (f"`{entry.name}`", entry.title, claims.get("order", "-"), str(entry.stages), claims.get("ssp", "-"))
    cells = (*cells, claims.get("rho", "-"), claims.get("variance", "-"), first_source)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def table() -> str:
    """The whole table: by order, then stages, then name; families and schemes without an order come first."""
    import json

    lines = ["| " + " | ".join(HEAD) + " |", "| " + " | ".join(["---"] * len(HEAD)) + " |"]
    for entry in sorted(catalog(), key=lambda e: (int(e.claims.get("order", 0)), e.stages, e.name)):
        references = json.loads(entry.path.read_text(encoding="utf-8")).get("references", [])
        lines.append(row(entry, references[0] if references else "-"))
    return "\n".join(lines) + "\n"


def page(text: str) -> str:
    """The text of the page with the table between its two marks brought up to date."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    old = PAGE.read_text(encoding="utf-8")
    new = page(old)
    PAGE.write_text(new, encoding="utf-8")
    print("in step" if new == old else "brought up to date", file=sys.stderr)
