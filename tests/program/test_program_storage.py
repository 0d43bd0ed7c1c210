"""How many tensors live: the registers that the literature states for low-storage schemes, and the least for others.

A register holds a tensor of the size of x; counted are those alive while F runs, its argument among them, which is the
count of Williamson (2N), of van der Houwen (2R) and of Ketcheson (2S) alike: F itself needs what it needs.
"""

from collections.abc import Iterator
from fractions import Fraction

import pytest

from rkblocks import files
from rkblocks.program import Program, explain, listing, lower
from rkblocks.program.construction import from_williamson
from rkblocks.program.cost import live_at_calls
from rkblocks.program.ir import Combine, Evaluate

WILLIAMSON = [  # 2N: du = A du + dt F(u), u = u + B du (Williamson 1980; Carpenter & Kennedy 1994, and after)
    *("williamson3", "carpenterkennedy54", "stanescu64", "rk46_nl", "niegemann124", "niegemann134", "niegemann144"),
    *("toulorge73c", "toulorge84c", "toulorge84f"),
]
HOUWEN = [  # 2R (Kennedy, Carpenter & Lewis 2000; Calvo, Franco & Rández 2004; Tselios & Simos 2007)
    *("houwen3", "kennedy32_2r", "kennedy43_2r", "kennedy54_2r", "calvo64_2r", "tselios74_2r"),
]
KETCHESON = [  # 2S, and SSPRK(m,2) (Ketcheson 2008, pseudocode 1 to 3; Higueras & Roldán 2019)
    *("ssprk32", "ssprk42", "ssprk52", "ssprk62", "ssprk72", "ssprk82", "ssprk92", "ssprk102"),
    *("ssprk43", "ssprk93", "ssprk163", "ssprk104", "ssprk53_2n1", "ssprk53_2n2"),
]
THREE = ["kennedy43_3r", "kennedy54_3r"]  # 3R
REGISTERS = dict.fromkeys((*WILLIAMSON, *HOUWEN, *KETCHESON), 2) | dict.fromkeys(THREE, 3)


@pytest.mark.parametrize("name", REGISTERS)
def test_low_storage_schemes_run_in_their_registers(name: str) -> None:
    """No file says how: the recurrence is found by the passes, from whatever form the file has."""
    assert explain(name)[-1].cost.live == REGISTERS[name]


@pytest.mark.parametrize("name", [*WILLIAMSON, "bernardini52"])
def test_williamsons_form_takes_two_passes_a_stage(name: str) -> None:
    """s = F(u) + a s, u = u + b s: as these schemes are published, whatever form the file has."""
    last = explain(name)[-1]
    assert last.program.form == "Williamson's 2N form"
    assert last.cost.passes == 2 * last.cost.calls - 1
    assert explain(name, dt="1/3")[-1].cost == explain(name, dt="1/3", time=True)[-1].cost
    assert explain(name, dt="1/3")[-1].cost.passes == last.cost.passes


def test_the_published_coefficients_are_found() -> None:
    """A2 and B1 to B4 of Carpenter & Kennedy 1994, Table 1; the file has them multiplied out in Shu-Osher form."""
    text = listing(lower("carpenterkennedy54"))
    for line in (
        "u1 = x + 1432997174477/9575080441755 f0",
        "s1 = f1 - 567301805773/1357537059087 f0",
        "u2 = u1 + 5161836677717/13612068292357 s1",
        "s2 = f2 - 2404267990393/2016746695238 s1",
        "u3 = u2 + 1720146321549/2090206949498 s2",
        "s3 = f3 - 3550918686646/2091501179385 s2",
        "u4 = u3 + 3134564353537/4481467310338 s3",
    ):
        assert line in text


@pytest.mark.parametrize("name", ["rk4", "ssp3", "ssprk104", "houwen3", "ark", "ark_free", "dopri5"])
def test_other_schemes_have_no_such_form(name: str) -> None:
    tableau = files.load(name)
    assert from_williamson(tableau, tableau.butcher_form, dt=Fraction(1), time=False) is None


def test_the_list_names_every_scheme_that_is_titled_low_storage() -> None:
    words = ("register", "low-storage", "[2R", "[3R")
    titled = {e.name for e in files.catalog() if any(word in files.load(e.name).title for word in words)}
    assert titled <= set(REGISTERS)


def schedules(program: Program) -> Iterator[Program]:
    """The program with its sums at all places that their operands and their first use allow."""
    calls = [i for i in program.body if isinstance(i, Evaluate)]
    sums = list(program.combines)
    known = {call.target: k + 1 for k, call in enumerate(calls)}
    needed = {call.source: k for k, call in reversed(list(enumerate(calls)))}

    def placed(i: int, slots: dict[str, int]) -> Iterator[dict[str, int]]:
        if i == len(sums):
            yield dict(slots)
            return
        earliest = max(({**known, **slots}.get(value, 0) for value in sums[i].values), default=0)
        for slot in range(earliest, needed.get(sums[i].target, len(calls)) + 1):
            yield from placed(i + 1, {**slots, sums[i].target: slot})

    for slots in placed(0, {}):
        body: list[Combine | Evaluate] = []
        for slot in range(len(calls) + 1):
            body += [c for c in sums if slots[c.target] == slot]
            body += calls[slot : slot + 1]
        yield program.with_body([*body, program.body[-1]])


SMALL = [
    *("ssp2", "ssp3", "ark", "rk4", "kutta3", "heun3", "gill4", "bs3", "threeeighths", "fehlberg43", "soderlind43"),
    *("ssprk43", "ssprk53", "ssprk54", "leastgrowth44", "merson43", "lutherkonen5c", "butcher5", "dopri5"),
]


@pytest.mark.parametrize("name", SMALL)
def test_no_other_order_of_the_sums_needs_fewer_tensors(name: str) -> None:
    """Neither at the worst call of F nor summed over all of them: `place` against every order there is."""
    program = explain(name)[-1].program
    lives = [live_at_calls(other) for other in schedules(program)]
    assert min((max(live), sum(live)) for live in lives) == (max(live_at_calls(program)), sum(live_at_calls(program)))
