"""The sections of the report: one function for each analysis, from an element of "runs" to text, table and figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from rkblocks.render.network_results import long
from rkblocks.report.elements import Accuracy, Mark, folded, image, norm, number, paragraph, table
from rkblocks.report.lemma1 import lemma1
from rkblocks.report.words import WORDS

Run = Mapping[str, Any]
Drawings = Mapping[str, str]
"""The SVG texts of a run by name; without matplotlib there is none."""
LEVELS: Final = {"residual": "F of ", "block": ""}
"""What a map of the table of Lipschitz constants is called before its place."""


def growth(run: Run, drawings: Drawings) -> str:
    """Return eq. 17 for groups and, along the depth, for blocks, stages and F."""
    rows = run["analyses"]["growth"]
    seen = _along(rows, "mean", "Growth of adversarial perturbations in the 2-norm", perturbation="adversarial", p=2)
    return _joined(
        paragraph(WORDS["growth"].introduction(n=run["data"]["n"])),
        _ratios(rows, "group", "Growth of each group"),
        _drawn(drawings, "growth-groups", "Growth ratio of groups; the numbers are in the table above."),
        _ratios(rows, "block", "Growth of each block"),
        _drawn(drawings, "growth", seen),
        folded(
            "Stages and F",
            _ratios(rows, "stage", "Argument of each later stage against the input of the block")
            + _ratios(rows, "residual", "Value of F against its argument, at each stage"),
        ),
    )


def variance(run: Run, drawings: Drawings) -> str:
    """Return Lemma 3 beside the measured growth of the variance, and its premises."""
    rows = run["analyses"]["variance"]
    columns = {
        "measured": "growth",
        "Lemma 3": "formula",
        "of F": "own",
        "x with F": "with_x",
        "stages together": "between",
    }
    premises = {"Var F(u) / Var u": "value_ratio", "corr. x, F": "with_input", "corr. of stages": "between_stages"}
    lines = [
        (long(row["place"]), *(row[key] for key in columns.values()), *(_list(row[key]) for key in premises.values()))
        for row in rows
    ]
    return _joined(
        paragraph(WORDS["variance"].introduction()),
        table("Growth of the variance in each block", ("block", *columns, *premises), lines),
        _drawn(drawings, "variance", _along(rows, "growth", "Measured growth of the variance")),
    )


def variation(run: Run, drawings: Drawings) -> str:
    """Return the total variation along depth."""
    rows = run["analyses"]["variation"]
    columns = {
        "TV of input": "before",
        "TV of output": "after",
        "per neighbour": "per_neighbour",
        "ratio": "ratio",
        "largest": "largest",
        "share raised": "raised",
        "Euler: ratio": "euler_ratio",
        "Euler: largest": "euler_largest",
        "Euler: share raised": "euler_raised",
    }
    lines = [(long(row["place"]), *(row[key] for key in columns.values())) for row in rows]
    return _joined(
        paragraph(WORDS["variation"].introduction()),
        table("Total variation of each block", ("block", *columns), lines),
        _drawn(drawings, "variation", _along(rows, "ratio", "Mean ratio of total variation")),
    )


def lipschitz(run: Run, drawings: Drawings) -> str:
    """Return the local Lipschitz constants."""
    rows = run["analyses"]["lipschitz"]
    lines = [
        (f"{LEVELS.get(r['level'], r['level'] + ' ')}{long(r['place'])}",
         *(r[key] for key in ("mean", "deviation", "largest", "change")))
        for r in rows
    ]  # fmt: skip
    whole = [line for line, row in zip(lines, rows, strict=True) if row["level"] != "residual"]
    stages = [line for line, row in zip(lines, rows, strict=True) if row["level"] == "residual"]
    head = ("map", "mean", "deviation", "largest", "last change")
    return _joined(
        paragraph(WORDS["lipschitz"].introduction(n=rows[0]["n"])),
        table("Local Lipschitz constants in the 2-norm", head, whole),
        _drawn(drawings, "lipschitz", _along(rows, "mean", "Mean local Lipschitz constant", level="block")),
        folded("F at each stage", table("Local Lipschitz constants of F, at the argument of each stage", head, stages)),
    )


def coefficients(run: Run, drawings: Drawings) -> str:
    """Return the audit of the blocks."""
    lines = []
    for row in run["analyses"]["coefficients"]:
        learned = ", ".join(f"{key} = {value['float']:.6g}" for key, value in row["coefficients"].items())
        order = str(row["order"]) if row["order"] else "none: " + "; ".join(row["problems"])
        facts = (row["ssp"]["cfl_float"], row["growth_float"]) if row["order"] else (None, None)
        lines.append((long(row["block"]), row["tableau"], learned or "–", row["calls"], order, *facts))
    head = ("block", "scheme", "learned", "calls of F", "order", "SSP coefficient", "Lemma-3 growth")
    return paragraph(WORDS["coefficients"].introduction()) + table("Blocks and their coefficients", head, lines)


def surface(run: Run, drawings: Drawings) -> str:
    """Return the slices of the loss surface."""
    rows = run["analyses"]["surface"]
    lines = []
    for row in rows:
        loss, middle = row["loss"], len(row["axis"]) // 2
        figures = (loss[middle][middle], loss[-1][middle], max(loss[middle]), max(map(max, loss)))
        lines.append((f"{row['index']} (label {row['label']})", *figures))
    head = ("image", "at the image", "eps along the gradient", "largest along the random direction", "largest of all")
    return _joined(
        paragraph(WORDS["surface"].introduction(eps=rows[0]["eps"], norm=rows[0]["norm"])),
        table("Loss around images", head, lines),
        _drawn(drawings, "surface", f"The loss around {len(rows)} images; the numbers are in the table above."),
    )


def examples(run: Run, drawings: Drawings) -> str:
    """Return adversarial images and their predictions."""
    rows = run["analyses"]["examples"]
    lines = []
    for row in rows:
        cells = []
        for kind in ("clean", "adversarial"):
            right = row[kind] == row["label"]
            cells += [Mark(f"{row[kind]}, {'right' if right else 'wrong'}", right), row[f"{kind}_confidence"]]
        lines.append((f"{row['index']} (label {row['label']})", *cells, row["largest"]))
    head = ("image", "clean", "confidence", "adversarial", "confidence", "largest change of a pixel")
    alt = f"{len(rows)} clean images, their perturbations, the adversarial images; predictions in the table above."
    return _joined(
        paragraph(WORDS["examples"].introduction()),
        table("Predictions", head, lines),
        _drawn(drawings, "examples", alt),
    )


def certificate(run: Run, drawings: Drawings) -> str:
    """Return what is certified, or falsely claimed, beside what an attack leaves."""
    rows = run["analyses"]["certificate"]
    proved = rows[0]["proved"]
    lines = [(row["eps"], Accuracy(row["certified"]), Accuracy(row["attacked"]), row["refuted"]) for row in rows]
    head = ("eps, l2", "certified" if proved else "claimed, not proved", "under PGD-40", "images refuted")
    words = "At " + "; ".join(
        f"{number(row['eps'])} {number(row['certified'])} against {number(row['attacked'])}" for row in rows
    )
    note = "" if proved else "A block has no guarantee: the first curve is what the formula would claim."
    return _joined(
        paragraph(WORDS["certificate"].introduction(n=rows[0]["n"])),
        paragraph(note, "note") if note else "",
        table("Certified and attacked accuracy", head, lines),
        _drawn(drawings, "certificate", f"Certified and attacked accuracy. {words}."),
    )


SECTIONS: Final[dict[str, tuple[str, Callable[[Run, Drawings], str]]]] = {
    "lemma1": ("What the SSP coefficient is worth: the premise of Lemma 1", lemma1),
    "growth": ("Growth of perturbations", growth),
    "variance": ("Growth of the variance and Lemma 3", variance),
    "variation": ("Total variation", variation),
    "lipschitz": ("Local Lipschitz constants", lipschitz),
    "coefficients": ("Learned coefficients", coefficients),
    "surface": ("Loss surface", surface),
    "examples": ("Adversarial images", examples),
    "certificate": ("Certified accuracy beside accuracy under attack", certificate),
}
"""By name of the analysis, in the order of the page: heading, and what writes the section."""


def _joined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def _drawn(drawings: Drawings, name: str, alt: str) -> str:
    return image(drawings[name], alt, WORDS[name].legend()) if name in drawings else ""


def _ratios(rows: Sequence[Run], level: str, caption: str) -> str:
    """Return the ratios of one level, a row for each place and a column for each perturbation and norm."""
    keys = list(dict.fromkeys((row["perturbation"], row["p"]) for row in rows))
    cells: dict[str, dict[tuple[str, Any], str]] = {}
    for row in rows:
        if row["level"] == level:
            cells.setdefault(row["place"], {})[row["perturbation"], row["p"]] = _spread(row)
    lines = [(long(place), *(found.get(key, "–") for key in keys)) for place, found in cells.items()]
    return table(caption, ("place", *(f"{kind}, p = {norm(p)}" for kind, p in keys)), lines) if lines else ""


def _along(rows: Sequence[Run], key: str, what: str, level: str = "block", **wanted: Any) -> str:
    """Return a sentence that says the values along the depth, for those who do not see the figure."""
    wanted["level"] = level
    chosen = [row for row in rows if all(row.get(name, value) == value for name, value in wanted.items())]
    values = [f"{number(row[key])} in {long(row['place'])}" for row in chosen if row[key] is not None]
    return f"{what}: {'; '.join(values)}." if values else f"{what}: nothing could be measured."


def _spread(row: Run) -> str:
    if row["mean"] is None:
        return "–"
    return number(row["mean"]) + (f" ({number(row['deviation'])})" if row["deviation"] is not None else "")


def _list(values: Sequence[float | None]) -> str:
    """Return the values of the stages side by side; of many the range, so that a table stays a table."""
    known = [value for value in values if value is not None]
    if len(known) > 6:
        return f"{min(known):.2f} to {max(known):.2f}"
    return " ".join("–" if value is None else f"{value:.2f}" for value in values) or "–"
