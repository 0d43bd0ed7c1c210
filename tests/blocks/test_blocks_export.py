"""Blocks that leave Python: torch.export with a free batch size, ONNX in onnxruntime; linear and attention F."""

import io

import pytest
import torch
from blocks_common import DOUBLE, conv_residual, images
from torch import Tensor, nn

import rkblocks
from rkblocks import blocks, nets


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(x)
        return self.attention(h, h, h, need_weights=False)[0]


RESIDUALS = {
    "conv": (conv_residual, lambda n: images(n)),
    "linear": (lambda: nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8)), lambda n: torch.randn(n, 8)),
    "attention": (Attention, lambda n: torch.randn(n, 5, 8)),
}


def moved(block: nn.Module, x: Tensor) -> nn.Module:
    """The block in evaluation mode, after a training step has moved its statistics."""
    block(x)
    return block.eval()


@pytest.mark.parametrize("kind", RESIDUALS)
@pytest.mark.parametrize("name", ["ssp3", "ark"])
def test_export_with_a_free_batch_size(kind: str, name: str) -> None:
    torch.manual_seed(0)
    make, inputs = RESIDUALS[kind]
    block = moved(blocks.build(name, make()), inputs(3))
    shapes = ({0: torch.export.Dim("batch", min=2, max=64)},)
    exported = torch.export.export(block, (inputs(3),), dynamic_shapes=shapes).module()
    for n in (2, 7):
        x = inputs(n)
        torch.testing.assert_close(exported(x), block(x))


def in_onnxruntime(module: nn.Module, example: Tensor, x: Tensor, **options: object) -> tuple[Tensor, list[str]]:
    """The result for x of the exported model, and the operators of its graph."""
    for name in ("onnx", "onnxscript"):
        pytest.importorskip(name)
    runtime = pytest.importorskip("onnxruntime")
    program = torch.onnx.export(module, (example,), dynamo=True, verbose=False, **options)
    file = io.BytesIO()
    program.save(file)
    session = runtime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    return torch.from_numpy(found), [node.op_type for node in program.model.graph]


@pytest.mark.parametrize("name", ["euler", "ssp3", "ark"])
def test_onnx(name: str) -> None:
    torch.manual_seed(0)
    block = moved(blocks.build(name, conv_residual()), images(8))
    x = images(seed=5)
    found, operators = in_onnxruntime(block, images(), x)
    torch.testing.assert_close(found, block(x), rtol=1e-4, atol=1e-5)
    assert operators.count("Conv") == 2 * block.program.calls


@pytest.mark.parametrize("kind", ["linear", "attention"])
def test_onnx_of_other_residuals_with_a_free_batch_size(kind: str) -> None:
    torch.manual_seed(0)
    make, inputs = RESIDUALS[kind]
    block = blocks.build("ssp2", make()).eval()
    x = inputs(5)
    shapes = ({0: torch.export.Dim("batch")},)
    found, _ = in_onnxruntime(block, inputs(3), x, dynamic_shapes=shapes)
    torch.testing.assert_close(found, block(x), rtol=1e-4, atol=1e-5)


def test_onnx_of_a_network_with_a_memory_mode() -> None:
    torch.manual_seed(0)
    net = moved(nets.grouped("ark,ssp2", 1, widths=(4, 8), memory="norm"), torch.rand(4, 3, 8, 8))
    x = torch.rand(2, 3, 8, 8)
    found, _ = in_onnxruntime(net, torch.rand(2, 3, 8, 8), x)
    torch.testing.assert_close(found, net(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", RESIDUALS)
@pytest.mark.parametrize("name", ["ssp3", "rk4", "ark"])
def test_every_residual_is_stepped_as_the_interpreter_says(kind: str, name: str) -> None:
    torch.manual_seed(0)
    make, inputs = RESIDUALS[kind]
    residual = make().double().eval()
    x = inputs(3).double()
    tableau = rkblocks.load(name)
    program = rkblocks.lower(tableau)
    field = tableau.field
    start = {p.name: torch.tensor(field.constants.to_float(p.init), dtype=DOUBLE) for p in program.parameters}
    expected = rkblocks.interpret(program, residual, x, start, number=program.field.constants.to_float)
    block = blocks.build(name, residual, statistics="shared", dtype=DOUBLE)
    torch.testing.assert_close(block(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", RESIDUALS)
@pytest.mark.parametrize("name", ["ssp3", "ark"])
def test_autocast_of_every_residual(kind: str, name: str) -> None:
    torch.manual_seed(0)
    make, inputs = RESIDUALS[kind]
    block, x = blocks.build(name, make()), inputs(3)
    exact = block(x)
    start = x.clone().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = block(start)
    assert y.dtype == torch.float32
    assert (y - exact).abs().max() < 0.1 * exact.abs().max()
    y.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in block.parameters())


def test_functional_call_moves_the_statistics_that_were_given() -> None:
    block = blocks.build("ssp3", conv_residual())
    own = {k: v.clone() for k, v in block.named_buffers()}
    given = {k: v.clone() for k, v in block.named_buffers()}
    weights = {k: 2 * v.detach() for k, v in block.named_parameters()}
    y = torch.func.functional_call(block, {**weights, **given}, (images(),))
    assert all(torch.equal(v, own[k]) for k, v in block.named_buffers())
    assert given["residual.0.num_batches_tracked"].tolist() == [1, 1, 1]
    with torch.no_grad():
        for k, v in block.named_parameters():
            v.copy_(weights[k])
    assert torch.equal(block(images()), y)
    assert all(torch.equal(v, given[k]) for k, v in block.named_buffers())
