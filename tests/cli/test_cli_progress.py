"""Progress: a line that rewrites itself on a terminal, plain lines elsewhere, and always ended."""

import sys

import pytest

from rkblocks.cli import progress as module
from rkblocks.cli.progress import Progress


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by a second each time it is looked at."""
    seconds = iter(range(100))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(seconds)))


def test_elsewhere_only_what_is_finished(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    progress("pgd", 1, 2)
    assert capsys.readouterr().err == ""
    progress("pgd", 2, 2)
    assert capsys.readouterr().err == "  pgd: done, 1.0 s\n"
    progress.close()
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_one_line_is_rewritten_and_closed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress = Progress(interval=0.0)
    progress("pgd", 1, 2)
    progress("fgsm", 1, 4)
    progress.close()
    progress.close()
    assert capsys.readouterr().err == "\r\x1b[K  pgd: 1/2\r\x1b[K  fgsm: 1/4\n"
    progress("pgd", 2, 2)
    assert capsys.readouterr().err == "\r\x1b[K  pgd: done, 2.0 s\n"


def test_what_ends_with_its_first_call_has_no_time(capsys: pytest.CaptureFixture[str]) -> None:
    Progress()("clean", 5, 5)
    assert capsys.readouterr().err == "  clean: done\n"
