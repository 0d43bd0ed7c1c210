"""Reports for machines: the JSON object of `check --format json`, and workflow commands of GitHub Actions.

With the latter diagnostics appear beside the line in a pull request:
https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rkblocks.diagnostics import Diagnostic, Severity
from rkblocks.escape import line, workflow

if TYPE_CHECKING:
    from rkblocks.verify.report import Report


VERSION = 1
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def as_json(reports: Sequence[Report]) -> str:
    """Return {"version": 1, "results": [...]} with one entry a report, in order, and a newline at the end."""
    return dump({"version": VERSION, "results": [report.to_dict() for report in reports]})


def dump(value: Any) -> str:
    """Return strict JSON in ASCII: NaN and the infinities, which JSON does not have, become null."""
    return json.dumps(_strict(value), indent=2, allow_nan=False) + "\n"


def _strict(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    return value


def as_commands(reports: Sequence[Report]) -> str:
    """Return one line for each diagnostic of each report, in order; "" where there is none."""
    return "".join(f"{annotation(report.source, found)}\n" for report in reports for found in report.diagnostics)


def annotation(source: str, found: Diagnostic) -> str:
    """Return the workflow command of one diagnostic; standard input ("-") has no file to point into.

    Example:
        ::error file=a.json,line=6,col=40,title=RK201::a decimal point at the end of the entry
    """
    place: list[tuple[str, object]] = []
    if source not in ("", "-"):
        place.append(("file", source))
        if found.line is not None:
            place.append(("line", found.line))
            if found.column is not None:
                place.append(("col", found.column))
    place.append(("title", found.code))
    where = ",".join(f"{key}={_property(str(value))}" for key, value in place)
    text = f"{found.message}\n{found.help}" if found.help else found.message
    return f"::{_COMMANDS[found.severity]} {where}::{workflow(text)}"


def _property(text: str) -> str:
    return workflow(line(text)).replace(":", "%3A").replace(",", "%2C")
