"""The wheel holds what the package reads at run time, and its metadata what pip needs."""

import re
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of the working tree, built by hatchling in this environment (no network)."""
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=300)
    (path,) = out.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


def relative(pattern: str, below: str = "") -> set[str]:
    return {str(path.relative_to(ROOT / below)) for path in (ROOT / below).glob(pattern)}


def test_every_tableau_is_inside(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    wanted = {f"rkblocks/{name}" for name in relative("tableaus/**/*.json")}
    assert len(wanted) >= 15
    assert wanted <= names


@pytest.mark.parametrize("pattern", ["rkblocks/**/*.py", "rkblocks/codes/*.md", "rkblocks/presets/*.toml"])
def test_code_and_data_are_inside(wheel: zipfile.ZipFile, pattern: str) -> None:
    wanted = relative(pattern)
    assert wanted
    assert wanted <= set(wheel.namelist())


def test_the_schemas_and_the_typing_marker_are_inside(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert "rkblocks/py.typed" in names
    assert {f"rkblocks/{path}" for path in relative("**/*.schema.json", "rkblocks")} <= set(names)
    assert sum(name.endswith("schema.json") for name in names) == 3


def test_nothing_else_is_inside(wheel: zipfile.ZipFile) -> None:
    strangers = [n for n in wheel.namelist() if not n.startswith("rkblocks/") and ".dist-info/" not in n]
    assert strangers == []
    assert not [
        n for n in wheel.namelist() if n.endswith((".pyc", ".ipynb")) or "/runs/" in n.removeprefix("rkblocks/runs/")
    ]


def test_the_licence_is_inside(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("/licenses/LICENSE"))
    assert wheel.read(name).decode().startswith("MIT License\n")


def test_the_source_distribution_has_what_the_wheel_leaves_out(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=300)
    (path,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {
        "LICENSE",
        "Makefile",
        *relative("studies/*.toml"),
        *relative("benchmarks/*.py"),
        *relative("tableaus/**/*.json"),
    }
    assert wanted <= names


def test_the_core_needs_sympy_and_click_alone(metadata: Message) -> None:
    core = {r.split(">")[0] for r in metadata.get_all("Requires-Dist", []) if "extra ==" not in r}
    assert core == {"sympy", "click"}


def test_the_extras_are_declared(metadata: Message) -> None:
    assert {"torch", "vision", "figures", "demo", "dev"} <= set(metadata.get_all("Provides-Extra", []))


def test_the_command_is_declared(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "rkblocks = rkblocks.cli:main" in wheel.read(name).decode()


def test_the_readme_of_the_package_index_has_links_that_lead_somewhere(metadata: Message) -> None:
    """Those of the README are relative, as GitHub wants them; on the index they lead to the tag of the version."""
    urls = dict(url.split(", ") for url in metadata.get_all("Project-URL", []))
    tag = f"v{metadata['Version']}"
    raw = urls["Source"].replace("github.com", "raw.githubusercontent.com")
    text = str(metadata.get_payload())
    links = re.findall(r"(!?)\[[^\]]*\]\(([^)#\s]+)[^)]*\)", text)
    assert len(links) > 20
    for picture, link in links:
        if link.startswith((urls["Source"], raw)):
            path = link.removeprefix(f"{raw}/{tag}/" if picture else f"{urls['Source']}/blob/{tag}/")
            assert (ROOT / path).exists(), link
        else:
            assert link.startswith("https://"), link
