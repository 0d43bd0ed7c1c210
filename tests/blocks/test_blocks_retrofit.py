"""Existing networks with Runge-Kutta steps: the same bits with euler, the same weights, and what is kept and why."""

import copy

import pytest
import torch
from blocks_common import images
from torch import Tensor, nn
from torchvision.models import resnet18, resnet50
from torchvision.models.resnet import BasicBlock
from torchvision.models.video import r3d_18

import rkblocks
from rkblocks import blocks, nets
from rkblocks.diagnostics import RkblocksError, TableauError

KEPT_18 = ["layer2.0", "layer3.0", "layer4.0"]
REPLACED_18 = ["layer1.0", "layer1.1", "layer2.1", "layer3.1", "layer4.1"]


def lively(model: nn.Module) -> nn.Module:
    """The model with norm weights and running statistics that let every residual count."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d | nn.GroupNorm):
            nn.init.uniform_(module.weight, 0.2, 0.8, generator=generator)
            nn.init.uniform_(module.bias, -0.2, 0.2, generator=generator)
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
            module.running_mean.uniform_(-0.2, 0.2, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
    return model


@pytest.fixture(scope="module")
def resnet() -> nn.Module:
    torch.manual_seed(0)
    return lively(resnet18(num_classes=5)).eval()


@pytest.fixture(scope="module")
def photos() -> Tensor:
    return images(3, 3, 24)


def run(model: nn.Module, x: Tensor) -> list[Tensor]:
    """Result, gradients and everything in the state dict after a training step from x."""
    x = x.clone().requires_grad_()
    y = model(x)
    (y * y.detach().cos()).sum().backward()
    return [y.detach(), x.grad, *(p.grad for p in model.parameters()), *(b for _, b in model.named_buffers())]


def assert_same_bits(one: nn.Module, other: nn.Module, x: Tensor) -> None:
    for training in (False, True):
        results = [run(model.train(training), x) for model in (one, other)]
        for ours, theirs in zip(*results, strict=True):
            assert torch.equal(ours, theirs)


@pytest.mark.parametrize("make", [resnet18, resnet50, r3d_18], ids=lambda make: make.__name__)
def test_euler_changes_no_bit(make: object, photos: Tensor) -> None:
    torch.manual_seed(0)
    model = lively(make(num_classes=5))
    with_steps = rkblocks.retrofit(model, "euler", copy=True)
    assert sum(isinstance(m, blocks.RKBlock) for m in with_steps.modules()) >= 4
    x = images(2, 3, 16)[:, :, None].expand(-1, -1, 4, -1, -1) if make is r3d_18 else photos
    assert_same_bits(model, with_steps, x)


def test_euler_changes_no_bit_under_autocast(resnet: nn.Module, photos: Tensor) -> None:
    with_steps = rkblocks.retrofit(resnet, "euler", copy=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(with_steps(photos), resnet(photos))


@pytest.mark.parametrize(
    "name", ["resnet18", "resnet26t", "seresnet18", "resnetv2_18d", "resnetv2_50", "resnetv2_50x1_bit"]
)
def test_euler_changes_no_bit_of_timm(name: str, photos: Tensor) -> None:
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    model = lively(timm.create_model(name, num_classes=5))
    with_steps = rkblocks.retrofit(model, "euler", copy=True)
    assert sum(isinstance(m, blocks.RKBlock) for m in with_steps.modules()) >= 4
    assert_same_bits(model, with_steps, photos)
    other = rkblocks.retrofit(model, "ssp3", copy=True).eval()(photos)
    assert torch.isfinite(other).all()
    assert not torch.equal(other, model.eval()(photos))


def test_stochastic_depth_of_timm_is_kept() -> None:
    timm = pytest.importorskip("timm")
    (first, *others) = blocks.survey(timm.create_model("resnet18", num_classes=5, drop_path_rate=0.1))
    assert first.kept == ""  # the rate starts from 0
    assert all("DropPath" in block.kept for block in others if block.name in REPLACED_18)


@pytest.mark.parametrize("name", ["midpoint", "ssp3", "ark", "rk4", "gill4", "williamson3", "dopri5", "ssprk104"])
def test_a_block_is_the_step_of_its_residual_and_then_relu(name: str, resnet: nn.Module) -> None:
    """Result and gradients by the input and every weight, against the interpreter around the old block's layers."""
    old = copy.deepcopy(resnet.layer1[0]).double().eval()
    new = rkblocks.retrofit(copy.deepcopy(old), name)
    assert list(dict(new.named_children())) == ["step", "after"]

    def f(u: Tensor) -> Tensor:
        return old.bn2(old.conv2(old.relu(old.bn1(old.conv1(u)))))

    program = rkblocks.lower(name)
    number = program.field.constants.to_float
    start = {p.name: number(p.init) for p in program.parameters}
    results = []
    for run in (new, lambda x: rkblocks.interpret(program, f, x, start, number=number).relu()):
        x = images(2, 64, 5).double().abs().requires_grad_()
        y = run(x)
        weights = new.step.residual.parameters() if run is new else old.parameters()
        results.append([y.detach(), *torch.autograd.grad((y * y.detach().cos()).sum(), [x, *weights])])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


def test_report_says_what_was_replaced_and_why_not(resnet: nn.Module) -> None:
    lines: list[blocks.Candidate] = []
    model = rkblocks.retrofit(resnet, "ssp3", copy=True, report=lines.append)
    assert [c.name for c in lines if not c.kept] == REPLACED_18
    assert {c.name: c.kept for c in lines if c.kept} == dict.fromkeys(KEPT_18, "its shortcut is a projection")
    assert tuple(lines) == blocks.survey(resnet)
    assert str(lines[0]) == "layer1.0: BasicBlock replaced"
    assert str(lines[2]) == "layer2.0: BasicBlock kept, its shortcut is a projection"
    for name in REPLACED_18:
        assert model.get_submodule(name).step.tableau.name == "ssp3"
    for name in KEPT_18:
        assert type(model.get_submodule(name)) is BasicBlock


def test_in_place_with_the_same_parameters(resnet: nn.Module, photos: Tensor) -> None:
    model = copy.deepcopy(resnet).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = list(model.parameters())
    assert rkblocks.retrofit(model, "ssp2") is model
    assert {id(p) for p in model.parameters()} == {id(p) for p in before}
    weight = model.layer1[0].step.residual.conv1.weight
    old = weight.detach().clone()
    model(photos).sum().backward()
    optimizer.step()
    assert not torch.equal(weight, old)


def test_copy_leaves_the_model_alone(resnet: nn.Module, photos: Tensor) -> None:
    y = resnet(photos)
    changed = rkblocks.retrofit(resnet, "ssp3", copy=True)
    assert type(resnet.layer1[0]) is BasicBlock
    changed.train()(photos)
    assert torch.equal(resnet(photos), y)


def test_statistics_start_at_those_of_the_model(resnet: nn.Module) -> None:
    model = rkblocks.retrofit(resnet, "ssp3", copy=True)
    norm = model.layer1[0].step.residual.bn1
    assert torch.equal(norm.running_mean, resnet.layer1[0].bn1.running_mean.expand(3, -1))
    shared = rkblocks.retrofit(resnet, "ssp3", statistics="shared", copy=True)
    assert type(shared.layer1[0].step.residual.bn1) is nn.BatchNorm2d


def test_modes_stay_as_they_were(resnet: nn.Module) -> None:
    model = copy.deepcopy(resnet).train()
    model.layer1[0].bn1.eval()
    rkblocks.retrofit(model, "ssp3")
    block = model.layer1[0]
    assert not block.step.residual.bn1.training
    assert all(m.training for m in (block, block.step, block.step.residual, block.step.residual.bn2))
    assert not any(m.training for m in rkblocks.retrofit(resnet, "ssp3", copy=True).modules())


def test_coefficients_come_in_the_precision_of_the_model(resnet: nn.Module, photos: Tensor) -> None:
    model = rkblocks.retrofit(copy.deepcopy(resnet).double(), "ark")
    raw = model.layer1[0].step.raw["beta10"]
    assert raw.dtype == torch.float64
    assert raw.item() == 1.0
    assert len(blocks.coefficient_parameters(model)) == 5
    assert model(photos.double()).dtype == torch.float64


def test_subclasses_and_hooks_are_kept(resnet: nn.Module) -> None:
    class Scaled(BasicBlock):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * super().forward(x)

    model = copy.deepcopy(resnet)
    model.layer1[0] = Scaled(64, 64)
    model.layer1[1].register_forward_hook(lambda *_: None)
    kept = {c.name: c.kept for c in blocks.survey(model) if c.kept}
    assert kept["layer1.0"] == "a subclass of BasicBlock, whose forward may be another"
    assert kept["layer1.1"] == "it has hooks, which would be lost"
    rkblocks.retrofit(model, "ssp3")
    assert type(model.layer1[0]) is Scaled
    assert type(model.layer1[1]) is BasicBlock


def test_what_is_refused_leaves_the_model_unchanged(resnet: nn.Module) -> None:
    model = copy.deepcopy(resnet)
    model.layer4[1].bn2 = nn.InstanceNorm2d(512, track_running_stats=True)
    names = list(model.state_dict())
    for arguments, code in (
        (("ssp3",), "RK505"),
        (("ssp3", -1.0), "RK501"),
    ):
        with pytest.raises(RkblocksError) as error:
            rkblocks.retrofit(model, *arguments)
        assert error.value.diagnostics[0].code == code
    for options, code in (({"memory": "low"}, "RK512"), ({"statistics": "own"}, "RK503")):
        with pytest.raises(RkblocksError) as error:
            rkblocks.retrofit(model, "ssp3", **options)
        assert error.value.diagnostics[0].code == code
    with pytest.raises(TableauError):
        rkblocks.retrofit(model, rkblocks.files.read_text('{"name": "half", "A": [[]], "b": ["1/2"]}').tableau)
    assert list(model.state_dict()) == names
    assert type(model.layer1[0].bn1) is nn.BatchNorm2d


def code_of(call) -> str:
    with pytest.raises(RkblocksError) as error:
        call()
    assert all(d.help for d in error.value.diagnostics)
    return error.value.diagnostics[0].code


@pytest.mark.parametrize("model", [None, "resnet18", nn.Linear, {}, lambda x: x])
def test_what_is_no_model(model: object) -> None:
    for function in (blocks.survey, blocks.coefficient_parameters, lambda m: blocks.parameter_groups(m, 0.1)):
        assert code_of(lambda function=function: function(model)) == "RK513"
    assert code_of(lambda: rkblocks.retrofit(model, "ssp3")) == "RK513"
    assert code_of(lambda: rkblocks.retrofit(model, "ssp3", copy=True)) == "RK513"


@pytest.mark.parametrize(
    "options",
    [
        {"split": [nn.Tanh]},
        {"split": {"Tanh": lambda b: (b, None)}},
        {"split": {int: lambda b: (b, None)}},
        {"split": {nn.Tanh: None}},
        {"split": {nn.Tanh: lambda b: b}},
        {"split": {nn.Tanh: lambda b: (b,)}},
        {"split": {nn.Tanh: lambda b: (torch.tanh, None)}},
        {"split": {nn.Tanh: lambda b: (b, 3)}},
        {"split": {nn.Tanh: lambda b: (b, None)}, "report": 3},
    ],
)
def test_what_is_no_split_and_no_report(options: dict[str, object]) -> None:
    model = nn.Sequential(blocks.build("euler", nn.Tanh()), nn.Tanh())
    assert code_of(lambda: rkblocks.retrofit(model, "ssp3", **options)) == "RK514"
    assert [type(m) for m in model] == [blocks.RKBlock, nn.Tanh]
    assert model[0].tableau.name == "euler"


def test_nothing_to_replace(resnet: nn.Module) -> None:
    with pytest.raises(RkblocksError, match="no residual block that is known in the Sequential") as error:
        rkblocks.retrofit(nn.Sequential(nn.Linear(2, 2)), "ssp3")
    assert error.value.diagnostics[0].code == "RK511"
    with pytest.raises(RkblocksError, match="none of the 1 residual blocks") as error:
        rkblocks.retrofit(resnet.layer2[0], "ssp3")
    assert error.value.diagnostics[0].code == "RK511"


class Own(nn.Module):
    """A pre-activation block that nobody knows; it serves at two places of a model."""

    def __init__(self) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.GroupNorm(2, 4), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


def test_classes_of_ones_own_and_blocks_that_occur_twice() -> None:
    model = nn.ModuleDict({"a": Own(), "b": nn.Sequential(Own())})
    model["c"] = model["a"]
    split = {Own: lambda block: (block.branch, None)}
    assert [c.name for c in blocks.survey(model, split)] == ["a", "b.0"]
    x = images()
    y = model["a"](x)
    assert torch.equal(rkblocks.retrofit(model, "euler", copy=True, split=split)["a"](x), y)
    rkblocks.retrofit(model, "ssp3", split=split)
    assert model["a"] is model["c"]
    assert isinstance(model["b"][0], blocks.RKBlock)
    torch.testing.assert_close(rkblocks.retrofit(model, "euler")["a"](x), y)


def test_networks_of_ours_get_another_scheme() -> None:
    torch.manual_seed(0)
    net = nets.grouped("euler", depth=2, widths=(4, 8))
    x = torch.rand(3, 3, 8, 8)
    net(x)
    plain = copy.deepcopy(net).eval()
    rkblocks.retrofit(net, "ssp3")
    assert [t.name for t in net.tableaus] == ["ssp3", "ssp3"]
    block = net.groups[0][0]
    assert torch.equal(block.residual.norm1.running_mean[2], plain.groups[0][0].residual.norm1.running_mean)
    net(x)
    first = block.residual.norm1.running_mean[0].clone()
    assert rkblocks.retrofit(net, "ssp3").groups[0][0] is block  # it has the scheme already
    rkblocks.retrofit(net, "ssp2")
    assert net.groups[0][0].residual.norm1.running_mean.shape == (2, 4)
    rkblocks.retrofit(net, "euler")
    assert type(net.groups[0][0].residual.norm1) is nn.BatchNorm2d
    assert torch.equal(net.groups[0][0].residual.norm1.running_mean, first)
    net.load_state_dict(plain.state_dict())
    assert torch.equal(net.eval()(x), plain(x))


def test_time_and_learned_step_sizes_stay() -> None:
    class Forced(nn.Module):
        def forward(self, x: Tensor, t: Tensor | float) -> Tensor:
            return torch.sin(x + t)

    block = blocks.build("euler", Forced(), dt=0.5, time=True, learn_dt=True)
    new = rkblocks.retrofit(block, "rk4", 0.25)
    assert new.dt == pytest.approx(0.25)
    assert "dt" in new.raw
    assert new(torch.zeros(2), 1.0).shape == (2,)


@pytest.mark.parametrize("name", ["ssp3", "ark"])
def test_memory_modes_give_the_same_bits(name: str, resnet: nn.Module, photos: Tensor) -> None:
    """Activations in place, inside F and after the step, are what torchvision has."""
    results = []
    for memory in ("full", "norm", "stage"):
        model = rkblocks.retrofit(resnet, name, memory=memory, copy=True).train()
        assert model.layer1[0].step.memory == memory
        results.append(run(model, photos))
    for other in results[1:]:
        for ours, theirs in zip(results[0], other, strict=True):
            assert torch.equal(ours, theirs)
