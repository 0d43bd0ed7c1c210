"""Starting: the collector rests while the core is imported, and works afterwards."""

import gc
import subprocess
import sys

import pytest

from rkblocks.startup import collector_at_rest, load_core


def test_the_collector_rests_and_goes_on() -> None:
    assert gc.isenabled()
    with collector_at_rest():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with collector_at_rest():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_was_imported_is_frozen_and_collected_no_more() -> None:
    code = (
        "import gc, sys; from rkblocks.startup import load_core; before = gc.get_freeze_count(); load_core();"
        "assert 'sympy' in sys.modules; assert gc.isenabled(); assert gc.get_freeze_count() > before + 50_000;"
        "from rkblocks import verify; assert verify.check('ssp3').ok"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_loading_twice_does_nothing() -> None:
    load_core()
    frozen = gc.get_freeze_count()
    load_core()
    assert gc.get_freeze_count() <= frozen


@pytest.mark.parametrize("command", ["check", "canonical", "show"])
def test_a_command_imports_sympy_with_the_collector_at_rest(command: str) -> None:
    code = (
        "import gc, sys; from rkblocks.cli import main; before = gc.get_freeze_count();"
        f"assert 'sympy' not in sys.modules; assert main([{command!r}, 'ssp3']) == 0;"
        "assert gc.get_freeze_count() > before + 50_000"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, stdout=subprocess.DEVNULL)
