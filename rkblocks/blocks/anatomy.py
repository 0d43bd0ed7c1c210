"""How a block of any network is made of residuals, read from what its ``forward`` does with its input.

torch.fx follows one call of the block, whose submodules it takes as they are.  Every value through which all that the
result takes from x has to pass is a *state* of the block; between two states lies a step, ``a + F(a)``, or some
layers.  So

    y = act(x + F(x))                                   one step, then layers     ResNet v1
    y = x + scale * F(x)                                one step                  ConvNeXt, MobileNet, EfficientNet
    y = a + mlp(norm(a)), a = x + attention(norm(x))    two steps                 pre-norm transformers

No class is known by name, so that subclasses, and instances with and without a projection, are read as they are.
"""

from __future__ import annotations

import inspect
import operator
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

Split = Callable[[nn.Module], tuple[nn.Module, nn.Module | None] | None]
"""From a block to its residual and to the layer after the addition, if there is one; None where it is to be kept."""

SUMS: frozenset[Any] = frozenset((operator.add, operator.iadd, torch.add, Tensor.add, Tensor.add_, "add", "add_"))
DROPS = ("DropPath", "StochasticDepth")
DROPOUTS: dict[Any, Any] = {
    F.dropout: nn.Dropout,
    F.dropout1d: nn.Dropout1d,
    F.dropout2d: nn.Dropout2d,
    F.dropout3d: nn.Dropout3d,
    F.alpha_dropout: nn.AlphaDropout,
    F.feature_alpha_dropout: nn.FeatureAlphaDropout,
}
"""The layer that does what a function does in one mode and not in the other."""


@dataclass(frozen=True)
class Residual:
    """A step of a block: F as a module, and the layer that drops F(x) of whole examples in training, if it does."""

    residual: nn.Module
    drop: nn.Module | None = None


Part = Residual | nn.Module
"""A step, or the layers between two steps."""


class Kept(Exception):  # noqa: N818  # it is no error
    """Why a block with a residual is kept."""


def parts_of(block: nn.Module) -> tuple[Part, ...] | None:
    """The steps and layers that a block consists of, in order, of its own submodules; None where it has no residual.

    Raises:
        Kept: for a block that adds two things that come from its input, where that is no ``a + F(a)`` with one F for
            all stages.
    """
    traced = _traced(block, block.training)
    if traced is None:
        return None
    graph, keeps_state = traced
    layers_of = _Layers(block)
    other = _traced(block, not block.training)
    if other is not None:
        layers_of.follow_the_mode(graph, other[0])
    x, output = _ends(graph)
    ways = [Way(a, b, _branch(a, b)) for a, b in pairwise(_states(graph, x, output))]
    if not any(way.branch is not None and _has_weights(layers_of, _between(way.start, way.branch)) for way in ways):
        _no_step(layers_of, graph, x)
        return None
    if reason := _own_forward(block) or _other_mode(other, graph) or _side_effects(graph, x, output):
        raise Kept(reason)
    if keeps_state:
        raise Kept("its forward changes what the block itself holds")
    found: list[Part] = []
    layers = None  # where those that follow a step begin
    for way in ways:
        if way.branch is None:
            layers = layers or way.start
            continue
        if layers is not None:
            found.append(_module(layers_of, layers, way.start))
        found.append(_residual(layers_of, way.start, way.branch))
        layers = None
    if layers is not None:
        found.append(_module(layers_of, layers, ways[-1].end))
    modules = [m for part in found for m in ((part.residual, part.drop) if isinstance(part, Residual) else (part,))]
    if lost := left_out(block, [m for m in modules if m is not None]):
        raise Kept(f"its forward makes no use of {lost}")
    return tuple(found)


@dataclass(frozen=True)
class Way:
    """From one state to the next: a step with the node of its F, or layers."""

    start: fx.Node
    end: fx.Node
    branch: fx.Node | None


def further_arguments(block: nn.Module) -> dict[str, Any]:
    """The defaults of what a block's forward takes beyond x, by name."""
    parameters = list(inspect.signature(type(block).forward).parameters.values())[2:]
    return {p.name: p.default for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}


class _Layers:
    """The layers that a block's graph calls: its own, and one for each dropout that it calls as a function."""

    def __init__(self, block: nn.Module) -> None:
        self.block = block
        self.dropouts: dict[str, nn.Module] = {}

    def __getitem__(self, node: fx.Node) -> nn.Module:
        name = str(node.target)
        return self.dropouts[name] if name in self.dropouts else self.block.get_submodule(name)

    def follow_the_mode(self, graph: fx.Graph, other: fx.Graph) -> None:
        """Have `F.dropout(y, p, self.training)` be a call of a layer, in the graphs of both modes."""
        if len(graph.nodes) != len(other.nodes):
            return
        for number, pair in enumerate(zip(graph.nodes, other.nodes, strict=True)):
            found = [_dropout(node) for node in pair]
            if None in found or [f[1] for f in found if f] != [self.block.training, not self.block.training]:
                continue
            name = f"dropout_of_function_{number}"
            layer = found[0][0] if found[0] else nn.Identity()
            layer.training = self.block.training
            self.dropouts[name] = layer
            for node in pair:
                with node.graph.inserting_before(node):
                    node.replace_all_uses_with(node.graph.call_module(name, (node.all_input_nodes[0],)))
                node.graph.erase_node(node)


def _dropout(node: fx.Node) -> tuple[nn.Module, object] | None:
    """The layer for a call of a function of dropout on one tensor, and the mode that it is given."""
    kind = DROPOUTS.get(node.target) if node.op == "call_function" else None
    if kind is None or len(node.all_input_nodes) != 1:
        return None
    given = dict(zip(("input", "p", "training", "inplace"), node.args, strict=False)) | node.kwargs
    return kind(given.get("p", 0.5), bool(given.get("inplace"))), given.get("training", True)


class _OneLevel(fx.Tracer):
    """Submodules are taken as they are."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return True


def _traced(block: nn.Module, training: bool) -> tuple[fx.Graph, bool] | None:
    """What forward does with its first argument in that mode, the others at their defaults, and whether it keeps state.

    None where fx cannot follow it.  A copy with the same submodules is traced, so that nothing happens to the block.
    """
    cls: Any = type(block)
    parameters = list(inspect.signature(cls.forward).parameters.values())[1:]
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if not parameters or sum(p.default is p.empty and p.kind in kinds for p in parameters) > 1:
        return None
    buffers = {name: None if buffer is None else buffer.clone() for name, buffer in block._buffers.items()}
    before = {**vars(block), "training": training, "_buffers": buffers}
    copy: nn.Module = object.__new__(type(cls.__name__, (cls,), {"forward": lambda self, x: cls.forward(self, x)}))
    object.__setattr__(copy, "__dict__", dict(before))
    try:
        graph = _OneLevel().trace(copy)
    except Exception:  # whatever a stand-in for a tensor makes user code raise
        return None
    for node in list(graph.nodes):
        if node.op == "call_module" and _does_nothing(block.get_submodule(str(node.target))):
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)
    *_, result = graph.nodes
    if result.op != "output" or not isinstance(result.args[0], fx.Node):
        return None
    after = vars(copy)
    changed = after.keys() != before.keys() or any(after[name] is not value for name, value in before.items())
    return graph, changed or any(buffer is not None and buffer._version > 0 for buffer in buffers.values())


def _does_nothing(layer: nn.Module) -> bool:
    if layer._forward_hooks or layer._forward_pre_hooks or "forward" in vars(layer):
        return False
    return type(layer) is nn.Identity or (type(layer) is nn.Sequential and all(map(_does_nothing, layer)))


def _ends(graph: fx.Graph) -> tuple[fx.Node, fx.Node]:
    x = next(node for node in graph.nodes if node.op == "placeholder")
    output = next(node for node in graph.nodes if node.op == "output").args[0]
    assert isinstance(output, fx.Node)
    return x, output


def _from(graph: fx.Graph, x: fx.Node) -> set[fx.Node]:
    """The nodes that take something from x, itself among them."""
    found = {x}
    for node in graph.nodes:
        if found & set(node.all_input_nodes):
            found.add(node)
    return found


def _states(graph: fx.Graph, x: fx.Node, output: fx.Node) -> list[fx.Node]:
    """The nodes that every path from x to the result passes, in order (its dominators)."""
    inside = _from(graph, x)
    passed: dict[fx.Node, list[fx.Node]] = {x: [x]}
    for node in graph.nodes:
        if node in inside and node is not x:
            ways = [passed[source] for source in node.all_input_nodes if source in inside]
            common = set(ways[0]).intersection(*ways[1:])
            passed[node] = [*(state for state in ways[0] if state in common), node]
    return passed.get(output, [x])


def _operands(node: fx.Node) -> tuple[fx.Node, fx.Node] | None:
    """What a sum of two tensors adds."""
    if node.op in ("call_function", "call_method") and node.target in SUMS and len(node.args) == 2 and not node.kwargs:
        a, b = node.args
        if isinstance(a, fx.Node) and isinstance(b, fx.Node):
            return a, b
    return None


def _branch(a: fx.Node, b: fx.Node) -> fx.Node | None:
    """Where b is a + F(a), the node of F(a)."""
    operands = _operands(b)
    if operands is None or a not in operands or operands[0] is operands[1]:
        return None
    return operands[1] if operands[0] is a else operands[0]


def _between(a: fx.Node, b: fx.Node) -> list[fx.Node]:
    """The nodes by which b comes from a, in order, with what they need from elsewhere (parameters)."""
    wanted, stack = set(), [b]
    while stack:
        node = stack.pop()
        if node is not a and node not in wanted:
            wanted.add(node)
            stack += node.all_input_nodes
    return [node for node in a.graph.nodes if node in wanted]


def _has_weights(layers: _Layers, nodes: Sequence[fx.Node]) -> bool:
    """Whether a layer with weights is on the way: an activation such as x + sin(x) is no block."""
    called = [layers[node] for node in nodes if node.op == "call_module"]
    return any(next(layer.parameters(), None) is not None for layer in called)


def _no_step(layers: _Layers, graph: fx.Graph, x: fx.Node) -> None:
    """Return nothing where the block adds no two things that come from its input; otherwise raise Kept with why."""
    inside = _from(graph, x)
    for node in graph.nodes:
        operands = _operands(node) if node in inside else None
        if operands is None or not set(operands) <= inside or operands[0] is operands[1]:
            continue
        one, other = (_between(x, operand) for operand in operands)
        if not _has_weights(layers, [*one, *other]):
            continue
        if operands[0] in (x, *other) or operands[1] in (x, *one):
            raise Kept("its sums do not follow each other as x + F(x) does")
        if all(any(n.op == "call_module" for n in way) for way in (one, other)):
            raise Kept("its shortcut is a projection")


def _own_forward(block: nn.Module) -> str:
    return "its forward was set on this instance" if "forward" in vars(block) else ""


def _other_mode(other: tuple[fx.Graph, bool] | None, graph: fx.Graph) -> str:
    return (
        ""
        if other is not None and str(other[0]) == str(graph)
        else "its forward is another in training than in evaluation"
    )


def _side_effects(graph: fx.Graph, x: fx.Node, output: fx.Node) -> str:
    """What forward does that does not show in its result; assertions, and what they look at, do not count."""
    used = {x, *_between(x, output)}
    for node in graph.nodes:
        quiet = node.op in ("placeholder", "get_attr", "output") or node.target in (torch._assert, getattr)
        looks = bool(node.users) or node.target in ("size", "dim", "numel", operator.getitem)
        if node not in used and not quiet and not looks:
            return f"its forward also calls {node.target}, which its result does not show"
    return ""


def _residual(layers: _Layers, a: fx.Node, b: fx.Node) -> Residual:
    """F from a to b, without a layer at its end that drops examples."""
    drop: nn.Module | None = None
    if b.op == "call_module" and len(b.all_input_nodes) == 1:
        layer = layers[b]
        if type(layer).__name__.startswith(DROPS) and _rate(layer) > 0:
            drop, b = layer, b.all_input_nodes[0]
    residual = _module(layers, a, b)
    for module in residual.modules():
        name = type(module).__name__
        if name.startswith((*DROPS, "DropBlock")) and _rate(module) > 0:
            raise Kept(f"its {name} would drop each stage by itself, where it was to drop the step")
    return Residual(residual, drop)


def _rate(drop: nn.Module) -> float:
    rate = getattr(drop, "drop_prob", getattr(drop, "p", 1.0))
    return float(1.0 if rate is None and not hasattr(drop, "drop_prob") else rate or 0.0)


def _module(layers: _Layers, a: fx.Node, b: fx.Node) -> nn.Module:
    """What leads from a to b: the block's layers one after the other, or as a graph where more than that happens."""
    nodes = _between(a, b)
    chained: OrderedDict[str, nn.Module] = OrderedDict()
    before = a
    for node in nodes:
        if node.op != "call_module" or node.args != (before,) or node.kwargs:
            return _graph_module(layers, a, nodes)
        before = node
        layer, name = layers[node], str(node.target).replace(".", "_")
        while name in chained:
            name = f"{name}_again"
        chained[name] = layer
    chain = nn.Sequential(chained)
    chain.training = layers.block.training
    return chain


def _graph_module(layers: _Layers, a: fx.Node, nodes: Sequence[fx.Node]) -> nn.Module:
    block, graph = layers.block, fx.Graph()
    made: dict[fx.Node, fx.Node] = {a: graph.placeholder("x")}
    for node in nodes:
        made[node] = graph.node_copy(node, made.__getitem__)
    graph.output(made[nodes[-1]])
    own = {*block.modules(), *layers.dropouts.values()}
    root: Any = block
    if layers.dropouts:
        called = {str(node.target): layers[node] for node in nodes if node.op == "call_module"}
        root = called | {str(n.target): attrgetter(str(n.target))(block) for n in nodes if n.op == "get_attr"}
    module = fx.GraphModule(root, graph, class_name=f"{type(block).__name__}Part")
    for part in module.modules():
        if part not in own:
            part.training = block.training
    return module


def left_out(block: nn.Module, modules: Sequence[nn.Module]) -> str:
    """The parameters and buffers of a block, or kinds of layers without any, that occur in none of the modules."""
    kept = {id(t) for m in modules for t in (*m.parameters(), *m.buffers())}
    named = [*block.named_parameters(), *block.named_buffers()]
    lost = [name for name, tensor in named if id(tensor) not in kept]
    if lost:
        return lost[0] if len(lost) == 1 else f"{lost[0]} and {len(lost) - 1} more"
    kinds = {type(part) for module in modules for part in module.modules()} | {
        nn.Identity,
        nn.Sequential,
        nn.ModuleList,
    }
    return next((name for name, part in block.named_modules() if name and type(part) not in kinds and _bare(part)), "")


def _bare(part: nn.Module) -> bool:
    """Whether a layer holds nothing and nothing holds for it: it may do something that only its kind tells."""
    idle = type(part).__name__.startswith((*DROPS, "DropBlock", "Dropout")) and _rate(part) == 0
    return not part._modules and not idle
