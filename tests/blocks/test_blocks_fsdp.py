"""FSDP, both versions: two processes (gloo, CPU) train learned coefficients as one process does."""

from pathlib import Path

import fsdp_worker
import pytest
import torch

FIRST = pytest.param(1, marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="FSDP 1 needs a GPU"))


@pytest.mark.parametrize("version", [FIRST, 2])
def test_two_processes_are_one(version: int, tmp_path: Path) -> None:
    torch.multiprocessing.spawn(fsdp_worker.work, args=(fsdp_worker.free_port(), version, str(tmp_path)), nprocs=2)
    net = fsdp_worker.model()
    start = {name: value.clone() for name, value in net.state_dict().items()}
    fsdp_worker.train(net, fsdp_worker.batch())
    found = torch.load(tmp_path / "state.pt")
    for name, value in net.state_dict().items():
        torch.testing.assert_close(found[name], value)
        assert name.endswith("bias") or not torch.equal(value, start[name])
    assert found["1.raw.beta10"].shape == (1,)
