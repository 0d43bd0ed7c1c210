"""Reports as the one JSON object of `check --format json`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rkblocks.verify.report import Report

VERSION = 1


def render(reports: Sequence[Report]) -> str:
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
