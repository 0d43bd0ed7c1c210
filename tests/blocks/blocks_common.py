"""What the tests of blocks share: residuals, and the block, the emitted class and the interpreter of one tableau."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

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


class ForcedField3(Field3):
    """The same with time."""

    def forward(self, x: Tensor, t: float | Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(x + math.sin(3 * t)) * (1 + t)


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


class Plain(nn.Module):
    """What `retrofit` finds in somebody's network: tanh(x + F(x))."""

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch, self.act = branch, nn.Tanh()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x + self.branch(x))


def retrofitted(tableau: Tableau, residual: nn.Module, **options: Any) -> nn.Module:
    """The step that `retrofit` puts around the residual of a `Plain` block inside a network."""
    model = nn.ModuleDict({"stem": nn.Identity(), "block": Plain(residual)})
    split = {Plain: lambda block: (block.branch, block.act)}
    step, after = blocks.retrofit(model, tableau, split=split, **options)["block"].children()
    assert isinstance(after, nn.Tanh)
    assert step.residual is residual
    return step


def interpreted(
    tableau: Tableau,
    residual: Callable[..., Tensor],
    arguments: tuple[Any, ...],
    raw: dict[str, Tensor],
    **options: Any,
) -> Any:
    """The step as the interpreter runs it over tensors, learned coefficients included."""
    block = blocks.build(tableau, nn.Identity(), statistics="shared", **options)
    program, domains = block.program, block.step.domains
    values = {
        name: eval(domain.source("raw"), {"torch": torch, "nn": nn, "raw": raw[name]})
        for name, domain in domains.items()
    }
    x, *time = arguments
    number = program.field.constants.to_float
    return interpret(program, residual, x, values, t=time[0] if time else 0, number=number)


def agree(tableau: Tableau, tolerance: float = 1e-12, t: float | None = None, **options: Any) -> None:
    """Interpreter = block = emitted source = retrofit: the result, and its gradients by x, weights and coefficients.

    With ``error=True`` the result is that of the step and the error estimate together; with a time ``t`` F takes it.
    `retrofit` puts steps of size ``dt`` into networks whose blocks have neither time nor error estimate.
    """
    x = torch.tensor([[0.3, -0.8, 1.1], [0.0, 0.5, -0.2]], dtype=DOUBLE)
    time = () if t is None else (t,)
    options |= {"time": True} if time else {}
    kind = ForcedField3 if time else Field3

    fields = [kind() for _ in range(4)]
    built = blocks.build(tableau, fields[0], **options).double()
    learned = dict(built.raw) if hasattr(built, "raw") else {}
    steps: list[tuple[Callable[..., Any], dict[str, Tensor]]] = [(built, learned)]
    modules = [emitted(tableau, fields[1], **options)]
    if not set(options) - {"dt"}:
        modules.append(retrofitted(tableau, fields[2], **options).double())
    for module in modules:
        raw = dict(module.raw) if hasattr(module, "raw") else {}
        assert list(raw) == list(learned)
        for name in raw:  # an emitted class holds its start in single precision until .double()
            raw[name].data.copy_(learned[name].data)
        steps.append((module, raw))
    raw = {name: value.detach().clone().requires_grad_() for name, value in learned.items()}
    steps.append((lambda *arguments: interpreted(tableau, fields[3], arguments, raw, **options), raw))

    results = []
    for run, raw in steps:
        residual = getattr(run, "residual", fields[3])
        start = x.clone().requires_grad_()
        y = run(start, *time)
        y = torch.stack(y) if isinstance(y, tuple) else y
        assert residual.calls == built.program.calls
        wanted = [start, residual.weight, residual.bias, *raw.values()]
        results.append([y.detach(), *torch.autograd.grad((y * y.detach().cos()).sum(), wanted)])
    *modules, interpreter = results
    for other in modules[1:]:  # the same source runs: the same bits
        for ours, theirs in zip(modules[0], other, strict=True):
            assert torch.equal(ours, theirs)
    for ours, theirs in zip(modules[0], interpreter, strict=True):
        assert (ours - theirs).abs().max() <= tolerance * max(1.0, float(ours.abs().max()))
