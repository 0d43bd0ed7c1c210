"""Write what studies found into the pages of docs/results: `python docs/make_results.py`.

A page has places, from `<!-- study NAME: begin -->` to `<!-- study NAME: end -->`.  What stands between comes from
docs/results/NAME/results/results.json where that study is kept, whole or in part, and says so where it is not; nothing
there is written by hand.  Beside Table 2's question stand the paper's rows, from studies/table2.toml.  In places that
begin with figure4 stand the tables that examples/figure4.py prints of docs/results/NAME/figure4.json.
"""

from __future__ import annotations

import json
import re
import runpy
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rkblocks.study.grids import PLAIN, estimate, measured

ROOT = Path(__file__).resolve().parent.parent
RESULTS, STUDIES = ROOT / "docs" / "results", ROOT / "studies"
PLACE = re.compile(
    r"(<!-- (?P<kind>study|figure4) (?P<name>[a-z0-9-]+): begin -->\n).*?(<!-- (?P=kind) (?P=name): end -->\n)",
    re.DOTALL,
)
SIZES = [(n, k) for n in (6, 10) for k in (7, 12)]
PAPER = "cifar10-short"  # the study beside which the paper's rows stand
HEADLINE, REFERENCE, LEVEL = "worst", "euler", 0.05
OWN = ("training loss", "every attack", "minus euler, two-way", "minus euler at equal loss")


def kept(name: str) -> dict[str, Any]:
    """What docs/results has of a study, {} for nothing."""
    path = RESULTS / name / "results" / "results.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def paper() -> dict[str, list[str]]:
    """By scheme, for each size: PGD-20 of Table 2, and in points how far it is ahead of ResNet."""
    rows = tomllib.loads((STUDIES / "table2.toml").read_text(encoding="utf-8"))["paper"]["rows"]
    found: dict[str, list[str]] = {}
    for n, k in SIZES:
        reference = rows[f"{REFERENCE}-depth{n}-steps{k}"][-1]
        for name, row in rows.items():
            blocks, depth, steps = name.replace("+", ",").rsplit("-", 2)
            if (depth, steps) == (f"depth{n}", f"steps{k}"):
                ahead = "" if blocks == REFERENCE else f" ({100 * (row[-1] - reference):+.1f})"
                found.setdefault(blocks, []).append(f"{row[-1]:.4f}{ahead}")
    return found


def schemes(name: str) -> list[str]:
    """The schemes of a study, in its order."""
    return list(tomllib.loads((STUDIES / f"{name}.toml").read_text(encoding="utf-8"))["grid"]["blocks"])


def modelled(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The two-way model of the headline, {} where there are too few networks for one."""
    fitting = (one for one in content.get("two_way", []) if one["attack"] == HEADLINE)
    return next((one for one in fitting if one["first"].split("-")[0] == REFERENCE), {})


def corrected(one: Mapping[str, Any]) -> str:
    """What a contrast was found to be, with Holm's correction."""
    return f"{estimate(one, PLAIN)}, Holm {one['holm']:.2g}"


def table(name: str, content: Mapping[str, Any]) -> list[str]:
    """What the study found of each scheme, beside the paper's rows where it asks the paper's question."""
    printed, model = (paper() if name == PAPER else None), modelled(content)
    cells = {one["blocks"]: one for one in content.get("summary", [])}
    losses = {one["cell"]: one["loss"] for one in content.get("training", [])}
    beside = [] if printed is None else [f"paper, N = {n}, K = {k}" for n, k in SIZES]
    head = ("blocks", *beside, *OWN)
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for scheme in schemes(name):
        cell = cells.get(scheme, {})
        key, accuracies = cell.get("cell"), cell.get("accuracy", {})
        loss = measured(losses[key], PLAIN) if key in losses else ""
        accuracy = measured(accuracies[HEADLINE], PLAIN) if HEADLINE in accuracies else "not run"
        differences = [
            "" if scheme == REFERENCE else estimate(model.get(kind, {}).get(key), PLAIN)
            for kind in ("differences", "at_equal_loss")
        ]
        rows = [] if printed is None else printed.get(scheme, ["-"] * len(SIZES))
        lines.append("| " + " | ".join((scheme, *rows, loss, accuracy, *differences)) + " |")
    return lines


def verdict(name: str, content: Mapping[str, Any]) -> list[str]:
    """What the study decides by the rules of its file, and what it cannot; in sentences.

    Where training losses lie farther apart than the file allows, what counts are the differences at equal loss; a file
    that does not say how far apart they may lie decides nothing.
    """
    if not content:
        return [f"- **Not run.** docs/results/{name} is not there, so nothing is decided."]
    done, wanted = len(content["entries"]), content["study"]["networks"]
    lines = [f"- {done} of {wanted} networks" + (": **nothing is decided yet**." if done < wanted else ".")]
    comparable = all(one["ok"] is not False for one in content["ended"])
    ruled = all(one["ok"] is not None for one in content["ended"])
    means = {
        True: "comparable",
        False: "not comparable: read the last column alone",
        None: "the file has no limit, so nothing below is a verdict",
    }
    for one in content["ended"]:
        limit = "" if one["allowed"] is None else f", {one['allowed']:g} allowed"
        lines.append(
            f"- Training losses at the end lie within a factor of {one['factor']:.2f}{limit}: {means[one['ok']]}."
        )
    model = modelled(content)
    if model:
        lines.append(f"- A difference to euler of {model['found']:.4f} would have been found with 80 % (Dunnett).")
    for one in content["contrasts"]:
        two = one["two_way"]
        if one["attack"] != HEADLINE or two is None or two["holm"] is None:  # a pair of several, which has no say
            continue
        equal = two["at_equal_loss"]
        p = (two if comparable or not equal else equal)["holm"]
        shown = "so far. " if done < wanted else "" if not ruled else "**shown**. " if p < LEVEL else "not shown. "
        text = corrected(two) + (f"; at equal loss {corrected(equal)}" if equal else "")
        lines.append(f"- {one['contrast']}: {shown}{text}; {two['found']:.4f} would have been found with 80 %.")
    return lines


def section(name: str, content: Mapping[str, Any]) -> str:
    """What stands between the marks of a study."""
    return "\n" + "\n".join([*table(name, content), "", *verdict(name, content)]) + "\n\n"


def growth(name: str) -> str:
    """What stands between the marks of the growth in the networks of a study."""
    path = RESULTS / name / "figure4.json"
    if not path.is_file():
        return f"\n- **Not run.** docs/results/{name}/figure4.json is not there.\n\n"
    example = runpy.run_path(str(ROOT / "examples" / "figure4.py"))
    return f"\n{example['report'](example['read'](path))}\n\n"


def page(text: str) -> str:
    """The text of a page with what is between its marks brought up to date."""

    def filled(found: re.Match[str]) -> str:
        name = found["name"]
        return found[1] + (growth(name) if found["kind"] == "figure4" else section(name, kept(name))) + found[4]

    return PLACE.sub(filled, text)


if __name__ == "__main__":
    for path in sorted(RESULTS.glob("*.md")):
        old = path.read_text(encoding="utf-8")
        new = page(old)
        path.write_text(new, encoding="utf-8")
        if new != old:
            print(f"{path.relative_to(ROOT)}: brought up to date", file=sys.stderr)
