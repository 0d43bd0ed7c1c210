"""Runs one emitted module on probes and prints what its step computed: a script of its own, which imports torch only.

    python -P probe.py < request.json        writes observation.json into the current folder

What it runs is code of others: see `confine` beside it, which starts it, and `limits`.

A step is an affine map of x and of what F returned.  F is replaced by a probe that answers its k-th call with the k-th
unit vector, whatever it is asked, and x is another unit vector; so the points at which F is called, and the result,
read as the coefficients themselves, in double precision, as the statements of the file made them.  A second run on
random vectors shows that the step is that affine map on them too.  Floats travel as hexadecimal text, exactly.
"""

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

MOST_CALLS = 500
OTHERS = (-1.25, 0.375, 1.5)
"""Raw values at which a family is looked at besides its start; the k-th parameter gets k/8 more."""
RANDOM = 64
"""Components of the random probes."""


class Probe(nn.Module):
    """F that answers its k-th call with ``answer(k)`` and keeps where it was called."""

    def __init__(self, answer: Callable[[int], Tensor]) -> None:
        super().__init__()
        self.answer = answer
        self.points: list[Tensor] = []
        self.times: list[float] = []

    def forward(self, x: Tensor, *time: Any) -> Tensor:
        if len(self.points) == MOST_CALLS:
            raise RuntimeError(f"the step calls F more than {MOST_CALLS} times")
        self.points.append(x.detach().clone())
        self.times += [float(t) for t in time]
        return self.answer(len(self.points) - 1)


def raw_of(module: nn.Module) -> dict[str, Tensor]:
    """The raw coefficients of the module by name."""
    return dict(getattr(module, "raw", {}))


def step(
    cls: Callable[[nn.Module], nn.Module], probe: Probe, x: Tensor, raw: dict[str, float], *, train: bool = True
) -> list[Tensor]:
    """The results of one step; the raw coefficients are set first."""
    module = cls(probe).double().train(train)
    with torch.no_grad():
        for name, value in raw.items():
            raw_of(module)[name].fill_(value)
        found = module(x)
    return list(found) if isinstance(found, tuple) else [found]


def texts(values: Tensor) -> list[str]:
    return [float(v).hex() for v in values.double().tolist()]


def unit(k: int, n: int) -> Tensor:
    """The k-th unit vector of n components; zero for a call that was not foreseen."""
    return (torch.arange(n) == k).double()


def observe(cls: Callable[[nn.Module], nn.Module], raw: dict[str, float]) -> dict[str, Any]:
    """What the step computes with these raw values."""
    count = Probe(lambda k: torch.zeros(1, dtype=torch.float64))
    step(cls, count, torch.zeros(1, dtype=torch.float64), raw)
    n = 1 + len(count.points)
    probe, again = Probe(lambda k: unit(1 + k, n)), Probe(lambda k: unit(1 + k, n))
    results = step(cls, probe, unit(0, n), raw)
    evaluated = step(cls, again, unit(0, n), raw, train=False)
    computed, twice = [*probe.points, *results], [*again.points, *evaluated]
    return {
        "raw": {name: value.hex() for name, value in raw.items()},
        "points": [texts(point) for point in probe.points],
        "times": [t.hex() for t in probe.times],
        "results": [texts(result) for result in results],
        "modes_agree": len(computed) == len(twice) and all(map(torch.equal, computed, twice)),
        "deviation": deviation(cls, raw, torch.stack(computed)),
    }


def deviation(cls: Callable[[nn.Module], nn.Module], raw: dict[str, float], rows: Tensor) -> float:
    """The largest error of the affine map on random vectors, relative to the sum of the sizes of its terms."""
    generator = torch.Generator().manual_seed(0)
    sizes = torch.logspace(-2, 2, RANDOM, dtype=torch.float64)
    vectors = torch.randn(rows.shape[1], RANDOM, generator=generator, dtype=torch.float64) * sizes
    probe = Probe(lambda k: vectors[1 + k].clone())
    results = step(cls, probe, vectors[0].clone(), raw)
    found = torch.stack([*probe.points, *results])
    expected, scale = rows @ vectors, rows.abs() @ vectors.abs()
    return float(((found - expected).abs() / (scale + 1e-300)).max())


def observations(cls: Callable[[nn.Module], nn.Module]) -> list[dict[str, Any]]:
    """What the step of a class computes at the start of its raw coefficients, and at other values of them."""
    start = {name: float(value.detach()) for name, value in raw_of(cls(nn.Identity())).items()}
    others = [{name: other + i / 8 for i, name in enumerate(start)} for other in OTHERS] if start else []
    return [observe(cls, raw) for raw in (start, *others)]


def main() -> None:
    """Answer the request on standard input with observation.json; whatever the file prints goes to standard error."""
    request = json.load(sys.stdin)
    torch.set_num_threads(1)
    confined = runpy.run_path(str(Path(__file__).with_name("limits.py")))["confined"]
    with open("observation.json", "w", encoding="ascii") as answer:
        confined(request["seconds"], request["memory"], request["written"])
        cls = runpy.run_path(request["file"], run_name="emitted")[request["class"]]
        json.dump({"cases": observations(cls)}, answer)


if __name__ == "__main__":
    main()
