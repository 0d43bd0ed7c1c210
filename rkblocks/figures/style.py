"""How all figures look, and how they are saved: no pyplot state, colours that everybody can tell apart, the same
bytes every time.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rkblocks import escape
from rkblocks.diagnostics import fail
from rkblocks.extras import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Okabe & Ito's palette without its yellow, which is too pale on white; with a marker and a hatch each, so that no
#: figure speaks by colour alone.
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#000000", "#E69F00")
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*", "8", "d")
LINES: Final = ("-", "--", ":")
HATCHES: Final = ("", "//", "..", "\\\\", "xx", "--", "++")
DPI: Final = 150
FORMATS: Final = (".png", ".svg")


def new(rows: int = 1, columns: int = 1, width: float = 4.2, height: float = 3.4) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure of rows x columns panels, each of `width` x `height` inches, and its axes [row][column]."""
    module = require("matplotlib.figure", "figures", "a figure")
    figure = module.Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", color="0.85", linewidth=0.8)
        axis.set_axisbelow(True)
    return figure, [list(row) for row in axes]


def look(number: int) -> dict[str, Any]:
    """Return colour, marker and line of the curve with this number: the first 42 are told apart also without colour."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": MARKERS[number % len(MARKERS)],
        "linestyle": LINES[number % len(LINES)],
        "markersize": 5,
    }


def points(number: int, size: float = 4) -> dict[str, Any]:
    """Return the look of points with this number, which no line joins."""
    return look(number) | {"linestyle": "none", "markersize": size}


def over(seeds: Iterable[int]) -> str:
    """Return what the bars of results over so many seeds are; of one seed there are none."""
    counts = sorted(set(seeds))
    return "one seed" if counts == [1] else f"bars: deviation over {'-'.join(map(str, counts))} seeds"


def legend_below(figure: Figure, *others: Any) -> None:
    """Put a legend of all curves and points of the figure under it, each label once; `others`: more artists for it.

    What has a label but no finite value is not drawn, and is left out.
    """
    named = [pair for axis in figure.axes if axis.get_legend() is None for pair in _drawn(axis)]
    found: dict[str, Any] = {}
    for label, artist in [*named, *((str(artist.get_label()), artist) for artist in others)]:
        found.setdefault(label, artist)
    labels, handles = list(found), list(found.values())
    fits = (k for k in range(len(labels), 1, -1) if _width(labels, k) <= figure.get_figwidth())
    columns = next(fits, 1)
    lines = -(-len(labels) // columns)
    figure.set_figheight(figure.get_figheight() + 0.25 * lines)  # so that a long legend does not squeeze the panels
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)


def _drawn(axis: Axes) -> list[tuple[str, Any]]:
    """Return the artists of an axis that have a label and something to show, by their labels."""
    found = []
    for artist, label in zip(*axis.get_legend_handles_labels(), strict=True):
        line = artist.lines[0] if hasattr(artist, "lines") else artist  # of a container of error bars
        values = list(line.get_ydata()) if hasattr(line, "get_ydata") else [0.0]
        if any(isfinite(value) for value in values):
            found.append((label, artist))
    return found


def _width(labels: Sequence[str], columns: int) -> float:
    """Return the inches of a legend: a handle with its gaps and the letters of the longest label, for each column."""
    each, longer = divmod(len(labels), columns)  # matplotlib fills column after column, the first ones longer by one
    starts = [k * each + min(k, longer) for k in range(columns + 1)]
    return sum(0.65 + 0.09 * max(map(len, labels[a:b])) for a, b in pairwise(starts))


def log_around_one(*axes: Axes) -> None:
    """Make the axes logarithmic over one range, with a line at 1 and plain numbers beside the ticks."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    for axis in axes:
        axis.set_yscale("log")
        axis.axhline(1, color="0.4", linewidth=1, zorder=0)
    lows, highs = zip(*(axis.get_ylim() for axis in axes), strict=True)
    low, high = min(min(lows) / 1.1, 0.8), max(max(highs) * 1.1, 1.25)
    span = high / low
    subs = (1.0,) if span > 100 else (1.0, 2.0, 5.0) if span > 4 else (0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0, 4.0, 5.0)
    for axis in axes:
        axis.set_ylim(low, high)
        axis.yaxis.set_major_locator(LogLocator(subs=subs))
        axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.yaxis.set_minor_formatter(NullFormatter())


def save(figure: Figure, path: str | Path) -> list[Path]:
    """Return the files written: `path` if it ends in .png or .svg, else one of each. Equal figures give equal bytes.

    Raises RkblocksError RK840 for another ending, RK824 where the file cannot be written.
    """
    base = Path(path)
    if base.suffix.lower() in FORMATS:
        targets: Iterable[Path] = (base,)
    elif base.suffix:
        fail(
            "RK840", f"a figure cannot be saved as {base.name!r}; expected .png or .svg", help=f"write {base.stem}.png"
        )
    else:
        targets = tuple(base.with_suffix(suffix) for suffix in FORMATS)
    written = []
    for target in targets:
        svg = target.suffix.lower() == ".svg"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _write(figure, target, svg)
        except OSError as error:
            fail("RK824", f"cannot save the figure {target}: {error.strerror or error}", help="check space and rights")
        written.append(target)
    return written


def as_svg(figure: Figure) -> str:
    """Return the text of the SVG that `save` would write."""
    text = io.BytesIO()
    _write(figure, text, svg=True)
    return text.getvalue().decode()


def _write(figure: Figure, target: Path | io.BytesIO, svg: bool) -> None:
    """Write with a fixed salt for the ids of an SVG, and neither date nor version in either format.

    Text that is no mathematics is drawn as it is, dollars included; a sign that the font lacks is drawn as a box.
    """
    _fit(figure)
    matplotlib = require("matplotlib", "figures", "a figure")
    with matplotlib.rc_context({"svg.hashsalt": "rkblocks"}):
        metadata = {"Date": None, "Creator": None} if svg else {"Software": None}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)
            figure.savefig(target, format="svg" if svg else "png", dpi=DPI, metadata=metadata)


def fit(text: str) -> str:
    """Return text that others wrote as it can be drawn; dollars that enclose no mathematics are signs of money."""
    from matplotlib.mathtext import MathTextParser

    plain = escape.lines(text)
    try:
        if "$" in plain:
            for part in plain.split("\n"):  # as matplotlib does
                MathTextParser("path").parse(part)
    except ValueError:
        plain = plain.replace("$", r"\$")
    return plain


def _fit(figure: Figure) -> None:
    """Make every text of a figure fit to be drawn, but for the labels of ticks, which are made as one draws."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if (plain := fit(text.get_text())) != text.get_text():
            text.set_text(plain)
