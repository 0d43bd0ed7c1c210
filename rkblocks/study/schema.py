"""The schemas of recipes and of study files, which ship as JSON beside what they describe.

`python -m rkblocks.study.schema` writes them. They follow from the declarations of the settings; a test holds the files
to them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from rkblocks.files.library import SCHEMAS
from rkblocks.runs.config import Config
from rkblocks.settings import schema
from rkblocks.settings.options import LARGEST_SEED
from rkblocks.settings.reader import between
from rkblocks.settings.schema import Schema
from rkblocks.settings.threat import OPTIONS
from rkblocks.study.contrasts import LONGEST
from rkblocks.study.correlation import FACTS
from rkblocks.study.grid import CALLS
from rkblocks.study.keys import MOST_BLOCKS, SEED, SHORT
from rkblocks.study.plan import Evaluation, Fields
from rkblocks.study.spec import Head, Health, Resources


def preset() -> Schema:
    """Return the schema of a recipe: what `rkblocks train --preset FILE.toml` reads."""
    return _titled("A recipe of rkblocks: every setting of a training", schema.of(Config))


def study() -> Schema:
    """Return the schema of a study file: what `rkblocks study FILE.toml` reads."""
    settings = _settings()
    shared = {key: {"$ref": f"#/definitions/{key}"} for key in settings}
    calls = schema.value(int, between(1, MOST_BLOCKS)) | {"description": "calls of F in a group; the depth follows"}
    name = {"type": "string", "description": "name of the cell, where that of its settings will not do"}
    evaluation = schema.of(Evaluation)
    evaluation["properties"]["attacks"] = schema.tables(_attack())
    parts = {
        **schema.of(Head)["properties"],
        "set": schema.table(shared, "Settings of all networks that differ from the recipe."),
        "grid": schema.table(
            {**_settings(_axis), CALLS: _axis(calls), "seeds": _seeds()}, "Schemes, seeds and any other setting."
        ),
        "cell": schema.tables(schema.table({**shared, CALLS: calls, "name": name}, "A cell besides the grid.")),
        "exclude": schema.tables(schema.table({**shared, CALLS: calls}, "Combinations to be left out.")),
        "evaluation": evaluation,
        "paper": _paper(),
        "contrast": schema.tables(_compared("pairs", '[["ssp2", "midpoint"]]', most=2)),
        "trend": schema.tables(_trend()),
        "health": schema.of(Health),
        "resources": schema.of(Resources),
    }
    found = schema.table(parts, "A grid of networks: trained, attacked, and put in one table.")
    return _titled("A study of rkblocks", {**found, "required": ["preset"], "definitions": settings})


FILES: Final[Mapping[str, Callable[[], Schema]]] = {"preset": preset, "study": study}


def text(make: Callable[[], Schema]) -> str:
    """Return the content of a schema's file."""
    return json.dumps(make(), indent=1, ensure_ascii=True) + "\n"


def _titled(title: str, found: Schema) -> Schema:
    return {"$schema": schema.DRAFT, "title": title, **found}


def _settings(leaf: Callable[[Schema], Schema] = dict) -> dict[str, Schema]:
    """Return the settings by section as a study has them, short names besides; `leaf` is applied to each."""
    seed_section, _, seed = SEED.partition(".")
    found = schema.of(Config)["properties"]
    del found[seed_section]["properties"][seed]  # seeds are of the grid
    short = {name: leaf(_at(found, long)) for name, long in SHORT.items()}
    for section in found.values():
        section["properties"] = {name: leaf(one) for name, one in section["properties"].items()}
    both = {name: {"anyOf": [one, found[name]]} for name, one in short.items() if name in found}
    return {**found, **short, **both}


def _at(sections: Mapping[str, Schema], key: str) -> Schema:
    section, _, name = key.partition(".")
    found: Schema = sections[section]["properties"][name]
    return found


def _axis(one: Schema) -> Schema:
    return {
        "description": one.get("description", ""),
        "anyOf": [one, {"type": "array", "items": one, "minItems": 1}],
    }


def _seeds() -> Schema:
    numbers = schema.value(tuple[int, ...], between(0, LARGEST_SEED))
    return {**numbers, "description": "a network is trained for each", "default": [0]}


def _attack() -> Schema:
    """Return the schema of one of [[evaluation.attacks]]; a budget may also be a number."""
    found = schema.of(Fields)
    found["description"] = "An attack with its threat model; what is absent is of the data set's budget."
    for name, one in OPTIONS.items():
        if one.kind == "fraction":
            found["properties"][name] = {**found["properties"][name], "type": ["string", "number"]}
    return found


def _paper() -> Schema:
    numbers = {"type": "array", "items": schema.value(float, between(0, 1))}
    return schema.table(
        {
            "source": {"type": "string", "description": "of the numbers"},
            "columns": {"type": "array", "items": {"type": "string"}, "description": "clean, pgd20, …"},
            "rows": {
                "type": "object",
                "additionalProperties": numbers,
                "description": "numbers of a cell, by its name",
            },
        },
        "Numbers of a publication, printed beside.",
    )


def _compared(key: str, example: str, most: int | None = None) -> Schema:
    """Return the schema of a named table whose `key` is a list of lists of two or more schemes."""
    schemes: Schema = {"type": "array", "items": {"type": "string"}, "minItems": 2}
    schemes |= {} if most is None else {"maxItems": most}
    name = {"type": "string", "minLength": 1, "maxLength": LONGEST}
    listed = {"type": "array", "items": schemes, "minItems": 1, "description": example}
    return {**schema.table({"name": name, key: listed}, "Schemes to compare."), "required": ["name", key]}


def _trend() -> Schema:
    found = _compared("ladders", '[["midpoint", "ssp2"]]')
    found["properties"]["property"] = {"enum": list(FACTS), "description": "what moves along the ladders"}
    return {**found, "required": [*found["required"], "property"]}


if __name__ == "__main__":
    for kind, make in FILES.items():
        SCHEMAS[kind].write_text(text(make), encoding="utf-8")
