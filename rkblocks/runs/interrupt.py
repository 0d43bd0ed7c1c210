"""SIGINT and SIGTERM ask training to save and stop, a second one stops it at once; elsewhere both are a Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def terminating() -> Iterator[None]:
    """SIGTERM, as batch systems send it, is a Ctrl-C within: KeyboardInterrupt; in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


class Stop(Exception):  # noqa: N818 (a request, no error)
    """A signal has come; `name` is that of the signal."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)


@contextmanager
def stop_on_signal(heard: Callable[[str], None] | None = None) -> Iterator[Callable[[], None]]:
    """A function that raises Stop once SIGINT or SIGTERM has come; outside the main thread it never does.

    Of several processes each has to call it, equally often: it raises on all once one has received a signal.

    The handlers only take a note, so that a step or a save under way is finished first; a signal that comes after the
    last look is raised anew at the end, when what was under way is done. heard: called with the name of the signal when
    it comes.
    """
    from rkblocks import distributed

    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    received: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        for again, handler in before.items():
            signal.signal(again, handler)
        if heard:
            heard(signal.Signals(number).name)

    def check() -> None:
        if number := distributed.largest(received[0] if received else 0):
            raise Stop(signal.Signals(number).name)

    for number in before:
        signal.signal(number, note)
    try:
        yield check
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if received:
        signal.raise_signal(received[0])
