"""Settings of the whole suite: no deadlines on a busy machine, the same examples on every run of CI, Ctrl-C works."""

import os
import signal

from hypothesis import settings

settings.register_profile("rkblocks", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("rkblocks")

# A shell that starts the suite in the background has it ignore Ctrl-C, and so would every process that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
