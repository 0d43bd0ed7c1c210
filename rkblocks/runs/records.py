"""What the small files of a run may say: a schema for each, by which it is checked whenever it is read.

Bytes are bounded before they are read, numbers before they are obeyed. A key that is not named here is kept and not
looked at, so that files of later versions can be read.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from msgspec import UNSET, DecodeError, Meta, Struct, UnsetType, convert, json

Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Tableaus = Annotated[str, Meta(pattern=r"^tableaus/[^/\\]{1,250}\.json$")]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Size = Annotated[int, Meta(ge=1, le=65_536)]
Share = Annotated[float, Meta(ge=0, le=1)]
Real = Annotated[float, Meta(ge=-1e308, le=1e308)]
Seconds = Annotated[float, Meta(ge=0, le=1e12)]
Seed = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Text = Annotated[str, Meta(max_length=10_000)]

MEGABYTE = 1 << 20
LIMITS = {"run.json": 16 * MEGABYTE, "metrics.jsonl": 256 * MEGABYTE, "evaluation": 64 * MEGABYTE}
"""Bytes of a file, far beyond what is ever written."""


class Images(Struct):
    """run.json, "data": which images. shape: channels, height, width; train, validation, test: how many there are."""

    shape: tuple[Size, Size, Size]
    classes: Annotated[list[Text], Meta(min_length=1, max_length=100_000)]
    name: Text = ""
    note: Text = ""
    train: Count = 0
    validation: Count = 0
    test: Count = 0


class Record(Struct):
    """run.json. groups: the file of each group's scheme; tableaus: the SHA-256 of these files; config: of config.toml,
    which runs of early versions lack; mean, std: of the first layer, a number a channel.
    """

    groups: Annotated[list[Tableaus], Meta(min_length=1, max_length=1000)]
    tableaus: dict[Tableaus, Hash]
    data: Images
    mean: list[Real] | None
    std: list[Annotated[float, Meta(gt=0, le=1e308)]] | None
    version: Literal[1] = 1
    config: Hash | UnsetType = UNSET
    parameters: Count | UnsetType = UNSET
    device: Text = ""
    versions: dict[str, Text] = {}

    def __post_init__(self) -> None:
        channels = self.data.shape[0]
        for name, values in (("mean", self.mean), ("std", self.std)):
            if values is not None and len(values) != channels:
                raise ValueError(f"Expected one number for each of {channels} channels - at `$.{name}`")
        if absent := [file for file in self.groups if file not in self.tableaus]:
            raise ValueError(f"Expected the SHA-256 of {absent[0]} - at `$.tableaus`")


class Epoch(Struct):
    """A line of metrics.jsonl; epochs count from 1."""

    epoch: Annotated[int, Meta(ge=1, le=10**9)]
    lr: Real | UnsetType = UNSET
    train_loss: Real | UnsetType = UNSET
    train_accuracy: Share | UnsetType = UNSET
    validation_clean: Share | UnsetType = UNSET
    validation_robust: Share | UnsetType = UNSET
    seconds: Seconds | UnsetType = UNSET
    best: bool | UnsetType = UNSET


class Entry(Struct):
    """A row of an evaluation: `accuracy` of `n` images under an attack; clean images have no threat model."""

    attack: Text
    threat: dict[str, Any] | None
    definition: Text
    n: Count
    accuracy: Share
    seed: Seed
    weights: Text
    interval: tuple[Share, Share] | UnsetType = UNSET
    versions: dict[str, Text] = {}

    def __post_init__(self) -> None:
        if (self.threat is None) != (self.attack == "clean"):
            raise ValueError("Expected a threat model, and null for clean images - at `$.threat`")
        for key in ("norm", "eps"):
            if self.threat is not None and not isinstance(self.threat.get(key), str):
                raise ValueError(f"Expected `str` - at `$.threat.{key}`")


class Check(Struct):
    """A health check of an evaluation."""

    check: Text
    ok: bool
    figure: Text | None
    advice: Text | None = None


class Worst(Struct, frozen=True):
    """ "worst" of an evaluation: the share of images that every row left correct."""

    accuracy: Share


class Measured(Struct, frozen=True):
    """ "data" of an evaluation: which images were measured."""

    name: Text = ""
    split: Text = ""
    n: Count = 0
    images: Text = ""


class Evaluation(Struct):
    """evaluations/NAME.json, without what only people read."""

    entries: Annotated[list[Entry], Meta(min_length=1)]
    data: Measured = Measured()
    worst: Worst | UnsetType = UNSET
    health: list[Check] = []
    run: Text = ""
    blocks: Text = ""


class Position(Struct):
    """resume.pt, "progress": see `training.checkpoint.Position`."""

    epoch: Count
    step: Count
    best: Annotated[float, Meta(ge=-1, le=1)]
    best_epoch: Count
    loss: Real
    correct: Count
    seen: Count
    seconds: Seconds


S = TypeVar("S")


class UnfitError(ValueError):
    """A file that does not say what it should: what was expected, and at which key."""


def read(path: Path, kind: str, schema: type) -> Any:
    """Return the JSON value of a file, checked. kind: a key of LIMITS. Raises OSError, UnfitError."""
    with open(path, "rb") as file:
        text = file.read(LIMITS[kind] + 1)
    if len(text) > LIMITS[kind]:
        raise UnfitError(f"it has more than {LIMITS[kind]} bytes")
    return parse(text, schema)


def parse(text: bytes, schema: type) -> Any:
    """Return the value of a JSON text as plain dictionaries and lists, checked. Raises UnfitError."""
    try:
        value = json.decode(text)
    except RecursionError:
        raise UnfitError("it is nested too deep") from None
    except (DecodeError, UnicodeDecodeError) as error:
        raise UnfitError(_words(error, None)) from None
    check(value, schema)
    return value


def check(value: object, schema: type[S]) -> S:
    """Return a value as its schema has it. Raises UnfitError with the key and what was expected there."""
    try:
        return convert(value, schema)
    except RecursionError:
        raise UnfitError("it is nested too deep") from None
    except (ValueError, OverflowError) as error:
        raise UnfitError(_words(error, value)) from None


def _words(error: Exception, value: object) -> str:
    """Return "data.shape[0] is 0, expected int >= 1" of msgspec's "Expected `int` >= 1 - at `$.data.shape[0]`"."""
    what, _, place = " ".join(str(error).split()).partition(" - at ")
    what, place = what.replace("`", "")[:200], place.strip("`").removeprefix("$").removeprefix(".")[:100]
    if not place:
        return what
    for key, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", place):
        try:
            value = value[int(index)] if index else value[key]  # type: ignore[index]
        except (LookupError, TypeError):  # a key of any name, or one that is absent
            return f"{place}: {what[:1].lower()}{what[1:]}"
    return f"{place} is {value!r:.80}, {what[:1].lower()}{what[1:]}"
