"""Figures of schemes: what they mark agrees with the exact report, they are complete, and saving is deterministic."""

from fractions import Fraction

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.path import Path as MplPath

from rkblocks import figures, files, verify
from rkblocks.cli import main
from rkblocks.diagnostics import RkblocksError
from rkblocks.figures.sampling import sample
from rkblocks.files.library import catalog

KINDS = [
    *(("stability", name) for name in ("euler", "ssp3", "rk4", "ssprk104", "ark", "gill4", "dopri5")),
    *(("monotonicity", name) for name in ("euler", "ssp3", "rk4", "ssprk104", "ark", "leastgrowth42")),
    *(("region", name) for name in ("ark", "ark_ssp", "rk33_family", "rk33_ssp", "rk44_family", "ark_ssp_wide")),
]
each = pytest.mark.parametrize(("kind", "name"), KINDS, ids=lambda value: value)


def drawn(kind, name):
    return figures.of_scheme(kind, files.load(name))


@each
def test_every_axis_is_labelled_and_nothing_is_cut_off(kind, name, recwarn):
    figure = drawn(kind, name)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    for axis in figure.axes:
        assert axis.get_ylabel()
        for artist in (axis.xaxis.label, axis.yaxis.label, axis.title, *figure.legends):
            box = artist.get_window_extent(canvas.get_renderer())
            assert -1 <= box.x0 <= box.x1 <= figure.bbox.x1 + 1, artist
            assert -1 <= box.y0 <= box.y1 <= figure.bbox.y1 + 1, artist
    assert not recwarn.list


@pytest.mark.parametrize(("kind", "name"), [("stability", "ssp3"), ("monotonicity", "ssp3"), ("region", "rk33_ssp")])
def test_saving_twice_gives_the_same_bytes(kind, name, tmp_path):
    first = figures.save(drawn(kind, name), tmp_path / "a" / name)
    second = figures.save(drawn(kind, name), tmp_path / "b" / name)
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("name", ["ssp3", "rk4", "ssprk43", "euler"])
def test_the_marked_intervals_lie_in_the_region_up_to_their_ends(name):
    figure = drawn("stability", name)
    (axis,) = figure.axes
    report = verify.check(name)
    psi = [float(eval(c)) for c in report.stability["polynomial"]]  # rationals such as "1/6"
    real, imaginary = (report.stability[key]["float"] for key in ("real", "imaginary"))
    lines = {line.get_label().split(" interval")[0]: line for line in axis.lines}
    assert np.min(lines["real"].get_xdata()) == pytest.approx(-real)
    assert np.max(lines["imaginary"].get_ydata()) == pytest.approx(imaginary)

    def size(z):
        return abs(np.polyval(psi[::-1], z))

    assert size(-real * 0.999) <= 1 < size(-real * 1.001)
    if imaginary:
        assert size(1j * imaginary * 0.999) <= 1 < size(1j * imaginary * 1.001)
    (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
    angle = np.exp(1j * np.linspace(0, 2 * np.pi, 200))
    edge = np.clip(angle.real * 99, left, right) + 1j * np.clip(angle.imag * 99, low, high)
    assert size(edge).min() > 1  # the whole region is within the picture


@pytest.mark.parametrize("name", [entry.name for entry in catalog()])
def test_the_region_of_every_scheme_ends_where_its_exact_intervals_do(name, monkeypatch):
    """By another route than the figure's: the exact intervals, and the polynomial in rational numbers."""
    monkeypatch.setattr("rkblocks.figures.schemes.stability.POINTS", 161)
    tableau = files.load(name)
    (axis,) = figures.of_scheme("stability", tableau).axes
    report = verify.check(tableau.at(tableau.initial()))
    stability = report.stability
    found = stability.meant or stability.intervals
    psi = [c.fraction if c.fraction is not None else Fraction(c.nearest) for c in stability.coefficients]

    def size(x, y):
        re, im = Fraction(0), Fraction(0)
        for c in reversed(psi):
            re, im = re * x - im * y + c, re * y + im * x
        return float(re * re + im * im) ** 0.5

    polygons = [MplPath(part) for path in axis.collections[0].get_paths() for part in path.to_polygons()]

    def is_drawn(x, y):
        return sum(part.contains_point((float(x), float(y))) for part in polygons) % 2 == 1

    for root, point in ((found.real, lambda s: (-s, Fraction(0))), (found.imaginary, lambda s: (Fraction(0), s))):
        if root is None or not root.nearest:
            continue
        end = Fraction(root.nearest)
        inside = [point(end * k / 20) for k in range(1, 20)]
        assert all(is_drawn(*z) for z in inside if size(*z) < 0.97)
        beyond = [point(end * k / 20) for k in (21, 22)]
        assert not any(is_drawn(*z) for z in beyond if size(*z) > 1.03)
        (left, _), (_, top) = axis.get_xlim(), axis.get_ylim()
        assert left < -end if root is found.real else top > end


@pytest.mark.parametrize(
    ("name", "r", "entry"), [("ssp3", 1.0, "P[2,0]"), ("ssprk43", 2.0, "P[2,0]"), ("rk4", 0.0, "P[2,0]")]
)
def test_the_limiting_entry_crosses_zero_at_the_exact_coefficient(name, r, entry):
    figure = drawn("monotonicity", name)
    (limiting,) = [line for axis in figure.axes for line in axis.lines if "limits R" in str(line.get_label())]
    assert limiting.get_label() == f"{entry} limits R"
    x, y = limiting.get_xdata(), limiting.get_ydata()
    assert np.all(y[x < r - 0.01] > 0)
    assert np.all(y[x > r + 0.01] < 0)
    others = [line for axis in figure.axes for line in axis.lines if line.get_color() == "0.55"]
    assert others
    for line in others:
        x, y = line.get_xdata(), line.get_ydata()
        assert np.all(y[x < r - 0.01] > -1e-12)


@pytest.mark.parametrize(
    ("name", "exact"),
    [
        ("ark_ssp", lambda b: 2 - 1 / b),
        ("rk22_family", lambda b: np.where(b < 0.5, 0, np.where(b < 1, 2 - 1 / b, 1 / b))),
    ],
)
def test_the_curve_of_a_family_is_its_exact_coefficient(name, exact):
    (axis,) = drawn("region", name).axes
    curve = next(line for line in axis.lines if line.get_label() == "optimal C")
    b, R = curve.get_xdata(), curve.get_ydata()
    assert len(b) > 100
    assert np.allclose(R, exact(b), atol=1e-9)


def test_the_map_of_two_parameters_agrees_with_the_exact_coefficient_at_points():
    tableau = files.load("rk33_family")
    found = sample(tableau, tableau.parameters, [(0.4, 0.6), (0.67, 0.74)], 5)
    for i, j in ((0, 0), (1, 3), (2, 2), (4, 0), (3, 1)):
        point = {"c2": Fraction(found.lines[0][i]), "c3": Fraction(found.lines[1][j])}
        exact = verify.check(tableau.at(point)).ssp.optimal.cfl_float
        assert found.R[i, j] == pytest.approx(exact, abs=1e-6)


def test_the_declared_form_is_nan_where_an_entry_is_negative():
    tableau = files.load("ark_mnist")
    beta10 = tableau.parameters[1]
    found = sample(tableau, [beta10], [(0.0, 1.0)], 99)
    alpha21 = tableau.field.constants.to_float(tableau.parameters[0].init)
    inside = alpha21 <= (2 * found.lines[0] - 1) / (2 * found.lines[0] ** 2)
    assert np.array_equal(np.isfinite(found.declared), inside)
    assert 0 < inside.sum() < 99
    c = np.minimum(1 / found.lines[0], 2 * alpha21 * found.lines[0])
    assert np.allclose(found.declared[inside], c[inside])


def test_a_family_without_any_coefficient_says_so():
    (axis,) = drawn("region", "rk44_family").axes
    assert [text.get_text() for text in axis.texts] == ["C = 0 on the whole domain"]
    assert axis.get_ylim()[0] < 0, "the point at 0 is whole"
    (axis,) = drawn("region", "ark_ssp").axes
    assert not axis.texts


@pytest.mark.parametrize("name", ["rk4", "ssp3", "fehlberg45", "leastgrowth42"])
def test_what_the_legend_names_is_within_the_picture(name):
    figure = drawn("monotonicity", name)
    named = {text.get_text() for text in figure.legends[0].get_texts()}
    shown = set()
    for axis in figure.axes:
        (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
        for line in axis.lines:
            x, y = line.get_xdata(), np.asarray(line.get_ydata())
            if (np.min(x) > left or len(x) == 2) and np.max(x) <= right and low < y.min() <= y.max() <= high:
                shown.add(line.get_label())
    assert named <= shown


@pytest.mark.parametrize("name", ["ssp3", "ark_free"])
def test_a_scheme_without_a_region_is_refused(name):
    with pytest.raises(RkblocksError) as raised:
        drawn("region", name)
    assert [d.code for d in raised.value.diagnostics] == ["RK843"]


def test_an_unfit_table_has_no_figure():
    tableau = files.read_text('{"name": "x", "A": [["1"]], "b": ["1"]}').tableau
    for kind in ("stability", "monotonicity"):
        with pytest.raises(RkblocksError) as raised:
            figures.of_scheme(kind, tableau)
        assert "RK301" in {d.code for d in raised.value.diagnostics}


def test_the_command_writes_figures(tmp_path, capsys):
    target = tmp_path / "figures" / "ssp3.svg"
    assert main(["show", "ssp3", "--figure", "stability", "-o", str(target)]) == 0
    assert target.read_text().startswith("<?xml")
    for arguments in (["-o", "x.pdf"], [], ["-o", "x.png", "--format", "latex"]):
        assert main(["show", "ssp3", "--figure", "stability", *arguments]) == 2
    assert "png or .svg" in capsys.readouterr().err
