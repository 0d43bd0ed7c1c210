"""The residual blocks of a network: where they are, what they consist of, which cannot be replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from torch import nn

from rkblocks.blocks.anatomy import Kept, Part, Residual, Split, left_out, parts_of
from rkblocks.blocks.block import RKBlock
from rkblocks.blocks.encoder import EncoderLayer, Make
from rkblocks.blocks.network_arguments import check_network, check_split, halves
from rkblocks.tableau import Tableau

Splits = Mapping[type[nn.Module], Split]

DONE = "it has this scheme already"


@dataclass(frozen=True)
class Candidate:
    """A residual block of a model: where it is, what it is, and why `retrofit` keeps it (empty where it does not)."""

    name: str
    kind: str
    kept: str = ""

    def __str__(self) -> str:
        place = self.name or "the model itself"
        return f"{place}: {self.kind} kept, {self.kept}" if self.kept else f"{place}: {self.kind} replaced"


@dataclass(frozen=True)
class Found:
    """A candidate, its block, and what the block consists of (nothing where it is kept).

    ``parts`` are the steps and layers, one after the other, or a function that builds the whole of a class that is
    known from the steps that it is given.
    """

    candidate: Candidate
    block: nn.Module
    parts: tuple[Part, ...] | Callable[[Make], nn.Module] = ()


def survey(model: nn.Module, split: Splits | None = None) -> tuple[Candidate, ...]:
    """The residual blocks that `retrofit` would find in a model, in order, each with the reason why it would be kept.

    Found are modules whose forward adds what it makes of its input to the input, blocks of `build`,
    `nn.TransformerEncoderLayer`, and the classes of ``split``, as for `retrofit`.  Of blocks inside each other the
    inner ones count.  RK822 for what is no model or no split.
    """
    check_network(model)
    check_split(split or {})
    return tuple(found.candidate for found in candidates(model, split or {}))


def candidates(model: nn.Module, split: Splits, tableau: Tableau | None = None) -> tuple[Found, ...]:
    """The candidates for that tableau; a block that occurs at several places is listed at the first."""
    seen: set[nn.Module] = set()

    def visit(module: nn.Module, name: str) -> list[Found]:
        if module in seen:
            return []
        seen.add(module)
        whole = isinstance(module, RKBlock) or type(module) in split or type(module) is nn.TransformerEncoderLayer
        if whole:
            return [_found(module, name, split, tableau)]
        inside = [
            found
            for part, child in module.named_children()
            for found in visit(child, f"{name}.{part}" if name else part)
        ]
        if any(not found.candidate.kept or found.candidate.kept == DONE for found in inside) or not module._modules:
            return inside
        if type(module).__module__.startswith("torch.nn."):
            return inside
        own = _read(module, name)
        return inside if own is None or (own.candidate.kept and inside) else [own]

    return tuple(visit(model, ""))


def classes_seen(model: nn.Module) -> str:
    """The classes in a model that are made of layers and are none of torch's own, the most frequent first."""
    own = [m for m in model.modules() if m._modules and not type(m).__module__.startswith("torch.nn.")]
    kinds = [type(m).__name__ for m in own or model.modules()]
    names = sorted(dict.fromkeys(kinds), key=lambda name: -kinds.count(name))
    return ", ".join([*names[:8], *(["..."] if len(names) > 8 else [])])


def _found(block: nn.Module, name: str, split: Splits, tableau: Tableau | None) -> Found:
    """A block of a class that is known, or named by ``split``."""
    kind = type(block).__name__
    if isinstance(block, RKBlock):
        reason = DONE if block.tableau == tableau else "it returns an error estimate" if block.step.error else ""
        reason = reason or _hooks(block)
        return Found(Candidate(name, f"{kind} of {block.tableau.name}", reason), block, (Residual(block.residual),))
    own = "its forward was set on this instance" if "forward" in vars(block) else ""
    if type(block) not in split:
        assert isinstance(block, nn.TransformerEncoderLayer)
        return Found(Candidate(name, kind, own or _hooks(block)), block, partial(EncoderLayer, block))
    given = halves(split[type(block)], block)
    if given is None:
        return Found(Candidate(name, kind, "split keeps it"), block)
    residual, after = given
    lost = left_out(block, [part for part in given if part is not None])
    reason = f"split leaves out {lost}" if lost else own or _hooks(block)
    return Found(Candidate(name, kind, reason), block, (Residual(residual), *(() if after is None else (after,))))


def _read(block: nn.Module, name: str) -> Found | None:
    """A block of any other class, read from its forward; None for what is none."""
    kind = type(block).__name__
    try:
        parts = parts_of(block)
    except Kept as kept:
        return Found(Candidate(name, kind, str(kept)), block)
    return None if parts is None else Found(Candidate(name, kind, _hooks(block)), block, parts)


def _hooks(block: nn.Module) -> str:
    hooks = (block._forward_hooks, block._forward_pre_hooks, block._backward_hooks, block._backward_pre_hooks)
    return "it has hooks, which would be lost" if any(hooks) else ""
