"""Settings of the whole suite: no deadlines on a busy machine, the same examples on every run of CI."""

import os

from hypothesis import settings

settings.register_profile("rkblocks", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("rkblocks")
