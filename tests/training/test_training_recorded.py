"""training.cuda_graph: recorded steps are the steps, on the CPU by a record of operations, on a GPU by CUDA's."""

import copy
import json

import pytest
import torch
from test_training_step import SETTINGS, assert_same, parts
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from rkblocks import nets, training
from rkblocks.diagnostics import RkblocksError
from rkblocks.runs.storage import load_weights
from rkblocks.training import load, recorded, step
from rkblocks.training.optimizers import optimizer
from rkblocks.training.seeds import epoch_streams

torch.set_num_threads(1)
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU: not tested on this machine")
WAITS = ("_local_scalar_dense", "equal", "is_nonzero", "nonzero", "masked_select", "item")
COPIES = ("lift_fresh", "lift", "lift_fresh_copy")  # a number or a list of the host that becomes a tensor
DRAWS = ("rand", "randn", "uniform_", "normal_", "bernoulli_", "randint", "randperm")


class Tape(TorchDispatchMode):
    """What a CUDA graph is, on the CPU: operations with the tensors and the numbers of the time of recording. Recording
    leaves no trace in tensors that were there before; replaying runs no line of the step. What waits for the device, or
    draws, cannot be recorded.
    """

    made = 0

    def __init__(self, device):
        super().__init__()
        assert device.type == "cpu"
        self.operations, self.own, self.before = [], {}, {}
        Tape.made += 1

    def warm_up(self, work):
        return work()

    def record(self, work):
        with self:
            result = work()
        for tensor, value in self.before.values():
            tensor.detach().copy_(value)
        return result

    def replay(self):
        with torch.no_grad():
            for function, args, kwargs, results in self.operations:
                for kept, new in zip(results, tensors(function(*args, **kwargs)), strict=True):
                    if kept.data_ptr() != new.data_ptr():
                        kept.copy_(new)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        if name in (*WAITS, *DRAWS, *COPIES):
            raise RuntimeError(f"operation {name} not permitted when stream is capturing")
        for tensor in tensors((args, kwargs)):
            place = tensor.untyped_storage().data_ptr()
            if place not in self.own and id(tensor) not in self.before:
                self.before[id(tensor)] = (tensor, tensor.detach().clone())
        found = function(*args, **(kwargs or {}))
        results = tensors(found)
        self.own |= {t.untyped_storage().data_ptr(): t for t in results if t not in tensors((args, kwargs))}
        self.operations.append((function, args, kwargs or {}, results))
        return found


def tensors(tree):
    return Found(leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor))


class Found(list):
    """Tensors, told apart by what they are, not by what they hold."""

    def __contains__(self, one):
        return any(one is other for other in self)


@pytest.fixture
def tape(monkeypatch):
    monkeypatch.setattr(step, "CudaGraph", Tape)
    monkeypatch.setattr(Tape, "made", 0)
    return Tape


def trained(net, batches, graph, rates=(0.05,), device="cpu", **settings):
    """What steps return, and then weights, statistics, the optimiser's state and the generators."""
    net = copy.deepcopy(net).to(device)
    given = SETTINGS | {name.replace("__", "."): value for name, value in settings.items()}
    config = load("digits", given | {"training.cuda_graph": graph})
    optimize, streams = optimizer(config.optimizer, net), epoch_streams(0, 0, device)
    move, sums = step.training_step(config, net, optimize, streams, {}), []
    for number, (x, y) in enumerate(batches):
        for group in optimize.param_groups:
            group["lr"] = rates[number % len(rates)]
        outcome = move(x.to(device), y.to(device))
        sums.append((outcome.sums, outcome.seen))
    state = dict(net.state_dict())
    for place, own in optimize.state_dict()["state"].items():
        state |= {
            f"optimizer.{place}.{name}": torch.as_tensor(value) for name, value in own.items() if value is not None
        }
    return sums, state | {f"generator.{name}": one.get_state() for name, one in streams.items()}


CASES = [
    {"training__method": "standard"},
    {"training__method": "noise", "noise__copies": 2},
    {"training__method": "adversarial"},
    {"training__method": "adversarial", "attack__mode": "train"},
    {"training__method": "adversarial", "attack__fold": True},
    {"training__method": "adversarial", "attack__norm": "l2"},
    {"training__method": "adversarial", "attack__eps": "26/255", "attack__rounded": True},
    {"training__method": "adversarial", "training__loss": "trades"},
    {"training__method": "adversarial", "training__loss": "mart"},
    {"training__method": "single-step"},
    {"training__method": "adversarial", "optimizer__name": "adam", "optimizer__lr": 0.001},
]


@pytest.mark.parametrize("settings", CASES, ids=lambda case: ",".join(str(value) for value in case.values()))
def test_recorded_steps_are_the_steps(tape, settings):
    """To the last bit in float64: three steps of warm-up and four from the record, at a rate that changes."""
    net, batches = parts(7)
    rates = (0.05, 0.02, 0.01)
    expected_sums, expected = trained(net, batches, False, rates, **settings)
    sums, found = trained(net, batches, True, rates, **settings)
    assert tape.made == 1
    assert_same(found, expected, exact=True)
    assert all(torch.equal(a, b) and m == n for (a, m), (b, n) in zip(sums, expected_sums, strict=True))


@pytest.mark.parametrize("name", ["ark", "ssp3"])
def test_learned_coefficients_and_lean_memory_are_recorded(tape, name):
    net = nets.grouped(name, 1, widths=(4,), channels=1, classes=3, norm="batch", memory="norm").double()
    _, batches = parts(6)
    _, expected = trained(net, batches, False, training__method="adversarial")
    _, found = trained(net, batches, True, training__method="adversarial", net__memory="norm")
    assert_same(found, expected, exact=True)


@pytest.mark.parametrize("short", [1, 4, 6])
def test_a_batch_of_another_shape_runs_by_itself(tape, short):
    """Before the recording, right after it, and between replays: same steps, same draws."""
    net, batches = parts(8)
    batches[short] = tuple(part[:4] for part in batches[short])
    _, expected = trained(net, batches, False, training__method="adversarial")
    _, found = trained(net, batches, True, training__method="adversarial")
    assert_same(found, expected, exact=True)


def test_the_record_is_what_runs(tape):
    """After the warm-up and the recording no line of the network runs any more."""
    net, batches = parts(9)
    calls = []
    net.register_forward_hook(lambda *_: calls.append(1))
    trained(net, batches, True, training__method="standard")
    assert len(calls) == recorded.WARM_UP + 1


def test_what_looks_at_a_number_is_named(tape):
    class Looks(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return self.inner(x) * (2 if float(x.detach().max()) > 2 else 1)

    net, batches = parts(4)
    with pytest.raises(RkblocksError, match=r"RK561.*not permitted when stream is capturing"):
        trained(Looks(net), batches, True, training__method="standard")


def test_a_whole_training(tape, monkeypatch, tmp_path):
    """Two epochs on digits, with validation, an average and a schedule: the same weights, metrics and average."""
    monkeypatch.setattr(recorded, "check", lambda *_: None)
    settings = {
        "training.epochs": 2,
        "net.widths": [8],
        "attack.steps": 1,
        "training.batch_size": 320,
        "schedule.kind": "one-cycle",
        "averaging.kind": "ema",
        "training.device": "cpu",
    }
    for graph in (False, True):
        training.train(load("digits", settings | {"training.cuda_graph": graph}), tmp_path / str(graph), progress=False)
    assert tape.made == 2  # one an epoch
    lines = [
        [json.loads(line) for line in (tmp_path / str(graph) / "metrics.jsonl").read_text().splitlines()]
        for graph in (False, True)
    ]
    for one, other in zip(*lines, strict=True):
        assert one["train_loss"] == pytest.approx(other["train_loss"], rel=1e-5)
        assert one["lr"] == other["lr"]
    for name in ("weights", "average"):
        one, other = (load_weights(tmp_path / str(g) / f"{name}.safetensors") for g in (False, True))
        for key, value in one.items():
            torch.testing.assert_close(value, other[key], rtol=1e-4, atol=1e-5, msg=key)


def test_a_cpu_is_refused(tmp_path):
    config = load("digits", {"training.cuda_graph": True, "training.device": "cpu"})
    with pytest.raises(RkblocksError, match=r"RK560.*training runs on cpu"):
        training.train(config, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("other", [{"training.method": "free"}, {"net.memory": "stage"}])
def test_what_no_graph_can_hold_is_refused(other):
    with pytest.raises(RkblocksError, match=r"RK706.*training\.cuda_graph"):
        load("digits", {"training.cuda_graph": True, **other})


@CUDA
@pytest.mark.parametrize("settings", CASES, ids=lambda case: ",".join(str(value) for value in case.values()))
def test_a_cuda_graph_gives_the_steps(settings):
    net, batches = parts(9)
    _, expected = trained(net, batches, False, (0.05, 0.02), "cuda", **settings)
    _, found = trained(net, batches, True, (0.05, 0.02), "cuda", **settings)
    assert_same(found, expected)


@CUDA
def test_a_cuda_graph_outlives_an_epoch():
    """A recording for each epoch, validation in between, and memory that does not grow with them."""
    net, batches = parts(6)
    peaks = []
    for _ in range(4):
        trained(net, batches, True, (0.05,), "cuda", training__method="adversarial")
        torch.cuda.synchronize()
        peaks.append(torch.cuda.memory_reserved())
    assert peaks[-1] <= 1.5 * peaks[1]
