"""Tableaus to file text in format version 1: what is written reads back to an equal tableau."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from rkblocks.exact.rounded import places

if TYPE_CHECKING:
    from rkblocks.exact.field import Element, Field
    from rkblocks.tableau import Claims, Tableau

_WIDTH = 110


def to_json(tableau: Tableau) -> str:
    """The text of a tableau file, ending in a newline; coefficients are written exactly, a family as expressions."""
    text = tableau.field.text
    content: dict[str, Any] = {"name": tableau.name}
    optional = {"title": tableau.title, "aliases": list(tableau.aliases)}
    content |= {key: value for key, value in optional.items() if value}
    if tableau.parameters:
        number = tableau.field.constants
        content["parameters"] = {
            p.name: {
                "domain": [_bound(p.low, number), _bound(p.high, number)],
                "init": number.text(p.init),
                "learnable": p.learnable,
            }
            for p in tableau.parameters
        }
    if tableau.shu_osher is not None:
        content["alpha"] = [[text(e) for e in row] for row in tableau.shu_osher.alpha]
        content["beta"] = [[text(e) for e in row] for row in tableau.shu_osher.beta]
        if tableau.shu_osher.b_hat is not None:
            content["b_hat"] = [text(e) for e in tableau.shu_osher.b_hat]
    if (form := tableau.butcher) is not None:
        explicit = form.is_explicit()
        content["A"] = [[text(e) for e in (row[:i] if explicit else row)] for i, row in enumerate(form.A)]
        vectors = {"b": form.b, "c": form.c, "b_hat": form.b_hat}
        content |= {key: [text(e) for e in row] for key, row in vectors.items() if row is not None}
    if tableau.tolerance:
        content["tolerance"] = decimal_text(tableau.tolerance)
    if claims := claims_text(tableau.claims):
        content["claims"] = claims
    if tableau.references:
        content["references"] = list(tableau.references)
    return layout(content) + "\n"


def _bound(value: Element | None, numbers: Field) -> str | None:
    return None if value is None else numbers.text(value)


def claims_text(claims: Claims) -> dict[str, Any]:
    """Claims in the author's own words: "1.508…" must not become more or fewer digits."""
    written: dict[str, Any] = {} if claims.order is None else {"order": claims.order}
    for key in ("ssp", "declared_ssp", "rho", "variance"):
        if (claimed := getattr(claims, key)) is not None:
            written[key] = claimed.text
    return written


def decimal_text(value: Fraction) -> str:
    """A decimal fraction as digits and an exponent: "1e-15".  ValueError for one that has no end."""
    shown = places(value)
    if shown is None:
        raise ValueError(f"{value} is no decimal fraction")
    return f"{int(value * 10**shown)}e-{shown}"


def layout(value: Any, indent: int = 0) -> str:
    """JSON with one row of an array to a line, as people write tableaus."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or (indent and len(flat) + indent <= _WIDTH and not _is_table(value)):
        return flat
    pad = " " * (indent + 2)
    if isinstance(value, dict):
        lines = [f"{pad}{json.dumps(k, ensure_ascii=False)}: {layout(v, indent + 2)}" for k, v in value.items()]
        return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"
    lines = [pad + layout(item, indent + 2) for item in value]
    return "[\n" + ",\n".join(lines) + "\n" + " " * indent + "]"


def _is_table(value: Any) -> bool:
    """A matrix of more than two rows gets a line for each row."""
    return isinstance(value, list) and len(value) > 2 and all(isinstance(row, list) for row in value)
