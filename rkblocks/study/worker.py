"""The other end of the pool's pipe: a process that performs one task after another, and says what becomes of them."""

from __future__ import annotations

import _thread
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any

from rkblocks.diagnostics import RkblocksError, diagnostic, named
from rkblocks.progress import Report

WAIT = 30.0  # seconds that a worker has to save what it is doing


def serve(pipe: Connection, work: Callable[[Any, Report], Any], threads: int, device: str | None) -> None:
    """Perform the tasks that come through the pipe until its other end is closed.

    Says ("ready", None) for each task it can take, then ("progress", (done, total)) and at last ("done", result),
    ("failed", error) or ("stopped", None). In a process group of its own, so that Ctrl-C on the terminal reaches only
    the parent, which then asks each worker once: a second signal would cut a save short. A parent that has gone without
    asking, as after kill -9, is noticed at once, and taken for a Ctrl-C.
    """
    os.setpgrp()
    if device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = device  # before the first use of CUDA, which torch's import is not

    def report(done: int, total: int) -> None:
        try:
            pipe.send(("progress", (done, total)))
        except OSError:  # nobody waits for this work any more; the epoch before is saved
            raise KeyboardInterrupt from None

    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _end_with_parent()
        import torch  # after that: it takes seconds

        torch.set_num_threads(threads)
        while True:
            pipe.send(("ready", None))
            kind, content = settle(work, pipe.recv(), report)
            pipe.send((kind, content))
            if kind == "stopped":
                return
    except (EOFError, OSError, KeyboardInterrupt):
        return


def _end_with_parent() -> None:
    """Have this process interrupted as by SIGINT once the process that started it has ended, in any way; and ended half
    a minute later, should it not have stopped by then.

    The parent's sentinel is the end of a pipe that the system closes. (Linux's PR_SET_PDEATHSIG would also tell of the
    end of the parent's thread.)
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        _thread.interrupt_main()
        time.sleep(WAIT)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def settle(work: Callable[[Any, Report], Any], task: Any, report: Report) -> tuple[str, Any]:
    """Perform a task; returns ("done", result), ("failed", error), or ("stopped", None) for a signal.

    An exception that nobody foresaw becomes RK999, with its traceback as a note of the error (`__notes__`).
    """
    try:
        return "done", work(task, report)
    except KeyboardInterrupt:
        return "stopped", None
    except RkblocksError as error:
        if any(found.code == "RK718" for found in error.diagnostics):
            return "stopped", None
        return "failed", error
    except Exception as error:
        message = f"internal error: {named(error)} (RKBLOCKS_DEBUG=1 shows where)"
        internal = RkblocksError([diagnostic("RK999", message)])
        internal.add_note(traceback.format_exc())
        return "failed", internal
