"""What a study measures: the attacks of its evaluation, and the column that each is in the table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields, make_dataclass
from typing import Any, Final

from rkblocks.diagnostics import Diagnostic
from rkblocks.settings import reader
from rkblocks.settings.attacks import ATTACKS, DEFINITIONS, lookup
from rkblocks.settings.fractions import fraction_text
from rkblocks.settings.options import LARGEST_SEED, ignored, unread
from rkblocks.settings.plan import Item, base_threat, missing_rows, preset_plan
from rkblocks.settings.reader import at_least, between, choice, setting
from rkblocks.settings.threat import OPTIONS, said


@dataclass(frozen=True)
class Evaluation:
    """[evaluation]: the rows of a preset of `evaluate`, unless [[evaluation.attacks]] names its own."""

    preset: str = setting("standard", "paper, standard or quick; see `rkblocks evaluate`")
    eps: str = setting("", 'radius, "8/255"; empty: the data set\'s')
    step: str = setting("", "length of a step; empty: the data set's, in proportion to eps")
    norm: str = setting("linf", "linf, l2 or l1")
    split: str = setting("test", "which images", choice("test", "validation", "train"))
    limit: int = setting(0, "at most so many images, drawn with the seed; 0: all", at_least(0))
    seed: int = setting(0, "of the attacks and of that choice: the same for all networks", between(0, LARGEST_SEED))
    weights: str = setting("best", "best on the validation images, or last", choice("best", "last"))
    probe: int = setting(100, "images of the health checks; 0: none", at_least(0))
    batch: int = setting(256, "images at once", at_least(1))


#: Kind of an option of a search -> its type in a study file. A run to transfer from is no key of it.
KINDS: Final = {"name": str, "fraction": str, "count": int, "flag": bool, "targets": int}
_NAMES = choice(*(name for name, attack in ATTACKS.items() if not attack.transfers))
#: The keys of [[evaluation.attacks]]; one that is absent has the value of the data set's budget.
Fields: Final[Any] = make_dataclass(
    "Fields",
    [
        ("attack", str, setting("pgd", "as `evaluate --attack` takes it", _NAMES)),
        ("definition", str, setting("final", "final: last iterate; any: any iterate", choice(*DEFINITIONS))),
        *(
            (name, KINDS[one.kind], setting(None, one.meaning, at_least(one.least) if KINDS[one.kind] is int else None))
            for name, one in OPTIONS.items()
            if one.kind in KINDS
        ),
    ],
    frozen=True,
)


@dataclass(frozen=True)
class Attack:
    """One table of [[evaluation.attacks]]: the keys that it has."""

    given: Mapping[str, Any]

    @classmethod
    def read(cls, table: Mapping[str, Any], place: str, problems: list[Diagnostic]) -> Attack:
        """The table with its keys and values checked; RK703, RK704, and RK821 (not read by the attack) are appended."""
        numbers = (
            name for name, one in OPTIONS.items() if one.kind == "fraction" and type(table.get(name)) in (int, float)
        )
        found = reader.read(Fields, {**table, **{name: str(table[name]) for name in numbers}}, problems, place)
        given = {one.name: getattr(found, one.name) for one in fields(Fields) if one.name in table}
        if unused := unread(found.attack, (name for name in given if name not in ("attack", "definition"))):
            problems.append(ignored(found.attack, unused, path=f"{place}{unused[0]}"))
        return cls(given)

    def item(self, dataset: str) -> Item:
        """The row of an evaluation on this data set. Raises RkblocksError for an unfit threat model."""
        threat = {key: value for key, value in self.given.items() if key not in ("attack", "definition")}
        return Item(
            self.given.get("attack", "pgd"), base_threat(dataset, **threat), self.given.get("definition", "final")
        )


@dataclass(frozen=True)
class Column:
    """A column of the table. key: pgd20; title: PGD-20; item: None for clean images."""

    key: str
    title: str
    item: Item | None

    def is_of(self, entry: Mapping[str, Any]) -> bool:
        """Whether an entry of an evaluation measured this very thing: attack, threat model and definition."""
        if self.item is None:
            return bool(entry["attack"] == "clean")
        wanted = (self.item.attack, self.item.threat.to_dict(), self.item.definition)
        return (entry["attack"], entry["threat"], entry["definition"]) == wanted


def columns(evaluation: Evaluation, attacks: tuple[Attack, ...], dataset: str) -> tuple[Column, ...]:
    """The columns of an evaluation on this data set, clean first. Raises what presets and threat models raise."""
    if attacks:
        items = tuple(attack.item(dataset) for attack in attacks)
    else:
        threat = base_threat(dataset, eps=evaluation.eps or None, step=evaluation.step or None, norm=evaluation.norm)
        for row in missing_rows(evaluation.preset, threat):  # a table without one of its columns is another table
            lookup(row.attack, threat)
        items = preset_plan(evaluation.preset, threat, dataset)
    words = [_words(item) for item in items]
    often = Counter(map(tuple, words))
    for item, own in zip(items, words, strict=True):
        if often[tuple(own)] > 1:  # one attack at several radii
            own.append(f"eps {fraction_text(item.threat.eps)}")
    for number, own in enumerate(words):
        if (same := words[:number].count(own)) > 0:  # what differs has no word
            own.append(f"({same + 1})")
    return (Column("clean", "clean", None), *map(_column, items, words))


WORST: Final = Column("worst", "every attack", None)
"""What no attack of the others breaks, image by image: made of their outcomes, and measured by none."""
NAMES: Final = {"fgsm": "FGSM", "pgd": "PGD", "apgd": "APGD", "autoattack": "AutoAttack"}


def _words(item: Item) -> list[str]:
    threat = item.threat
    name = NAMES.get(item.attack, item.attack)
    searching = "steps" in ATTACKS[item.attack].options
    words = [f"{name}-{threat.steps}" if searching else name]
    words += [item.definition] if searching and item.definition != "final" else []
    words += said(vars(threat), ("restarts", "loss"))  # the keys of results that are stored have no others
    return words + ([threat.norm] if threat.norm != "linf" else [])


def _column(item: Item, words: list[str]) -> Column:
    key = re.sub(r"[ ()]", "", "-".join(words).lower().replace("pgd-", "pgd").replace("/", "_"))
    return Column(key, " ".join(words), item)
