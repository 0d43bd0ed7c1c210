"""What `evaluate` is asked for beside images and weights (subject.Images): which attacks, and how they are run.

Each part is checked by itself, before anything is opened, and handed on whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Final

from rkblocks.diagnostics import RkblocksError, fail
from rkblocks.progress import Progress
from rkblocks.settings.options import check_progress, check_sizes, check_types, ignored, unread
from rkblocks.settings.plan import Item, Missing, base_threat, missing_rows, preset_plan
from rkblocks.settings.threat import OPTIONS

BUDGET: Final = ("norm", "eps", "step", "loss")  # what changes a preset as well


@dataclass(frozen=True)
class Running:
    """Where and how: device, images at once, images of the health checks, what is kept, and who listens."""

    device: str
    batch: int
    probe: int
    save: bool
    resume: bool
    corruptions: bool
    progress: Progress | None
    save_images: int = 0

    def check(self) -> None:
        """Raise RkblocksError RK822 or RK823 for a value that is none."""
        check_types({name: value for name, value in vars(self).items() if name != "progress"})
        check_progress(self.progress)
        check_sizes(self.batch, self.probe)
        if self.save_images < 0:
            fail("RK823", f"save_images is {self.save_images}; expected a number of images", help="use 0 for none")


@dataclass(frozen=True)
class Search:
    """What is to be run: the rows of a preset, or one attack. budget, search: fields of the threat model, None where
    they are not given; budget changes a preset as well, search belongs to one attack.
    """

    preset: str
    attack: str | None
    definition: str | None
    budget: Mapping[str, Any]
    search: Mapping[str, Any]

    @classmethod
    def of(cls, preset: str, attack: str | None, definition: str | None, given: Mapping[str, Any]) -> Search:
        """Return the search with these options by name. Raises RkblocksError RK822 for a name that is none."""
        for name in given:
            if name not in OPTIONS:
                near = get_close_matches(name, OPTIONS, n=1)
                known = f"did you mean {near[0]}?" if near else f"the options of a search are {', '.join(OPTIONS)}"
                fail("RK822", f"evaluate has no option {name!r}", help=known)
        values = {name: given.get(name) for name in OPTIONS}
        budget = {name: values.pop(name) for name in BUDGET}
        return cls(preset, attack, definition, budget, values)

    @property
    def name(self) -> str:
        """The name of the evaluation's files."""
        return self.preset if self.attack is None else self.attack

    def rows(self, dataset: str, classes: int | None = None) -> tuple[tuple[Item, ...], tuple[Missing, ...]]:
        """Return the rows for a data set, and those that cannot be run here; targets are wrong classes of the model."""
        source = self.search.get("source")
        own = {**self.search, "source": None if source is None else str(source)}
        threat = base_threat(dataset, **self.budget, **own)
        if self.attack is None:
            return preset_plan(self.preset, threat, dataset), missing_rows(self.preset, threat)
        item = Item(self.attack, threat, self.definition or "final")
        targets = item.threat.targets
        if classes is not None and isinstance(targets, int) and targets >= classes:
            item = replace(item, threat=replace(item.threat, targets=classes - 1))
        return (item,), ()

    def check(self) -> None:
        """Raise RkblocksError RK801 to RK806, RK810 to RK813, RK820, RK822 for what does not exist or fit, RK821 for
        options that would be ignored: those of an attack beside a preset, and what the attack does not read (steps of
        FGSM).
        """
        values = {"preset": self.preset, "attack": self.attack, "definition": self.definition}
        check_types({**values, **self.budget, **self.search})
        search = {name: value for name, value in self.search.items() if value is not None}
        if self.attack is None and (search or self.definition is not None):
            given = [*search, *(["definition"] if self.definition is not None else [])]
            fail(
                "RK821",
                f"{', '.join(given)} belongs to a single attack, but preset {self.preset!r} has its own",
                help="name the attack as well, for example --attack pgd",
            )
        self.rows("cifar10")  # raises for what no data set has
        if self.attack is None:
            return
        unused = unread(self.attack, (*search, *self._own()))
        if unused:
            raise RkblocksError([ignored(self.attack, unused)])

    def _own(self) -> list[str]:
        return [name for name in ("step", "loss") if self.budget.get(name) is not None]
