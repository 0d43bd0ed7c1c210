"""JSON Schema of settings, from their own declarations: types, ranges, defaults, meanings; for editors.

An editor completes and marks with it while one types. The reader finds more: what a file needs beside what each key may
be. Draft 7, which Taplo (TOML) reads.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from rkblocks.settings.reader import Check, plain

Schema = dict[str, Any]
DRAFT = "http://json-schema.org/draft-07/schema#"
NUMBER = r"^\s*[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?(/[0-9]+)?\s*$"
"""A number as text: 8/255, 0.1, 1e-3."""
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def of(cls: type) -> Schema:
    """Return the schema of a table that `reader.read` makes this dataclass of; no key beside its fields."""
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(typing.cast(Any, cls))}
    return table(
        {name: _of_field(hints[name], field) for name, field in fields.items()}, " ".join((cls.__doc__ or "").split())
    )


def table(properties: Mapping[str, Schema], description: str) -> Schema:
    """Return the schema of a table with these keys and no others."""
    return {
        "type": "object",
        "description": description,
        "properties": dict(properties),
        "additionalProperties": False,
    }


def tables(one: Schema) -> Schema:
    """Return the schema of a list of tables, [[key]]."""
    return {"type": "array", "items": one}


def value(kind: Any, check: Check | None) -> Schema:
    """Return the schema of a value of this type in this range: what `reader.convert` takes of a TOML file."""
    if typing.get_origin(kind) is tuple:
        entry = value(typing.get_args(kind)[0], check)
        return {"anyOf": [entry, {"type": "array", "items": entry}, {"type": "string"}]}
    limits = dict(check.schema) if check is not None else {}
    if kind is Fraction:
        return {"type": ["number", "string"], "pattern": NUMBER, **limits}
    return {"type": _TYPES[kind], **limits}


def _of_field(kind: Any, field: dataclasses.Field[Any]) -> Schema:
    if dataclasses.is_dataclass(kind):
        return of(typing.cast(type, kind))
    found = {"description": field.metadata["meaning"], **value(kind, field.metadata["check"])}
    return found if field.default in (None, dataclasses.MISSING) else {**found, "default": plain(field.default)}
