"""The JSON Schema that editors use says no more than the reader, and as much as a schema can."""

import json

import jsonschema
import pytest

from rkblocks import codes, files
from rkblocks.files import library
from rkblocks.files.claims import KEYS as CLAIMS
from rkblocks.files.nodes import KEYS, NAME
from rkblocks.files.parameters import MOST_PARAMETERS
from rkblocks.files.shapes import MOST_STAGES

SCHEMA = json.loads(library.schema())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

STRUCTURE = {
    *("RK130", "RK131", "RK132", "RK133", "RK134", "RK135", "RK138", "RK139", "RK140", "RK141", "RK142"),
    *("RK144", "RK145", "RK146", "RK202", "RK221"),
}
"""Codes whose failing files a schema can refuse."""

EXAMPLES = [
    (code, block.role, block.text)
    for code in codes.all_codes()
    if code < "RK300"
    for block in codes.entry(code).blocks
    if block.language == "json"
]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", [entry.name for entry in files.catalog()])
def test_the_library_and_what_the_writer_writes_are_valid(name: str) -> None:
    VALIDATOR.validate(json.loads(files.resolve(name).read_text()))
    VALIDATOR.validate(json.loads(files.to_json(files.load(name))))


@pytest.mark.parametrize("text", [text for code, role, text in EXAMPLES if role == "fails" and code in STRUCTURE])
def test_broken_structure_is_invalid(text: str) -> None:
    assert not VALIDATOR.is_valid(json.loads(text))


def test_each_structural_code_was_tried() -> None:
    assert {code for code, role, _ in EXAMPLES if role == "fails"} >= STRUCTURE


@pytest.mark.parametrize("text", [text for _, role, text in EXAMPLES if role == "repaired"])
def test_repaired_files_are_valid(text: str) -> None:
    VALIDATOR.validate(json.loads(text))


def test_keys_and_bounds_are_the_readers() -> None:
    assert set(SCHEMA["properties"]) == set(KEYS)
    assert set(SCHEMA["$defs"]["claims"]["properties"]) == set(CLAIMS)
    assert SCHEMA["properties"]["name"]["pattern"] == f"^{NAME.pattern}$"
    assert SCHEMA["properties"]["parameters"]["maxProperties"] == MOST_PARAMETERS
    assert SCHEMA["$defs"]["vector"]["maxItems"] == MOST_STAGES


def test_every_property_is_described() -> None:
    for place in (SCHEMA, SCHEMA["$defs"]["parameter"], SCHEMA["$defs"]["claims"]):
        for name, property in place["properties"].items():
            target = SCHEMA["$defs"][property["$ref"].split("/")[-1]] if set(property) == {"$ref"} else property
            assert target.get("description"), name
