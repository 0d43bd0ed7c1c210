"""What the build of the site makes, function by function, without a build: links, listings, the reference, formulas."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs" / "site"))
api = pytest.importorskip("api")
doctests = pytest.importorskip("doctests")
formulas = pytest.importorskip("formulas")
gallery = pytest.importorskip("gallery")
pages = pytest.importorskip("pages")
schemes = pytest.importorskip("schemes")


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("README.md", "index.md"),
        ("docs/start.md", "start.md"),
        ("docs/results", "results/README.md"),
        ("docs/notebooks", "notebooks/README.md"),
        ("docs/notebooks/2-block.ipynb", "notebooks/2-block.md"),
        ("docs/ssp3-monotonicity.svg", "ssp3-monotonicity.svg"),
        ("docs/check_bound.py", "source/docs/check_bound.py.md"),
        ("examples", "source/examples/index.md"),
        ("examples/masked.py", "source/examples/masked.py.md"),
    ],
)
def test_every_file_has_one_address(path: str, address: str) -> None:
    assert pages.address(path) == address


def test_links_of_the_repository_become_links_of_the_site() -> None:
    text = "[a](docs/start.md#install) [b](examples/masked.py) [c](https://a.b/c) [d](#here) ![e](docs/x.svg)"
    found = pages.for_site(text.replace("x.svg", "ssp3-monotonicity.svg"), "README.md")
    assert found == (
        "[a](start.md#install) [b](source/examples/masked.py.md) [c](https://a.b/c) [d](#here)"
        " ![e](ssp3-monotonicity.svg)"
    )
    near = "[a](../studies.md) [b](table1.md)"
    assert pages.for_site(near, "docs/results/README.md") == near
    assert pages.targets(text, "README.md") == {"docs/start.md", "examples/masked.py"}  # docs/x.svg is not there


def test_code_stays_and_loses_only_what_tests_read() -> None:
    text = "```json file=mine.json\n[a](docs/start.md)\n```\n\n```console run\n$ ls\n```\n\n```\nplain\n```\n"
    assert pages.for_site(text, "README.md") == (
        '```json title="mine.json"\n[a](docs/start.md)\n```\n\n```console\n$ ls\n```\n\n```text\nplain\n```\n'
    )


def test_a_listing_shows_the_file_and_survives_fences_in_it(tmp_path: Path) -> None:
    text = pages.listing("docs/site/pages.py")
    fence = text.splitlines()[2]
    assert fence.endswith("python")
    assert fence.count("`") > 3  # the file itself has runs of three
    assert "`masked.py`" in pages.listing("examples")
    assert "examples/masked.py" in pages.listed("examples")


def test_every_public_name_has_an_entry() -> None:
    """The names that the reference reads off `__init__.py` are those that the packages have."""
    made = api.pages()
    script = """
import rkblocks
found = {"rkblocks": rkblocks.__all__}
for name in rkblocks.__all__:
    value = getattr(rkblocks, name)
    if getattr(value, "__name__", "") == f"rkblocks.{name}":
        found[value.__name__] = value.__all__
        assert set(value.__all__) <= set(dir(value)) and all(hasattr(value, public) for public in value.__all__), name
print(found)"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    found = ast.literal_eval(done.stdout)
    assert set(found) == set(api.packages())
    for package, names in found.items():
        below = {other.rpartition(".")[2] for other in found if other.rpartition(".")[0] == package}
        assert set(names) - below - {"__version__"} == {n.name for n in api.names(package)}, package
    for package in api.packages():
        for name in api.names(package):
            assert f'<a id="{name.public}"></a>' in made[f"api/{package}.md"]
            assert f"`{name.name}`" in made["api/index.md"]


def test_a_public_name_without_a_docstring_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_tree", lambda module: ast.parse('"""A module."""\n\ndef silent(): ...\n'))
    with pytest.raises(AssertionError, match="silent is public and has no docstring"):
        api._first_line("rkblocks.somewhere", "silent")


def test_examples_in_docstrings_become_code_unless_they_are_already() -> None:
    assert doctests.fenced("A.\n\n>>> 1\n1\n\nB.") == "A.\n\n```pycon\n>>> 1\n1\n```\n\nB."
    assert doctests.fenced("Example:\n    >>> f(\n    ...     1)\n    1\n") == (
        "Example:\n    ```pycon\n    >>> f(\n    ...     1)\n    1\n    ```\n"
    )
    assert doctests.fenced("A.\n\n    >>> 1\n    1\n") == "A.\n\n    >>> 1\n    1\n"


def test_formulas_are_mathml_cell_by_cell() -> None:
    import rkblocks

    step = formulas.step(rkblocks.load("ssp3"))
    assert step.count("<tr>") == 3
    assert "&amp;" not in step
    array = formulas.butcher(rkblocks.load("ssp3"))
    assert array.count("<tr") == 4
    assert array.count("rk-foot") == 1
    long = formulas.step(rkblocks.load("dopri5"))  # seven stages and the sum; some sums go on in a second line
    assert long.count("<tr>") > 8


def test_formulas_of_a_notebook_keep_their_columns_and_their_line() -> None:
    import rkblocks

    found = formulas.displayed(rkblocks.load("dopri5")._repr_html_())  # with b_hat: the line is above the last two rows
    array, step = found.split("</math>")[:2]
    assert array.count("<mtr") == 9
    assert array.split('<mtr class="rk-foot">')[1].count("<mtr>") == 1
    assert step.count("<mtr>") > 7
    assert "&amp;" not in step
    assert "rk-foot" not in step
    assert "$$" not in found


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ({"cfl": "1", "cfl_float": 1.0}, "1"),
        ({"cfl": "29/18", "cfl_float": 29 / 18}, "29/18 = 1.611"),
        ({"cfl": None, "cfl_float": 2.2837983}, "2.284"),
        ({"cfl": "2 - 1/beta10", "cfl_float": 0.632}, "0.632"),
        (None, "-"),
    ],
)
def test_numbers_are_short_and_exact_where_they_can_be(part: dict | None, text: str) -> None:
    assert schemes.number(part, "cfl")[0] == text


def test_every_figure_is_in_the_gallery() -> None:
    import rkblocks.figures as figures
    from rkblocks.figures.tradeoff import tradeoff

    drawing = {
        name
        for name, value in vars(figures).items()
        if inspect.isfunction(value) and "Figure" in str(value.__annotations__.get("return"))
    }
    assert tradeoff.__annotations__["return"] == "Figure"
    shown = {picture.function for scene in gallery.SCENES for picture in scene.pictures}
    assert shown == {name for name in drawing if not name.startswith("_")} | {"ALONG_DEPTH", "tradeoff"}
    assert {
        Path(p.file).stem for scene in gallery.SCENES for p in scene.pictures if p.function == "ALONG_DEPTH"
    } == set(figures.ALONG_DEPTH)


def test_each_picture_of_the_gallery_has_the_command_that_makes_it() -> None:
    """Named after -o or --figure, or below the folder that a command writes to; that they run, the build shows."""
    for scene in gallery.SCENES:
        words = " ".join([*scene.commands, *(scene.script or ())]).replace('"', " ").split()
        for picture in scene.pictures:
            within = [str(parent) for parent in Path(picture.file).parents if str(parent) != "."]
            assert picture.file in words or set(within) & set(words), picture.file


def test_every_page_of_the_docs_is_in_the_navigation() -> None:
    hook = pytest.importorskip("hook")
    from mkdocs.config import load_config

    config = hook.on_config(load_config(str(ROOT / "mkdocs.yml")))
    listed = set(hook._uris(config.nav))
    assert {path.name for path in (ROOT / "docs").glob("*.md")} <= listed
    assert {f"results/{path.name}" for path in (ROOT / "docs" / "results").glob("*.md")} <= listed
    assert {f"notebooks/{path.stem}.md" for path in (ROOT / "docs" / "notebooks").glob("*.ipynb")} <= listed
    assert {f"api/{package}.md" for package in api.packages()} <= listed
