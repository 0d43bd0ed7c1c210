"""One tableau for people: the formulas of its Shu-Osher form, the Butcher array, parameters, claims, references."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rkblocks.escape import Style, line
from rkblocks.forms import Row, ShuOsher
from rkblocks.tableau import Parameter, Tableau


def scheme(tableau: Tableau, *, colour: bool = False) -> str:
    """Return what `rkblocks show` prints; nothing in it is verified, `rkblocks check` does that."""
    style = Style(colour)
    sections = [_head(tableau, style)]
    if tableau.shu_osher is not None:
        sections.append([style("Shu-Osher form", "bold"), *_formulas(tableau, tableau.shu_osher)])
    origin = "" if tableau.butcher is not None else ", converted from the Shu-Osher form"
    sections.append([style("Butcher form", "bold") + origin, *_array(tableau)])
    if tableau.parameters:
        sections.append([style("Parameters", "bold"), *(_parameter(tableau, p) for p in tableau.parameters)])
    claims = list(_claims(tableau))
    if claims:
        sections.append([style("Claims", "bold"), *claims])
    if tableau.references:
        sections.append([style("References", "bold"), *(f"  {reference}" for reference in tableau.references)])
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _head(tableau: Tableau, style: Style) -> list[str]:
    lines = [style(tableau.name, "bold") + (f": {tableau.title}" if tableau.title else "")]
    if tableau.aliases:
        lines.append(f"  also known as {', '.join(tableau.aliases)}")
    if tableau.origin is not None:
        lines.append(f"  file {line(tableau.origin.source)}")
    if tableau.tolerance:
        lines.append(f"  decimal table, tolerance {tableau.tolerance}")
    return lines


def _formulas(tableau: Tableau, form: ShuOsher) -> Iterator[str]:
    stages = ["x", *(f"u{i}" for i in range(1, len(form.alpha)))]
    names = [*stages[1:], "result"]
    width = max(map(len, names))
    for name, alpha, beta in zip(names, form.alpha, form.beta, strict=True):
        terms = [(a, stages[k]) for k, a in enumerate(alpha) if a]
        terms += [(weight, f"dt F({stages[k]})") for k, weight in enumerate(beta) if weight]
        yield f"  {name.ljust(width)} = {_sum(tableau, terms)}"


def _sum(tableau: Tableau, terms: Sequence[tuple[object, str]]) -> str:
    """Return "3/4 x + 1/4 u1 - 1/4 dt F(u1)": coefficients in the file's grammar, in brackets where needed."""
    result = ""
    for coefficient, factor in terms:
        text = tableau.field.text(coefficient)
        sign = "+"
        if text.startswith("-") and not any(mark in text[1:] for mark in "+-"):
            sign, text = "-", text[1:]
        elif any(mark in text[1:] for mark in "+-"):
            text = f"({text})"
        product = factor if text == "1" else f"{text} {factor}"
        if not result:
            result = product if sign == "+" else f"-{product}"
        else:
            result += f" {sign} {product}"
    return result or "0"


def _array(tableau: Tableau) -> Iterator[str]:
    """Yield the Butcher array, as in textbooks without the zeros on and above the diagonal of an explicit method."""
    form = tableau.butcher_form
    explicit = form.is_explicit()
    show = tableau.field.text
    m = len(form.b)

    def texts(row: Row) -> list[str]:
        return [show(entry) for entry in row]

    body = [texts(row)[: i if explicit else m] for i, row in enumerate(form.A)]
    feet = [texts(form.b)] + ([texts(form.b_hat)] if form.b_hat is not None else [])
    widths = [max((len(row[j]) for row in [*body, *feet] if j < len(row)), default=0) for j in range(m)]
    left = texts(tableau.abscissae)
    margin = max(map(len, left))

    def line(head: str, row: Sequence[str]) -> str:
        return f"  {head.ljust(margin)} | {'  '.join(map(str.ljust, row, widths))}".rstrip()

    yield from (line(head, row) for head, row in zip(left, body, strict=True))
    yield f"  {'-' * margin}-+-{'-' * (sum(widths) + 2 * (m - 1))}"
    yield from (line("", row) for row in feet)


def _parameter(tableau: Tableau, p: Parameter) -> str:
    text = tableau.field.constants.text
    low = "-oo" if p.low is None else text(p.low)
    high = "oo" if p.high is None else text(p.high)
    kind = "learnable" if p.learnable else "fixed"
    start = tableau.field.constants.to_float(p.init)
    return f"  {p.name} in ({low}, {high}), starts at {start:.6g}, {kind}"


def _claims(tableau: Tableau) -> Iterator[str]:
    claims = tableau.claims
    if claims.order is not None:
        yield f"  order         {claims.order}"
    for label, claimed in (
        ("ssp", claims.ssp),
        ("declared ssp", claims.declared_ssp),
        ("rho", claims.rho),
        ("variance", claims.variance),
    ):
        if claimed is not None:
            yield f"  {label:<13} {claimed.text}"
