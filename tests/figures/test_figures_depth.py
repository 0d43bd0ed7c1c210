"""Figures along the depth: they draw the numbers of the tables, nothing is cut off, and what is null is left out."""

import copy
import math

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from rkblocks import figures

BLOCKS = ("groups.0.0", "groups.0.1", "groups.1.0")


def growth_rows():
    for kind in ("adversarial", "random"):
        for p in (1, 2, "inf"):
            for k, name in enumerate(BLOCKS):
                head = {"perturbation": kind, "p": p}
                yield head | {"level": "block", "place": name, "mean": 1.0 + k}
                yield head | {"level": "stage", "place": f"{name} stage 2", "mean": 0.5}
                yield head | {"level": "residual", "place": f"{name} stage 1", "mean": None if k else 3.0}


def lemma1_rows():
    for k, name in enumerate(BLOCKS):
        for p in (1, 2, "inf"):
            for stage in (1, 2, "step"):
                for number, kind in enumerate(("pairs", "adversarial", "random", "searched", "magnitude")):
                    if (stage, kind) != ("step", "magnitude"):
                        largest = 1.0 + k + number + (0.5 if stage == 2 else 0)
                        yield {"place": name, "p": p, "stage": stage, "kind": kind, "n": 4, "largest": largest}


def variance_row(name, growth):
    parts = {"growth": growth, "own": 1.5, "with_x": -0.5, "between": growth and growth - 2.0, "formula": 1.75}
    return {"place": name, **parts, "value_ratio": [2.0, None], "with_input": [0.1, 0.2], "between_stages": [0.9]}


def lipschitz_rows():
    for k, name in enumerate(BLOCKS):
        yield {"level": "residual", "place": f"{name} stage 1", "mean": 2.0, "largest": 3.0}
        yield {"level": "block", "place": name, "mean": 4.0 + k, "largest": 5.0 + k}
    yield {"level": "network", "place": "image to logits", "mean": 30.0, "largest": 40.0}


RATIOS = {"ratio": 1.2, "largest": 1.4, "euler_ratio": 0.9, "euler_largest": None}
RUN = {
    "blocks": "ssp2",
    "analyses": {
        "growth": list(growth_rows()),
        "lemma1": list(lemma1_rows()),
        "variance": [variance_row(name, growth) for name, growth in zip(BLOCKS, (3.0, None, 1.2), strict=True)],
        "variation": [{"place": name, "per_neighbour": 0.3, **RATIOS} for name in BLOCKS],
        "lipschitz": list(lipschitz_rows()),
    },
}


def pieces(line, *, y=False):
    """The points of a curve, cut where it has a gap."""
    found = [[]]
    for value in line.get_ydata() if y else line.get_xdata():
        if math.isnan(value):
            found.append([])
        else:
            found[-1].append(float(value))
    return found


def drawn(axis, label):
    """The (x, y) of the curve with this label."""
    (line,) = [line for line in axis.lines if line.get_label() == label]
    points = [(x, y) for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True) if x == x]  # gaps left out
    return [x for x, _ in points], [y for _, y in points]


@pytest.mark.parametrize("name", figures.ALONG_DEPTH)
def test_nothing_is_cut_off(name):
    figure = figures.ALONG_DEPTH[name](RUN)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    artists = [text for axis in figure.axes for text in (axis.xaxis.label, axis.yaxis.label, axis.title)]
    for artist in [*(text for text in artists if text.get_text()), *figure.legends]:
        box = artist.get_window_extent(canvas.get_renderer())
        assert -1 <= box.x0 <= box.x1 <= figure.bbox.x1 + 1, artist
        assert -1 <= box.y0 <= box.y1 <= figure.bbox.y1 + 1, artist
    for axis in figure.axes:
        low, high = axis.get_ylim()
        for line in axis.lines:
            assert all(low <= y <= high for y in line.get_ydata() if y == y), (axis.get_ylabel(), line.get_label())


@pytest.mark.parametrize("name", figures.ALONG_DEPTH)
def test_a_phone_shows_it(name):
    """390 pixels are 75 an inch of what is drawn: letters stay at ten pixels."""
    assert figures.ALONG_DEPTH[name](RUN).get_figwidth() <= 5.6


def test_radii_of_a_certificate_are_counted_between_those_that_were_attacked():
    found = {"clean": 1.0, "proved": True, "refuted": 0, "n": 10}
    numbers = ((0.5, 0.8, 0.9), (1.0, 0.1, 0.7), (1.5, 0.0, 0.6))
    rows = [{"eps": eps, "certified": low, "attacked": high, **found} for eps, low, high in numbers]
    figure = figures.certificate({"analyses": {"certificate": rows}})
    upper, lower = figure.axes
    assert [round(bar.get_height(), 9) for bar in lower.patches] == [0.2, 0.7, 0.1]
    assert [(bar.get_x(), bar.get_width()) for bar in lower.patches] == [(0.0, 0.5), (0.5, 0.5), (1.0, 0.5)]
    assert upper.get_xlim() == lower.get_xlim() == (0.0, 1.5)
    assert figure.get_figwidth() <= 5.6


def test_growth_and_its_stages():
    figure = figures.ALONG_DEPTH["growth"](RUN)
    assert len(figure.axes) == 6
    axis = figure.axes[0]
    assert drawn(axis, "block: output / input") == ([0, 1, 2], [1.0, 2.0, 3.0])
    places, means = drawn(axis, "stage: argument / input")
    assert all(k < place < k + 1 for k, place in enumerate(places))
    assert means == [0.5] * 3
    assert drawn(axis, "F / argument") == ([0], [3.0])
    assert [text.get_text() for text in axis.get_xticklabels()] == ["g1 b1", "g1 b2", "g2 b1"]
    assert axis.get_xlabel() == "group and block"


@pytest.mark.parametrize("name", figures.ALONG_DEPTH)
def test_no_curve_joins_two_groups(name):
    """Between group 1 (places 0 and 1) and group 2 (place 2) every line has a gap."""
    joined = 0
    for axis in figures.ALONG_DEPTH[name](RUN).axes:
        for line in axis.lines:
            if line.get_linestyle() not in ("None", "") and len(line.get_xdata()) > 2:
                x = [float(value) for value in line.get_xdata()]
                assert x[:2] == [0, 1], line.get_label()
                assert math.isnan(x[2]), line.get_label()
                assert x[3:] == [2], line.get_label()
                joined += 1
    assert joined or name == "variance"


def test_blocks_of_other_networks_keep_their_names():
    run = copy.deepcopy(RUN)
    for row, name in zip(run["analyses"]["variation"], ("layer1.0", "layer1.1", "layer2.0"), strict=True):
        row["place"] = name
    axis = figures.ALONG_DEPTH["variation"](run).axes[0]
    assert [text.get_text() for text in axis.get_xticklabels()] == ["layer1.0", "layer1.1", "layer2.0"]
    assert axis.get_xlabel() == "block"
    assert math.isnan(axis.lines[0].get_xdata()[2])


def test_the_legend_of_the_variance_has_two_lines_of_three():
    figure = figures.ALONG_DEPTH["variance"](RUN)
    assert (figure.legends[0]._ncols, len(figure.legends[0].get_texts())) == (3, 6)


def test_many_stages_stay_between_their_block_and_the_next():
    run = copy.deepcopy(RUN)
    rows = [row for row in run["analyses"]["lipschitz"] if row["level"] != "residual"]
    stages = [{"level": "residual", "place": f"{n} stage {k}", "mean": 1.0} for n in BLOCKS for k in range(1, 17)]
    run["analyses"]["lipschitz"] = rows + stages
    places, _ = drawn(figures.ALONG_DEPTH["lipschitz"](run).axes[0], "F at each stage, mean")
    assert all(k // 16 <= place < k // 16 + 0.85 for k, place in enumerate(places))


def test_the_worst_stage_is_shown():
    figure = figures.ALONG_DEPTH["lemma1"](RUN)
    assert drawn(figure.axes[1], "Euler, searched") == ([0, 1, 2], [4.5, 5.5, 6.5])
    assert drawn(figure.axes[1], "whole step, largest") == ([0, 1, 2], [4.0, 5.0, 6.0])


def test_the_parts_of_the_variance_end_at_the_measured_growth():
    parts = figures.ALONG_DEPTH["variance"](RUN).axes[0]
    assert drawn(parts, "measured") == ([0, 2], [3.0, 1.2])
    assert drawn(parts, "Lemma 3") == ([0, 1, 2], [1.75] * 3)
    for x, growth in ((0, 3.0), (2, 1.2)):
        bars = [bar for bar in parts.patches if abs(bar.get_x() + bar.get_width() / 2 - x) < 1e-9]
        assert len(bars) == 4
        assert sum(bar.get_height() for bar in bars) == pytest.approx(growth)


def test_schemes_side_by_side():
    other = copy.deepcopy(RUN) | {"blocks": "euler"}
    figure = figures.depth_comparison([RUN, RUN, other])
    assert len(figure.axes) == 4
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ssp2", "euler"]
    growth = figure.axes[0].containers[0].lines[0]
    assert (pieces(growth), pieces(growth, y=True)) == ([[0, 1], [2]], [[1.0, 2.0], [3.0]])
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["g1 b1", "g1 b2", "g2 b1"]
    assert pieces(figure.axes[1].containers[0].lines[0]) == [[0], [2]]
    assert figures.depth_comparison([RUN, {"blocks": "x", "analyses": {}}]) is None


def test_groups_of_different_depth_keep_their_places():
    def network(blocks, depth, ratio):
        places = [f"groups.{group}.{block}" for group in (0, 1) for block in range(depth)]
        rows = [{"place": place, "ratio": ratio + k} for k, place in enumerate(places)]
        return {"blocks": blocks, "analyses": {"variation": rows}}

    figure = figures.depth_comparison([network("ssp2", 1, 1.0), network("ssp2", 2, 2.0), network("euler", 2, 5.0)])
    (axis,) = figure.axes
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["g1 b1", "g1 b2", "g2 b1", "g2 b2"]
    ssp2, euler = (container.lines[0] for container in axis.containers)
    assert pieces(ssp2) == pieces(euler) == [[0, 1], [2, 3]]
    assert pieces(ssp2, y=True) == [[1.5, 3.0], [3.0, 5.0]]  # the first block of group 2 of both, at one place
    assert pieces(euler, y=True) == [[5.0, 6.0], [7.0, 8.0]]


def test_the_perturbation_is_scaled_around_grey():
    image = [[[0.5, 0.5], [0.0, 1.0]]]
    other = [[[0.6, 0.4], [0.05, 1.0]]]
    row = {"index": 3, "label": 1, "clean": 1, "clean_confidence": 0.9, "adversarial": 2, "largest": 0.1}
    row |= {"adversarial_confidence": 0.8, "clean_image": image, "adversarial_image": other}
    figure = figures.adversarial_images({"analyses": {"examples": [row]}})
    shown = [axis.images[0].get_array().tolist() for axis in figure.axes]
    assert shown[0] == image[0]
    assert shown[1][0] == pytest.approx([1.0, 0.0])
    assert shown[1][1] == pytest.approx([0.75, 0.5])
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["clean\n1 (0.90)", "perturbation\ntimes 5", "adversarial\n2 (0.80)\nwrong, is 1"]
    colour = {"clean_image": image * 3, "adversarial_image": other * 3}
    figure = figures.adversarial_images({"analyses": {"examples": [row | colour]}})
    assert figure.axes[0].images[0].get_array().shape == (2, 2, 3)
