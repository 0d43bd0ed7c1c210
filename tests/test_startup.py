"""The first use of a name imports with the collector at rest, and leaves it and its counts to the user."""

import subprocess
import sys


def test_a_library_does_not_freeze_what_its_user_made() -> None:
    code = (
        "import gc; seen = []; gc.callbacks.append(lambda phase, info: seen.append(phase)); import rkblocks;"
        "made = len(seen); rkblocks.load; assert len(seen) <= made + 4, 'collections ran while sympy was imported';"
        "assert gc.isenabled(); assert gc.get_freeze_count() == 0;"
        "gc.disable(); rkblocks.check; assert not gc.isenabled()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
