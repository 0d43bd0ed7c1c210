"""Total variation never grows under an SSP scheme of the library with dt <= C dt_FE; beyond, and without C, it may.

The right side is that of `examples/burgers.py`: Burgers' equation with upwind differences, for which dt_FE is known.
"""

import importlib.util
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from blocks_common import DOUBLE
from torch import Tensor

from rkblocks import blocks, files
from rkblocks.program.lower import admit
from rkblocks.tableau import Tableau

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "burgers.py"
_spec = importlib.util.spec_from_file_location("burgers", EXAMPLE)
assert _spec is not None
assert _spec.loader is not None
burgers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(burgers)

CELLS = 10
TABLEAUS = {entry.name: files.load(entry.name) for entry in files.catalog()}


def coefficient(tableau: Tableau) -> float:
    """C of the method, of a family at the initial values of its parameters."""
    optimal = admit(tableau).report.ssp.optimal
    return optimal.cfl_float


SSP = [name for name, tableau in TABLEAUS.items() if coefficient(tableau) > 0]
REST = [name for name in TABLEAUS if name not in SSP]


def data(count: int = 600) -> Tensor:
    """Periodic data in [0, 1]: noise, steps between 0 and 1, plateaus of all heights."""
    generator = torch.Generator().manual_seed(0)
    noise, steps, plateaus = torch.rand(3, count // 3, CELLS, dtype=DOUBLE, generator=generator)
    heights = torch.linspace(0.2, 1, count // 3, dtype=DOUBLE)[:, None]
    return torch.cat((noise, (steps > 0.5).double(), (plateaus > 0.7) * heights))


def growth(name: str, slopes: str, multiple: float, steps: int = 3) -> float:
    """The largest growth of the total variation in a step of dt = multiple dt_FE, over all data."""
    euler = burgers.EULER_LIMIT[slopes] / CELLS  # of data in [0, 1]
    block = blocks.build(name, burgers.Burgers(1 / CELLS, slopes), dt=Fraction(multiple) * euler, dtype=DOUBLE)
    u, largest = data(), -float("inf")
    with torch.no_grad():
        for _ in range(steps):
            after = block(u)
            grown = burgers.total_variation(after) - burgers.total_variation(u)
            largest, u = max(largest, float(grown.max())), after
    return largest


def test_the_library_has_both_kinds() -> None:
    assert len(SSP) >= 35
    assert {"euler", "ssp2", "ssp3", "ark", "ssprk54", "ssprk104", "ssprk163"} <= set(SSP)
    assert {"midpoint", "rk4", "dopri5"} <= set(REST)


@pytest.mark.parametrize("slopes", ["upwind", "minmod"])
@pytest.mark.parametrize("name", SSP)
def test_total_variation_never_grows_up_to_c(name: str, slopes: str) -> None:
    for share in (1.0, 0.5):
        assert growth(name, slopes, share * coefficient(TABLEAUS[name])) <= 1e-13 * CELLS


@pytest.mark.parametrize(
    ("name", "multiple", "least"),
    [
        ("dopri5", 1.0, 1e-5),  # no C: at the Euler step's own limit
        ("rk4", 1.25, 1e-3),
        ("kutta3", 1.5, 1e-3),
        ("midpoint", 1.25, 1e-3),
        ("euler", 1.25, 1e-3),  # beyond C = 1
        ("ssprk104", 6.6, 1e-3),  # beyond C = 6
    ],
)
def test_beyond_it_grows(name: str, multiple: float, least: float) -> None:
    """The test above can fail: without C, and beyond C, the same data show growth."""
    assert max(growth(name, slopes, multiple) for slopes in ("upwind", "minmod")) > least
