"""One step of training: a batch in, the weights moved, and what the loss was; what torch cannot do of it is named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch._dynamo.exc import TorchDynamoException

from rkblocks.attacks.projection import project, steepest
from rkblocks.attacks.streams import as_streams
from rkblocks.diagnostics import fail
from rkblocks.runs.config import Config
from rkblocks.training import losses, parallel
from rkblocks.training.examples import Sources, examples
from rkblocks.training.recorded import CudaGraph, Drawn, Form, Recorded

BACKEND = "inductor"  # of torch.compile
REFUSED = re.compile("can't allocate memory|not enough memory|out of memory", re.IGNORECASE)
"""What torch's allocators say; on a CPU it is a bare RuntimeError."""
PERTURBATION = "perturbation"  # of free training, among what is carried from step to step


@dataclass(frozen=True)
class Outcome:
    """Of one step: `sums` [2], the loss summed over the examples shown and how many of them were right; their number.

    The tensor stays on its device, so that a GPU is not waited for.
    """

    sums: Tensor
    seen: int


Step = Callable[[Tensor, Tensor], Outcome]


def training_step(
    config: Config,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    streams: Sources,
    carried: dict[str, Tensor],
    network: nn.Module | None = None,
) -> Step:
    """The step of a configuration: a function of images [n, C, H, W] in [0, 1] and labels [n].

    carried: tensors that a step leaves to the next one; they belong to the state for resuming. network: the model as
    `parallel.divide` gives it, where several processes have parts of a batch.

    Raises RkblocksError RK561 where training.cuda_graph is set and the step cannot be recorded.
    """
    if config.training.compile:
        model = network = compiled(model)
    if config.training.method == "free":
        return _free(config, model, optimizer, carried)
    network = model if network is None else network
    if config.training.cuda_graph:
        drawn = {name: Drawn(as_streams(source)) for name, source in streams.items()}
        own = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        checked, plain = (_form(config, model, optimizer, drawn, network, look) for look in (True, False))
        form: Form = Recorded(checked, plain, drawn.values(), own, CudaGraph(own[0].device))
    else:
        form = _form(config, model, optimizer, streams, network)

    def step(x: Tensor, y: Tensor) -> Outcome:
        sums, seen = form(x, y)
        optimizer.step()
        return Outcome(sums, seen)

    return step


def _form(
    config: Config,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    streams: Sources,
    network: nn.Module,
    checked: bool = True,
) -> Form:
    shown, objective = examples(config, streams, checked), objective_of(config)

    def form(x: Tensor, y: Tensor) -> tuple[Tensor, int]:
        model.train()
        x_shown, labels = shown(model, x, y)
        optimizer.zero_grad(set_to_none=True)
        loss, logits = objective(network, x, x_shown, labels)
        parallel.backward(loss, config.training.batch_size)
        return _sums(loss, logits, labels), len(labels)

    return form


def compiled(model: nn.Module) -> nn.Module:
    """The network with a compiled forward pass; parameters, buffers and modes are those of `model` itself.

    One graph is compiled for training, one for each mode of attack.  Sizes are fixed: a training has one batch size,
    and what compiles once for any size is slower.  Asking again for the same model compiles nothing anew.
    """
    return torch.compile(model, dynamic=False, backend=BACKEND)  # type: ignore[return-value]


@contextmanager
def naming_failures(config: Config) -> Iterator[None]:
    """Within: a failure of the compiler, which comes with the first step, ends in RkblocksError RK730, memory that is
    not found in RK745; anything else is raised as it is.
    """
    try:
        yield
    except TorchDynamoException as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = " ".join(lines[:2]) or type(error).__name__  # which stage, and what it says
        fail("RK730", f"torch.compile failed: {reason[:300]}", help="set training.compile to false")
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or REFUSED.search(str(error)):
            net, training = config.net, config.training
            asked = re.search(r"tr(?:ied|ying) to allocate ([0-9.]+ ?[KMGT]?i?[Bb]\w*)", str(error))
            fail(
                "RK745",
                "there is too little memory"
                + (f" for {asked[1]} more" if asked else "")
                + f": net.depth is {net.depth}, net.widths {list(net.widths)}, training.batch_size "
                f"{training.batch_size}, training.eval_batch_size {training.eval_batch_size}",
                help='lower one of them, or set net.memory to "norm" or "stage"',
            )
        raise


def objective_of(config: Config) -> Callable[[nn.Module, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]:
    """A function of (model, images, examples shown, labels): the loss, and the logits of the examples shown.

    TRADES and MART also look at the images themselves, in a forward pass of their own before that of the examples, so
    running statistics see both, as in the authors' code.
    """
    loss, beta = config.training.loss, config.training.beta
    offset, temperature = config.training.offset, config.training.temperature
    alone: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "cross-entropy": losses.cross_entropy,
        "margin": lambda logits, y: losses.margin(logits, y, offset, temperature),
        "hkr": lambda logits, y: losses.hinge_kantorovich_rubinstein(logits, y, offset, beta),
    }
    if loss in alone:

        def plain(model: nn.Module, x: Tensor, x_shown: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
            logits = model(x_shown)
            return alone[loss](logits, y), logits

        return plain
    function = {"trades": losses.trades, "mart": losses.mart}[loss]

    def paired(model: nn.Module, x: Tensor, x_shown: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        clean = model(x)
        logits = model(x_shown)
        return function(clean, logits, y, beta), logits

    return paired


def _free(config: Config, model: nn.Module, optimizer: torch.optim.Optimizer, carried: dict[str, Tensor]) -> Step:
    """Free adversarial training (Shafahi et al. 2019, algorithm 1): every batch `replays` times, the gradients of one
    backward pass move both the weights and the perturbation, which the next replay and the next batch start from.
    """
    eps, norm = float(config.attack.eps), config.attack.norm
    length = float(config.free.alpha * config.attack.eps)

    def step(x: Tensor, y: Tensor) -> Outcome:
        model.train()
        found = []
        for _ in range(config.free.replays):
            change = carried.get(PERTURBATION)
            change = (torch.zeros_like(x) if change is None else change).requires_grad_(True)
            logits = model((x + change).clamp(0, 1))
            loss = losses.cross_entropy(logits, y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            gradient, change = change.grad, change.detach()
            assert gradient is not None
            moved = change + steepest(gradient, x + change, length, norm)
            carried[PERTURBATION] = project(torch.zeros_like(x), moved, eps, norm, (-1.0, 1.0))
            optimizer.step()
            found.append(_sums(loss, logits, y))
        return Outcome(torch.stack(found).sum(0), len(y) * len(found))

    return step


def _sums(loss: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
    right = (logits.argmax(1) == labels).sum()
    return torch.stack((loss.detach() * len(labels), right))
