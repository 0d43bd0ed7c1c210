"""The residual blocks of a network: where they are, how they split into F and the rest, which cannot be replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from rkblocks.blocks.anatomy import KNOWN, Split, known_as, obstacle
from rkblocks.blocks.arguments import check_network, check_split, halves
from rkblocks.blocks.block import RKBlock
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


def survey(model: nn.Module, split: Splits | None = None) -> tuple[Candidate, ...]:
    """The residual blocks that `retrofit` would find in a model, in order, each with the reason why it would be kept.

    Found are the blocks of torchvision's and timm's ResNets, subclasses of theirs (kept: their forward may differ),
    blocks of `build`, and the classes of ``split``, as for `retrofit`.  RK513, RK514 for what is no model or no split.
    """
    check_network(model)
    check_split(split or {})
    return tuple(candidate for candidate, _ in candidates(model, split or {}))


def candidates(
    model: nn.Module, split: Splits, tableau: Tableau | None = None
) -> tuple[tuple[Candidate, nn.Module], ...]:
    """The candidates for that tableau with their blocks.

    What is inside a block is not looked at, and one that occurs at several places is listed at the first.
    """
    found: list[tuple[Candidate, nn.Module]] = []
    seen: set[int] = set()

    def visit(module: nn.Module, name: str) -> None:
        if id(module) in seen:
            return
        seen.add(id(module))
        if isinstance(module, RKBlock) or type(module) in split or _ancestor(type(module)) is not None:
            reason = _reason(module, split, tableau)
            kind = type(module).__name__ + (f" of {module.tableau.name}" if isinstance(module, RKBlock) else "")
            found.append((Candidate(name, kind, reason), module))
            return
        for part, child in module.named_children():
            visit(child, f"{name}.{part}" if name else part)

    visit(model, "")
    return tuple(found)


def parts(block: nn.Module, split: Splits) -> tuple[nn.Module, nn.Module | None]:
    """The residual of a candidate and the layer after the addition; the block itself is not changed."""
    if isinstance(block, RKBlock):
        return block.residual, None
    if type(block) in split:
        return halves(split[type(block)], block)
    anatomy = known_as(type(block))
    assert anatomy is not None
    return anatomy.split(block)


def _reason(block: nn.Module, split: Splits, tableau: Tableau | None) -> str:
    """Why the block is kept; empty where it is replaced."""
    if isinstance(block, RKBlock):
        if block.tableau == tableau:
            return DONE
        if block.step.error:
            return "it returns an error estimate"
    elif type(block) not in split:
        if known_as(type(block)) is None:
            base = _ancestor(type(block))
            assert base is not None
            return f"a subclass of {base.__name__}, whose forward may be another"
        if reason := obstacle(block):
            return reason
    hooks = (block._forward_hooks, block._forward_pre_hooks, block._backward_hooks, block._backward_pre_hooks)
    return "it has hooks, which would be lost" if any(hooks) else ""


def _ancestor(kind: type) -> type | None:
    """The class itself or the nearest base class that is known."""
    return next((base for base in kind.__mro__ if (base.__module__, base.__qualname__) in KNOWN), None)
