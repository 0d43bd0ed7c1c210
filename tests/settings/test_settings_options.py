"""What evaluate is asked for, before anything is opened."""

from pathlib import Path

from rkblocks.settings.options import folders


def test_a_run_named_twice_is_one() -> None:
    found = folders(["runs/m", "runs/../runs/m", Path("runs/a"), "./runs/m/"])
    assert found == [Path("runs/m"), Path("runs/a")]
