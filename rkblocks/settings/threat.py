"""The threat model: what an attack may do, as one frozen and validated value.

A robust accuracy without its threat model is noise, so everything that shapes the number is in here, exactly (eps and
step as fractions), and goes into every report.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from math import ceil
from typing import Any, Final

from rkblocks.diagnostics import fail
from rkblocks.settings.fractions import LARGEST as LARGEST
from rkblocks.settings.fractions import fraction_text as fraction_text
from rkblocks.settings.fractions import parse_fraction as parse_fraction

NORMS = ("linf", "l2", "l1")
LOSSES = ("ce", "margin", "dlr")
LEAST_LIKELY = "least-likely"
LEVELS = 255  # steps of an 8-bit image from 0 to 1
MAX_ITERATIONS = 1_000_000  # a budget beyond this is a slip of the keyboard, not an evaluation


@dataclass(frozen=True)
class Option:
    """What an option of a search is to those who read it: kind (fraction, count, flag, name, targets or run), meaning
    and metavar of its command line option, and words ("{} queries") beside an attack where its value is not `usual`.
    of: the attacks that it is for, if it is no option of every search, with the value that each fills in where none is
    given (None: none). least: of a count.
    """

    kind: str
    meaning: str
    metavar: str = ""
    words: str = ""
    usual: Any = None
    of: Mapping[str, Any] = field(default_factory=dict)
    least: int = 1

    @property
    def help(self) -> str:
        """What the command line says of it."""
        return f"{self.meaning}; for {', '.join(self.of)}." if self.of else self.meaning

    def said(self, value: Any) -> str:
        """Return the words for a value, "" where it is the usual one or there are none."""
        return self.words.format(value) if self.words and value not in (None, self.usual) else ""


def option(default: Any, kind: str, meaning: str, **own: Any) -> Any:
    """Return a field of Threat that users may set: all that command line, study files, checks and labels need is said
    here, once.
    """
    return field(default=default, metadata={"option": Option(kind, meaning, **own)})


@dataclass(frozen=True)
class Threat:
    """A threat model with the settings of the attack that searches it.

    norm: linf, l2 or l1, taken per example over all its pixels; eps: radius of the ball; steps, step: number and
    length of the ascent steps (in the norm's unit; step None means eps/4); restarts: independent searches;
    random_start: begin at a uniform random point of the ball; loss: ce (cross-entropy), margin (best wrong logit
    minus the right one) or dlr (Croce & Hein 2020, eq. 6); bounds: the box of valid pixels. eps, step and bounds may
    be given as "8/255", and are kept as Fractions. The rest belongs to single attacks, which fill in their own value
    for None, and leave None where a field means nothing to them (attacks.Attack.fitted): targets: the number of wrong
    classes aimed at in turn, those of largest clean logit, or "least-likely"; decay: of the momentum; queries: forward
    passes that an attack without gradients may spend on an example; source: the name of the model that examples are
    transferred from; rounded: every iterate is an 8-bit image of ball and box, as the published evaluation rounds after
    every step; eot: passes that a pass of the attack averages, for a model with randomness of its own.
    Raises RkblocksError RK802 to RK806 and RK813, one code per kind of field.
    """

    norm: str = option("linf", "name", "linf, l2 or l1.", metavar="NORM")
    eps: Fraction = option(  # noqa: RUF009 (a field)
        Fraction(8, 255), "fraction", "Radius of the ball, for example 8/255.  [default: the data set's]"
    )
    steps: int = option(20, "count", "Steps of PGD.", metavar="K", least=0)
    step: Fraction | None = option(None, "fraction", "Length of a step.")  # noqa: RUF009 (a field)
    restarts: int = option(1, "count", "Independent searches; the worst counts.", metavar="R", words="x{}", usual=1)
    random_start: bool = option(True, "flag", "Begin at a random point of the ball.")
    loss: str = option("ce", "name", "ce, margin or dlr.", metavar="NAME", words="{}", usual="ce")
    bounds: tuple[Fraction, Fraction] = (Fraction(0), Fraction(1))
    targets: int | str | None = option(
        None,
        "targets",
        "Aim at K wrong classes in turn, or at least-likely",
        metavar="K",
        words="{} targets",
        of={"targeted": 9, "apgd": None},
    )
    decay: Fraction | None = option(  # noqa: RUF009 (a field)
        None,
        "fraction",
        "Of the momentum",
        metavar="NUMBER",
        words="decay {}",
        usual=1,
        of={"momentum": Fraction(1), "transfer": None},
    )
    queries: int | None = option(
        None, "count", "Forward passes for each image", metavar="Q", words="{} queries", of={"square": 5000}
    )
    source: str | None = option(
        None, "run", "The run that the examples are made on", metavar="RUN", words="from {}", of={"transfer": None}
    )
    eot: int | None = option(
        None,
        "count",
        "Average N passes of a randomised model in each of the attack.",
        metavar="N",
        words="mean of {} passes",
    )
    rounded: bool | None = option(
        None,
        "flag",
        "Round to 8-bit images of the ball after every step",
        words="8 bit",
        of=dict.fromkeys(("fgsm", "pgd", "momentum", "targeted", "transfer")),
    )

    def __post_init__(self) -> None:
        # Frozen, but "8/255" becomes a Fraction first: object.__setattr__ is the documented way.
        _member(self.norm, NORMS, "norm", "RK802")
        _member(self.loss, LOSSES, "loss", "RK805")
        for name, one in OPTIONS.items():
            value = getattr(self, name)
            if value is None and name in (*OPTIONAL, "step"):
                continue
            if one.kind == "count":
                _count(value, name, one.least)
            elif one.kind == "fraction":
                most = 100 * LARGEST if name == "step" else LARGEST
                object.__setattr__(self, name, parse_fraction(value, name, most))
        if self.step is None:
            object.__setattr__(self, "step", self.eps / 4)
        for name in ("random_start", "rounded"):
            value = getattr(self, name)
            if not isinstance(value, bool) and (name, value) != ("rounded", None):
                fail("RK804", f"{name} is {value!r}; expected true or false", help="write true or false")
        object.__setattr__(self, "rounded", self.rounded or None)
        if self.restarts > 1 and not self.random_start:
            fail(
                "RK804",
                f"{self.restarts} restarts without a random start would repeat one and the same search",
                help="set random_start to true, or restarts to 1",
            )
        object.__setattr__(self, "bounds", _box(self.bounds))
        if self.rounded and self.box != (0.0, 1.0):
            found = " to ".join(map(fraction_text, self.bounds))
            fail("RK806", f"bounds are {found}; 8-bit images have 256 levels from 0 to 1", help="leave out bounds")
        object.__setattr__(self, "targets", _targets(self.targets))

    @property
    def length(self) -> Fraction:
        """The step length in use (never None)."""
        assert self.step is not None
        return self.step

    @property
    def box(self) -> tuple[float, float]:
        """The bounds as floats, for pixels."""
        low, high = self.bounds
        return float(low), float(high)

    @property
    def stride(self) -> Fraction:
        """How far a step gets, before it is projected: its length, of 8-bit images rounded to their levels."""
        return Fraction(ceil(LEVELS * self.length - Fraction(1, 2)), LEVELS) if self.rounded else self.length

    @property
    def reach(self) -> Fraction:
        """The farthest point that the steps alone can get to, steps * stride."""
        return self.steps * self.stride

    def with_eps(self, eps: str | Fraction) -> Threat:
        """Return the same attack in a ball of radius `eps`; the step keeps its ratio to eps, so that the reach does
        too.
        """
        radius = parse_fraction(eps, "eps")
        step = self.length * radius / self.eps if self.eps else radius / 4
        return replace(self, eps=radius, step=step)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, those that are None left out; budgets are texts, so that no digit is lost."""
        own = {name: getattr(self, name) for name in OPTIONAL}
        return {
            "norm": self.norm,
            "eps": fraction_text(self.eps),
            "steps": self.steps,
            "step": fraction_text(self.length),
            "restarts": self.restarts,
            "random_start": self.random_start,
            "loss": self.loss,
            "bounds": [fraction_text(bound) for bound in self.bounds],
            **{name: str(v) if isinstance(v, Fraction) else v for name, v in own.items() if v is not None},
        }

    def text(self) -> str:
        """Return one line for people: "linf eps 8/255, 20 steps of 2/255, random start, 1 restart, loss ce"; without
        steps and start where there are no steps.
        """
        start = "random start" if self.random_start else "no random start"
        restarts = "1 restart" if self.restarts == 1 else f"{self.restarts} restarts"
        steps = f"{self.steps} step{'' if self.steps == 1 else 's'} of {fraction_text(self.length)}, {start}, "
        given = [(OPTIONS[name], getattr(self, name)) for name in OPTIONAL]
        own = "".join(f", {one.words.format(value)}" for one, value in given if value is not None)
        steps = steps if self.steps else ""
        return f"{self.norm} eps {fraction_text(self.eps)}, {steps}{restarts}, loss {self.loss}{own}"


#: The options of a search by name, in their order; and those that are None where an attack has no use for them.
OPTIONS: Final[dict[str, Option]] = {f.name: f.metadata["option"] for f in fields(Threat) if "option" in f.metadata}
OPTIONAL: Final = tuple(f.name for f in fields(Threat) if f.default is None and f.name != "step")


def said(threat: Mapping[str, Any], reads: tuple[str, ...] | None = None) -> list[str]:
    """Return what is worth saying of a search beside its attack, ball and steps: ["x5", "margin"].

    threat: fields by name, those that are None left out or not. reads: those that the attack reads; None: all.
    """
    found = (one.said(threat.get(name)) for name, one in OPTIONS.items() if reads is None or name in reads)
    return [words for words in found if words]


def _member(value: object, allowed: tuple[str, ...], what: str, code: str) -> None:
    if value not in allowed:
        fail(code, f"{what} is {value!r}; expected one of {', '.join(allowed)}", help=f"choose {what} {allowed[0]!r}")


def _count(value: object, what: str, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_ITERATIONS:
        fail(
            "RK804",
            f"{what} is {value!r}; expected an integer from {least} to {MAX_ITERATIONS}",
            help=f"give {what} as a whole number, such as 20 steps or 5 restarts",
        )


def _targets(value: object) -> int | str | None:
    """Return the number of target classes, "least-likely", or None; a text of digits, as typed, is a number."""
    if value is None or value == LEAST_LIKELY:
        return value
    number = int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,6}", value) else value
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= MAX_ITERATIONS:
        fail(
            "RK813",
            f"targets is {value!r}; expected a number of classes of 1 or more, or {LEAST_LIKELY}",
            help="give the number of wrong classes to aim at, such as 9 of 10 classes",
        )
    return number


def _box(bounds: object) -> tuple[Fraction, Fraction]:
    if not isinstance(bounds, tuple | list) or len(bounds) != 2:
        fail("RK806", f"bounds is {bounds!r}; expected two numbers, low and high", help="use (0, 1)")
    low, high = parse_fraction(bounds[0], "bounds[0]"), parse_fraction(bounds[1], "bounds[1]")
    if low >= high:
        fail("RK806", f"bounds are {low} and {high}; the low one must be below the high one", help="use (0, 1)")
    return low, high
