"""Properties that every sound scheme has, as assertions for users' own tests.  They need no hypothesis.

Each raises AssertionError with the scheme's name and what was found; `assert_sound` runs all of them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import mpmath

from rkblocks import verify
from rkblocks.diagnostics import RkblocksError, Severity
from rkblocks.program import interpret, lower
from rkblocks.program.lower import tableau_of
from rkblocks.tableau import Tableau
from rkblocks.testing import slope

if TYPE_CHECKING:
    from rkblocks.verify import Report

Source = Tableau | str | PurePath


def assert_sound(source: Source) -> Report:
    """Assert that the scheme checks, that its forms and its program are one method, that its order is also measured,
    and, where torch is installed, that its block computes what the interpreter does.

    Args:
        source: a tableau, a name of the library, or the path of a file.

    Returns:
        the report of `check`, for further assertions of your own.

    Raises:
        AssertionError: with the diagnostics or the two sides that differ.

    Example:
        >>> assert_sound("ssp3").order.value
        3
    """
    report = assert_checks(source)
    tableau = tableau_of(source)
    assert_routes_agree(tableau)
    assert_order_is_measured(tableau, report)
    if importlib.util.find_spec("torch") is not None:
        assert_block_is_interpreter(tableau)
    return report


def assert_checks(source: Source) -> Report:
    """Assert that `check` finds no error: a consistent explicit method all of whose claims are true."""
    try:
        report = verify.check(source)
    except RkblocksError as error:
        raise AssertionError(f"{_named(source)} cannot be read:\n{error}") from error
    errors = [str(d) for d in report.diagnostics if d.severity is Severity.ERROR]
    if not report.ok or errors:
        raise AssertionError(f"{_named(source)} is not sound:\n" + "\n".join(errors))
    return report


def assert_routes_agree(source: Source) -> None:
    """Assert that the Butcher form, the Shu-Osher form as written and the compiled program make the same step."""
    tableau = tableau_of(source)
    with mpmath.workdps(slope.DIGITS):
        x, h = slope.start(), mpmath.mpf(1)
        slack = mpmath.mpf(10) ** -80 + 10**6 * mpmath.mpf(tableau.tolerance.numerator) / tableau.tolerance.denominator
        butcher = slope.step(tableau, slope.field, x, h)
        routes: dict[str, Callable[[], slope.Vector]] = {}
        if tableau.shu_osher is not None:
            routes["the Shu-Osher form"] = lambda: _shu_osher_step(tableau, x, h)
        routes["the program"] = lambda: interpret(lower(tableau), slope.field, x, number=_number(tableau))
        for name, route in routes.items():
            found = route()
            gap = (found + butcher * -1).norm()
            if gap > slack * (1 + butcher.norm()):
                places = mpmath.nstr(butcher, 20), mpmath.nstr(found, 20)
                raise AssertionError(
                    f"{_named(tableau)}: one step by the Butcher form gives {places[0]}, by {name} {places[1]}"
                )


def assert_order_is_measured(source: Source, report: Report | None = None) -> None:
    """Assert that the error of one step falls as fast as the order that `check` reports (at the initial parameters).

    A table of so few decimals that its tolerance hides the slope passes.
    """
    tableau = tableau_of(source)
    report = report or assert_checks(tableau)
    assert report.order is not None
    found = slope.measured_order(tableau)
    if found is not None and found < report.order.value - 0.3:
        raise AssertionError(f"{_named(tableau)}: order {report.order.value} is claimed, {found:.2f} is measured")


def assert_block_is_interpreter(source: Source) -> None:
    """Assert that the torch block makes the interpreter's step, in float64 to rounding, on a nonlinear residual.

    The interpreter runs at the block's own parameter values: those are stored in the default precision.

    Raises:
        AssertionError: where they differ.
        RkblocksError: RK901 where torch is missing.
    """
    from rkblocks.extras import require

    torch: Any = require("torch", "torch", "rkblocks.testing.assert_block_is_interpreter")
    from rkblocks import blocks

    tableau = tableau_of(source)

    class Residual(torch.nn.Module):  # type: ignore[misc]
        def forward(self, u: Any) -> Any:
            return torch.tanh(u).flip(-1) / 2 + u / 8

    x = torch.linspace(-1, 1, 8, dtype=torch.float64).reshape(2, 4)
    block = blocks.build(tableau, Residual()).to(torch.float64).eval()
    with torch.no_grad():
        found = block(x)
        number = tableau.field.constants.to_float
        expected = interpret(lower(tableau), Residual(), x, block.coefficients(), number=number)
    scale = 1 + sum(abs(tableau.field.constants.to_float(a)) for a in _entries(tableau))
    gap = float((found - expected).abs().max())
    if not gap <= 1e-13 * scale:
        raise AssertionError(f"{_named(tableau)}: block and interpreter differ by {gap:.3g}")


def _named(source: Source) -> str:
    return source.name if isinstance(source, Tableau) else str(source)


def _number(tableau: Tableau) -> Callable[[Any], Any]:
    constants = tableau.field.constants

    def convert(a: Any) -> Any:
        low, high = constants.enclose(a, bits=int(slope.DIGITS * 3.4))
        return (mpmath.mpf(low.numerator) / low.denominator + mpmath.mpf(high.numerator) / high.denominator) / 2

    return convert


def _shu_osher_step(tableau: Tableau, x: slope.Vector, h: Any) -> slope.Vector:
    form = tableau.shu_osher
    assert form is not None
    states, slopes = [x], [slope.field(x)]
    for alpha, beta in zip(form.alpha, form.beta, strict=True):
        total = x * 0
        for k, (a, weight) in enumerate(zip(alpha, beta, strict=True)):
            total = total + states[k] * slope.numeric(tableau, a) + slopes[k] * (slope.numeric(tableau, weight) * h)
        states.append(total)
        slopes.append(slope.field(total))
    return states[-1]


def _entries(tableau: Tableau) -> list[Any]:
    """Entries of the Butcher form at the initial values, as constant elements: they bound the rounding of a step."""
    form = tableau.butcher_form
    flat = [a for row in (*form.A, form.b) for a in row]
    if not tableau.field.parameters:
        return [tableau.field.number(a) for a in flat]
    return [tableau.field.substitute(a, {p.name: p.init for p in tableau.parameters}) for a in flat]
