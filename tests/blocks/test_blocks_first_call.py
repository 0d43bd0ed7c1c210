"""The first step of a block looks at F, x and the coefficients; later ones, and compiled ones, are the printed step."""

import copy
import pickle

import pytest
import torch
import torch._dynamo.testing
from blocks_common import DOUBLE, Field3, conv_residual, images
from torch import Tensor, nn

from rkblocks import blocks, files
from rkblocks.blocks import block as block_module
from rkblocks.diagnostics import RkblocksError


class Returns(nn.Module):
    """F(x) = make(x)."""

    def __init__(self, make) -> None:
        super().__init__()
        self.make = make

    def forward(self, x: Tensor) -> object:
        return self.make(x)


def refused(call) -> str:
    """The code, and the message with its help."""
    with pytest.raises(RkblocksError) as error:
        call()
    (found,) = error.value.diagnostics
    assert found.help
    return f"{found.code}: {found.message}"


@pytest.mark.parametrize("memory", ["full", "norm", "stage"])
@pytest.mark.parametrize("name", ["euler", "ssp3", "rk4"])
def test_a_shape_that_would_broadcast_is_refused(name: str, memory: str) -> None:
    block = blocks.build(name, nn.Linear(4, 1), memory=memory)
    for _ in range(2):  # a refused step is no first step
        text = refused(lambda: block(torch.zeros(2, 4)))
        assert text.startswith("RK509: F maps a tensor of shape (2, 4) and torch.float32 to a tensor of shape (2, 1),")
    block.residual = nn.Linear(4, 4)
    assert block(torch.zeros(2, 4)).shape == (2, 4)


@pytest.mark.parametrize("memory", ["full", "norm", "stage"])
@pytest.mark.parametrize("name", ["euler", "ssp3", "rk4"])
@pytest.mark.parametrize("grad", [True, False])
def test_an_f_that_overwrites_its_argument_is_refused(name: str, memory: str, grad: bool) -> None:
    wrong = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 4))
    block = blocks.build(name, wrong, memory=memory)
    with torch.set_grad_enabled(grad):
        for _ in range(2):
            assert refused(lambda: block(torch.randn(2, 4))).startswith("RK530: F changes its argument in place")
        block.residual = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True))
        assert block(torch.randn(2, 4)).shape == (2, 4)
    with torch.inference_mode():
        assert blocks.build(name, nn.Tanh(), memory=memory)(torch.zeros(2)).shape == (2,)


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda x: x[:, :1], "a tensor of shape (2, 1, 6, 6)"),
        (lambda x: x.mean((2, 3), keepdim=True), "a tensor of shape (2, 4, 1, 1)"),
        (lambda x: x.mean(), "a tensor of shape ()"),
        (lambda x: x[None], "a tensor of shape (1, 2, 4, 6, 6)"),
        (lambda x: x[..., ::2], "a tensor of shape (2, 4, 6, 3)"),
        (lambda x: (x, x), "a tuple"),
        (lambda x: None, "a NoneType"),
        (lambda x: 1.0, "a float"),
        (lambda x: {"x": x}, "a dict"),
        (lambda x: x > 0, "a tensor of torch.bool"),
        (lambda x: x.long(), "a tensor of torch.int64"),
        (lambda x: x.to(torch.complex64), "a tensor of torch.complex64"),
    ],
)
def test_what_f_may_not_return(make, found: str) -> None:
    text = refused(lambda: blocks.build("ssp2", Returns(make))(images()))
    assert text.startswith("RK509: ")
    assert f"to {found}, expected one of (2, 4, 6, 6)" in text


@pytest.mark.parametrize(
    ("x", "found"),
    [
        (torch.arange(4), "a tensor of torch.int64"),
        (torch.zeros(4, dtype=torch.uint8), "a tensor of torch.uint8"),
        (torch.zeros(4, dtype=torch.bool), "a tensor of torch.bool"),
        ([0.0, 1.0], "a list"),
        (1.0, "a float"),
        (None, "a NoneType"),
    ],
)
def test_what_a_step_cannot_start_from(x: object, found: str) -> None:
    for residual in (nn.Tanh(), nn.Linear(4, 4)):
        text = refused(lambda residual=residual: blocks.build("ssp3", residual)(x))
        assert text == f"RK510: the block is called with {found}, expected a floating point tensor"


def test_a_time_for_a_block_without() -> None:
    assert refused(lambda: blocks.build("ssp3", nn.Tanh())(torch.zeros(2), 0.5)).startswith(
        "RK510: the block is called with what its F, Tanh, does not take"
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16, torch.complex64])
def test_what_is_a_step_stays_one(dtype: torch.dtype) -> None:
    """Half precision, complex numbers, an F of higher precision than x, no features at all."""
    x = torch.zeros(3, 2, dtype=dtype)
    assert blocks.build("ssp3", nn.Identity())(x).dtype == dtype
    assert blocks.build("ssp3", nn.Identity())(x[:0]).shape == (0, 2)
    if not dtype.is_complex:
        wide = torch.promote_types(dtype, torch.float32)
        assert blocks.build("ssp3", Returns(lambda x: x.to(wide)))(x).dtype == wide


def refuses(call: object) -> None:
    raise ZeroDivisionError


def test_only_the_first_step_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first step is the same bits with the same calls of F; later ones are the printed step alone."""
    block, plain = (blocks.build("ssp3", conv_residual()) for _ in range(2))
    plain.inspected = True
    for seed in (1, 2):
        assert torch.equal(block(images(seed=seed)), plain(images(seed=seed)))
    for ours, theirs in zip(block.buffers(), plain.buffers(), strict=True):
        assert torch.equal(ours, theirs)
    monkeypatch.setattr(block_module, "watched", refuses)
    block(images())
    for twin in (copy.deepcopy(block), pickle.loads(pickle.dumps(block))):
        assert twin.inspected
        twin(images())
    counted = blocks.build("dopri5", Field3())
    with pytest.raises(ZeroDivisionError):
        counted(torch.zeros(1, 3, dtype=DOUBLE))
    monkeypatch.undo()
    counted(torch.zeros(1, 3, dtype=DOUBLE))
    assert counted.residual.calls == counted.program.calls


def test_compilers_look_while_they_trace_and_keep_nothing_of_it() -> None:
    x = images()
    graphs = {}
    for first in ("compiled", "eager"):
        torch._dynamo.reset()
        counter = torch._dynamo.testing.EagerAndRecordGraphs()
        block = blocks.build("ssp3", conv_residual())
        compiled = torch.compile(block, fullgraph=True, backend=counter)
        for call in (compiled, block, compiled) if first == "compiled" else (block, compiled, compiled):
            call(x)
        (graph,) = counter.graphs  # looking once neither breaks the graph nor compiles it again
        graphs[first] = graph.code
    assert graphs["compiled"] == graphs["eager"]
    torch._dynamo.reset()
    wrong = blocks.build("ssp3", nn.Linear(4, 1))
    with pytest.raises(torch._dynamo.exc.Unsupported, match="RK509: F maps a tensor of shape"):
        torch.compile(wrong, fullgraph=True, backend="eager")(torch.zeros(2, 4))
    torch._dynamo.reset()
    with torch.no_grad():  # where a graph may break, torch compiles what follows by itself, and warns of .grad there
        assert refused(lambda: torch.compile(wrong, backend="eager")(torch.zeros(2, 4))).startswith("RK509")
    assert refused(lambda: torch.export.export(wrong, (torch.zeros(2, 4),))).startswith("RK509")
    assert not wrong.inspected


def test_transforms_and_tracing() -> None:
    x = torch.zeros(5, 2, 4)
    assert refused(lambda: torch.vmap(blocks.build("ssp2", nn.Linear(4, 1)))(x)).startswith("RK509")
    assert torch.vmap(blocks.build("ssp2", nn.Linear(4, 4)))(x).shape == x.shape
    with torch._subclasses.FakeTensorMode():
        assert blocks.build("ark", nn.Linear(4, 4))(torch.empty(2, 4)).shape == (2, 4)
    with torch.device("meta"):
        assert blocks.build("ark", nn.Linear(4, 4))(torch.empty(2, 4)).is_meta


FAMILY = """{"name": "family", "parameters": {"b": {"domain": ["0", %s], "init": "%s"}},
             "A": [[], ["b"]], "b": ["1 - 1/(2*b)", "1/(2*b)"]}"""


def family(init: str, high: str = '"1"', **options: object) -> blocks.RKBlock:
    return blocks.build(files.read_text(FAMILY % (high, init)).tableau, nn.Tanh(), **options)


def test_a_start_that_the_precision_cannot_tell_from_a_bound() -> None:
    single, double = torch.zeros(2), torch.zeros(2, dtype=DOUBLE)
    text = refused(lambda: family("1e-300")(single))
    assert (
        text
        == "RK519: b of family starts 1e-300 from the end 0 of its domain, and float32 holds no number between them"
    )
    assert family("1e-300", dtype=DOUBLE)(double).isfinite().all()
    assert refused(lambda: family("1 - 1e-9")(single)).startswith("RK519: b of family starts 1e-09 from the end 1 ")
    assert family("1 - 1e-9").double()(double).isfinite().all()
    assert refused(lambda: family("1 - 1e-20")).startswith("RK519")  # in no precision
    assert family("1 - 1e-6")(single).isfinite().all()
    for dtype in (torch.float32, DOUBLE):  # the refusal is right: there the map is flat, and gives the end itself
        raw = torch.tensor(family("1 - 1e-9").step.domains["b"].raw, dtype=dtype, requires_grad=True)
        torch.sigmoid(raw).backward()
        assert (float(raw.grad) == 0) == (dtype is torch.float32)


def test_coefficients_beyond_the_precision() -> None:
    single, double = torch.ones(2), torch.ones(2, dtype=DOUBLE)
    assert refused(lambda: family("1e-300", dtype=DOUBLE)(single)) == (
        "RK520: a coefficient of family is 5e+299 at the start, float32 ends at 3.40282e+38"
    )
    assert refused(lambda: family("1e39", "null")(single)).startswith("RK520")
    assert family("1e38", "null")(single).isfinite().all()
    assert refused(lambda: family("1e39", "null")(single.bfloat16())).startswith("RK520")
    assert family("1e5", "null")(single).isfinite().all()
    assert refused(lambda: family("1e5", "null")(single.half())).startswith("RK520")
    assert refused(lambda: blocks.build("ssp3", nn.Tanh(), dt=1e39)(single)).startswith("RK520")
    assert refused(lambda: blocks.build("ssp3", nn.Tanh(), dt=1e39, learn_dt=True)(single)).startswith("RK520")
    assert blocks.build("ssp3", nn.Tanh(), dt=1e39)(double).isfinite().all()
    assert refused(lambda: family("1e400", "null")).startswith("RK520: a coefficient of family is inf at the start,")
