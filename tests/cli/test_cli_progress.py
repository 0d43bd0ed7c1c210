"""Progress: a line that rewrites itself on a terminal, plain lines elsewhere, and always ended."""

import sys

import pytest

from rkblocks.cli.progress import Progress


def test_elsewhere_only_what_is_finished(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    progress("pgd", 1, 2)
    assert capsys.readouterr().err == ""
    progress("pgd", 2, 2)
    assert capsys.readouterr().err == "  pgd: 2 in 0.0 s\n"
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
    assert capsys.readouterr().err == "\r\x1b[K  pgd: 1/2, 0.0 s\r\x1b[K  fgsm: 1/4, 0.0 s\n"
    progress("pgd", 2, 2)
    assert capsys.readouterr().err == "\r\x1b[K  pgd: 2/2, 0.0 s\n"
