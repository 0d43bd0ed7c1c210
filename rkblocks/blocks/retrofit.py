"""An existing network with Runge-Kutta steps in place of its residual blocks: the same residuals, the same weights."""

from __future__ import annotations

import copy as copying
from collections import OrderedDict
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import NoReturn

from torch import nn

from rkblocks.blocks.anatomy import Split
from rkblocks.blocks.arguments import check_network, check_report, check_split
from rkblocks.blocks.block import RKBlock, build
from rkblocks.blocks.statistics import check_kinds, plain
from rkblocks.blocks.survey import DONE, Candidate, candidates, parts
from rkblocks.diagnostics import fail
from rkblocks.program.lower import Source, lower, step_size, tableau_of
from rkblocks.tableau import Tableau


def retrofit(
    model: nn.Module,
    source: Source,
    dt: float | Fraction = 1.0,
    *,
    statistics: str = "stage",
    memory: str = "full",
    copy: bool = False,
    split: Mapping[type[nn.Module], Split] | None = None,
    report: Callable[[Candidate], object] | None = None,
) -> nn.Module:
    """The model, changed in place: residual blocks that keep the shape are steps of the scheme around their residual.

    A block y = act(x + F(x)) becomes y = act(one step of the scheme around F from x): with "euler" and dt = 1 the same
    numbers, bit for bit.  Parameters are the same objects, so that an optimizer made before stays right; names in the
    state dict gain a part (``layer1.0.conv1`` becomes ``layer1.0.step.residual.conv1``), so load weights before.
    Blocks of `build` get the new scheme, with the running statistics of their first stage for all stages.

    Args:
        model: a torchvision or timm ResNet, a network of `rkblocks.nets`, or any module with such blocks inside.  Where
            the model itself is such a block, its replacement is returned.  Wrap (DistributedDataParallel) and compile
            afterwards.
        source: a tableau, or the name or path of one.
        dt, statistics, memory: as for `build`.
        copy: change and return a deep copy, and leave the model alone.
        split: for block classes of your own, a function from the block to its residual and to the layer after the
            addition (or None).
        report: called with each `Candidate`, replaced or kept; ``report=print`` shows them.

    Raises:
        TableauError: for what is no consistent explicit method, with the diagnostics of `check`.
        RkblocksError: RK511 where no block can be replaced, RK513 for a model that is no module, RK514 for an unfit
            ``split`` or ``report``, RK505 for norm layers whose statistics cannot be kept for
            every stage, and what `build` raises; the model is unchanged then.

    Example:
        >>> import torch, rkblocks
        >>> net = rkblocks.nets.grouped("euler", depth=1, widths=(4,))
        >>> rkblocks.retrofit(net, "ssp3").groups[0][0].tableau.name
        'ssp3'
    """
    known = split or {}
    check_network(model)
    check_split(known)
    check_report(report)
    tableau = tableau_of(source)
    size = step_size(dt)
    build(tableau, nn.Identity(), size, statistics=statistics, memory=memory)  # refused before anything is changed
    if copy:
        model = copying.deepcopy(model)
    found = candidates(model, known, tableau)
    chosen = [block for candidate, block in found if not candidate.kept]
    if not chosen and not any(candidate.kept == DONE for candidate, _ in found):
        _nothing_to_do(model, [candidate for candidate, _ in found])
    halves = {id(block): parts(block, known) for block in chosen}
    if statistics == "stage" and lower(tableau, dt=size).calls > 1:
        for residual, _ in halves.values():
            check_kinds(residual)
    if any(isinstance(block, RKBlock) and block.step.learn_dt for block in chosen):
        build(tableau, nn.Identity(), size, learn_dt=True)
    options = {"statistics": statistics, "memory": memory}
    new = {id(block): _step(block, *halves[id(block)], tableau, size, options) for block in chosen}
    if report is not None:
        for candidate, _ in found:
            report(candidate)
    return _exchanged(model, new)


def _nothing_to_do(model: nn.Module, found: list[Candidate]) -> NoReturn:
    kind = type(model).__name__
    if not found:
        fail(
            "RK511",
            f"no residual block that is known in the {kind}; known are those of torchvision's and timm's ResNets and "
            "of rkblocks.build",
            help="say how a class of your own splits: retrofit(..., split={MyBlock: lambda b: (b.residual, None)})",
        )
    fail(
        "RK511",
        f"none of the {len(found)} residual blocks in the {kind} can be replaced; the first: {found[0]}",
        help="rkblocks.blocks.survey(model) lists all of them",
    )


def _step(
    block: nn.Module,
    residual: nn.Module,
    after: nn.Module | None,
    tableau: Tableau,
    dt: Fraction,
    options: dict[str, str],
) -> nn.Module:
    """The step around the residual, with the layer after the addition, in the block's mode and on its device."""
    old = block.step if isinstance(block, RKBlock) else None
    reference = next((p for p in block.parameters() if p.is_floating_point()), None)
    step = build(
        tableau,
        plain(residual),
        dt,
        statistics=options["statistics"],
        memory=options["memory"],
        time=old is not None and old.time,
        learn_dt=old is not None and old.learn_dt,
    )
    if reference is not None and step.step.domains:
        step.raw.to(reference.device, reference.dtype)
        for name, domain in step.step.domains.items():
            step.raw[name].data.fill_(domain.raw)  # rounded once, to that dtype
    step.training = step.residual.training = block.training  # not .train(): a frozen norm layer stays frozen
    if after is None:
        return step
    whole = nn.Sequential(OrderedDict(step=step, after=after))
    whole.training = block.training
    return whole


def _exchanged(model: nn.Module, new: Mapping[int, nn.Module]) -> nn.Module:
    """The model with its blocks exchanged, wherever they occur."""
    if id(model) in new:
        return new[id(model)]
    for module in list(model.modules()):
        for name, child in module._modules.items():
            if child is not None and id(child) in new:
                module._modules[name] = new[id(child)]
    return model
