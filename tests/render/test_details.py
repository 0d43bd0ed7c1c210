"""What `check --verbose` adds, whole."""

from rkblocks.render import report_text
from rkblocks.verify import check
from rkblocks.verify.checking import check_argument


def test_all_figures_of_rk4() -> None:
    short, long = report_text.render([check("rk4")]), report_text.render([check("rk4")], verbose=True)
    assert long.startswith(short.rstrip("\n"))
    assert long[len(short) :] == (
        "  accuracy  stage order 1\n"
        "            principal error norm sqrt(349/1658880) = 0.0145046\n"
        "  stability order 4 for linear problems\n"
        "            polynomial, constant first: 1, 1, 1/2, 1/6, 1/24\n"
        "            real axis: stable from 0 to -2.78529\n"
        "            imaginary axis: stable up to 2*sqrt(2) = 2.82843\n"
        "            linear threshold factor 1\n"
        "  variance  of the stages: 1, 5/4, 21/16, 37/16\n"
        "            assumes Var[F(y)] = Var[y] at every stage value y\n"
        "            assumes Cov[x, F(y)] = 0\n"
        "            assumes the values F(y_i) of one step are mutually uncorrelated\n"
    )


def test_the_least_growth_of_a_family() -> None:
    assert "least growth of the family 7/4 = 1.75 at beta10 = 1, on the edge of the domain\n" in report_text.render(
        [check("ark")], verbose=True
    )


def test_a_file_that_could_not_be_read_has_no_figures() -> None:
    report = check_argument("no_such_scheme")
    assert report_text.render([report], verbose=True) == report_text.render([report])
