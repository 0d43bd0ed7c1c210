"""Figures: pure functions from results to matplotlib figures, saved as PNG and SVG with the same bytes every time."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from rkblocks.figures.accuracy import accuracy_against_eps as accuracy_against_eps
from rkblocks.figures.certificate import certificate as certificate
from rkblocks.figures.comparison import comparison as comparison
from rkblocks.figures.depth import ALONG_DEPTH as ALONG_DEPTH
from rkblocks.figures.depth_comparison import depth_comparison as depth_comparison
from rkblocks.figures.growth import growth as growth
from rkblocks.figures.ladders import Rung as Rung
from rkblocks.figures.ladders import Trends as Trends
from rkblocks.figures.ladders import ladders as ladders
from rkblocks.figures.pictures import adversarial_images as adversarial_images
from rkblocks.figures.pictures import loss_surface as loss_surface
from rkblocks.figures.style import save as save
from rkblocks.figures.summary import summary as summary
from rkblocks.figures.training import read_metrics as read_metrics
from rkblocks.figures.training import training_curves as training_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rkblocks.tableau import Tableau

__all__ = [
    "ALONG_DEPTH",
    "Rung",
    "Trends",
    "accuracy_against_eps",
    "adversarial_images",
    "certificate",
    "comparison",
    "depth_comparison",
    "growth",
    "ladders",
    "loss_surface",
    "of_scheme",
    "read_metrics",
    "save",
    "summary",
    "training_curves",
]


def of_scheme(kind: str, tableau: Tableau) -> Figure:
    """Return one figure of a scheme, by the name of its module in `schemes`: "stability", "monotonicity" or "region"
    (of a family).
    """
    figure: Figure = getattr(import_module(f"rkblocks.figures.schemes.{kind}"), kind)(tableau)
    return figure
