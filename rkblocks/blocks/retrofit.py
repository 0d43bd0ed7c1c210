"""An existing network with Runge-Kutta steps in place of its residual blocks: the same residuals, the same weights."""

from __future__ import annotations

import copy as copying
import inspect
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn, TypeVar

from torch import Tensor, nn

from rkblocks.blocks.anatomy import Part, Residual, Split, further_arguments
from rkblocks.blocks.block import RKBlock, build
from rkblocks.blocks.network_arguments import check_network, check_report, check_split
from rkblocks.blocks.norm_statistics import check_kinds, plain
from rkblocks.blocks.survey import DONE, Candidate, Found, candidates, classes_seen
from rkblocks.diagnostics import fail
from rkblocks.program.lower import Source, lower, step_size, tableau_of
from rkblocks.tableau import Tableau

Network = TypeVar("Network", bound=nn.Module)
ACTIVATION = ("outside", "stage")


def retrofit(
    model: Network,
    source: Source,
    dt: float | Fraction = 1.0,
    *,
    statistics: str = "stage",
    memory: str = "full",
    activation: str = "outside",
    copy: bool = False,
    split: Mapping[type[nn.Module], Split] | None = None,
    report: Callable[[Candidate], object] | None = None,
) -> Network:
    """The model, changed in place: residual blocks that keep the shape are steps of the scheme around their residual.

    Blocks are read from their ``forward`` (see `anatomy`), whatever their class: a block y = act(x + F(x)) becomes
    y = act(one step of the scheme around F from x), one of two residuals after each other (a transformer's) becomes two
    steps.  With "euler" and dt = 1 the numbers are the same, bit for bit.  Parameters are the same objects, so that an
    optimizer made before stays right; names in the state dict gain a part (``layer1.0.conv1`` becomes
    ``layer1.0.step.residual.conv1``), so load weights before.  Blocks of `build` get the new scheme, with the running
    statistics of their first stage for all stages.  A layer at the end of F that drops F(x) of whole examples in
    training (stochastic depth) is drawn once a step, for all stages alike.

    Args:
        model: any module with such blocks inside.  Where the model itself is such a block, its replacement is returned.
            Wrap (DistributedDataParallel) and compile afterwards.
        source: a tableau, or the name or path of one.
        dt: as for `build`.
        statistics: as for `build`.
        memory: as for `build`.
        activation: what is integrated where an activation follows the sum, y = act(x + F(x)).  "outside": the field F,
            y = act(step); "stage": the field act(u + F(u)) - u, so that the activation follows every stage and stages
            stay where the network was trained.
        copy: change and return a deep copy, and leave the model alone.
        split: for block classes that are to be split otherwise, a function from the block to its residual and to the
            layer after the addition (or None); it returns None for a block that is to be kept.
        report: called with each `Candidate`, replaced or kept; ``report=print`` shows them.

    Raises:
        TableauError: for what is no consistent explicit method, with the diagnostics of `check`.
        RkblocksError: RK511 where no block can be replaced, RK822 for a model that is no module and for an unfit
            ``split`` or ``report``, RK536 for an unknown ``activation``, RK505 for norm layers whose statistics cannot
            be kept for every stage, and what `build` raises; the model is unchanged then.

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
    if activation not in ACTIVATION:
        help = "docs/blocks.md says what each integrates"
        fail("RK536", f"activation is {activation!r}, expected one of {', '.join(map(repr, ACTIVATION))}", help=help)
    tableau = tableau_of(source)
    size = step_size(dt)
    build(tableau, nn.Identity(), size, statistics=statistics, memory=memory)  # refused before anything is changed
    calls = lower(tableau, dt=size).calls
    if copy:
        model = copying.deepcopy(model)
    found = candidates(model, known, tableau)
    chosen = [one for one in found if not one.candidate.kept]
    if not chosen and not any(one.candidate.kept == DONE for one in found):
        _nothing_to_do(model, [one.candidate for one in found])
    if statistics == "stage" and calls > 1:
        for one in chosen:
            check_kinds(one.block)
    if any(isinstance(one.block, RKBlock) and one.block.step.learn_dt for one in chosen):
        build(tableau, nn.Identity(), size, learn_dt=True)
    inside = activation == "stage" and not (calls == 1 and size == 1)  # the step of Euler's method is the block itself
    scheme = Scheme(tableau, size, statistics, memory, inside)
    new = {id(one.block): _replacement(one, scheme) for one in chosen}
    if report is not None:
        for one in found:
            report(one.candidate)
    whole: Network = _exchanged(model, new)  # type: ignore[assignment]  # another class where the model is a block
    return whole


def _nothing_to_do(model: nn.Module, found: list[Candidate]) -> NoReturn:
    kind = type(model).__name__
    if not found:
        fail(
            "RK511",
            f"no block of the {kind} computes x + F(x) in a way that can be read; it is made of {classes_seen(model)}",
            help="say how a class of your own splits: retrofit(..., split={MyBlock: lambda b: (b.residual, None)})",
        )
    fail(
        "RK511",
        f"none of the {len(found)} residual blocks in the {kind} can be replaced; the first: {found[0]}",
        help="rkblocks.blocks.survey(model) lists all of them",
    )


@dataclass(frozen=True)
class Scheme:
    """What every block of a network becomes: ``inside`` says whether activations belong to the field."""

    tableau: Tableau
    dt: Fraction
    statistics: str
    memory: str
    inside: bool


class Activated(nn.Module):
    """G(u) = act(u + F(u)) - u: what an Euler step of G gives is act(u + F(u))."""

    def __init__(self, residual: nn.Module, act: nn.Module) -> None:
        super().__init__()
        self.residual, self.act = residual, act

    def forward(self, u: Tensor, *share: Tensor) -> Tensor:
        return self.act(u + self.residual(u, *share)) - u  # type: ignore[no-any-return]


class Shared(nn.Module):
    """F(u) times a share for each example, which is the same at every stage; F(u) without one."""

    def __init__(self, residual: nn.Module) -> None:
        super().__init__()
        self.residual = residual

    def forward(self, u: Tensor, *share: Tensor) -> Tensor:
        y: Tensor = self.residual(u)
        return y * share[0] if share else y


class Dropped(nn.Module):
    """A step that is dropped for whole examples in training, as the layer ``drop`` drops: drawn once a step."""

    def __init__(self, step: nn.Module, drop: nn.Module) -> None:
        super().__init__()
        self.step, self.drop = step, drop

    def forward(self, x: Tensor) -> Tensor:
        if not self.drop.training:
            return self.step(x)  # type: ignore[no-any-return]
        return self.step(x, self.drop(x.new_ones(x.shape[0], *[1] * (x.dim() - 1))))  # type: ignore[no-any-return]


class WithDefaults(nn.Sequential):
    """Steps and layers of a block that takes further arguments, which were read at their defaults and stay there."""

    def __init__(self, layers: OrderedDict[str, nn.Module], further: Mapping[str, Any]) -> None:
        super().__init__(layers)
        self.further = dict(further)

    def forward(self, input: Tensor, *others: Any, **named: Any) -> Tensor:
        """The block at x; RK537 for an argument that is not at its default."""
        for name, value in {**dict(zip(self.further, others, strict=False)), **named}.items():
            default = self.further.get(name, inspect.Parameter.empty)
            if value is not default and (isinstance(value, Tensor) or value != default):
                shown = f"a {type(value).__name__}" if isinstance(value, Tensor) else repr(value)
                fail(
                    "RK537",
                    f"a retrofitted block is called with {name} = {shown}, and was read with {name} = {default!r}",
                    help="keep such blocks, split={Block: lambda block: None}, or build(...) one whose F takes it",
                )
        return super().forward(input)  # type: ignore[no-any-return, no-untyped-call]


def _replacement(found: Found, scheme: Scheme) -> nn.Module:
    """What takes the place of a block, in its mode."""
    block = found.block
    new = (
        found.parts(lambda part: _step(block, part, scheme))
        if callable(found.parts)
        else _whole(block, found.parts, scheme)
    )
    own = {
        *block.modules(),
        *(m for step in new.modules() if isinstance(step, RKBlock) for m in step.residual.modules()),
    }
    for module in new.modules():  # not .train(): a frozen norm layer stays frozen
        if module not in own:
            module.training = block.training
    return new


def _whole(block: nn.Module, parts: Sequence[Part], scheme: Scheme) -> nn.Module:
    """The steps and layers of a block, one after the other."""
    count = sum(isinstance(part, Residual) for part in parts)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    steps = 0
    rest = list(parts)
    while rest:
        part = rest.pop(0)
        if isinstance(part, Residual):
            after = rest[0] if rest else None
            act = after if isinstance(after, nn.Module) and scheme.inside and _is_activation(after) else None
            steps += 1
            layers["step" if count == 1 else f"step{steps}"] = _step(block, part, scheme, act)
            if act is not None:
                rest.pop(0)
        else:
            layers["before" if not steps else f"after{steps}" if count > 1 else "after"] = _alone(part)
    further = further_arguments(block)
    if further and not isinstance(block, RKBlock):
        return WithDefaults(layers, further)
    return next(iter(layers.values())) if len(layers) == 1 else nn.Sequential(layers)


def _alone(part: nn.Module) -> nn.Module:
    """A layer, without a Sequential around that alone."""
    return part[0] if type(part) is nn.Sequential and len(part) == 1 else part


def _is_activation(layers: nn.Module) -> bool:
    return not [*layers.parameters(), *layers.buffers()]


def _step(block: nn.Module, part: Residual, scheme: Scheme, act: nn.Module | None = None) -> nn.Module:
    """The step around a residual, with the activation in its field or not, in the block's mode and on its device."""
    old = block.step if isinstance(block, RKBlock) else None
    residual = plain(part.residual) if part.drop is None else Shared(plain(part.residual))
    residual = residual if act is None else Activated(residual, _alone(act))
    if residual is not part.residual and old is None:
        residual.training = block.training
    step = build(
        scheme.tableau,
        residual,
        scheme.dt,
        statistics=scheme.statistics,
        memory=scheme.memory,
        time=old is not None and old.time,
        learn_dt=old is not None and old.learn_dt,
    )
    reference = next((p for p in block.parameters() if p.is_floating_point()), None)
    if reference is not None and step.step.domains:
        step.raw.to(reference.device, reference.dtype)
        for name, domain in step.step.domains.items():
            step.raw[name].data.fill_(domain.raw)  # rounded once, to that dtype
    return step if part.drop is None else Dropped(step, part.drop)


def _exchanged(model: nn.Module, new: Mapping[int, nn.Module]) -> nn.Module:
    """The model with its blocks exchanged, wherever they occur."""
    if id(model) in new:
        return new[id(model)]
    for module in list(model.modules()):
        for name, child in module._modules.items():
            if child is not None and id(child) in new:
                module._modules[name] = new[id(child)]
    return model
