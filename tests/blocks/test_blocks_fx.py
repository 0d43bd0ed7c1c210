"""torch.fx takes a block as one node, whoever traces: symbolic_trace, torchvision's feature extractor."""

import copy

import torch
from blocks_common import conv_residual, images
from torch import fx, nn
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

from rkblocks import blocks, nets


def net() -> nn.Module:
    return nn.Sequential(nn.Conv2d(4, 4, 1), blocks.build("ssp3", conv_residual()), nn.Flatten()).eval()


def test_symbolic_trace_takes_a_block_as_one_node() -> None:
    model = net()
    for _ in range(2):  # before its first step and after
        graph = fx.symbolic_trace(model)
        assert [n.target for n in graph.graph.nodes if n.op == "call_module"] == ["0", "1", "2"]
        assert torch.equal(graph(images()), model(images()))
    assert torch.equal(copy.deepcopy(graph)(images()), model(images()))


def test_keywords_and_times_are_in_the_graph() -> None:
    class Forced(nn.Module):
        def forward(self, x: torch.Tensor, t: float, *, scale: torch.Tensor) -> torch.Tensor:
            return torch.sin(x + t) * scale

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = blocks.build("rk4", Forced(), time=True)

        def forward(self, x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
            return self.block(x, 0.5, scale=scale)

    model, x, scale = Net(), torch.ones(3), torch.tensor(2.0)
    assert torch.equal(fx.symbolic_trace(model)(x, scale), model(x, scale))


def test_feature_extractor_without_arguments() -> None:
    model = nets.grouped("ssp3", depth=2, widths=(4, 8)).eval()
    x = torch.rand(2, 3, 8, 8)
    names = get_graph_node_names(model)[1]
    assert "groups.0.1" in names
    assert not any(name.startswith("groups.0.1.") for name in names)
    features = create_feature_extractor(model, ["groups.0.1", "head"])(x)
    assert torch.equal(features["head"], model(x))
    assert torch.equal(features["groups.0.1"], model.groups[0](model.stem(model.normalize(x))))
