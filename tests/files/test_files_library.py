"""Names, aliases, paths, folders and standard input; and a catalogue that needs no sympy."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from rkblocks import files
from rkblocks.diagnostics import RkblocksError
from rkblocks.files import library
from rkblocks.files.sources import MOST_BYTES

EULER = '{"name": "mine", "A": [[]], "b": ["1"]}'


def refused(argument: str) -> tuple[str, str]:
    reading = files.read(argument)
    assert reading.tableau is None
    (found,) = reading.diagnostics
    assert found.status == 2
    return found.code, found.help


def test_every_file_of_the_library_is_read_and_called_as_its_entry() -> None:
    paths = sorted(library.folder().glob("*.json"))
    assert len(paths) >= 18
    assert [e.path for e in files.catalog()] == paths
    for entry in files.catalog():
        reading = files.read(entry.name)
        assert reading.tableau is not None, reading.diagnostics
        assert not reading.diagnostics
        assert reading.source == str(entry.path)
        assert reading.tableau.name == entry.name == entry.path.stem
        assert (reading.tableau.title, reading.tableau.aliases) == (entry.title, entry.aliases)
        assert reading.tableau.stages == entry.stages


def test_no_name_or_alias_belongs_to_two_schemes() -> None:
    owner: dict[str, str] = {}
    for entry in files.catalog():
        for name in {"".join(n.split()).casefold() for n in (entry.name, *entry.aliases)}:
            assert owner.setdefault(name, entry.name) == entry.name, name


def test_claims_of_the_catalogue_are_as_written() -> None:
    claims = library.find("ssp3").claims
    assert (claims["order"], claims["ssp"], claims["variance"]) == (3, "1", "29/18")


@pytest.mark.parametrize("name", ["ssp3", "SSP3", "SSP33", "ssp33", "SSPRK(3,3)", "ssprk(3, 3)"])
def test_names_and_aliases(name: str) -> None:
    assert files.resolve(name) == library.folder() / "ssp3.json"


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    code, help = refused("midpiont")
    assert (code, help) == ("RK002", "did you mean midpoint?")
    assert refused("xyzzy42")[0] == "RK002"
    assert refused("")[0] == "RK002"


def test_what_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ssp3").write_text(EULER)
    assert files.load("ssp3").name == "mine"  # it exists
    assert refused("euler.json") == ("RK001", "the library holds the scheme euler: give the name alone")
    assert refused("./euler")[0] == "RK001"
    assert files.load("euler").name == "euler"


def test_a_missing_file_is_answered_with_a_similar_one(tmp_path: Path) -> None:
    (tmp_path / "scheme_a.json").write_text(EULER)
    code, help = refused(str(tmp_path / "schema_a.json"))
    assert (code, help) == ("RK001", f"did you mean {tmp_path / 'scheme_a.json'}?")


def test_folders(tmp_path: Path) -> None:
    for name in ("b.json", "a.JSON", "c.txt"):
        (tmp_path / name).write_text(EULER)
    (tmp_path / "d.json").mkdir()
    (tmp_path / "empty").mkdir()
    expected = ["ssp3", str(tmp_path / "a.JSON"), str(tmp_path / "b.json"), "-"]
    assert files.expand(["ssp3", str(tmp_path), "-"]) == expected
    assert files.expand([str(tmp_path / "empty")]) == [str(tmp_path / "empty")]
    assert refused(str(tmp_path / "empty"))[0] == "RK004"
    assert refused(str(tmp_path))[0] == "RK004"


def test_a_file_as_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(EULER)
    assert refused(str(tmp_path / "a.json" / "b.json"))[0] == "RK003"


@pytest.mark.parametrize("argument", ["\0", "a\0.json", "x" * 5000 + ".json", "\udcff.json", "-x", "~", "..", "/"])
def test_arguments_of_every_kind_are_refused_without_an_exception(argument: str) -> None:
    assert refused(argument)[0] in {"RK001", "RK002", "RK003", "RK004"}


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(EULER.encode())

    monkeypatch.setattr(sys, "stdin", Input)
    reading = files.read("-")
    assert (reading.source, reading.name) == ("-", "mine")
    assert [d.code for d in files.read("-").diagnostics] == ["RK101"]
    monkeypatch.setattr(sys, "stdin", None)
    assert refused("-")[0] == "RK003"


def test_an_endless_file_is_not_read_to_its_end() -> None:
    reading = files.read("/dev/zero")
    assert [d.code for d in reading.diagnostics] == ["RK106"]
    assert MOST_BYTES <= 1 << 20


def test_resolve_raises_for_a_name_alone() -> None:
    assert files.resolve(Path("nowhere")) == Path("nowhere")
    with pytest.raises(RkblocksError):
        files.resolve("nowhere")


CHECK = (
    "import sys; from rkblocks import files; {}; print([m for m in ('sympy', 'torch', 'numpy') if m in sys.modules])"
)


@pytest.mark.parametrize(
    ("statement", "loaded"),
    [
        ("assert files.catalog() and files.resolve('ssp3') and files.expand(['.'])", "[]"),
        ("files.load('ssp3')", "['sympy']"),
    ],
)
def test_what_is_imported(statement: str, loaded: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHECK.format(statement)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == loaded
