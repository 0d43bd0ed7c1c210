"""Blocks as torch modules: calls, state, copies, dtypes, formats, time, step size, repr, source, memory."""

import copy
import io
import pickle
import traceback

import pytest
import torch
from blocks_common import DOUBLE, Field3, conv_residual, images
from torch import Tensor, nn

from rkblocks import blocks, files
from rkblocks.diagnostics import RkblocksError, TableauError

CALLS = {
    "euler": 1,
    "midpoint": 2,
    "ssp2": 2,
    "ssp3": 3,
    "ark": 2,
    "ark_mnist": 2,
    "rk4": 4,
    "dopri5": 6,
    "ssprk104": 10,
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_of_f(name: str) -> None:
    residual = Field3()
    block = blocks.build(name, residual).double()
    block(torch.zeros(2, 3, dtype=DOUBLE)).sum().backward()
    assert residual.calls == block.program.calls == CALLS[name]


def test_state_holds_the_residual_once_and_the_raw_coefficients() -> None:
    block = blocks.build("ark", Field3())
    assert list(block.state_dict()) == ["residual.weight", "residual.bias", "raw.beta10"]
    assert block.raw["beta10"].item() == pytest.approx(1.0, abs=1e-6)
    assert block.coefficients() == {"beta10": pytest.approx(0.7310585786, abs=1e-7)}
    assert list(blocks.build("ssp3", Field3()).state_dict()) == ["residual.weight", "residual.bias"]


@pytest.mark.parametrize("name", ["ssp3", "ark"])
@pytest.mark.parametrize("clone", ["deepcopy", "pickle", "save"])
def test_copies_compute_the_same_and_share_nothing(name: str, clone: str) -> None:
    block = blocks.build(name, Field3(), dt=0.5).double()
    x = torch.randn(2, 3, dtype=DOUBLE)
    y = block(x)
    if clone == "deepcopy":
        twin = copy.deepcopy(block)
    elif clone == "pickle":
        twin = pickle.loads(pickle.dumps(block))
    else:
        buffer = io.BytesIO()
        torch.save(block, buffer)
        buffer.seek(0)
        twin = torch.load(buffer, weights_only=False)
    assert torch.equal(twin(x), y)
    assert repr(twin) == repr(block)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.add_(1.0)
    assert torch.equal(block(x), y)


@pytest.mark.parametrize("name", ["ssp3", "ark", "rk4"])
def test_gradcheck(name: str) -> None:
    block = blocks.build(name, nn.Tanh(), dt=0.7, learn_dt=True).double()
    x = torch.randn(2, 2, dtype=DOUBLE, requires_grad=True)
    raw = list(block.raw.values())

    def step(x: Tensor, *values: Tensor) -> Tensor:
        named = dict(zip((f"raw.{k}" for k in block.raw), values, strict=True))
        return torch.func.functional_call(block, named, (x,))

    assert torch.autograd.gradcheck(step, (x, *raw))


def test_repr_names_scheme_and_proofs() -> None:
    assert (
        repr(blocks.build("ssp3", nn.Tanh())).splitlines()[1] == "  ssp3, 3 stages, order 3, SSP coefficient 1, rho 1"
    )
    assert repr(blocks.build("midpoint", nn.Tanh(), dt=0.5)).splitlines()[1] == (
        "  midpoint, 2 stages, order 2, not SSP, rho 0, dt=0.5"
    )
    text = repr(blocks.build("ark", nn.BatchNorm1d(3))).splitlines()[1]
    assert text.startswith("  ark, 2 stages, order 2, SSP coefficient ")
    assert text.endswith(", beta10=0.731059, statistics per stage")


def test_the_free_form_of_the_paper_builds_and_says_what_it_is() -> None:
    """It is consistent at its start; what it computes off it is the formula as declared, x weighted as well."""
    block = blocks.build("ark_free", nn.Tanh()).double()
    assert "consistent at the start of training only" in repr(block)
    assert "RK320" in repr(block)
    values = {"alpha20": 0.7, "alpha21": 0.6, "beta10": -0.3, "beta20": 0.2, "beta21": 1.5}
    with torch.no_grad():
        for name, value in values.items():
            block.raw[name].fill_(value)
    x = torch.tensor([0.4, -1.2], dtype=DOUBLE)
    u1 = x - 0.3 * x.tanh()
    expected = 0.7 * x + 0.6 * u1 + 0.2 * x.tanh() + 1.5 * u1.tanh()
    torch.testing.assert_close(block(x), expected, rtol=1e-14, atol=1e-14)


def test_step_size_fixed_and_learned() -> None:
    x = torch.tensor([0.3, -0.4], dtype=DOUBLE)
    fixed = blocks.build("rk4", nn.Tanh(), dt=0.25).double()
    learned = blocks.build("rk4", nn.Tanh(), dt=0.25, learn_dt=True).double()
    learned.raw["dt"].data.fill_(learned.step.domains["dt"].raw)
    torch.testing.assert_close(fixed(x), learned(x), rtol=1e-14, atol=0)
    assert fixed.dt == 0.25
    assert learned.dt == pytest.approx(0.25)
    learned(x).sum().backward()
    assert float(learned.raw["dt"].grad) != 0


def test_time() -> None:
    class Forced(nn.Module):
        def forward(self, x: Tensor, t: float | Tensor) -> Tensor:
            return 4 * t**3 + 0 * x

    block = blocks.build("rk4", Forced(), dt=0.5, time=True)
    assert float(block(torch.zeros(1), 1.0)) == pytest.approx(1.5**4 - 1)
    assert float(block(torch.zeros(1), torch.tensor(1.0))) == pytest.approx(1.5**4 - 1)
    assert float(block(torch.zeros(1))) == pytest.approx(0.5**4)


@pytest.mark.parametrize("name", ["euler", "ssp2", "ssp3", "ark", "rk4"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_and_low_precision(name: str, dtype: torch.dtype) -> None:
    block = blocks.build(name, conv_residual())
    x = images()
    exact = block(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = block(x.to(dtype))
    assert y.dtype == dtype
    assert (y.float() - exact).abs().max() < 0.1 * exact.abs().max()
    y.float().sum().backward()
    low = blocks.build(name, conv_residual()).bfloat16()(x.bfloat16())
    assert low.dtype == torch.bfloat16


@pytest.mark.parametrize("name", ["ssp2", "ark", "rk4", "dopri5"])
def test_residual_of_higher_precision_than_x(name: str) -> None:
    """As with a norm layer that autocast keeps in single precision: the states follow, as x + F(x) would."""

    class Up(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.float().tanh()

    assert blocks.build(name, Up())(torch.zeros(3, dtype=torch.bfloat16)).dtype == torch.float32


@pytest.mark.parametrize("name", ["ssp2", "ssp3", "ark", "ssprk104"])
def test_channels_last_is_kept(name: str) -> None:
    block = blocks.build(name, conv_residual()).to(memory_format=torch.channels_last)
    y = block(images().to(memory_format=torch.channels_last))
    assert y.is_contiguous(memory_format=torch.channels_last)


def test_attention_and_linear_residuals() -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.LayerNorm(8)
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            h = self.norm(x)
            return self.attention(h, h, h, need_weights=False)[0]

    x = torch.randn(2, 5, 8)
    for residual in (Attention(), nn.Linear(8, 8)):
        assert blocks.build("ssp3", residual)(x).shape == x.shape


def test_residual_that_returns_its_input_or_keeps_its_output_is_safe() -> None:
    """No result of F is changed in place: identity and sigmoid would show it."""
    for residual in (nn.Identity(), nn.Sigmoid()):
        x = torch.randn(3, requires_grad=True)
        before = x.detach().clone()
        blocks.build("rk4", residual)(x).sum().backward()
        assert torch.equal(x.detach(), before)


def test_errors_inside_f_show_the_line_of_the_step() -> None:
    class Broken(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("inside F")

    try:
        blocks.build("ssp2", Broken())(torch.zeros(1))
    except RuntimeError:
        shown = traceback.format_exc()
    assert "<rkblocks ssp2 " in shown
    assert "u1 = x + self.residual(x)" in shown


def test_the_printed_source_is_what_runs() -> None:
    block = blocks.build("ssp2", nn.Tanh())
    assert block.source.splitlines()[-2:] == [
        "    u1 = x + self.residual(x)",
        "    return mean(x, u1 + self.residual(u1), 0.5)  # 1/2 x + 1/2 (u1 + F(u1))",
    ]
    assert block.run.__code__.co_filename.startswith("<rkblocks ssp2 ")


def saved_units(block: nn.Module, x: Tensor) -> float:
    """Distinct storages saved for the backward pass, in units of x, parameters and small tensors aside."""
    seen: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        if tensor.numel() >= x.numel():
            seen[tensor.untyped_storage().data_ptr()] = tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        y = block(x)
    keep = sum(seen.values()) / x.numel()
    del y
    return keep


@pytest.mark.parametrize(
    ("name", "units"), [("euler", 4), ("midpoint", 8), ("ssp2", 8), ("ssp3", 12), ("rk4", 16), ("ark", 10)]
)
def test_saved_activations(name: str, units: int) -> None:
    """Four times the input for each call of F, nothing for the sums; a learned factor keeps the slope it multiplies."""
    x = images(4, 8, 16).requires_grad_()
    assert saved_units(blocks.build(name, conv_residual(8)), x) == units


def test_refusals() -> None:
    with pytest.raises(RkblocksError) as error:
        blocks.build("ssp3", torch.tanh)
    assert error.value.diagnostics[0].code == "RK822"
    with pytest.raises(RkblocksError) as error:
        blocks.build("ssp3", nn.Tanh(), dt=0)
    assert error.value.diagnostics[0].code == "RK501"
    with pytest.raises(TableauError):
        blocks.build(files.read_text('{"name": "half", "A": [[]], "b": ["1/2"]}').tableau, nn.Tanh())
    family = '{"name": "f", "parameters": {"dt": {"domain": ["1/2", "1"], "init": "3/4"}}, "A": [[], ["dt"]],'
    tableau = files.read_text(family + '"b": ["1 - 1/(2*dt)", "1/(2*dt)"]}').tableau
    blocks.build(tableau, nn.Tanh())(torch.zeros(1))
    with pytest.raises(RkblocksError) as error:
        blocks.build(tableau, nn.Tanh(), learn_dt=True)
    assert error.value.diagnostics[0].code == "RK506"
