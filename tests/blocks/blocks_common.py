"""What the tests of blocks share: residuals, and the block, the emitted class and the interpreter of one tableau."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from rkblocks import blocks
from rkblocks.program import emit, interpret
from rkblocks.tableau import Tableau

torch.set_num_threads(1)
DOUBLE = torch.float64


class Field3(nn.Module):
    """A smooth nonlinear vector field on R^3 with weights; it counts its calls."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.weight = nn.Parameter(torch.randn(3, 3, generator=generator, dtype=DOUBLE) / 2)
        self.bias = nn.Parameter(torch.randn(3, generator=generator, dtype=DOUBLE) / 2)
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return torch.tanh(x @ self.weight + self.bias)


def conv_residual(channels: int = 4, seed: int = 0) -> nn.Sequential:
    """The residual of the paper: norm, ReLU, conv, twice."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )


def images(n: int = 2, channels: int = 4, size: int = 6, seed: int = 1) -> Tensor:
    return torch.randn(n, channels, size, size, generator=torch.Generator().manual_seed(seed))


def emitted(tableau: Tableau, residual: nn.Module, **options: object) -> nn.Module:
    """The class of the emitted text, run in a namespace of its own, around the residual."""
    namespace: dict[str, object] = {"__name__": "emitted"}
    exec(compile(emit(tableau, **options), "emitted", "exec"), namespace)
    (cls,) = (v for k, v in namespace.items() if isinstance(v, type) and k.endswith("Block"))
    return cls(residual).double()


def interpreted(
    tableau: Tableau, residual: Callable[..., Tensor], x: Tensor, raw: dict[str, Tensor], **options: bool
) -> Tensor:
    """The step as the interpreter runs it over tensors, learned coefficients included."""
    block = blocks.build(tableau, nn.Identity(), statistics="shared", **options)
    program, domains = block.program, block.step.domains
    values = {
        name: eval(domain.source("raw"), {"torch": torch, "nn": nn, "raw": raw[name]})
        for name, domain in domains.items()
    }
    return interpret(program, residual, x, values, number=program.field.constants.to_float)


def agree(tableau: Tableau, tolerance: float = 1e-12, **options: bool) -> None:
    """Interpreter = block = emitted source: the result, the gradients by x, by the weights, by the coefficients.

    With ``error=True`` the result is that of the step and the error estimate together.
    """
    x = torch.tensor([[0.3, -0.8, 1.1], [0.0, 0.5, -0.2]], dtype=DOUBLE)
    residuals = [Field3(), Field3(), Field3()]
    built = blocks.build(tableau, residuals[0], **options).double()
    alone = emitted(tableau, residuals[1], **options)
    raws = [
        dict(built.raw) if hasattr(built, "raw") else {},
        dict(alone.raw) if hasattr(alone, "raw") else {},
        {k: v.detach().clone().requires_grad_() for k, v in built.raw.items()} if hasattr(built, "raw") else {},
    ]
    assert list(raws[0]) == list(raws[1])
    for name in raws[0]:  # the class holds its start in single precision until .double()
        alone.raw[name].data.copy_(built.raw[name].data)
    runs = (built, alone, lambda u: interpreted(tableau, residuals[2], u, raws[2], **options))
    results = []
    for run, residual, raw in zip(runs, residuals, raws, strict=True):
        start = x.clone().requires_grad_()
        y = run(start)
        y = torch.stack(y) if isinstance(y, tuple) else y
        assert residual.calls == built.program.calls
        wanted = [start, residual.weight, residual.bias, *raw.values()]
        results.append([y.detach(), *torch.autograd.grad((y * y.detach().cos()).sum(), wanted)])
    for other in results[1:]:
        for ours, theirs in zip(results[0], other, strict=True):
            scale = max(1.0, float(ours.abs().max()))
            assert (ours - theirs).abs().max() <= tolerance * scale
    assert torch.equal(results[0][0], results[1][0])
