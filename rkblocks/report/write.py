"""Figures and report of analysed runs, as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkblocks import figures
from rkblocks.diagnostics import fail
from rkblocks.figures import style
from rkblocks.report import page
from rkblocks.runs import metrics

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Run = Mapping[str, Any]
REPORT = "report.html"


def drawings_of(run: Run) -> dict[str, Figure]:
    """Return the figures of all analyses that a run has, by the names of their files."""
    found = {}
    if run["growth"]:
        found["growth-groups"] = figures.growth([run])
    for name, rows in run["analyses"].items():
        if name in figures.ALONG_DEPTH and rows:
            found[name] = figures.ALONG_DEPTH[name](run)
    if run["analyses"].get("surface"):
        found["surface"] = figures.loss_surface(run)
    if run["analyses"].get("certificate"):
        found["certificate"] = figures.certificate(run)
    if run["analyses"].get("examples"):
        found["examples"] = figures.adversarial_images(run)
    return found


def write_run(run: Run, folder: Path, *, draw: bool = True) -> Path:
    """Return the path of the report written to folder/analysis, with every figure beside it as PNG and SVG.

    run: as `NetworkAnalysis.to_dict` gives it. draw: whether there are figures, which need matplotlib. Raises
    RkblocksError RK824 where a file cannot be written.
    """
    place, texts = folder / "analysis", {}
    drawn = drawings_of(run) if draw else {}
    if draw and (epochs := metrics.read(folder).epochs):
        drawn["training"] = figures.training_curves({run["blocks"]: [epochs]})
    for name, figure in drawn.items():
        _, svg = figures.save(figure, place / name)
        texts[name] = svg.read_text(encoding="utf-8")
    return _write(page.of_run(run, texts, folder), place / REPORT)


def write_runs(runs: Sequence[tuple[Run, Path]], path: Path, *, draw: bool = True) -> Path:
    """Return the path of the report on these runs (each with its folder) beside one another.

    Raises RkblocksError RK824 where it cannot be written.
    """
    texts = {}
    if draw:
        named = told_apart([run for run, _ in runs])
        growing = [run for run in named if run["growth"]]
        if growing:
            texts["growth-groups"] = style.as_svg(figures.growth(growing))
        figure = figures.depth_comparison(named)
        if figure is not None:
            texts["comparison"] = style.as_svg(figure)
    return _write(page.of_runs(runs, texts), path)


def told_apart(runs: Sequence[Run]) -> list[Run]:
    """Return the runs, the data set in the name of the scheme where there are several: figures average by scheme."""
    several = len({run["data"]["name"] for run in runs}) > 1
    return [{**run, "blocks": f"{run['blocks']}, {run['data']['name']}"} if several else run for run in runs]


def _write(text: str, path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail("RK824", f"cannot save the report {path}: {error.strerror or error}", help="check space and rights")
    return path
