"""Memory modes: the same bits, statistics that move once, and fewer saved tensors, counted in two ways."""

import copy
import pickle
import sys
from pathlib import Path

import pytest
import torch
from blocks_common import DOUBLE, Field3, conv_residual, images
from torch import Tensor, nn
from torch.nn import functional

from rkblocks import blocks, nets
from rkblocks.blocks.replay import replaying
from rkblocks.diagnostics import RkblocksError
from rkblocks.nets import PreActivation

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from live import Live, saved_units

MODES = ["norm", "stage"]


class Attention(nn.Module):
    """A transformer's residual: views, a layer norm, GELU."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.mlp = nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(x)
        return self.mlp(self.attention(h, h, h, need_weights=False)[0])


class Twice(nn.Module):
    """Recipes that hang together: BN output that is used by itself, as a view, and activated."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.conv, self.line = nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1), nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(x)
        g = functional.gelu(h)
        return self.conv(g) * h + self.line(h.transpose(2, 3)).transpose(2, 3) + g * g


RESIDUALS = {
    "paper": lambda: PreActivation(4),
    "sequential": conv_residual,
    "inplace": lambda: nn.Sequential(nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)),
    "group": lambda: PreActivation(4, "group"),
    "average": lambda: nn.Sequential(nn.BatchNorm2d(4, momentum=None, affine=False), nn.SiLU(), nn.Conv2d(4, 4, 1)),
    "dropout": lambda: nn.Sequential(nn.BatchNorm2d(4), nn.GELU(), nn.Dropout(0.5), nn.Conv2d(4, 4, 1)),
    "twice": Twice,
    "changed": lambda: Changed(),
}


class Changed(nn.Module):
    """What a recipe must not stand for: a normalised tensor that is changed in place afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(x)
        h.mul_(2.0)
        return self.conv(h)


def trained(block: nn.Module, x: Tensor, steps: int = 2, autocast: bool = False) -> list[Tensor]:
    """Results, gradients and state after some steps forth and back."""
    found = []
    for i in range(steps):
        torch.manual_seed(i)
        start = x.clone().requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            y = block(start)
        (y.float() * y.detach().float().cos()).sum().backward()
        found += [y.detach(), start.grad]
    return found + [p.grad for p in block.parameters()] + list(block.state_dict().values())


def assert_same_bits(one: list[Tensor], other: list[Tensor]) -> None:
    assert len(one) == len(other)
    for ours, theirs in zip(one, other, strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("memory", MODES)
@pytest.mark.parametrize("kind", RESIDUALS)
@pytest.mark.parametrize("name", ["euler", "ssp3", "ark"])
def test_results_gradients_and_statistics_are_the_same_bits(memory: str, kind: str, name: str) -> None:
    torch.manual_seed(0)
    residual = RESIDUALS[kind]()
    full = blocks.build(name, copy.deepcopy(residual))
    lean = blocks.build(name, residual, memory=memory)
    x = images(3)
    assert_same_bits(trained(full, x), trained(lean, x))
    assert_same_bits(trained(full.eval(), x), trained(lean.eval(), x))


@pytest.mark.parametrize("memory", MODES)
@pytest.mark.parametrize("shape", [(2, 16, 32, 32), (4, 64, 8, 8), (3, 7, 5, 3)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_shapes_layouts_and_dtypes(memory: str, shape: tuple[int, ...], layout: object, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    residual = PreActivation(shape[1]).to(dtype).to(memory_format=layout)
    nn.init.uniform_(residual.norm1.weight, -1, 1)
    x = torch.randn(shape).mul(3).add(1).to(dtype).contiguous(memory_format=layout)
    full = blocks.build("ssp2", copy.deepcopy(residual))
    assert_same_bits(trained(full, x, 1), trained(blocks.build("ssp2", residual, memory=memory), x, 1))


@pytest.mark.parametrize("memory", MODES)
@pytest.mark.parametrize("statistics", ["stage", "shared"])
def test_statistics_move_once_an_evaluation(memory: str, statistics: str) -> None:
    block = blocks.build("ssp3", conv_residual(), statistics=statistics, memory=memory)
    y = block(images())
    before = {k: v.clone() for k, v in block.state_dict().items()}
    y.sum().backward()
    assert all(torch.equal(v, before[k]) for k, v in block.state_dict().items())
    assert block.residual[0].num_batches_tracked.tolist() == ([1, 1, 1] if statistics == "stage" else 3)


@pytest.mark.parametrize("memory", MODES)
def test_autocast(memory: str) -> None:
    torch.manual_seed(0)
    for residual, x in ((PreActivation(4), images(3)), (Attention(), torch.randn(2, 5, 8))):
        full = blocks.build("ssp3", copy.deepcopy(residual))
        lean = blocks.build("ssp3", residual, memory=memory)
        assert_same_bits(trained(full, x, autocast=True), trained(lean, x, autocast=True))


@pytest.mark.parametrize("memory", MODES)
def test_attention(memory: str) -> None:
    torch.manual_seed(0)
    residual, x = Attention(), torch.randn(2, 5, 8)
    full = blocks.build("rk4", copy.deepcopy(residual))
    assert_same_bits(trained(full, x), trained(blocks.build("rk4", residual, memory=memory), x))


@pytest.mark.parametrize("memory", MODES)
def test_backward_after_the_mode_has_changed(memory: str) -> None:
    """What is computed again is what was computed, whatever became of the block in between."""
    torch.manual_seed(0)
    blocks_of = [blocks.build("ssp2", PreActivation(4), memory=m) for m in ("full", memory)]
    blocks_of[1].load_state_dict(blocks_of[0].state_dict())
    gradients = []
    for block in blocks_of:
        x = images(3).requires_grad_()
        y = block(x)
        block.eval()
        block(images(2))
        y.sum().backward()
        assert not any(m.training for m in block.modules())
        gradients.append([x.grad, *(p.grad for p in block.parameters())])
    assert_same_bits(*gradients)


@pytest.mark.parametrize("memory", MODES)
def test_weights_given_from_outside(memory: str) -> None:
    """functional_call: the backward pass runs when the module has its own weights back."""
    torch.manual_seed(0)
    full = blocks.build("ssp3", PreActivation(4)).eval()
    lean = blocks.build("ssp3", PreActivation(4), memory=memory).eval()
    others = {name: torch.randn_like(p).requires_grad_() for name, p in full.named_parameters()}
    found = []
    for block in (full, lean):
        y = torch.func.functional_call(block, {**dict(full.named_buffers()), **others}, (images(),))
        found.append(torch.autograd.grad(y.sum(), list(others.values())))
    assert_same_bits(*found)


@pytest.mark.parametrize("memory", MODES)
def test_second_derivatives_and_a_second_backward_pass(memory: str) -> None:
    residual = nn.Sequential(nn.LayerNorm(3), nn.Tanh(), nn.Linear(3, 3)).double()
    block = blocks.build("ssp2", residual, memory=memory)
    x = torch.randn(2, 3, dtype=DOUBLE, requires_grad=True)
    assert torch.autograd.gradcheck(block, (x,))
    assert torch.autograd.gradgradcheck(block, (x,))
    y = block(x).sum()
    (first,) = torch.autograd.grad(y, x, retain_graph=True)
    assert torch.equal(torch.autograd.grad(y, x)[0], first)


@pytest.mark.parametrize("memory", MODES)
def test_changes_in_place_are_refused_as_autograd_does(memory: str) -> None:
    block = blocks.build("euler", PreActivation(4), memory=memory)
    y = block(images())
    with torch.no_grad():
        block.residual.norm1.weight.mul_(2.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize(
    ("name", "full", "norm", "stage"),
    [
        ("euler", 4, 2, 1),
        ("midpoint", 8, 4, 2),
        ("ssp2", 8, 4, 2),
        ("ssp3", 12, 6, 3),
        ("rk4", 16, 8, 4),
        ("ssprk104", 40, 20, 10),
        ("ark", 10, 6, 4),  # one slope more in each, which the learned factors multiply
    ],
)
def test_saved_activations(name: str, full: int, norm: int, stage: int) -> None:
    x = images(8, 8, 16).requires_grad_()
    for memory, units in (("full", full), ("norm", norm), ("stage", stage)):
        assert saved_units(blocks.build(name, PreActivation(8), memory=memory), x) == units


def test_what_the_backward_pass_made_is_gone_after_it() -> None:
    block = blocks.build("ssp3", PreActivation(8), memory="norm")
    x = images(8, 8, 16).requires_grad_()
    with Live() as forward:
        y = block(x)
    for parameter in (x, *block.parameters()):
        parameter.grad = torch.zeros_like(parameter)
    live = Live(x, *block.parameters(), *(p.grad for p in block.parameters()), x.grad)
    live.given |= {ref.cdata for ref, _ in forward.found}
    with live:
        y.backward(torch.ones_like(y), retain_graph=True)
    assert live.found
    assert live.bytes(least=x.numel()) == 0


def test_hooks_see_the_count_of_the_plain_block() -> None:
    """The two ways of counting agree where both can be used."""
    x = images(8, 8, 16).requires_grad_()
    seen: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        seen[tensor.untyped_storage().data_ptr()] = tensor.numel()
        return tensor

    block = blocks.build("ssp3", PreActivation(8))
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        y = block(x)
    activations = sum(n for n in seen.values() if n >= x.numel()) / x.numel()
    del y
    assert activations == saved_units(block, x) == 12


def test_recipes_stand_only_for_what_saves_memory() -> None:
    """A ReLU on a convolution has no recipe: its argument is saved by nobody else."""
    module = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(), nn.Conv2d(4, 4, 1))
    x = images(8, 4, 16).requires_grad_()
    plain = saved_units(module, x)

    class Replayed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            with replaying():
                return module(x)

    assert saved_units(Replayed(), x) == plain


@pytest.mark.parametrize("memory", MODES)
def test_without_gradients_nothing_is_recorded(memory: str) -> None:
    residual = Field3()
    block = blocks.build("ssp2", residual, memory=memory).double()
    with torch.no_grad():
        block(torch.zeros(2, 3, dtype=DOUBLE))
    assert residual.calls == 2
    block(torch.zeros(2, 3, dtype=DOUBLE)).sum().backward()
    assert residual.calls == (6 if memory == "stage" else 4)


@pytest.mark.parametrize("memory", MODES)
def test_copies_and_repr_name_the_mode(memory: str) -> None:
    block = blocks.build("ssp2", conv_residual(), memory=memory)
    for twin in (copy.deepcopy(block), pickle.loads(pickle.dumps(block))):
        assert twin.memory == memory
        assert repr(twin).splitlines()[1].endswith(f"statistics per stage, memory {memory}")
    assert "memory" not in repr(blocks.build("ssp2", conv_residual()))


@pytest.mark.parametrize("memory", MODES)
def test_compilers_and_transforms_see_the_plain_step(memory: str) -> None:
    torch._dynamo.reset()  # what other tests compiled of Field3 would decide which warnings come here
    block = blocks.build("ssp3", Field3(), memory=memory).double()
    plain = blocks.build("ssp3", Field3()).double()
    x = torch.randn(2, 3, dtype=DOUBLE)
    torch.testing.assert_close(torch.compile(block, fullgraph=True, backend="eager")(x), plain(x))
    torch.testing.assert_close(torch.vmap(block)(x), plain(x))
    torch.testing.assert_close(
        torch.func.grad(lambda u: block(u).sum())(x), torch.func.grad(lambda u: plain(u).sum())(x)
    )
    torch.testing.assert_close(torch.export.export(block, (x,)).module()(x), plain(x))


@pytest.mark.parametrize("memory", MODES)
def test_networks_take_the_mode(memory: str) -> None:
    results = []
    for mode in ("full", memory):
        net = nets.grouped("ssp2", 1, widths=(4, 8), memory=mode, generator=torch.Generator().manual_seed(0))
        results.append(trained(net, images(3, 3, 8).abs().clamp(max=1)))
        assert [m.memory for m in net.modules() if isinstance(m, blocks.RKBlock)] == [mode, mode]
    assert_same_bits(*results)
    with pytest.raises(RkblocksError) as error:
        nets.mnist("ssp2", 1, memory="low")
    assert error.value.diagnostics[0].code == "RK552"


def test_unknown_mode() -> None:
    with pytest.raises(RkblocksError) as error:
        blocks.build("ssp3", nn.Tanh(), memory="low")
    assert error.value.diagnostics[0].code == "RK512"
