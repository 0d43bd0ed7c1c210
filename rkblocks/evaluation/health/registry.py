"""Verdicts, and the registry of checks. To add a check: one function of the evidence under `@check("name")`, in one
of the modules
beside this one; it returns a verdict, or None where the plan of the evaluation gives it nothing to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation.health.evidence import Evidence
from rkblocks.progress import Progress


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check. figure: what was found, with numbers; advice: what to do, empty where all is well; note:
    nothing is wrong, but there was nothing to test, or there is something to keep in mind.
    """

    check: str
    ok: bool
    figure: str
    advice: str = ""
    note: bool = False

    def to_dict(self) -> dict[str, Any]:
        own = {"note": True} if self.note else {}
        return {"check": self.check, "ok": self.ok, "figure": self.figure, "advice": self.advice, **own}


Finding = tuple[bool | None, str, str] | None
"""(ok, figure, advice in case it is not), None for ok where it is a note; or None where the check does not apply."""

CHECKS: Final[dict[str, Callable[[Evidence], Finding]]] = {}


def check(name: str) -> Callable[[Callable[[Evidence], Finding]], Callable[[Evidence], Finding]]:
    """Return the decorator that enters a function as the check `name`; the report keeps the order of entry."""

    def enter(function: Callable[[Evidence], Finding]) -> Callable[[Evidence], Finding]:
        if name in CHECKS:
            raise ValueError(f"there is a check {name!r} already")
        CHECKS[name] = function
        return function

    return enter


def health_report(evidence: Evidence, progress: Progress | None = None) -> tuple[Verdict, ...]:
    """Return the verdicts of all checks that apply, in the order of the registry; one that cannot be made fails."""
    verdicts = []
    doing = getattr(progress, "doing", None)
    for number, (name, function) in enumerate(CHECKS.items()):
        if doing:
            doing("health", name)
        if progress:
            progress("health", number, len(CHECKS))
        try:
            found = function(evidence)
        except RkblocksError as error:
            problem = error.diagnostics[0]
            found = False, f"could not be made: {problem.message}", problem.help
        if found is not None:
            ok, figure, advice = found
            verdicts.append(Verdict(name, ok is not False, figure, "" if ok else advice, ok is None))
    if progress:
        progress("health", len(CHECKS), len(CHECKS))
    return tuple(verdicts)
