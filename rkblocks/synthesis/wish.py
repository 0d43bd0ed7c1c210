"""A wish for a scheme: stages, order, goal and requirements, read from text and refused where it cannot be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

from rkblocks.diagnostics import fail

MAXIMIZE = {
    "ssp": "the SSP coefficient C (Kraaijevanger 1991)",
    "rho": "the radius of circle contractivity (Dahlquist & Jeltsch 1979)",
    "threshold": "the linear SSP threshold (Kraaijevanger 1986)",
    "real": "the real stability interval",
    "imaginary": "the imaginary stability interval",
}
MINIMIZE = {
    "growth": "the variance growth of Lemma 3 (Kim et al. 2020)",
    "error": "the principal error norm (Prince & Dormand 1981)",
}
RELATIONS = {
    **dict.fromkeys(("ssp",), (">=", "==")),
    **dict.fromkeys(("rho", "threshold", "real", "imaginary"), (">=",)),
    **dict.fromkeys(("growth", "error"), ("<=", "==")),
    **dict.fromkeys(("b", "A"), (">=",)),
    "c": (">=", "<="),
    "registers": ("<=",),
}
"""What may be required, and in which relations; b, A and c speak of every entry."""
MOST_STAGES = 16
MOST_ORDER = 8
FEWEST_STAGES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 7, 7: 9, 8: 11}
"""The barriers of Butcher (1964, 1965, 1985): an explicit method of the order has at least so many stages."""
_REQUIREMENT = re.compile(r"\s*([A-Za-z]+)\s*(>=|<=|==|=|<|>)\s*(\S.*?)\s*")


@dataclass(frozen=True)
class Requirement:
    """``name relation value``, exactly: "growth <= 8/5"."""

    name: str
    relation: str
    value: Fraction

    def __str__(self) -> str:
        return f"{self.name} {self.relation} {self.value}"


@dataclass(frozen=True)
class Wish:
    """What a scheme shall be: ``goal`` is to be as large as it can (as small, for growth and error)."""

    stages: int
    order: int
    goal: str
    requirements: tuple[Requirement, ...] = ()
    embedded: int | None = None

    def required(self, name: str, *relations: str) -> Fraction | None:
        """The sharpest value that is required of ``name`` in one of these relations, None where nothing is."""
        values = [r.value for r in self.requirements if r.name == name and r.relation in relations]
        return None if not values else max(values) if ">=" in relations else min(values)

    @property
    def minimized(self) -> bool:
        """Whether the goal is to be small."""
        return self.goal in MINIMIZE


def requirement(text: str) -> Requirement:
    """The requirement that a text such as ``"growth <= 8/5"`` states.

    Raises RkblocksError: RK030 with what was found and what may stand there.
    """
    found = _REQUIREMENT.fullmatch(text)
    if found is None:
        _refuse(text, "it is not NAME, relation, number")
    name, relation, number = found.groups()
    if name not in RELATIONS:
        _refuse(text, f"nothing called {name!r} can be required; known are {', '.join(RELATIONS)}")
    if relation not in RELATIONS[name]:
        _refuse(text, f"{name} can be required with {' or '.join(RELATIONS[name])}, not with {relation}")
    try:
        value = Fraction(number)
    except (ValueError, ZeroDivisionError):
        _refuse(text, f"{number!r} is no rational number")
    if max(len(str(value.numerator)), len(str(value.denominator))) > 40:
        _refuse(text, "the number is longer than 40 digits")
    return Requirement(name, relation, value)


def _refuse(text: str, reason: str) -> NoReturn:
    fail("RK030", f"the requirement {text!r} cannot be read: {reason}", help='for example --require "growth <= 8/5"')


def wish(
    stages: int,
    order: int,
    *,
    maximize: str | None = None,
    minimize: str | None = None,
    require: tuple[str, ...] = (),
    embedded: int | None = None,
) -> Wish:
    """The wish that a call states.

    Raises RkblocksError: RK030 for a requirement that cannot be read, RK031 for a wish that no explicit method fulfils
    or that this search does not cover.
    """
    if (maximize is None) == (minimize is None):
        fail(
            "RK031", "a design has one goal", help=f"--maximize {'|'.join(MAXIMIZE)} or --minimize {'|'.join(MINIMIZE)}"
        )
    goal = maximize if maximize is not None else minimize
    allowed = MAXIMIZE if maximize is not None else MINIMIZE
    if goal not in allowed:
        word = "maximize" if maximize is not None else "minimize"
        fail("RK031", f"{goal!r} is nothing to {word}", help=f"--{word} {'|'.join(allowed)}")
    found = Wish(stages, order, str(goal), tuple(map(requirement, require)), embedded)
    _possible(found)
    return found


def _possible(wish: Wish) -> None:
    m, p = wish.stages, wish.order
    if not (1 <= m <= MOST_STAGES and 1 <= p <= MOST_ORDER):
        fail(
            "RK031",
            f"{m} stages and order {p} are out of reach here",
            help=f"1 to {MOST_STAGES} stages, order 1 to {MOST_ORDER}",
        )
    if m < FEWEST_STAGES[p]:
        fail(
            "RK031",
            f"no explicit method of {m} stage{'s' if m > 1 else ''} has order {p}, which needs {FEWEST_STAGES[p]}",
            help=f"--stages {FEWEST_STAGES[p]}, or a lower order",
        )
    ssp = wish.required("ssp", ">=", "==")
    if p >= 5 and (wish.goal == "ssp" or (ssp is not None and ssp > 0)):
        fail(
            "RK031",
            f"no explicit method of order {p} has an SSP coefficient above 0 (Kraaijevanger 1991)",
            help="order 4 at most, or another goal",
        )
    if ssp is not None and ssp < 0:
        fail("RK031", f"ssp {ssp} is negative", help="a coefficient is 0 or more")
    if ssp:
        from rkblocks.synthesis.bound import ssp_bound

        bound = ssp_bound(m, p).root
        if bound.compare(ssp) < 0:
            fail(
                "RK031",
                f"ssp >= {ssp} cannot be: {m} stages of order {p} have at most {bound.to_float():.6g}, as is proved",
                help="more stages, a lower order, or a smaller coefficient",
            )
    registers = wish.required("registers", "<=")
    if registers is not None and registers < 2:
        fail(
            "RK031",
            f"registers <= {registers} cannot be: the search knows methods of two",
            help='--require "registers <= 2"',
        )
    if wish.embedded is not None and not 1 <= wish.embedded < p:
        fail(
            "RK031",
            f"an embedded method of order {wish.embedded} beside one of order {p}",
            help=f"--embedded {max(p - 1, 1)}, for a method of order 2 or more",
        )
