"""The benchmarks measure what they say; counts and start-up floors hold, with room for a busy machine."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

import beside_torchlip  # noqa: E402
import blocks as blocks_benchmark  # noqa: E402
import contenders  # noqa: E402
import sharpness  # noqa: E402
import timing  # noqa: E402
import verification  # noqa: E402

from rkblocks import blocks, nets  # noqa: E402
from rkblocks.files.library import find as find_entry  # noqa: E402
from rkblocks.files.ranking import ranked  # noqa: E402
from rkblocks.nets import PreActivation  # noqa: E402

torch.set_num_threads(1)
SMALL = argparse.Namespace(
    shapes="4x5x5", schemes="ssp3,ark", rounds=2, batch=2, channels_last=False, device="cpu", compiled_schemes="ark"
)


def test_a_floor_is_kept_or_missed() -> None:
    most = timing.Row("a", 1.0, 0.9, 1.1, "s", 1.5)
    least = timing.Row("b", 8.0, 7.0, 9.0, "x faster", 10, at_least=True)
    assert (most.met, least.met) == (True, False)
    assert str(most).endswith("floor <= 1.5  kept")
    assert str(least).endswith("floor >= 10  MISSED")
    assert timing.Row("c", 1.0, 1.0, 1.0, "s").met


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


def test_blocks_call_f_and_save_no_more_than_their_floors() -> None:
    assert all(row.value == row.floor for row in blocks_benchmark.calls(SMALL))
    found = {row.what: (row.value, row.floor) for row in blocks_benchmark.saved(SMALL) if row.what.startswith("saved")}
    assert found.pop("saved by ark, full") == (10, 8), "a learned factor saves what it multiplies"
    assert found.pop("saved by ark, norm") == (6, 4)
    assert all(value == floor for value, floor in found.values())


def test_every_contender_is_divided_by_the_floor_of_its_round() -> None:
    rows = list(blocks_benchmark.eager(SMALL))
    assert [row.what for row in rows] == [
        "4x5x5 ssp3",
        "4x5x5 ssp3: m ResBlocks",
        "4x5x5 ark",
        "4x5x5 ark: published",
        "4x5x5 ark: m ResBlocks",
        "4x5x5 ark",
    ]
    assert [row.floor for row in rows] == [1.05, None, None, None, None, 0.7]
    assert timing.ratios([2.0, 9.0], [1.0, 3.0]) == [2.0, 3.0]


def test_attacks_are_held_against_what_others_find(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bits as foolbox's last iterates, and no image that others alone break; whatever the time."""
    pytest.importorskip("foolbox")
    pytest.importorskip("sklearn")
    import attacks as attacks_benchmark

    monkeypatch.setattr(attacks_benchmark, "TRAINED", {"clean": 0.0})
    torch.manual_seed(0)
    net = nets.grouped("euler", depth=1, widths=(4, 4, 4), channels=1).eval()
    monkeypatch.setattr(attacks_benchmark, "network", lambda *_: net)
    options = argparse.Namespace(rounds=2, images=16, batch=8, data="digits", data_root=None)
    rows = {row.what: row for row in attacks_benchmark.final(options)}
    assert list(rows)[1:] == ["clean: examples unlike those of foolbox", "clean: time", "clean: time, foolbox"]
    assert rows["clean: examples unlike those of foolbox"].value == 0
    assert rows["clean: time, foolbox"].floor == 0.75
    rows = {row.what: row for row in attacks_benchmark.any_iterate(options)}
    assert rows["clean: images that foolbox alone breaks"].value == 0
    assert rows["clean: time, foolbox"].floor == 0.6
    found, missed = torch.tensor([True, False, False]), torch.tensor([True, True, False])
    assert attacks_benchmark.lacking("a", "b", "any", found, missed).value == 1
    assert not attacks_benchmark.lacking("a", "b", "any", found, missed).met
    assert attacks_benchmark.lacking("a", "b", "final", torch.zeros(3, 2), torch.eye(3)[:, :2]).value == 2


def test_contenders_compute_what_they_stand_for() -> None:
    """The published form gives what our block gives; the floor calls F as often as the block does."""
    torch.manual_seed(0)
    block = blocks.build("ark", PreActivation(4, "group")).double()
    published = contenders.PublishedArk(PreActivation(4, "group")).double()
    published.residual.load_state_dict(block.residual.state_dict())
    published.b10.data = block.raw["beta10"].data.clone()
    x = torch.randn(2, 4, 5, 5, dtype=torch.float64)
    torch.testing.assert_close(published(x), block(x))
    counted: list[int] = []
    floor = contenders.Repeated(PreActivation(4), 3)
    floor.residual.register_forward_hook(lambda *_: counted.append(1))
    floor(torch.randn(2, 4, 5, 5))
    assert len(counted) == 3
    solver = contenders.Torchdiffeq(torch.nn.Linear(3, 3).double(), "midpoint")
    own = blocks.build("midpoint", solver.residual)
    y = torch.randn(2, 3, dtype=torch.float64)
    torch.testing.assert_close(solver(y), own(y))


def test_expansions_begin_at_the_limit(tmp_path: Path) -> None:
    rows = sharpness.searched(("euler", "rk4", "midpoint"), 0)
    for row in rows:
        if row["limit"]:
            assert max(row["expansion"][:3]) <= 1 + 1e-12, row
            assert min(row["expansion"][3:]) > 1 + 1e-5, row
        else:
            assert max(row["expansion"]) > 1.4, row
    assert [row["limit"] for row in rows if row["norm"] == "linf"] == [1, 0, 0]
    assert sharpness.table(rows).count("\n") == 1 + len(rows)
    sharpness.draw(rows, tmp_path / "sharpness.svg")
    assert (tmp_path / "sharpness.svg").read_text().startswith("<?xml")


def test_rivals_of_a_certificate_have_equal_parameters() -> None:
    pytest.importorskip("deel.torchlip")
    for name, (widths, _) in beside_torchlip.CHOSEN.items():
        sizes = [
            sum(p.numel() for p in beside_torchlip.network(one, widths, 0).parameters())
            for one in (name, beside_torchlip.RIVAL)
        ]
        assert 0.97 < sizes[0] / sizes[1] < 1.03, (name, sizes)
    net = beside_torchlip.network(beside_torchlip.RIVAL, (8, 16), 0)
    assert beside_torchlip.measured(net, torch.randint(256, (4, 1, 28, 28), dtype=torch.uint8)) <= 1 + 1e-3
