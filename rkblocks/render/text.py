"""Reports for people: one paragraph a file with every verdict, then what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rkblocks.diagnostics import Severity
from rkblocks.render.problems import problem
from rkblocks.render.style import PLAIN, Style

if TYPE_CHECKING:
    from rkblocks.verify.report import Report

LABEL = 10


def render(reports: Sequence[Report], *, texts: Mapping[str, str] | None = None, colour: bool = False) -> str:
    """Return the reports, a blank line between them, and for several a line that counts them.

    Args:
        reports: what `check` returned, in the order of the arguments.
        texts: by source the text of the file, for the excerpts below the diagnostics.
        colour: whether to use terminal colours.
    """
    style = Style(colour)
    parts = [paragraph(report, text=(texts or {}).get(report.source, ""), style=style) for report in reports]
    if len(reports) != 1:
        parts.append(summary(reports, style) + "\n")
    return "\n".join(parts)


def paragraph(report: Report, *, text: str = "", style: Style = PLAIN) -> str:
    """Return one report: a head line, the verdicts as far as there are any, and the diagnostics."""
    facts = report.to_dict()
    source = "<stdin>" if report.source == "-" else report.source
    word, mark = _word(report)
    lines = [f"{style(facts.get('name') or source, 'bold')}: {style(word, 'bold', mark)}  {style(source, 'dim')}"]
    lines += [f"  {_label(label)}{line}" for label, line in _facts(facts)]
    shown = "".join(problem(found, source=report.source, text=text, style=style) for found in report.diagnostics)
    return "\n".join(lines) + "\n" + shown


def summary(reports: Sequence[Report], style: Style = PLAIN) -> str:
    """Return "3 files: 2 sound, 1 unfit; 1 error, 2 warnings"."""
    words = [_word(report)[0] for report in reports]
    verdicts = [f"{words.count(word)} {word}" for word in ("sound", "unfit", "unreadable") if word in words]
    found = [found.severity for report in reports for found in report.diagnostics]
    counts = [
        f"{n} {severity}{'' if n == 1 else 's'}"
        for severity in (Severity.ERROR, Severity.WARNING)
        if (n := found.count(severity))
    ]
    files = f"{len(reports)} file{'' if len(reports) == 1 else 's'}"
    return style(": ".join([files, ", ".join(verdicts)]) if verdicts else files, "bold") + "".join(
        f"; {', '.join(counts)}" for _ in counts[:1]
    )


def _word(report: Report) -> tuple[str, str]:
    status = max((found.status for found in report.diagnostics), default=0)
    return (("sound", "green"), ("unfit", "red"), ("unreadable", "red"))[status]


def _label(label: str) -> str:
    return label.ljust(LABEL)


def _facts(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (label, line); the label is "" where a line continues the one above."""
    if facts.get("stages") is not None:
        yield "stages", str(facts["stages"])
    yield from _under("order", _order(facts.get("order")))
    yield from _under("SSP", _ssp(facts.get("ssp")))
    yield from _under("growth", _growth(facts.get("variance")))
    yield from _under("claims", _claims(facts.get("claims") or ()))


def _under(label: str, lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines):
        yield ("" if number else label), line


def _order(order: Mapping[str, Any] | None) -> Iterator[str]:
    if order is None:
        return
    how = {
        "exact": "exactly",
        "tolerance": f"within the tolerance, largest residual {_short(order['residual'])}",
        "none": "no order condition holds",
    }[order["verdict"]]
    yield f"{order['value']}, {how}"
    witness = order.get("witness")
    if witness:
        left, right = _short(witness["left"]), _short(witness["right"])
        yield f"not {witness['order']}: the tree {witness['tree']} gives {left} instead of {right}"


def _ssp(ssp: Mapping[str, Any] | None) -> Iterator[str]:
    if ssp is None:
        return
    declared, optimal = ssp.get("declared"), ssp.get("optimal")
    if optimal is not None:
        yield from _indent(f"optimal {_value(optimal, 'cfl')}", _cases(optimal, "cfl"))
        certificate = optimal.get("certificate")
        if certificate and certificate.get("polynomial"):
            low, high = certificate["interval"]
            yield f"  root of {_polynomial(certificate['polynomial'])} between {low} and {high}"
    if declared is None:
        return
    if declared["nonnegative"]:
        yield from _indent(f"declared {_value(declared, 'cfl')}, all entries nonnegative", _cases(declared, "cfl"))
    else:
        start = declared.get("nonnegative_at_init")
        where = {None: "", True: ", though not at the initial values", False: ", nor at the initial values"}[start]
        yield f"declared none: an entry is negative{where if start is not False else ', also at the initial values'}"
    region = ssp.get("region")
    if region:
        yield f"  nonnegative where {' and '.join(map(str, region))}"


def _growth(variance: Mapping[str, Any] | None) -> Iterator[str]:
    if variance is not None:
        yield from _indent(_value(variance, "growth"), _cases(variance, "growth"))


def _claims(claims: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    true = [f"{claim['claim']} {claim['claimed']}" for claim in claims if claim["holds"]]
    if true:
        yield f"true: {', '.join(true)}"
    for claim in claims:
        if not claim["holds"]:
            yield f"FALSE: {claim['claim']} {claim['claimed']}, found {_short(claim['found'])}"


def _value(entry: Mapping[str, Any], key: str) -> str:
    """Return "29/18 = 1.6111", or what of it there is; a family shows its value at the initial parameters."""
    exact, approximate = entry.get(key), entry.get(f"{key}_float")
    number = None if approximate is None else f"{approximate:.6g}"
    if exact is None:
        return (
            "depends on the parameters" + (f", initially {number}" if number else "")
            if entry.get("cases")
            else str(number)
        )
    short = _short(exact)
    return short if number is None or number == short else f"{short} = {number}"


def _cases(entry: Mapping[str, Any], key: str) -> Iterator[str]:
    for case in entry.get("cases") or ():
        yield f"{_short(case[key])} where {case['when']}"


def _indent(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from (f"  {line}" for line in rest)


def _polynomial(coefficients: Sequence[str]) -> str:
    """Return "3 - 2 r + r^2" for the coefficients from the constant term up."""
    terms = []
    for power, coefficient in enumerate(coefficients):
        if coefficient in ("0", 0):
            continue
        variable = {0: "", 1: " r"}.get(power, f" r^{power}")
        terms.append(f"{coefficient}{variable}")
    return " + ".join(terms).replace("+ -", "- ")


def _short(text: Any, width: int = 60) -> str:
    """Return the text, cut in the middle where it is a number of hundreds of digits."""
    text = str(text)
    return text if len(text) <= width else f"{text[: width // 2]}…{text[-width // 4 :]} ({len(text)} characters)"
