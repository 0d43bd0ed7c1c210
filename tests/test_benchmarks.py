"""benchmarks/verification.py: it measures what it says, and the floors hold, with room for a busy machine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

import verification  # noqa: E402

from rkblocks.files.library import find as find_entry  # noqa: E402
from rkblocks.files.ranking import ranked  # noqa: E402


def test_a_floor_is_kept_or_missed() -> None:
    most = verification.Row("a", 1.0, 0.9, 1.1, "s", 1.5)
    least = verification.Row("b", 8.0, 7.0, 9.0, "x faster", 10, at_least=True)
    assert (most.met, least.met) == (True, False)
    assert str(most).endswith("floor <= 1.5  kept")
    assert str(least).endswith("floor >= 10  MISSED")
    assert verification.Row("c", 1.0, 1.0, 1.0, "s").met


def test_commands_start_fast() -> None:
    """Whole processes by `import sympy`, in turn; the floors are 1.5 and 0.25."""
    rows = {row.what: row.value for row in verification.start_up(3)}
    assert rows["rkblocks check tableaus/ssp3.json"] <= 1.5
    assert rows["rkblocks --help"] <= 0.3
    assert rows["rkblocks list"] <= 0.35


def test_the_order_is_found_anew_each_time() -> None:
    for name in verification.ORDERS:
        find = verification.own_order(name)
        assert find() == find() == ranked(find_entry(name)).order


def test_the_cost_counts_every_condition() -> None:
    found = verification.cost_of_conditions((3, 5), 6)
    assert list(found) == [3, 5]
    assert all(len(seconds) == 6 and seconds == sorted(seconds) for seconds in found.values())


def test_the_figure_is_drawn(tmp_path: Path) -> None:
    library = {f"s{k}": (k, order, 0.01 * k) for k, order in enumerate((1, 4, 5, 8, 10), 1)}
    library["ark"] = (2, 2, 0.1)
    verification.draw(str(tmp_path / "cost.svg"), {4: [0.1, 0.2], 8: [0.3, 0.4]}, library)
    assert (tmp_path / "cost.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize("name", ["cooperverner8", "hairer10", "ono10"])
def test_single_schemes_within_their_seconds(name: str) -> None:
    code = (
        "import time; from rkblocks import verify; start = time.process_time();"
        f"assert verify.check({name!r}).ok; print(time.process_time() - start)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(done.stdout) <= verification.SECONDS[name]
