"""What the stages of a step share: computed once a step, of one thread, and the gradients are those without sharing."""

import threading

import pytest
import torch
from torch import nn

import rkblocks
from rkblocks.blocks import sharing
from rkblocks.nets import ConvexPotential, Relaxation


class Counted(ConvexPotential):
    """It counts how often its weights are normalised."""

    times = 0

    def normalized(self, exact: bool) -> tuple[torch.Tensor, ...]:
        self.times += 1
        return super().normalized(exact)


@pytest.mark.parametrize("memory", ["full", "norm", "stage"])
@pytest.mark.parametrize("scheme", ["euler", "rk4", "ssprk104"])
def test_weights_are_normalised_once_a_step(scheme: str, memory: str) -> None:
    torch.manual_seed(0)
    residual = Counted(5, 7)
    block = rkblocks.build(scheme, residual=residual, memory=memory)
    x = torch.randn(3, 5)
    for step in range(1, 4):
        residual.times = 0
        block(x)
        assert residual.times == (1 if memory == "full" else block.program.calls), step
    block.eval()(x)
    residual.times = 0
    block(x)
    assert residual.times == 0


@pytest.mark.parametrize("make", [lambda: ConvexPotential(2, 3, size=3), lambda: Relaxation(2, 3)])
def test_gradients_are_those_without_sharing(make, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    block = rkblocks.build("ssprk43", residual=make(), dt=2).double()
    with torch.no_grad():
        block.residual.weight.add_(torch.randn_like(block.residual.weight))
    x = torch.randn(2, 2, 5, 5, dtype=torch.float64, requires_grad=True)
    wanted = [x, *block.parameters()]

    def gradients() -> list[torch.Tensor]:
        return list(torch.autograd.grad(block(x).square().sum(), wanted))

    shared, again = gradients(), gradients()  # a second step has a graph of its own
    monkeypatch.setattr("rkblocks.nets.bounded_layers.once", lambda owner, compute: compute())
    for a, b, c in zip(shared, again, gradients(), strict=True):
        assert torch.equal(a, b)
        assert torch.allclose(a, c, rtol=1e-12, atol=1e-14)
        assert a.abs().max() > 0


def test_a_step_without_gradients_takes_none_from_the_graph() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.calls = Counted(4), 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            with torch.set_grad_enabled(self.calls % 2 == 0):
                return self.inner(x)

    residual = Mixed()
    block = rkblocks.build("ssp2", residual=residual)
    block(torch.randn(3, 4)).sum().backward()
    assert residual.inner.times == 2
    assert residual.inner.weight.grad.abs().max() > 0


def test_threads_and_steps_share_nothing() -> None:
    made: list[object] = []
    owner = object()

    def compute() -> tuple[torch.Tensor, ...]:
        made.append(torch.zeros(1))
        return (made[-1],)

    with sharing.sharing():
        first = sharing.once(owner, compute)
        assert sharing.once(owner, compute) is first
        thread = threading.Thread(target=lambda: sharing.once(owner, compute))
        thread.start()
        thread.join()
        with sharing.sharing():
            assert sharing.once(owner, compute) is not first
        assert sharing.once(owner, compute) is first
    assert len(made) == 3
    assert sharing.once(owner, compute) is not sharing.once(owner, compute)


def test_a_compiler_and_a_transform_see_the_plain_step() -> None:
    residual = Counted(4)
    block = rkblocks.build("ssp2", residual=residual)
    block(torch.randn(3, 4))
    residual.times = 0
    torch.func.vmap(block)(torch.randn(2, 3, 4))
    assert residual.times == 2
