"""Rounding of executed coefficients: formats, the library rounded once, figures against hand computation and torch."""

from __future__ import annotations

import struct
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkblocks import files
from rkblocks.diagnostics import RkblocksError
from rkblocks.program import emit, lower, rounding_text, roundings
from rkblocks.program.domains import Domain
from rkblocks.program.rounding import BFLOAT16, DOUBLE, FORMATS, HALF, SINGLE, Format, largest, unfit
from rkblocks.program.step_source import domains

NUMBERS = st.fractions(min_value=-1000, max_value=1000, max_denominator=10**9)


@given(NUMBERS)
def test_nearest_double_is_the_one_of_python(value: Fraction) -> None:
    assert DOUBLE.nearest(value) == Fraction(float(value))


@given(st.floats(-1e6, 1e6))
def test_nearest_single_is_the_one_of_the_machine(value: float) -> None:
    assert SINGLE.nearest(Fraction(value)) == Fraction(struct.unpack("f", struct.pack("f", value))[0])


def test_subnormal_numbers_and_ties() -> None:
    tiny = Fraction(2) ** -1074
    assert DOUBLE.nearest(tiny * Fraction(5, 2)) == 2 * tiny
    assert DOUBLE.nearest(tiny / 3) == 0
    assert BFLOAT16.nearest(1 + Fraction(1, 256)) == 1
    assert BFLOAT16.nearest(1 + Fraction(3, 256)) == 1 + Fraction(1, 64)
    assert BFLOAT16.nearest(Fraction(1, 3)) == Fraction(0x3EAB & 0x7F | 0x80, 2**9)


@pytest.mark.parametrize("name", [entry.name for entry in files.catalog()])
def test_every_coefficient_of_the_library_is_as_if_rounded_once(name: str) -> None:
    """A double that lies half-way between two singles would be rounded twice; none of the library does."""
    found = roundings(lower(name))
    assert [r.twice for r in found] == [0, 0, 0]
    assert found[0].largest <= found[1].largest <= found[2].largest


def test_double_rounding_is_found_where_it_happens() -> None:
    """1/2 + 2**-25 + 2**-60: its double is the tie 1/2 + 2**-25, which goes to even, 1/2, and not to 1/2 + 2**-24."""
    near = Fraction(1, 2) + Fraction(1, 2**25) + Fraction(1, 2**60)
    text = f'{{"name": "tie", "A": [[], ["1"]], "b": ["{near}", "{1 - near}"]}}'
    found = roundings(lower(files.read_text(text).tableau))
    assert found[1].twice == 1
    assert "rounded twice: 1 in float32" in rounding_text(lower(files.read_text(text).tableau))


def test_figures_of_ssp3_by_hand() -> None:
    """1/4 is exact in every format; of 2/3 comes the error, and b[2] is 2/3 itself."""
    errors = [abs(form.nearest(Fraction(2, 3)) - Fraction(2, 3)) for form in FORMATS]
    found = roundings(lower("ssp3"))
    assert [r.largest for r in found[:2]] == errors[:2]
    assert found[2].largest == errors[1], "torch.lerp takes its weight in single precision"
    assert {r.place for r in found} == {"b[2]"}


def test_text() -> None:
    lines = rounding_text(lower("rk4")).splitlines()
    assert lines[1] == "float64   unit roundoff 1.1e-16   largest error 1.9e-17 in b[1]"
    assert lines[-1].endswith("rounded once")
    assert rounding_text(lower("ark")).splitlines()[-1].startswith("beta10 taken at the start")


@pytest.mark.parametrize("name", ["ssp3", "rk4", "dopri5", "cooperverner8", "ssprk104"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_figures_against_torch(name: str, dtype: str) -> None:
    """The coefficients that a block shows when F returns unit vectors, compared with the largest error foretold."""
    import torch
    from torch import Tensor, nn

    from rkblocks import blocks

    torch.set_num_threads(1)
    program = lower(name)

    class Units(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[Tensor] = []

        def forward(self, x: Tensor) -> Tensor:
            self.seen.append(x)
            return nn.functional.one_hot(torch.tensor(len(self.seen)), x.numel()).to(x.dtype)

    residual = Units()
    block = blocks.build(name, residual)
    y = block(nn.functional.one_hot(torch.tensor(0), program.calls + 1).to(getattr(torch, dtype)))
    tableau = files.load(name)
    kept = tableau.reduced
    number = tableau.field.enclose
    rows = [*zip(kept.A, residual.seen, strict=True), (kept.b, y)]
    found = max(
        abs(Fraction(value) - sum(number(a, 200)) / 2)
        for row, seen in rows
        for a, value in zip(row, seen.tolist()[1:], strict=True)
    )
    (foretold,) = (r for r in roundings(program) if r.format.name == dtype)
    sums = 12 * Fraction(2) ** -foretold.format.digits  # what adding up contributions rounds besides
    scale = max(1, *(abs(v) for seen in (*residual.seen, y) for v in map(Fraction, seen.tolist())))
    assert foretold.largest - sums * scale <= found <= foretold.largest + sums * scale


def test_where_torch_rounds_in_bfloat16() -> None:
    """The rule that the figures for bfloat16 rest on, on this machine's CPU."""
    import torch

    third = 1 / 3
    b = torch.arange(3.0, 128.0, 2.0).bfloat16()
    zero = torch.zeros_like(b)
    low, single = (float(form.nearest(Fraction(third))) for form in (BFLOAT16, SINGLE))
    assert torch.equal(torch.add(zero, b, alpha=third), (low * b.double()).bfloat16())
    assert torch.equal(torch.lerp(zero, b, third), (single * b.double()).bfloat16())
    assert torch.equal(third * b, (single * b.double()).bfloat16())
    assert not torch.equal((low * b.double()).bfloat16(), (single * b.double()).bfloat16())


@pytest.mark.parametrize(
    ("form", "most"),
    [
        (DOUBLE, 1.7976931348623157e308),
        (SINGLE, 3.4028234663852886e38),
        (BFLOAT16, 3.3895313892515355e38),
        (HALF, 65504.0),
    ],
)
def test_the_largest_number_of_a_format(form: Format, most: float) -> None:
    assert form.largest == most
    assert form.nearest(Fraction(most)) == most


def test_largest_coefficient_counts_dt_where_it_multiplies() -> None:
    assert largest(lower("ssp3", dt=7)) == 7
    assert largest(lower("ssp3", dt=Fraction(1, 7))) == 1  # the weight of a state
    assert largest(lower("midpoint", dt=Fraction(1, 7))) == 1
    assert largest(lower("ssp3", dt=None), {"dt": Domain(Fraction(0), None, Fraction(9))}) == 9
    assert largest(lower("ark", dt=7)) == pytest.approx(7 * 0.7310585786)  # beta10 at its start


@pytest.mark.parametrize("name", ["euler", "ssp3", "ark", "rk4", "dopri5", "ssprk104", "gill4", "carpenterkennedy54"])
def test_schemes_run_in_every_format(name: str) -> None:
    found = unfit(name, lower(name), domains(lower(name)))
    assert (found.stored, found.runs) == ({}, {})


def test_which_formats_are_unfit() -> None:
    tableau = files.read_text(
        '{"name": "t", "parameters": {"b": {"domain": ["0", null], "init": "1e-30"}}, '
        '"A": [[], ["b"]], "b": ["1 - 1/(2*b)", "1/(2*b)"]}'
    ).tableau
    program = lower(tableau)
    found = unfit("t", program, domains(program))
    assert set(found.stored) == {"float16"}  # its smallest number is 6e-8
    assert set(found.runs) == {"float16"}  # 5e29
    assert {d.code for d in found.stored.values()} == {"RK519"}
    assert {d.code for d in found.runs.values()} == {"RK520"}


@pytest.mark.parametrize(
    "text", ['"A": [[], ["10**400"]], "b": ["0", "1"]', '"A": [[], ["-10**309"]], "b": ["1", "0"]']
)
def test_nothing_is_emitted_that_no_double_holds(text: str) -> None:
    tableau = files.read_text(f'{{"name": "huge", {text}}}').tableau
    if '"b": ["1", "0"]' in text:  # the large one is in a stage that nothing uses
        assert emit(tableau).count("self.residual(") == 1
        return
    with pytest.raises(RkblocksError) as error:
        emit(tableau)
    assert [(d.code, d.status) for d in error.value.diagnostics] == [("RK520", 1)]
