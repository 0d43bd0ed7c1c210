"""Which attacks an evaluation runs: named presets around the budget of the data set, or one attack given in full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from rkblocks.diagnostics import fail
from rkblocks.settings.attacks import ATTACKS, lookup
from rkblocks.settings.data import data_set
from rkblocks.settings.options import check_sizes, check_types
from rkblocks.settings.threat import Threat, fraction_text, said

BATCH: Final = 256  # images at once


@dataclass(frozen=True)
class Item:
    """One row of an evaluation: an attack, its threat model as the attack really uses it, what counts as success."""

    attack: str
    threat: Threat
    definition: str = "final"

    def __post_init__(self) -> None:
        _, effective = lookup(self.attack, self.threat, self.definition)
        object.__setattr__(self, "threat", effective)

    @property
    def label(self) -> str:
        """A short name that tells the rows of one table apart: "pgd20 linf 8/255 any x5 margin"."""
        threat, reads = self.threat, ATTACKS[self.attack].options
        steps = str(threat.steps) if "steps" in reads else ""
        extras = [self.definition] if "steps" in reads else []
        extras += said(vars(threat), reads)
        return " ".join([self.attack + steps, threat.norm, fraction_text(threat.eps), *extras])


@dataclass(frozen=True)
class Missing:
    """A row that cannot be run here, why, and what to do about it. row: its label, where it was tried."""

    attack: str
    reason: str
    help: str
    row: str = ""

    def to_dict(self) -> dict[str, str]:
        own = {"row": self.row} if self.row else {}
        return {"attack": self.attack, "reason": self.reason, "help": self.help, **own}


@dataclass(frozen=True)
class Plan:
    """What an evaluation does with a subject: the attacks, those that were wanted and cannot be run, the seed of all
    that is random, images at once, images of the health checks (0: none), and whether common corruptions are measured.
    """

    items: tuple[Item, ...]
    missing: tuple[Missing, ...] = ()
    seed: int = 0
    batch: int = BATCH
    probe: int = 100
    corruptions: bool = False

    def __post_init__(self) -> None:
        check_types({name: getattr(self, name) for name in ("seed", "batch", "probe", "corruptions")})
        check_sizes(self.batch, self.probe)


def missing(attack: str, norm: str) -> Missing | None:
    """Return why this attack cannot be run here, whatever the model, or None if it can."""
    entry = ATTACKS[attack]
    if not entry.available:
        return Missing(attack, f"{entry.module} is not installed", f"pip install 'rkblocks[{entry.extra}]'")
    if norm not in entry.norms:
        return Missing(attack, f"it does not know the norm {norm}", f"it knows {', '.join(entry.norms)}")
    return None


def stand_ins(threat: Threat) -> tuple[Item, ...]:
    """Return the rows that stand in for AutoAttack where it cannot attack a model (RK818): its APGD and Square, by our
    own functions, which take any shape, type, box and number of classes; the targeted loss is the margin.
    """
    whole = replace(threat, steps=100, restarts=1)
    changes: tuple[tuple[str, dict[str, Any]], ...] = (
        ("apgd", {"loss": "ce", "targets": None}),
        ("apgd", {"loss": "margin", "targets": 9}),
        ("square", {"queries": 5000}),
    )
    return tuple(Item(attack, replace(whole, **own), "any") for attack, own in changes)


#: Classes that the targeted loss of AutoAttack needs (Croce & Hein 2020, eq. 7: it looks at the four largest logits).
LEAST_CLASSES: Final = 4

Row = tuple[str, Mapping[str, Any], str]
#: preset -> rows of (attack, changes to the base threat model, definition); `paper` depends on the data set as well.
PRESETS: Final[dict[str, tuple[Row, ...]]] = {
    "standard": (
        ("noise", {"restarts": 10}, "any"),
        ("fgsm", {}, "final"),
        ("pgd", {"steps": 20}, "final"),
        ("pgd", {"steps": 20}, "any"),
        ("pgd", {"steps": 100, "restarts": 5}, "any"),
        ("pgd", {"steps": 100, "restarts": 5, "loss": "margin"}, "any"),
        ("autoattack", {}, "any"),
    ),
    "quick": (
        ("fgsm", {}, "final"),
        ("pgd", {"steps": 20}, "final"),
    ),
}


def base_threat(dataset: str, **given: Any) -> Threat:
    """Return the threat model of a data set's budget with the `given` fields changed (those that are not None).

    A given eps without a step scales the data set's step, so that the ratio of both stays.
    """
    eps, step = data_set(dataset).budget
    changes = {name: value for name, value in given.items() if value is not None}
    threat = Threat(eps=eps, step=step)  # type: ignore[arg-type]
    if "eps" in changes and "step" not in changes:
        threat = threat.with_eps(changes.pop("eps"))
    return replace(threat, **changes)


def preset_plan(preset: str, threat: Threat, dataset: str = "") -> tuple[Item, ...]:
    """Return the rows of a preset around this threat model that can be run here (see `missing_rows`).

    Raises RkblocksError RK820 for an unknown preset.
    """
    rows = _rows(preset, dataset)
    possible = (row for row in rows if missing(row[0], threat.norm) is None)
    return tuple(Item(attack, replace(threat, **changes), how) for attack, changes, how in possible)


def missing_rows(preset: str, threat: Threat) -> tuple[Missing, ...]:
    """Return the rows of a preset that cannot be run here. Raises RkblocksError RK820 for an unknown preset."""
    names = dict.fromkeys(attack for attack, _, _ in _rows(preset, ""))
    found = (missing(attack, threat.norm) for attack in names)
    return tuple(one for one in found if one is not None)


def _rows(preset: str, dataset: str) -> tuple[Row, ...]:
    if preset == "paper":
        steps = data_set(dataset).paper_steps
        return (("fgsm", {}, "final"), *(("pgd", {"steps": count}, "final") for count in steps))
    if preset not in PRESETS:
        known = ", ".join(("paper", *PRESETS))
        fail("RK820", f"there is no preset {preset!r}; expected one of {known}", help="choose --preset standard")
    return PRESETS[preset]
