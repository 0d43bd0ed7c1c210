"""Where a program starts: its largest coefficient, and the formats that can hold it."""

from fractions import Fraction

import pytest

from rkblocks import files
from rkblocks.diagnostics import RkblocksError
from rkblocks.program import emit, lower
from rkblocks.program.domains import Domain
from rkblocks.program.rounding import BFLOAT16, DOUBLE, HALF, SINGLE, Format, largest, unfit
from rkblocks.program.step_source import domains


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
