"""training.compile: the same steps to rounding, one graph a mode, and a failing compiler named."""

import pytest
import torch
import torch._dynamo.testing
from test_training_step import assert_same, moved, parts

from rkblocks.diagnostics import RkblocksError
from rkblocks.training import step

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def fresh_compiler():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_the_same_steps(mode, monkeypatch):
    """Three PGD training steps in float64; afterwards weights and statistics agree, under unchanged names."""
    counter = torch._dynamo.testing.CompileCounterWithBackend("aot_eager")
    monkeypatch.setattr(step, "BACKEND", counter)
    net, batches = parts(3)
    settings = {"training__method": "adversarial", "attack__mode": mode}
    plain, expected = moved(net, batches, **settings)
    fast, found = moved(net, batches, **settings, training__compile=True)
    assert_same(found, expected)
    torch.testing.assert_close(fast.sums, plain.sums)
    assert counter.frame_count == 2  # the attack and the step


def test_a_failing_compiler_is_named(monkeypatch):
    def broken(graph, inputs):
        raise OSError("no compiler here")

    monkeypatch.setattr(step, "BACKEND", broken)
    net, batches = parts()
    with pytest.raises(RkblocksError, match=r"RK730.*no compiler here"):
        moved(net, batches, training__compile=True, training__method="standard")
