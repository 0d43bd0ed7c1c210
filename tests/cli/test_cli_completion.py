"""Completion, by the shells themselves as far as they are here, and what it offers against the registries."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rkblocks.cli import completion
from rkblocks.cli.app import app

SHELL = """
eval "$(_RKBLOCKS_COMPLETE=bash_source rkblocks)"
complete -p rkblocks >/dev/null
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
compopt() {{ printf 'compopt %s %s\\n' "$1" "$2"; }}
_rkblocks_completion rkblocks
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(*words: str, tmp_path: Path) -> list[str]:
    """What bash offers for the last word, by the function that the documented line defines."""
    program = tmp_path / "rkblocks"  # click's function calls the program through env, which knows no functions
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rkblocks "$@"\n')
    program.chmod(0o755)
    quoted = " ".join(f"'{word}'" for word in ("rkblocks", *words))
    script = SHELL.format(words=quoted)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=60, cwd=tmp_path, env=environment, check=True
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["che"], ["check"]),
        (["check", "mid"], ["midpoint"]),
        (["check", "--form"], ["--format"]),
        (["check", "--format", "g"], ["github"]),
        (["train", "--preset", "fashion-s"], ["fashion-short"]),
        (["train", "--blocks", "ssp2,mid"], ["ssp2,midpoint"]),
        (["train", "--set", "training.ep"], ["training.epochs="]),
        (["evaluate", "--attack", "ap"], ["apgd"]),
        (["explain", "rk99"], ["RK999"]),
        (["check", "./mi"], ["compopt -o default", ""]),
        (["evaluate", "runs/x"], ["compopt -o dirnames", ""]),
    ],
    ids=lambda value: " ".join(value),
)
def test_bash_completes(words: list[str], found: list[str], tmp_path: Path) -> None:
    assert completed(*words, tmp_path=tmp_path) == found


@pytest.mark.parametrize("instruction", ["zsh_source", "fish_source"])
def test_other_shells_get_their_script(instruction: str) -> None:
    environment = {**os.environ, "_RKBLOCKS_COMPLETE": instruction}
    command = [sys.executable, "-m", "rkblocks"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=True)
    assert "_rkblocks_completion" in done.stdout


def test_a_shell_that_is_unknown_is_wrong_usage() -> None:
    environment = {**os.environ, "_RKBLOCKS_COMPLETE": "cmd_source"}
    done = subprocess.run(
        [sys.executable, "-m", "rkblocks"], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected bash_source" in done.stderr


def test_a_completion_imports_neither_torch_nor_sympy() -> None:
    code = (
        "import os, sys; os.environ |= {'_RKBLOCKS_COMPLETE': 'bash_complete', 'COMP_WORDS': 'rkblocks train --set x',"
        "'COMP_CWORD': '3'}; from rkblocks.cli import main; main([]);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'sympy', 'numpy')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_every_line_of_the_table_is_a_parameter() -> None:
    known = {(name, parameter.name) for name, command in app.commands.items() for parameter in command.params}
    assert set(completion.WORDS) <= known
    assert set(completion.EVERYWHERE) <= {name for _, name in known}


def test_what_is_told_twice_is_the_same() -> None:
    from rkblocks.analysis.analyze import ANALYSES
    from rkblocks.settings.plan import PRESETS

    assert tuple(ANALYSES) == completion.ANALYSES
    assert set(completion.EVALUATIONS) == {"paper", *PRESETS}
