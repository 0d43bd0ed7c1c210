"""Reports for people: one paragraph a file with every verdict, then what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rkblocks.diagnostics import Severity
from rkblocks.escape import PLAIN, Style, count, line
from rkblocks.render.problems import problem
from rkblocks.render.verdict_lines import details, facts, requested

if TYPE_CHECKING:
    from rkblocks.verify.report import Report

WORDS = (("sound", "green"), ("unfit", "red"), ("unreadable", "red"))
"""The word for each exit status, and its colour."""


def render(
    reports: Sequence[Report],
    *,
    texts: Mapping[str, str] | None = None,
    colour: bool = False,
    verbose: bool = False,
) -> str:
    """Return the reports, a blank line between them, and for several a line that counts them.

    Args:
        reports: what `check` returned, in the order of the arguments.
        texts: by source the text of the file, for the excerpts below the diagnostics.
        colour: whether to use terminal colours.
        verbose: whether to show every figure (`check --verbose`).
    """
    style = Style(colour)
    parts = [
        paragraph(report, text=(texts or {}).get(report.source, ""), style=style, verbose=verbose) for report in reports
    ]
    if len(reports) != 1:
        parts.append(style(summary(reports), "bold") + "\n")
    return "\n".join(parts)


def paragraph(report: Report, *, text: str = "", style: Style = PLAIN, verbose: bool = False) -> str:
    """Return one report: a head line, the verdicts as far as there are any, and the diagnostics."""
    source = "<stdin>" if report.source == "-" else line(report.source)
    word, mark = WORDS[report.status]
    title = style(line(report.name or "") or source or '""', "bold")
    place = f"  {style(source, 'dim')}" if report.name else ""
    lines = [f"{title}: {style(word, 'bold', mark)}{place}"]
    lines += [f"  {label:<10}{text}" for label, text in _labelled(report, verbose)]
    shown = "".join(problem(found, source=report.source, text=text, style=style) for found in report.diagnostics)
    return "\n".join(lines) + "\n" + shown


def summary(reports: Sequence[Report]) -> str:
    """Return "3 files: 2 sound, 1 unfit; 1 error, 2 warnings"."""
    words = [WORDS[report.status][0] for report in reports]
    verdicts = [f"{words.count(word)} {word}" for word, _ in WORDS if word in words]
    severities = [found.severity for report in reports for found in report.diagnostics]
    counts = [count(n, str(s)) for s in (Severity.ERROR, Severity.WARNING) if (n := severities.count(s))]
    files = count(len(reports), "file")
    return "; ".join([f"{files}: {', '.join(verdicts)}" if verdicts else files, *filter(None, [", ".join(counts)])])


def _labelled(report: Report, verbose: bool) -> Iterator[tuple[str, str]]:
    """Yield (label, line); the label is "" where a line continues the one above."""
    for label, lines in (*facts(report), *(details(report) if verbose else ()), *requested(report)):
        for number, text in enumerate(lines):
            yield ("" if number else label), text
