"""The exact part of the demo: each scheme checked, and compiled to stand-alone source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rkblocks import files, program, verify
from rkblocks.diagnostics import RkblocksError
from rkblocks.render.listing import columns

HEAD = ("scheme", "order", "SSP declared", "SSP optimal", "growth (Lemma 3)", "calls of F", "claims")


def verdict(scheme: str, folder: Path) -> dict[str, Any]:
    """Return the report of `check` for one scheme as JSON, with the number of calls of F and the file of its source.

    folder: where NAME_block.py is written. Raises RkblocksError where the scheme is unsound or cannot be compiled.
    """
    tableau = files.load(scheme)
    report = verify.check(tableau)
    found: dict[str, Any] = report.to_dict()
    if not found["ok"]:
        raise RkblocksError(report.diagnostics, scheme)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{tableau.name}_block.py"
    target.write_text(program.emit(tableau), encoding="utf-8")
    return {**found, "calls": program.cost(program.lower(tableau)).calls, "compiled": target.name}


def verdict_table(verdicts: list[dict[str, Any]]) -> str:
    """Return the verdicts as text: a row for each scheme, and the cases of families below."""
    rows, notes = [], []
    for found in verdicts:
        optimal, declared = found["ssp"]["optimal"], found["ssp"]["declared"]
        rows.append(
            (
                found["name"],
                str(found["order"]["value"]),
                _declared(declared),
                "see below" if optimal.get("cases") else _value(optimal),
                str(found["variance"]["growth"]),
                str(found["calls"]),
                ", ".join(claim["claim"] for claim in found["claims"] if claim["holds"]) + " hold",
            )
        )
        if optimal.get("cases"):
            cases = "; ".join(f"{_value(case)} for {case['when']}" for case in optimal["cases"])
            notes.append(f"  {found['name']}: optimal SSP coefficient {cases}")
        notes += [
            f"  {found['name']}: {note['message'].partition(':')[0]} (rkblocks check {found['name']})"
            for note in found["diagnostics"]
            if note["severity"] == "warning"
        ]
    return columns(HEAD, rows, right=(1, 5)) + "".join(f"{note}\n" for note in notes)


def _declared(declared: dict[str, Any] | None) -> str:
    if declared is None:
        return "no such form"
    return _value(declared) if declared.get("nonnegative") else "negative entries"


def _value(ssp: dict[str, Any]) -> str:
    if ssp.get("cfl") is not None:
        return str(ssp["cfl"])
    return f"{ssp['cfl_float']:.6g}" if ssp.get("cfl_float") is not None else "-"
