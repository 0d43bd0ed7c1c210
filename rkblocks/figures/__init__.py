"""Figures: pure functions from results to matplotlib figures, saved as PNG and SVG with the same bytes every time."""

from rkblocks.figures.accuracy import accuracy_against_eps as accuracy_against_eps
from rkblocks.figures.growth import growth as growth
from rkblocks.figures.style import save as save
from rkblocks.figures.summary import summary as summary
from rkblocks.figures.training import read_metrics as read_metrics
from rkblocks.figures.training import training_curves as training_curves
