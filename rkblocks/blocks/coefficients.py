"""Learnable coefficients of blocks: which parameters of a network they are, and how an optimizer should treat them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from rkblocks.blocks.network_arguments import check_network
from rkblocks.diagnostics import fail
from rkblocks.program.domains import Domain


def raw_parameters(domains: dict[str, Domain], dtype: torch.dtype | None = None) -> nn.ParameterDict:
    """One unconstrained parameter of shape [1] for each learnable coefficient, starting where its declared start lies.

    Not of no dimension: FSDP shards parameters along their first.

    Args:
        domains: of the coefficients by name.
        dtype: of the parameters; torch's default where left out.

    Raises:
        RkblocksError: RK508 for a dtype that is not of real floating point numbers.
    """
    if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        help = "leave it out for torch's default, or pass torch.float64"
        fail("RK508", f"dtype is {dtype!r}, expected a floating point dtype", help=help)
    return nn.ParameterDict({name: nn.Parameter(torch.tensor([d.raw], dtype=dtype)) for name, d in domains.items()})


def with_one_entry(state: dict[str, Any], prefix: str) -> None:
    """Give raw values in a state dict the shape [1]; states of before had none."""
    for name, value in state.items():
        if name.startswith(prefix) and isinstance(value, Tensor) and value.dim() == 0:
            state[name] = value.reshape(1)


def value_in_use(domain: Domain, raw: Tensor) -> Tensor:
    """The coefficient that a step computes from its raw value: by the expression that is printed, in raw's dtype."""
    source = domain.source("raw")
    value = eval(source, {"torch": torch, "nn": nn, "raw": raw})  # text printed by this package from exact bounds
    assert isinstance(value, Tensor)
    return value


def coefficient_parameters(module: nn.Module) -> list[nn.Parameter]:
    """The raw coefficients of every block in the module, built or emitted, each once.

    They are the entries of a `ParameterDict` that is called ``raw``.  RK822 for what is no module.
    """
    check_network(module)
    found: dict[int, nn.Parameter] = {}
    for child in module.modules():
        raw = child._modules.get("raw")
        if isinstance(raw, nn.ParameterDict):
            found |= {id(p): p for p in raw.parameters()}
    return list(found.values())


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups for an optimizer: everything with the weight decay, the coefficients of schemes without.

    Decay pulls a raw coefficient to the middle of its domain, which is a different scheme: ArkBlock's beta10 to 1/2,
    the midpoint rule, whose SSP coefficient is 0.

    Example:
        >>> torch.optim.SGD(parameter_groups(net, weight_decay=5e-4), lr=0.1)  # doctest: +SKIP
    """
    coefficients = coefficient_parameters(module)
    exempt = {id(p) for p in coefficients}
    weights = [p for p in module.parameters() if id(p) not in exempt]
    groups = [
        {"params": weights, "weight_decay": weight_decay},
        {"params": coefficients, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]
