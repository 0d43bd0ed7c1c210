"""The schemas for editors: in step with the declarations, true of every file there is, and of no mind of their own."""

import copy
import json
import tomllib
import typing
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkblocks.files import library
from rkblocks.runs.config import Config
from rkblocks.settings import reader
from rkblocks.settings import schema as settings_schema
from rkblocks.study import schema
from rkblocks.study.spec import SECTIONS

ROOT = Path(__file__).resolve().parents[2]
VALIDATORS = {kind: jsonschema.Draft7Validator(json.loads(library.schema(kind))) for kind in ("preset", "study")}
PRESETS = sorted((ROOT / "rkblocks" / "presets").glob("*.toml"))
STUDIES = sorted([*(ROOT / "studies").glob("*.toml"), *(ROOT / "docs" / "results").glob("*/study.toml")])
FILES = [("preset", path) for path in PRESETS] + [("study", path) for path in STUDIES]


def table(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", ["preset", "study"])
def test_the_file_follows_from_the_declarations(kind: str) -> None:
    """`python -m rkblocks.study.schema` brings it up to date."""
    assert library.schema(kind) == schema.text(schema.FILES[kind])
    jsonschema.Draft7Validator.check_schema(json.loads(library.schema(kind)))


@pytest.mark.parametrize(("kind", "path"), FILES, ids=lambda value: str(getattr(value, "parent", value))[-12:])
def test_every_recipe_and_study_is_valid(kind: str, path: Path) -> None:
    assert [f"{e.json_path}: {e.message}" for e in VALIDATORS[kind].iter_errors(table(path))] == []


def test_there_are_recipes_and_studies() -> None:
    assert len(PRESETS) >= 10
    assert len(STUDIES) >= 10


@pytest.mark.parametrize(
    ("kind", "where", "value"),
    [
        ("preset", ("nett",), {}),
        ("preset", ("net", "dept"), 3),
        ("preset", ("net", "depth"), "3"),
        ("preset", ("net", "depth"), 0),
        ("preset", ("net", "norm"), "layer"),
        ("preset", ("net", "widths"), [8, 1.5]),
        ("preset", ("data", "flip"), "yes"),
        ("preset", ("data", "validation"), 1.0),
        ("preset", ("optimizer", "lr"), 0),
        ("preset", ("attack", "eps"), "8 of 255"),
        ("preset", ("attack", "eps"), -0.1),
        ("study", ("prest",), "digits"),
        ("study", ("preset",), 3),
        ("study", ("grid", "seeds"), [-1]),
        ("study", ("grid", "depth"), [1, "two"]),
        ("study", ("grid", "depth"), []),
        ("study", ("grid", "attack"), {"step": ["fast"]}),
        ("study", ("set", "training"), {"seed": 1}),
        ("study", ("set", "net"), {"norm": "layer"}),
        ("study", ("cell",), {"blocks": "ssp3"}),
        ("study", ("exclude",), [{"block": "ssp3"}]),
        ("study", ("evaluation", "split"), "all"),
        ("study", ("evaluation", "attacks"), [{"attack": "nothing"}]),
        ("study", ("evaluation", "attacks"), [{"steps": 1.5}]),
        ("study", ("paper", "rows"), {"euler": [2.0]}),
        ("study", ("contrast",), [{"name": "a", "pairs": [["ssp2"]]}]),
        ("study", ("trend",), [{"name": "a", "property": "colour", "ladders": [["midpoint", "ssp2"]]}]),
        ("study", ("trend",), [{"name": "a", "property": "ssp", "ladders": [["ssp2"]]}]),
        ("study", ("resources", "cpus"), 0),
    ],
)
def test_a_wrong_one_is_not(kind: str, where: tuple[str, ...], value: Any) -> None:
    path = ROOT / ("rkblocks/presets" if kind == "preset" else "studies") / "digits.toml"
    good = table(path)
    assert VALIDATORS[kind].is_valid(good)
    bad = copy.deepcopy(good)
    place = bad
    for key in where[:-1]:
        place = place.setdefault(key, {})
    place[where[-1]] = value
    assert not VALIDATORS[kind].is_valid(bad)


def test_a_study_without_a_recipe_is_not() -> None:
    assert not VALIDATORS["study"].is_valid({"grid": {"blocks": ["ssp3"]}})


def test_the_sections_of_a_study_are_those_it_reads() -> None:
    assert set(SECTIONS) == set(schema.study()["properties"]) - {"name", "title", "preset"}


HINTS = {
    (section, field.name): (typing.get_type_hints(kind)[field.name], field.metadata["check"])
    for section, kind in typing.get_type_hints(Config).items()
    for field in kind.__dataclass_fields__.values()
}
VALUES = st.one_of(
    st.booleans(),
    st.integers(-3, 70_000),
    st.floats(-3, 70, allow_nan=False).filter(lambda x: not x.is_integer()),
    st.sampled_from(["sgd", "8/255", "0.1", "1/0", "", "auto", "linf", "none", "1e-3", "3,4"]),
)


@given(st.sampled_from(sorted(HINTS)), VALUES | st.lists(VALUES, max_size=3))
def test_the_schema_refuses_nothing_that_the_reader_takes(key: tuple[str, str], value: Any) -> None:
    kind, check = HINTS[key]
    taken = not isinstance(reader.convert(value, kind, check), reader.Unfit)
    valid = jsonschema.Draft7Validator(settings_schema.value(kind, check)).is_valid(value)
    assert valid or not taken
    if not isinstance(value, str | list):  # of text and lists the reader knows more
        assert valid == taken


def test_each_setting_has_a_description_and_its_default() -> None:
    for section, found in schema.preset()["properties"].items():
        for name, one in found["properties"].items():
            assert one["description"], f"{section}.{name}"
            assert "default" in one, f"{section}.{name}"
            assert VALIDATORS["preset"].is_valid({section: {name: one["default"]}}), f"{section}.{name}"


def test_taplo_is_told_of_both() -> None:
    rules = table(ROOT / ".taplo.toml")["rule"]
    told = {
        str(path): ROOT / rule["schema"]["path"]
        for rule in rules
        for glob in rule["include"]
        for path in ROOT.glob(glob)
    }
    assert told == {str(path): library.SCHEMAS[kind] for kind, path in FILES}


def test_the_entries_for_schemastore_name_the_schemas() -> None:
    entries = json.loads((ROOT / "docs" / "schemastore.json").read_text(encoding="utf-8"))["schemas"]
    assert [entry["url"].rpartition("/")[2] for entry in entries] == [path.name for path in library.SCHEMAS.values()]
    for entry in entries:
        assert entry["name"]
        assert entry["fileMatch"]
        assert entry["description"]
