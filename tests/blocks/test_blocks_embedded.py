"""Error estimates of embedded methods, steps with an SSP bound, and raw coefficients in a dtype of choice."""

import copy
import pickle
from fractions import Fraction

import pytest
import torch
from blocks_common import DOUBLE, Field3, conv_residual, images
from torch import Tensor, nn

from rkblocks import blocks, files
from rkblocks.diagnostics import RkblocksError
from rkblocks.program import interpret, lower

HEUN_EULER = """{"name": "heun_euler", "A": [[], ["1"]], "b": ["1/2", "1/2"], "b_hat": ["1", "0"]}"""
STAGES = {"bs3": 4, "dopri5": 7, "fehlberg45": 6, "cashkarp": 6, "merson43": 5}


def test_exact_error_of_a_small_method() -> None:
    """Heun with Euler inside: y = x + (f0 + f1)/2, error = (f1 - f0)/2, over fractions."""
    program = lower(files.read_text(HEUN_EULER).tableau, error=True)
    y, error = interpret(program, lambda u: u * u, Fraction(1, 3))
    f0, f1 = Fraction(1, 9), Fraction(4, 9) ** 2
    assert y == Fraction(1, 3) + (f0 + f1) / 2
    assert error == (f1 - f0) / 2


@pytest.mark.parametrize("name", STAGES)
def test_calls_of_f_and_the_definition(name: str) -> None:
    """error = dt sum (b - b_hat) f over the stages as tabled; a last stage at the result costs its call only here."""
    tableau = files.load(name)
    residual = Field3()
    block = blocks.build(name, residual, dt=0.5, error=True)
    x = torch.tensor([[0.3, -0.7, 1.2]], dtype=DOUBLE)
    y, error = block(x)
    assert residual.calls == STAGES[name]
    slopes: list[Tensor] = []
    for row in tableau.A:
        slopes.append(residual(x + 0.5 * sum((float(a) * f for a, f in zip(row, slopes, strict=False)), 0 * x)))
    expected = 0.5 * sum((float(b - h) * f for b, h, f in zip(tableau.b, tableau.b_hat, slopes, strict=True)), 0 * x)
    torch.testing.assert_close(error, expected, rtol=1e-11, atol=1e-14)
    torch.testing.assert_close(y, blocks.build(name, residual, dt=0.5)(x), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(("name", "power"), [("bs3", 3), ("dopri5", 5), ("fehlberg45", 5)])
def test_the_error_falls_as_the_lower_order_says(name: str, power: int) -> None:
    """The estimate is of size dt**(q + 1), where q is the lower of the two orders."""
    x = torch.tensor([[0.3, -0.7, 1.2]], dtype=DOUBLE)
    sizes = [float(blocks.build(name, Field3(), dt=dt, error=True)(x)[1].detach().norm()) for dt in (0.2, 0.1)]
    assert sizes[0] / sizes[1] == pytest.approx(2**power, rel=0.2)


def test_a_block_with_error_is_a_module_like_any_other() -> None:
    block = blocks.build("bs3", conv_residual(), error=True)
    assert "statistics per stage" in repr(block)
    assert "with an error estimate by order 2" in repr(block)
    x = images().requires_grad_()
    y, error = block(x)
    assert y.shape == error.shape == x.shape
    (y.sum() + error.square().sum()).backward()
    block.eval()
    for twin in (copy.deepcopy(block), pickle.loads(pickle.dumps(block))):
        for ours, theirs in zip(block(x), twin(x), strict=True):
            assert torch.equal(ours, theirs)
    low = blocks.build("bs3", conv_residual(), error=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, error = low(images().bfloat16())
    assert y.dtype == error.dtype == torch.bfloat16


def test_learned_step_time_and_error_together() -> None:
    class Forced(nn.Module):
        def forward(self, x: Tensor, t: float | Tensor) -> Tensor:
            return 3 * t**2 + 0 * x

    block = blocks.build("bs3", Forced(), dt=0.5, time=True, learn_dt=True, error=True, dtype=DOUBLE)
    y, error = block(torch.zeros(1, dtype=DOUBLE), 1.0)
    assert float(y.detach()) == pytest.approx(1.5**3 - 1, rel=1e-14)
    error.sum().backward()
    assert float(block.raw["dt"].grad) != 0


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "plain", "A": [[], ["1"]], "b": ["1/2", "1/2"]}',
        HEUN_EULER.replace('["1", "0"]', '["1/2", "1/2"]'),
        """{"name": "twins", "A": [[], ["0"]], "b": ["1", "0"], "b_hat": ["0", "1"]}""",
    ],
    ids=["none", "the same weights", "the same method"],
)
def test_methods_without_estimate_are_refused(text: str) -> None:
    with pytest.raises(RkblocksError) as error:
        blocks.build(files.read_text(text).tableau, nn.Tanh(), error=True)
    assert [d.code for d in error.value.diagnostics] == ["RK507"]


def test_ssp_bound_beside_the_step_size() -> None:
    def shown(name: str, **options: object) -> str:
        return blocks.build(name, nn.Tanh(), **options).extra_repr()

    assert shown("ssp3", dt=0.5).endswith("dt=0.5 (SSP while dt <= 1 dt_FE)")
    assert shown("ssprk104", dt=3, learn_dt=True).endswith("dt=3 (SSP while dt <= 6 dt_FE)")
    assert shown("ssprk54", dt=2).endswith("dt=2 (SSP while dt <= 1.50818004918… dt_FE)")
    assert shown("ark", dt=0.5).endswith("dt=0.5 (SSP while dt <= C dt_FE), beta10=0.731059")
    assert "dt_FE" not in shown("ssp3")
    assert "dt_FE" not in shown("midpoint", dt=0.5)
    assert "dt_FE" not in shown("ark_free", dt=0.5)


def test_raw_coefficients_in_the_dtype_asked_for() -> None:
    """Built in single precision, .double() starts at the rounded value; built in double, at the declared one."""
    declared = 0.73105857863000488
    rounded = blocks.build("ark", nn.Tanh()).double().coefficients()["beta10"]
    accurate = blocks.build("ark", nn.Tanh(), dtype=DOUBLE).coefficients()["beta10"]
    assert abs(accurate - declared) <= 2**-52
    assert abs(rounded - declared) <= 2**-24
    off = '{"name": "third", "parameters": {"b": {"domain": [null, null], "init": "1/3"}}, "A": [[]], "b": ["2/3 + b"]}'
    tableau = files.read_text(off).tableau
    assert float(blocks.build(tableau, nn.Tanh()).double().raw["b"].detach()) == float(torch.tensor(1 / 3))
    assert float(blocks.build(tableau, nn.Tanh(), dtype=DOUBLE).raw["b"].detach()) == 1 / 3
    with pytest.raises(RkblocksError) as error:
        blocks.build("ark", nn.BatchNorm1d(3), dtype=torch.int64)
    assert [d.code for d in error.value.diagnostics] == ["RK508"]
