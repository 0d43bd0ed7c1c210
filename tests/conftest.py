"""Settings of the whole suite: no deadlines on a busy machine, the same examples on every run of CI, Ctrl-C works."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

from hypothesis import settings

settings.register_profile("rkblocks", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("rkblocks")

# Images are kept in the user's cache: tests have one of their own, and matplotlib its fonts where they are.
cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
os.environ.setdefault("MPLCONFIGDIR", str(cache / "matplotlib"))
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="rkblocks-tests-")


def pytest_unconfigure() -> None:
    """Remove the cache of the tests."""
    shutil.rmtree(os.environ["XDG_CACHE_HOME"], ignore_errors=True)


# A shell that starts the suite in the background has it ignore Ctrl-C, and so would every process that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
