"""Figures: what they say (labels, curves, bars), that saving is deterministic, and that no pyplot state is touched."""

import itertools
import math
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread

from rkblocks import figures
from rkblocks.diagnostics import RkblocksError
from rkblocks.figures import style
from rkblocks.figures.style import COLOURS


def analysis(blocks, scale):
    rows = [
        {"group": f"group{g}", "p": p, "mean": scale * g, "deviation": 0.1, "largest": 9.0, "pairs": 5, "zeros": 0}
        for g in (1, 2, 3)
        for p in (1, 2, "inf")
    ]
    return {"run": "r", "blocks": blocks, "growth": {"adversarial": rows, "random": rows}}


def curves():
    return figures.accuracy_against_eps(
        {"euler": [(0.0, 0.9, 0.85, 0.95), (0.1, 0.5, 0.4, 0.6)]}, chance=0.1, attack="PGD-20"
    )


def bars():
    rows = [
        {"blocks": name, "seeds": 3, "clean": [0.9, 0.01], "fgsm": [0.8, 0.02], "pgd20": [0.7, None]}
        for name in ("euler", "ssp3")
    ]
    return figures.summary(rows, chance=0.1)


def training():
    metrics = [{"epoch": k, "train_loss": 1 / k, "validation_clean": 0.5} for k in (1, 2, 3)]
    return figures.training_curves({"ssp3": [metrics, metrics]})


def study():
    rows = [
        {"label": name, "seeds": 3, "accuracy": {"clean": [0.9, 0.01], "pgd20": [0.5, None]}, "paper": paper}
        for name, paper in (("euler", {"clean": 0.91, "pgd20": 0.4}), ("ssp3", {}))
    ]
    other = [{"label": "ark", "seeds": 1, "accuracy": {"clean": [0.8, None]}, "paper": {}}]
    return figures.comparison({"N = 6": rows, "N = 10": rows, "N = 12": other}, {"clean": "clean", "pgd20": "PGD-20"})


def climbed():
    rungs = [(0.0, 0.5, 0.01), (1.0, 0.6, None), (2.0, 0.7, 0.02)]
    return figures.ladders({"C": ("ssp", {"a to b": rungs, "c to d": rungs[:2]}), "order": ("order", {})}, "PGD-20")


FIGURES = {
    "study": study,
    "ladders": climbed,
    "growth": lambda: figures.growth([analysis("euler", 1.0), analysis("euler", 1.2), analysis("ssp3", 0.8)]),
    "accuracy": curves,
    "summary": bars,
    "training": training,
}


@pytest.mark.parametrize("name", FIGURES)
def test_saving_twice_gives_the_same_bytes(name, tmp_path):
    first = figures.save(FIGURES[name](), tmp_path / "a" / name)
    second = figures.save(FIGURES[name](), tmp_path / "b" / name)
    assert [path.suffix for path in first] == [".png", ".svg"]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    image = imread(first[0])
    assert image.min() < 0.5  # something is drawn
    assert ET.parse(first[1]).getroot().tag.endswith("svg")
    assert "date" not in first[1].read_text().lower()


@pytest.mark.parametrize("name", FIGURES)
def test_every_axis_is_labelled(name):
    for axis in FIGURES[name]().axes:
        assert axis.get_xlabel()
        assert axis.get_ylabel()


@pytest.mark.parametrize("name", FIGURES)
def test_a_phone_shows_it(name):
    """390 pixels are 70 an inch of what is drawn: letters stay at ten pixels."""
    assert FIGURES[name]().get_figwidth() <= 5.6


def many(count):
    """Figures with many long names."""
    names = [f"a scheme with a long name {k}" for k in range(count)]
    points = [(0.0, 0.9, 0.85, 0.95), (0.1, 0.5, 0.4, 0.6)]
    rows = [{"blocks": n[:14], "seeds": 3, "clean": [0.9, 0.1], "fgsm": [0.8, 0.1], "pgd20": [0.7, 0.1]} for n in names]
    yield figures.growth([analysis(name, 1.0) for name in names])
    yield figures.accuracy_against_eps(dict.fromkeys(names, points), chance=0.1, attack="PGD-20", bars="deviation")
    yield figures.summary(rows, chance=0.1)
    yield figures.training_curves({name: [[{"epoch": 1, "train_loss": 1.0}]] for name in names})


@pytest.mark.parametrize("count", [1, 5, 9])
def test_nothing_is_cut_off(count):
    for figure in many(count):
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        artists = [label for axis in figure.axes for label in (axis.xaxis.label, axis.yaxis.label, axis.title)]
        for artist in [*(label for label in artists if label.get_text()), *figure.legends]:
            box = artist.get_window_extent(canvas.get_renderer())
            assert -1 <= box.x0 <= box.x1 <= figure.bbox.x1 + 1, artist
            assert -1 <= box.y0 <= box.y1 <= figure.bbox.y1 + 1, artist


def test_growth_averages_runs_of_one_scheme():
    figure = FIGURES["growth"]()
    assert len(figure.axes) == 6
    euler, ssp3 = figure.axes[0].containers
    assert euler.get_label() == "euler"
    assert list(euler.lines[0].get_ydata()) == pytest.approx([1.1, 2.2, 3.3])
    assert list(ssp3.lines[0].get_ydata()) == pytest.approx([0.8, 1.6, 2.4])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["euler", "ssp3"]
    for axis in figure.axes:
        assert axis.get_yscale() == "log"
        assert [1, 1] in [list(line.get_ydata()) for line in axis.lines]  # above it perturbations grow


def test_summary_has_a_bar_for_each_number():
    (axis,) = bars().axes
    heights = [patch.get_height() for patch in axis.patches]
    assert heights == pytest.approx([0.9, 0.9, 0.8, 0.8, 0.7, 0.7])
    assert "3 seeds" in axis.get_ylabel()


def test_the_accuracy_figure_shows_chance_and_intervals():
    (axis,) = curves().axes
    assert {text.get_text() for text in axis.figure.legends[0].get_texts()} == {"euler", "chance"}
    assert axis.get_xlabel() == "eps (linf, pixels in [0, 1])"


def test_curves_differ_by_more_than_colour():
    figure = FIGURES["growth"]()
    euler, ssp3 = (container.lines[0] for container in figure.axes[0].containers)
    assert euler.get_marker() != ssp3.get_marker()
    assert euler.get_color() != ssp3.get_color()
    assert len(set(COLOURS)) == len(COLOURS)


def test_metrics_are_read_up_to_a_line_cut_off(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"epoch": 1, "train_loss": 2.0}\n{"event": "start"}\n{"epoch": 2, "tr')
    assert figures.read_metrics(tmp_path) == [{"epoch": 1, "train_loss": 2.0}]


def test_unfit_names_and_places_are_named(tmp_path):
    (tmp_path / "file").write_text("")
    for path, code in [(tmp_path / "x.pdf", "RK840"), (tmp_path / "file" / "x.png", "RK824")]:
        with pytest.raises(RkblocksError) as caught:
            figures.save(curves(), path)
        assert [found.code for found in caught.value.diagnostics] == [code]


def test_pyplot_is_never_imported():
    program = (
        "import sys, rkblocks.figures as f; f.accuracy_against_eps({'a': [(0, .5, .4, .6)]}, chance=.1, attack='PGD');"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_ladder_has_its_line_of_least_squares():
    first, other = climbed().axes
    assert (first.get_title(), first.get_xlabel(), other.get_xlabel()) == ("C", "SSP coefficient C", "order")
    lines = [line for line in first.lines if line.get_marker() == ""]
    assert [list(line.get_ydata()) for line in lines] == [pytest.approx([0.5, 0.6, 0.7]), pytest.approx([0.5, 0.6])]


def test_a_ladder_has_its_own_look_in_all_panels():
    rungs = [(0.0, 0.5, 0.1), (1.0, 0.6, 0.1)]
    trends = {
        "C": ("ssp", {"a to b": rungs, "c to d": rungs}),
        "growth": ("growth", {"c to d": rungs, "e to f": rungs}),
    }
    figure = figures.ladders(trends, "PGD-20")
    colours = [[line.get_color() for line in axis.lines if line.get_marker() == ""] for axis in figure.axes]
    assert colours == [list(COLOURS[:2]), list(COLOURS[1:3])]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a to b", "c to d", "e to f"]


def test_an_attack_without_a_number_has_no_band():
    rows = [{"label": "euler", "seeds": 2, "accuracy": {"clean": [0.5, 0.1]}, "paper": {"fgsm": 0.3}}]
    figure = figures.comparison({"": rows}, {"clean": "clean", "worst": "every attack", "fgsm": "FGSM"})
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["clean", "FGSM"]


def test_a_study_has_a_panel_for_each_setting_and_hollow_points_of_the_paper():
    figure = study()
    panels = figure.axes
    assert [axis.get_title() for axis in panels] == ["N = 6", "N = 10", "N = 12"]
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["clean", "PGD-20"]
    assert panels[0].get_xlabel() == "accuracy (bars: deviation over 1-3 seeds)"
    hollow = [line for line in panels[0].lines if line.get_markerfacecolor() == "none" and len(line.get_xdata())]
    assert [list(line.get_xdata()) for line in hollow] == [[0.91, 0.4]]
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {"euler", "ssp3", "ark", "paper (hollow)"}
    colours = {line.get_color() for line in panels[2].lines if len(line.get_xdata()) and line.get_marker() == "^"}
    assert colours == {COLOURS[2]}, "a scheme has its colour in every panel"


def test_long_names_of_attacks_do_not_meet():
    columns = {f"k{k}": f"PGD-100 any margin eps {k}/20" for k in range(11)}
    rows = [{"label": "euler", "seeds": 2, "accuracy": {key: [0.5, 0.1] for key in columns}, "paper": {}}]
    figure = figures.comparison({"": rows}, columns)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    (axis,) = figure.axes
    boxes = [label.get_window_extent(canvas.get_renderer()) for label in axis.get_yticklabels()]
    assert all(box.x0 >= 0 for box in boxes)
    assert not any(one.overlaps(two) for one, two in itertools.combinations(boxes, 2))


def test_the_first_42_curves_are_told_apart_without_colour():
    looks = [style.look(number) for number in range(42)]
    assert len({(one["marker"], one["linestyle"]) for one in looks}) == 42
    assert len({(one["color"], one["marker"]) for one in looks[:14]}) == 14


def test_neighbouring_curves_have_different_lines():
    looks = [style.look(number)["linestyle"] for number in range(42)]
    assert all(one != two for one, two in itertools.pairwise(looks))


def test_what_bars_are_is_said_only_where_there_are_bars():
    assert style.over([3, 1, 3]) == "bars: deviation over 1-3 seeds"
    assert style.over([1, 1]) == "one seed"
    flat = figures.accuracy_against_eps({"ssp3": [(0.0, 0.9, 0.9, 0.9)]}, chance=0.1, attack="PGD-20", bars="")
    assert flat.axes[0].get_ylabel() == "accuracy under PGD-20"


@pytest.mark.parametrize(("radii", "scale"), [((0, 0.1, 0.2), "linear"), ((0, 0.1, 1.0), "symlog")])
def test_radii_over_a_decade_stand_on_a_logarithmic_axis(radii, scale):
    points = [(eps, 0.5, 0.4, 0.6) for eps in radii]
    (axis,) = figures.accuracy_against_eps({"ssp3": points}, chance=0.1, attack="PGD-20").axes
    assert axis.get_xscale() == scale
    if scale == "symlog":
        assert list(axis.get_xticks()) == list(radii)


def test_kinds_of_perturbations_are_compared_on_one_axis():
    rows = {kind: [{"group": "group1", "p": 2, "mean": mean}] for kind, mean in (("random", 1.1), ("adversarial", 9.0))}
    one, two = figures.growth([{"blocks": "euler", "growth": rows}], norms=[2]).axes
    assert one.get_ylim() == two.get_ylim()
    assert one.get_yscale() == "log"


def test_formulas_in_several_lines_are_parsed_line_by_line(caplog):
    assert style.fit("growth,\n$\\ell_2$") == "growth,\n$\\ell_2$"
    assert style.fit("$5\nand more") == "\\$5\nand more"
    assert not caplog.records


def test_the_legend_has_what_is_drawn_and_nothing_else():
    figure, ((left, right),) = style.new(1, 2)
    left.plot([0, 1], [1, 2], label="here")
    left.plot([0, 1], [math.nan, math.nan], label="nowhere")
    right.plot([], [], label="empty")
    right.errorbar([0], [1], yerr=[0.1], label="there")
    right.plot([0, 1], [1, 2], label="here")
    style.legend_below(figure)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["here", "there"]


def test_one_group_has_a_place_for_each_scheme():
    rows = [{"group": "group1", "p": 2, "mean": 1.5}]
    figure = figures.growth([{"blocks": b, "growth": {"random": rows}} for b in ("euler", "ssp3")], norms=[2])
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["euler", "ssp3"]
    assert axis.get_xlabel() == "scheme"
    assert not figure.legends


@pytest.mark.parametrize("epochs", [1, 2, 30])
def test_training_curves_have_ticks_at_epochs(epochs):
    """A run of one epoch is one point: the axis showed 0.96, 0.98, 1, 1.02, 1.04."""
    run = [{"epoch": k + 1, "train_loss": 1 / (k + 1)} for k in range(epochs)]
    (axis,) = figures.training_curves({"ssp3": [run]}).axes
    low, high = axis.get_xlim()
    ticks = [tick for tick in axis.get_xticks() if low <= tick <= high]
    assert len(ticks) >= 1
    assert all(float(tick).is_integer() and 0 <= tick <= epochs + 1 for tick in ticks)


def test_runs_of_one_name_are_one_curve_in_its_band():
    runs = {"ssp3": [[{"epoch": 1, "train_loss": 1.0}], [{"epoch": 1, "train_loss": 3.0}]]}
    (axis,) = figures.training_curves(runs).axes
    (line,) = axis.lines
    assert list(line.get_ydata()) == [2.0]
    (band,) = axis.collections
    assert (band.get_datalim(axis.transData).ymin, band.get_datalim(axis.transData).ymax) == (1.0, 3.0)


@pytest.mark.parametrize(("names", "bands"), [(6, 6), (7, 0)])
def test_bands_that_would_hide_one_another_are_left_out(names, bands):
    runs = [[{"epoch": 1, "train_loss": 1.0}], [{"epoch": 1, "train_loss": 2.0}]]
    figure = figures.training_curves({f"scheme {k}": runs for k in range(names)})
    assert len(figure.axes[0].collections) == bands
