"""Exit statuses and the one line that goes with them, whatever a command raises."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from rkblocks.cli import main
from rkblocks.cli.shield import BROKEN_PIPE, INTERRUPTED, guarded
from rkblocks.diagnostics import fail

RKBLOCKS = [sys.executable, "-m", "rkblocks"]


def raising(error: BaseException) -> Callable[[], object]:
    def command() -> object:
        raise error

    return command


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    defaults = {"capture_output": True, "text": True, "timeout": 120, "stdin": subprocess.DEVNULL}
    return subprocess.run([*RKBLOCKS, *arguments], **{**defaults, **options})  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize(("result", "status"), [(0, 0), (1, 1), (2, 2), (None, 0), ("text", 0)])
def test_a_command_returns_its_status(result: object, status: int) -> None:
    assert guarded(lambda: result) == status


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (click.UsageError("no such option"), 2, "no such option"),
        (click.FileError("a.json", "gone"), 2, "a.json"),
        (click.exceptions.Exit(1), 1, ""),
        (KeyboardInterrupt(), INTERRUPTED, "interrupted"),
        (click.Abort(), INTERRUPTED, "interrupted"),
        (ZeroDivisionError("a secret"), 2, "error[RK999]: internal error: ZeroDivisionError: a secret"),
        (RecursionError(), 2, "error[RK999]: internal error: RecursionError"),
    ],
)
def test_an_exception_becomes_a_status_and_a_line(
    error: BaseException, status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(raising(error)) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert "Traceback" not in err


def test_a_user_error_shows_code_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(lambda: fail("RK901", "the demo needs torch", help="pip install 'rkblocks[demo]'")) == 2
    assert capsys.readouterr().err == "error[RK901]: the demo needs torch\n  = help: pip install 'rkblocks[demo]'\n"


def test_the_debug_variable_lets_the_traceback_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RKBLOCKS_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        guarded(raising(ZeroDivisionError()))


def test_even_a_report_that_fails_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("rkblocks.cli.console.diagnose", raising_any(LookupError("no code")))
    assert guarded(raising(ZeroDivisionError())) == 2
    assert capsys.readouterr().err == "rkblocks: internal error: LookupError: no code\n"


def raising_any(error: Exception) -> Callable[..., object]:
    def function(*_: object, **__: object) -> object:
        raise error

    return function


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lst"], "did you mean 'list'?"),
        (["frobnicate"], "the commands are list, show, check"),
        (["check"], "Missing argument"),
        (["check", "ssp3", "--format", "xml"], "'xml' is not one of"),
        (["--nonsense"], "No such option"),
        (["explain", "RK000"], "no code 'RK000'"),
        (["explain", "../RK901"], "no code"),
        (["show"], "Missing argument"),
        (["evaluate", "x", "--preset", "quick", "--attack", "pgd"], "exclude each other"),
    ],
)
def test_wrong_usage_is_2_on_stderr(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "Commands:" in capsys.readouterr().out


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    from rkblocks.cli.app import app

    for name in app.commands:
        assert main([name, "--help"]) == 0
        assert "Example" in capsys.readouterr().out, name


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is a device of Linux")
def test_a_full_disk_is_one_line_and_2() -> None:
    with open("/dev/full", "w") as full:
        done = run("list", stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error[RK903]: cannot write to standard output: No space left on device\n")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize(("option", "file"), [("report", "all.html"), ("figure", "growth.png")])
def test_an_option_that_took_the_run_as_its_file_says_so(
    tmp_path: Path, option: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", f"--{option}", str(tmp_path)]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"{tmp_path} is a folder, expected a file: --{option} {file} {tmp_path}" in said


@pytest.mark.skipif(os.name != "posix", reason="needs a shell of POSIX")
@pytest.mark.parametrize(("command", "status"), [("check rk4", 2), ("--help", 2), ("compile rk4 -o block.py", 0)])
def test_a_closed_standard_output_is_no_verdict(tmp_path: Path, command: str, status: int) -> None:
    line = f"{sys.executable} -m rkblocks {command} >&-"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, stderr=subprocess.PIPE, text=True, check=False)
    said = "error[RK903]: cannot write to standard output: it is closed\n"
    assert (done.returncode, done.stderr.startswith(said)) == (status, status == 2)


def test_a_reader_that_leaves_is_silent() -> None:
    read, write = os.pipe()
    os.close(read)
    done = run("list", stdout=write, stderr=subprocess.PIPE, capture_output=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (BROKEN_PIPE, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_unicode_gets_escapes(encoding: str) -> None:
    done = run("show", "carpenterkennedy54", env={**os.environ, "PYTHONIOENCODING": encoding})
    assert done.returncode == 0
    assert done.stdout.isascii() or encoding != "ascii"


def test_no_colour_in_a_pipe() -> None:
    assert "\x1b" not in run("list", env={**os.environ, "TERM": "xterm-256color"}).stdout


def test_python_dash_m_is_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert run("list").stdout == capsys.readouterr().out
