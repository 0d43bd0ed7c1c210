"""What processes share: parts, per-example results, decisions and failures; alone, two and three at a time."""

import socket
from pathlib import Path

import pytest
import torch
from processes import in_processes

from rkblocks import distributed
from rkblocks.diagnostics import RkblocksError, fail


def shares(count: int) -> list[tuple[int, int]]:
    found = []
    for n in range(8):
        own = distributed.part(n)
        found.append((own.start, own.stop))
    return found


def failing(on: int) -> str:
    try:
        with distributed.together():
            if distributed.rank() == on:
                fail("RK601", "no data here")
    except RkblocksError as error:
        return str(error)
    return ""


def everything() -> dict[str, object]:
    rank, n = distributed.rank(), 7
    own = distributed.part(n)
    table = torch.arange(3 * n, dtype=torch.float64).view(n, 3)
    return {
        "place": (rank, distributed.size()),
        "shares": shares(distributed.size()),
        "rows": distributed.gather(table[own]),
        "right": distributed.gather(torch.arange(n)[own] % 3 == 0),
        "some": distributed.gather(torch.arange(rank)),  # nothing from process 0
        "total": distributed.total(torch.tensor([1.5, rank])),
        "flags": (distributed.anywhere(rank == 1), distributed.anywhere(False)),
        "agreed": distributed.agreed(f"from {rank}"),
        "failed": [failing(0), failing(1), failing(99)],
    }


def test_three_processes(tmp_path: Path) -> None:
    found = in_processes(3, tmp_path, everything)
    table = torch.arange(21, dtype=torch.float64).view(7, 3)
    for rank, one in enumerate(found):
        assert one["place"] == (rank, 3)
        assert torch.equal(one["rows"], table)
        assert one["right"].dtype == torch.bool
        assert one["right"].tolist() == [i % 3 == 0 for i in range(7)]
        assert one["some"].tolist() == [0, 0, 1]
        assert one["total"].tolist() == [4.5, 3.0]
        assert one["flags"] == (True, False)
        assert one["agreed"] == "from 0"
        for failed in (0, 1):
            assert ("RK601" if rank == failed else f"RK742: process {failed} of 3 has failed") in one["failed"][failed]
        assert one["failed"][2] == ""
    for n in range(8):  # the parts are consecutive, complete, and differ by one at most
        parts = [one["shares"][n] for one in found]
        assert [i for start, stop in parts for i in range(start, stop)] == list(range(n))
        lengths = [stop - start for start, stop in parts]
        assert max(lengths) - min(lengths) <= 1


def test_one_process_is_the_whole_group() -> None:
    values = torch.tensor([3, 1])
    assert (distributed.rank(), distributed.size(), distributed.launched()) == (0, 1, 1)
    assert distributed.part(5) == slice(0, 5)
    assert distributed.gather(values) is values
    assert distributed.total(values) is values
    assert distributed.anywhere(True)
    assert not distributed.anywhere(False)
    assert distributed.agreed("x") == "x"
    with distributed.group(), pytest.raises(RkblocksError, match="RK601"), distributed.together():
        fail("RK601", "no data here")
    with distributed.group(), pytest.raises(RuntimeError, match="gloo is a village"):
        raise RuntimeError("gloo is a village")  # alone, nothing can be lost


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE is 'two'"),
        ({"WORLD_SIZE": "2"}, "RANK is not set"),
        ({"WORLD_SIZE": "2", "RANK": "1"}, "MASTER_ADDR is not set"),
        ({"WORLD_SIZE": "2", "RANK": "5", "MASTER_ADDR": "localhost", "MASTER_PORT": "port"}, "do not find each other"),
    ],
)
def test_an_environment_that_makes_no_group(
    environment: dict[str, str], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RkblocksError, match=f"RK740.*{place}"), distributed.group():
        pass


def test_processes_that_never_start_are_waited_for_aloud_and_not_for_long(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "rkblocks")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    variables = {"WORLD_SIZE": 3, "RANK": 0, "LOCAL_RANK": 0, "MASTER_ADDR": "localhost", "MASTER_PORT": port}
    for name, value in (variables | {distributed.MEETING: 1}).items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(distributed, "QUIET", 0.1)
    with pytest.raises(RkblocksError, match=f"RK740.*\n.*{distributed.MEETING}"), distributed.group():
        pass
    assert f"waiting for 2 other processes at localhost:{port}" in caplog.text
    for wrong in ("0", "a minute"):
        monkeypatch.setenv(distributed.MEETING, wrong)
        with pytest.raises(RkblocksError, match=f"RK740.*{distributed.MEETING}"), distributed.group():
            pass
