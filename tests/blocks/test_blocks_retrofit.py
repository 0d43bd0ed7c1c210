"""Existing networks with Runge-Kutta steps: the same bits with euler, the same weights, and what is kept and why."""

import copy
import pickle
from typing import Any

import pytest
import torch
import torchvision
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


@pytest.mark.parametrize("scheme", ["euler", "ssp3"])
def test_states_of_before_of_timm_norms_with_an_activation_load(scheme: str, photos: Tensor) -> None:
    """They had the norm and the activation apart: norm1.norm.weight for what is norm1.weight."""
    timm = pytest.importorskip("timm")
    made, other = (
        rkblocks.retrofit(lively(timm.create_model("resnetv2_18d", num_classes=5)), scheme).eval() for _ in range(2)
    )
    apart = {
        f"{name}.{inner}." if name else f"{inner}."
        for name, block in made.named_modules()
        if isinstance(block, blocks.RKBlock)
        for inner, norm in block.named_modules()
        if isinstance(norm, nn.modules.batchnorm._BatchNorm)
    }
    before = {}
    for name, value in made.state_dict().items():
        layer, _, entry = name.rpartition(".")
        before[f"{layer}.norm.{entry}" if f"{layer}." in apart else name] = value
    assert sum(".norm1.norm.weight" in name for name in before) >= 4
    assert not torch.equal(other(photos), made(photos))
    other.load_state_dict(before)
    assert torch.equal(other(photos), made(photos))
    before[f"{min(apart)}norm.extra"] = torch.zeros(1)
    with pytest.raises(RuntimeError, match="Unexpected"):
        other.load_state_dict(before)


def test_stochastic_depth_is_drawn_once_a_step() -> None:
    """timm's and torchvision's: with euler the same bits also in training, with others one share for all stages."""
    timm = pytest.importorskip("timm")
    for model in (
        timm.create_model("resnet18", num_classes=5, drop_path_rate=0.5),
        torchvision.models.convnext_tiny(num_classes=5, stochastic_depth_prob=0.5),
    ):
        lively(model)
        euler = rkblocks.retrofit(model, "euler", copy=True)
        assert not any(c.kept and "projection" not in c.kept for c in blocks.survey(model))
        results = []
        for net in (model.train(), euler.train()):
            torch.manual_seed(3)
            results.append(net(images(3, 3, 64)))
        assert torch.equal(*results)
    block = lively(timm.create_model("resnet18", drop_path_rate=0.9)).layer4[1].eval()
    step = rkblocks.retrofit(block, "rk4", copy=True).train()
    for module in step.modules():  # norms as in evaluation, so that examples do not see each other
        module.training = not isinstance(module, nn.BatchNorm2d | blocks.StageBatchNorm)
    x = images(40, 512, 3).relu()
    y = step(x)
    dropped = torch.tensor([torch.equal(a, b) for a, b in zip(x, y, strict=True)])
    assert 20 < int(dropped.sum()) < 40
    kept = step.eval()(x)[~dropped]
    assert not torch.allclose(y[~dropped], kept)  # F counts ten times


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


def test_subclasses_are_read_hooks_and_forwards_of_an_instance_kept(resnet: nn.Module, photos: Tensor) -> None:
    class Scaled(BasicBlock):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * super().forward(x)

    model = copy.deepcopy(resnet)
    model.layer1[0] = Scaled(64, 64)
    model.layer1[0].load_state_dict(resnet.layer1[0].state_dict())
    model.layer1[1].register_forward_hook(lambda *_: None)
    forward = model.layer3[1].forward
    model.layer3[1].forward = lambda x: 2 * forward(x)
    kept = {c.name: c.kept for c in blocks.survey(model) if c.kept}
    assert "layer1.0" not in kept  # its forward is read
    assert kept["layer1.1"] == "it has hooks, which would be lost"
    assert kept["layer3.1"] == "its forward was set on this instance"
    y = model.eval()(photos)
    assert torch.equal(rkblocks.retrofit(model, "euler", copy=True)(photos), y)
    rkblocks.retrofit(model, "ssp3")
    assert type(model.layer1[0]) is nn.Sequential
    assert type(model.layer1[1]) is type(model.layer3[1]) is BasicBlock


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
        assert code_of(lambda function=function: function(model)) == "RK822"
    assert code_of(lambda: rkblocks.retrofit(model, "ssp3")) == "RK822"
    assert code_of(lambda: rkblocks.retrofit(model, "ssp3", copy=True)) == "RK822"


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
    assert code_of(lambda: rkblocks.retrofit(model, "ssp3", **options)) == "RK822"
    assert [type(m) for m in model] == [blocks.RKBlock, nn.Tanh]
    assert model[0].tableau.name == "euler"


def test_nothing_to_replace(resnet: nn.Module) -> None:
    with pytest.raises(
        RkblocksError, match=r"no block of the Sequential computes x .* made of Sequential, Linear"
    ) as error:
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


class Cifar(nn.Module):
    """One class for identity and projection, as in many CIFAR-10 ResNets."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, after, 3, stride, 1), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = nn.Conv2d(after, after, 3, 1, 1), nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        if stride > 1 or before != after:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        out = nn.functional.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return nn.functional.relu(out)


def cifar() -> nn.Module:
    torch.manual_seed(0)
    return lively(nn.Sequential(nn.Conv2d(3, 4, 3, 1, 1), Cifar(4, 4), Cifar(4, 8, 2), Cifar(8, 8)))


def halved(block: Cifar) -> tuple[nn.Module, nn.Module]:
    return nn.Sequential(block.conv1, block.bn1, nn.ReLU(), block.conv2, block.bn2), nn.ReLU()


def test_one_class_for_identity_and_projection(photos: Tensor) -> None:
    model = cifar()
    assert [c.kept for c in blocks.survey(model)] == ["", "its shortcut is a projection", ""]
    assert_same_bits(model, rkblocks.retrofit(model, "euler", copy=True), photos)
    other = rkblocks.retrofit(model, "ssp3", copy=True)
    assert {id(p) for p in model.parameters()}.isdisjoint({id(p) for p in other.parameters()})
    assert sum(p.numel() for p in model.parameters()) == sum(p.numel() for p in other.parameters())
    for twin in (copy.deepcopy(other.eval()), pickle.loads(pickle.dumps(other))):
        assert torch.equal(twin(photos), other(photos))


def test_what_split_leaves_out_is_kept(photos: Tensor) -> None:
    """A split that forgets the projection loses nothing: the block is kept, and the reason says what was forgotten."""
    model = cifar().eval()
    lines: list[blocks.Candidate] = []
    euler = rkblocks.retrofit(model, "euler", copy=True, split={Cifar: halved}, report=lines.append)
    assert [c.kept for c in lines] == ["", "split leaves out shortcut.0.weight and 6 more", ""]
    assert torch.equal(euler(photos), model(photos))
    none = {Cifar: lambda block: None if len(block.shortcut) else halved(block)}
    assert [c.kept for c in blocks.survey(model, none)] == ["", "split keeps it", ""]
    assert torch.equal(rkblocks.retrofit(model, "euler", copy=True, split=none)(photos), model(photos))
    patched = copy.deepcopy(model)
    patched[1].forward = lambda x: x
    assert blocks.survey(patched, none)[0].kept == "its forward was set on this instance"
    with pytest.raises(RkblocksError, match=r"the first: 1: Cifar kept, split keeps it"):
        rkblocks.retrofit(model, "ssp3", split={Cifar: lambda block: None})

    class Pooled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.branch, self.pool = nn.Conv2d(4, 4, 1), nn.AvgPool2d(3, 1, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.pool(x) + self.branch(x)

    (found,) = blocks.survey(Pooled(), {Pooled: lambda block: (block.branch, None)})
    assert found.kept == "split leaves out pool"
    assert [c.kept for c in blocks.survey(Pooled())] == ["its shortcut is a projection"]


@pytest.mark.parametrize("norm_first", [True, False])
def test_encoder_layers_of_torch_are_two_steps(norm_first: bool) -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True, norm_first=norm_first)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    x, padding = torch.randn(3, 5, 8), torch.tensor([[False] * 5, [False] * 3 + [True] * 2, [False] * 4 + [True]])
    causal = nn.Transformer.generate_square_subsequent_mask(5)
    euler = rkblocks.retrofit(model, "euler", copy=True)
    for training in (True, False):
        for masks in ({}, {"src_key_padding_mask": padding}, {"mask": causal, "is_causal": True}):
            expected = model.train(training)(x, **masks)
            assert torch.equal(euler.train(training)(x, **masks), expected)
            other = rkblocks.retrofit(model, "ssp3", copy=True)(x, **masks)
            assert other.shape == expected.shape
            assert not torch.equal(other, expected)
    assert sum(isinstance(m, blocks.RKBlock) for m in euler.modules()) == 4
    assert {id(p) for p in rkblocks.retrofit(model, "ssp2").parameters()} == {id(p) for p in model.parameters()}


def test_two_residuals_of_a_pre_norm_block_are_two_steps() -> None:
    """The step of the whole block is that of its halves, one after the other."""
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    block = timm.models.vision_transformer.Block(8, 2).eval()
    new = rkblocks.retrofit(copy.deepcopy(block), "midpoint")
    x = torch.randn(2, 5, 8)

    def midpoint(f: object, u: Tensor) -> Tensor:
        return u + f(u + f(u) / 2)

    a = midpoint(lambda u: block.attn(block.norm1(u)), x)
    torch.testing.assert_close(new(x), midpoint(lambda u: block.mlp(block.norm2(u)), a))
    assert torch.equal(new(x, attn_mask=None), new(x))
    assert code_of(lambda: new(x, attn_mask=torch.zeros(5, 5))) == "RK537"
    assert code_of(lambda: new(x, is_causal=True)) == "RK537"


def test_activations_outside_and_at_every_stage(resnet: nn.Module, photos: Tensor) -> None:
    block = copy.deepcopy(resnet.layer1[0]).eval()
    x = images(2, 64, 5).relu()

    def whole(u: Tensor) -> Tensor:
        return block(u)

    staged = rkblocks.retrofit(block, "ssp3", activation="stage", copy=True)
    u1 = whole(x)
    u2 = 0.75 * x + 0.25 * whole(u1)
    torch.testing.assert_close(staged(x), x / 3 + 2 / 3 * whole(u2))
    assert float(staged(x).detach().min()) >= -1e-6
    assert torch.equal(rkblocks.retrofit(resnet, "euler", activation="stage", copy=True)(photos), resnet(photos))
    assert code_of(lambda: rkblocks.retrofit(block, "ssp3", activation="inside")) == "RK536"
    both = [rkblocks.retrofit(resnet, "ssp3", activation=a, copy=True)(photos) for a in ("outside", "stage")]
    assert not torch.equal(*both)


def test_norms_are_measured_again_for_every_stage(resnet: nn.Module, photos: Tensor) -> None:
    """torch's own update_bn knows norms with statistics per stage: afterwards evaluation is as in training."""
    model = rkblocks.retrofit(resnet, "ssp3", copy=True)
    before = model.layer1[0].step.residual.bn1.running_mean.clone()
    torch.optim.swa_utils.update_bn([photos], model)
    norm = model.layer1[0].step.residual.bn1
    assert norm.num_batches_tracked.tolist() == [1, 1, 1]
    assert not torch.equal(norm.running_mean[1], before[1])
    seen: list[Tensor] = []
    model.train()
    model.layer1[0].step.residual.conv1.register_forward_hook(lambda m, a, y: seen.append(y.detach()))
    model(photos)
    for stage, y in enumerate(seen):
        assert norm.momentum == 0.1
        mean = 0.1 * y.mean((0, 2, 3)) + 0.9 * y.mean((0, 2, 3))
        torch.testing.assert_close(norm.running_mean[stage], mean, rtol=1e-3, atol=1e-4)


class Changing(nn.Module):
    """Blocks whose forward cannot stand for itself."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.calls = kind, 0
        self.branch, self.other = nn.Linear(4, 4), nn.Linear(4, 4)
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "mode":
            return x + (self.branch(x) if self.training else self.other(self.branch(x)))
        if self.kind == "attribute":
            self.calls += 1
        if self.kind == "buffer":
            self.count.add_(1)
        if self.kind == "unused":
            return x + self.branch(x)
        if self.kind == "values" and x.mean() > 0:
            return x
        if self.kind == "crossed":
            h = self.branch(x)
            return x + h + self.other(x) * h.mean()
        return x + self.other(self.branch(x)) + 0 * self.count


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("mode", "its forward is another in training than in evaluation"),
        ("attribute", "its forward changes what the block itself holds"),
        ("buffer", "its forward changes what the block itself holds"),
        ("unused", "its forward makes no use of other.weight and 2 more"),
        ("crossed", "its sums do not follow each other as x + F(x) does"),
    ],
)
def test_what_a_forward_does_besides_is_not_lost(kind: str, reason: str) -> None:
    block = Changing(kind)
    (found,) = blocks.survey(block)
    assert found.kept == reason
    assert (block.calls, float(block.count)) == (0, 0.0)
    assert block.training
    assert blocks.survey(Changing("values")) == ()
    assert code_of(lambda: rkblocks.retrofit(Changing("values"), "ssp3")) == "RK511"


def test_activations_are_no_blocks() -> None:
    class Snake(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale, self.act = nn.Parameter(torch.ones(())), nn.Tanh()

        def forward(self, x: Tensor) -> Tensor:
            return x + self.act(self.scale * x)

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.snake = nn.Linear(4, 4), Snake()

        def forward(self, x: Tensor) -> Tensor:
            return x + self.snake(self.linear(x))

    assert [c.kind for c in blocks.survey(nn.Sequential(Block(), Snake()))] == ["Block"]


class WideBlock(nn.Module):
    """The block of a WideResNet, with dropout as a function of its mode."""

    def __init__(self, channels: int, dropout: Any) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(channels), nn.Conv2d(channels, channels, 3, padding=1)
        self.bn2, self.conv2 = nn.BatchNorm2d(channels), nn.Conv2d(channels, channels, 3, padding=1)
        self.gamma = nn.Parameter(torch.full((), 0.5))
        self.dropout = dropout

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.conv1(torch.relu(self.bn1(x)))
        out = self.dropout(torch.relu(self.bn2(out)), self)
        return x + self.gamma * self.conv2(out)


FUNCTIONS: dict[str, Any] = {
    "words": lambda y, block: nn.functional.dropout(y, p=0.3, training=block.training),
    "places": lambda y, block: nn.functional.dropout(y, 0.3, block.training),
    "maps": lambda y, block: nn.functional.dropout2d(y, training=block.training),
    "always": lambda y, block: nn.functional.dropout(y, 0.3, True),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("training", [True, False])
def test_dropout_as_a_function_of_the_mode_follows_it(name: str, training: bool) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(WideBlock(4, FUNCTIONS[name]), WideBlock(4, FUNCTIONS[name])).train(training)
    euler = rkblocks.retrofit(model, "euler", copy=True)
    x = torch.randn(2, 4, 8, 8)
    for mode in (False, True, False):
        results = []
        for one in (model, euler):
            one.train(mode)
            torch.manual_seed(1)
            results.append(one(x))
        assert torch.equal(*results)
        again = copy.deepcopy(euler)  # whose statistics may change
        assert torch.equal(again(x), again(x)) == (not mode and name != "always")


def test_what_differs_between_the_modes_beside_dropout_is_kept() -> None:
    model = nn.Sequential(WideBlock(4, lambda y, block: nn.functional.dropout(y, 0.3, not block.training)))
    with pytest.raises(RkblocksError, match="another in training"):
        rkblocks.retrofit(model, "euler")
