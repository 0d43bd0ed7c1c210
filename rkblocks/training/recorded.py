"""Training steps from a CUDA graph: the kernels of a step recorded once and launched together, where launching them one
by one takes longer than running them.

A step has two parts. The gradients of a batch (examples, both passes, the sums) are recorded. The optimiser moves the
weights afterwards, so that rate and state are its own and need no form that a graph could hold. Random numbers are
drawn before, by the generators of the run, as a step without a graph asks for them. The first steps of training are the
warm-up: nothing runs that training would not have run, so no statistic and no generator has to be put back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from rkblocks import distributed
from rkblocks.attacks.streams import Streams
from rkblocks.diagnostics import fail
from rkblocks.runs.config import Config

WARM_UP = 3  # steps before the recording: libraries choose kernels, torch.compile compiles
T = TypeVar("T")
Form = Callable[[Tensor, Tensor], tuple[Tensor, int]]
"""Forms the gradients of a batch, images and labels; returns sums over the examples shown, and their number."""


def check(config: Config, device: torch.device) -> None:
    """Raise RkblocksError RK560 where settings ask for a graph that this device, or so many processes, cannot have."""
    if not config.training.cuda_graph:
        return
    help = "set training.cuda_graph to false: the results are the same to rounding"
    if device.type != "cuda":
        fail("RK560", f"training.cuda_graph is true, and training runs on {device}; expected a CUDA device", help=help)
    if distributed.size() > 1:
        fail("RK560", f"training.cuda_graph is true for {distributed.size()} processes; expected one", help=help)


class Graph(Protocol):
    """Where steps run, are recorded, and run again. `CudaGraph`; tests have one for the CPU."""

    def warm_up(self, work: Callable[[], T]) -> T:
        """Do the work, where it will be recorded later."""

    def record(self, work: Callable[[], T]) -> T:
        """Record what the work launches, without running it; its tensors are those that `replay` writes to."""

    def replay(self) -> None:
        """Launch what was recorded."""


class CudaGraph:
    """A torch.cuda.CUDAGraph with memory of its own; warm-up and recording have one side stream, as they must."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._graph = device, torch.cuda.CUDAGraph()
        self._stream = torch.cuda.Stream(device)

    def warm_up(self, work: Callable[[], T]) -> T:
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            found = work()
        current.wait_stream(self._stream)
        return found

    def record(self, work: Callable[[], T]) -> T:
        with torch.cuda.graph(self._graph, stream=self._stream):
            return work()

    def replay(self) -> None:
        self._graph.replay()


class Drawn:
    """Noise for a step: `source` draws it when it is asked for, and for a recorded step beforehand (`draw`), into
    tensors that the record knows, in the order in which the noted step asked.
    """

    def __init__(self, source: Streams) -> None:
        self._source = source
        self._noted: list[tuple[str, str, Tensor]] = []  # method, label, and what was given
        self._noting = False
        self._recalled: Iterator[tuple[str, str, Tensor]] | None = None

    def uniform(self, like: Tensor, label: str) -> Tensor:
        return self._given("uniform", like, label)

    def normal(self, like: Tensor, label: str) -> Tensor:
        return self._given("normal", like, label)

    def select(self, rows: Tensor) -> Drawn:
        return self

    def fork(self, label: str) -> Drawn:
        return self

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Within it, note anew what is asked for."""
        self._noted, self._noting = [], True
        yield
        self._noting = False

    @contextmanager
    def recalled(self) -> Iterator[None]:
        """Within it, give the noted tensors, in their order, instead of drawing."""
        self._recalled = iter(self._noted)
        yield
        self._recalled = None

    def draw(self) -> None:
        """Fill the noted tensors with new numbers."""
        for method, label, kept in self._noted:
            kept.copy_(getattr(self._source, method)(kept, label))

    def _given(self, method: str, like: Tensor, label: str) -> Tensor:
        if self._recalled is not None:
            return next(self._recalled)[2]
        found: Tensor = getattr(self._source, method)(like, label)
        if self._noting:
            self._noted.append((method, label, found.clone()))
        return found


class Recorded:
    """The gradients of a batch, recorded at step WARM_UP + 1 and replayed from then on; they lie in `parameters`.

    checked, plain: functions that form the gradients, with and without a look at what becomes of images and logits,
    which a graph cannot hold. drawn: the noise of both. A batch of another shape than the first runs by itself.
    """

    def __init__(
        self, checked: Form, plain: Form, drawn: Collection[Drawn], parameters: Sequence[nn.Parameter], graph: Graph
    ) -> None:
        self._checked, self._plain, self._drawn, self._graph = checked, plain, drawn, graph
        self._parameters, self._gradients = parameters, list[Tensor | None]()
        self._done, self._x, self._y = 0, torch.empty(0), torch.empty(0)
        self._result: tuple[Tensor, int] | None = None

    def __call__(self, x: Tensor, y: Tensor) -> tuple[Tensor, int]:
        """Return what `checked` does. Raises RkblocksError RK561 where the step cannot be recorded."""
        if not self._done:
            self._x, self._y = x.clone(), y.clone()
        if (x.shape, x.stride(), x.dtype) != (self._x.shape, self._x.stride(), self._x.dtype):
            return self._graph.warm_up(lambda: self._checked(x, y))
        self._done += 1
        if self._done <= WARM_UP:
            with ExitStack() as stack:
                for one in self._drawn:
                    stack.enter_context(one.noted())
                return self._graph.warm_up(lambda: self._checked(x, y))
        self._result = sums, seen = self._result or self._record()
        self._x.copy_(x)
        self._y.copy_(y)
        for one in self._drawn:
            one.draw()
        self._graph.replay()
        for parameter, gradient in zip(self._parameters, self._gradients, strict=True):
            parameter.grad = gradient
        return sums.clone(), seen

    def _record(self) -> tuple[Tensor, int]:
        for parameter in self._parameters:
            parameter.grad = None
        try:
            with ExitStack() as stack:
                for one in self._drawn:
                    stack.enter_context(one.recalled())
                result = self._graph.record(lambda: self._plain(self._x, self._y))
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:300]
            fail("RK561", f"the training step cannot be recorded: {reason}", help="set training.cuda_graph to false")
        self._gradients = [parameter.grad for parameter in self._parameters]
        return result
