"""What a design reached and what is proved of it, as text and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rkblocks.synthesis.designing import Design


def as_text(found: Design) -> str:
    """A few lines: what was found, how often, and the bound."""
    report, wish = found.report.to_dict(), found.wish
    numbers = (
        "exact numbers" if found.exact else f"decimals that keep the order within {float(found.tableau.tolerance):.0e}"
    )
    lines = [
        f"{found.tableau.name}: {report['stages']} stages, order {report['order']['value']}; {numbers}",
        f"  SSP       {_number(report['ssp']['optimal'], 'cfl')}",
        f"  growth    {_number(report['variance'], 'growth')}",
    ]
    lines += [f"  {goal:9} {value}" for goal, value in _others(report, wish.goal)]
    stopped = "; stopped by Ctrl-C" if found.interrupted else ""
    lines.append(f"  search    {found.agreed} of {found.tried} starts led here{stopped}")
    if found.bound is not None:
        most = found.bound.root.text or f"{found.bound.root.to_float():.10f}…"
        name = "SSP coefficient" if wish.goal == "ssp" else "linear threshold"
        lines.append(
            f"  bound     no scheme of {wish.stages} stages and order {wish.order} has a larger {name} than {most}"
        )
        lines.append(f"  optimal   {_verdict(found)}")
    else:
        lines.append("  bound     none is known here: the best that the search found, not proved to be the best")
    return "\n".join(lines) + "\n"


def _verdict(found: Design) -> str:
    if found.optimal:
        return "proved" if found.exact else "proved: only the rounding of the decimals lies between"
    return "not proved: a gap remains to the bound"


def _number(part: dict[str, Any], key: str) -> str:
    exact, near = part[key], part[f"{key}_float"]
    return (
        f"{near:.10g}"
        if exact is None or len(exact) > 24
        else f"{exact}" + ("" if "/" not in exact else f" = {near:.10g}")
    )


def _others(report: dict[str, Any], goal: str) -> list[tuple[str, str]]:
    if goal == "error":
        return [("error", f"{report['order']['principal_error']['float']:.6g}")]
    if goal == "threshold":
        return [("threshold", f"{report['ssp']['linear']['float']:.10g}")]
    if goal in ("real", "imaginary"):
        return [(goal, f"{report['stability'][goal]['float']:.10g}")]
    if goal == "rho":
        return [("rho", f"{report['contractivity']['euclidean']['rho_float']:.10g}")]
    return []


def as_json(found: Design) -> str:
    """One object: the wish, the report of `check`, the bound with its certificate, the verdict, and the file."""
    wish = found.wish
    content = {
        "version": 1,
        "wish": {
            "stages": wish.stages,
            "order": wish.order,
            "goal": wish.goal,
            "requirements": [str(r) for r in wish.requirements],
            "embedded": wish.embedded,
        },
        "exact": found.exact,
        "optimal": "proved" if found.optimal else None,
        "bound": None if found.bound is None else found.bound.to_dict(),
        "agreed": found.agreed,
        "tried": found.tried,
        "interrupted": found.interrupted,
        "report": found.report.to_dict(),
        "file": json.loads(found.text),
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
