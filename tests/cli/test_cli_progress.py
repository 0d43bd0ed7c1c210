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
    progress.close()
    progress.close()
    assert capsys.readouterr().err == "\r\x1b[K  pgd: 1/2\n"
    progress("pgd", 2, 2)
    assert capsys.readouterr().err == "\r\x1b[K  pgd: done, 1.0 s\n"


def test_elsewhere_a_silence_is_broken_by_what_is_under_way(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENCE", 3.0)
    progress = Progress()
    progress.expect(2)
    for done in range(4):
        progress.doing("health", f"check {done}")
        progress("health", done, 8)
    assert capsys.readouterr().err == "  1 of 2, health: 3/8 (check 3), 3.0 s, 5 s left\n"
    progress("health", 8, 8)
    progress("other", 1, 2)
    progress.close()
    assert capsys.readouterr().err == "  health: done, 4.0 s\n"


def test_several_at_once_share_the_line_as_far_as_it_is_wide(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "30")
    progress = Progress(interval=0.0)
    progress("ssp2", 1, 2)
    progress("ssp3", 1, 4)
    assert capsys.readouterr().err == "\r\x1b[K  ssp2: 1/2\r\x1b[K  ssp2: 1/2; ssp3: 1/4"
    progress("ssp2-again", 1, 3)
    assert capsys.readouterr().err == "\r\x1b[K  ssp2: 1/2; ssp3: 1/4; ss..."
    progress("ssp3", 4, 4)
    progress("ssp2", 2, 2)
    assert capsys.readouterr().err == (
        "\r\x1b[K  ssp3: done, 2.0 s\n  ssp2: 1/2; ssp2-again: 1/3\r\x1b[K  ssp2: done, 4.0 s\n  ssp2-again: 1/3"
    )


def test_what_ends_with_its_first_call_has_no_time(capsys: pytest.CaptureFixture[str]) -> None:
    Progress()("clean", 5, 5)
    assert capsys.readouterr().err == "  clean: done\n"


def test_what_is_expected_is_counted_with_the_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress = Progress(interval=0.0)
    progress.expect(3)
    progress("clean", 5, 5)
    progress("pgd", 1, 9)
    progress("pgd", 3, 9)
    shown = capsys.readouterr().err.split("\r\x1b[K")
    assert shown[1:] == ["  clean: done\n", "  2 of 3, pgd: 1/9", "  2 of 3, pgd: 3/9, 1.0 s, 2 s left"]
    progress.say("stopping")
    assert capsys.readouterr().err == "\r\x1b[K  stopping\n"
