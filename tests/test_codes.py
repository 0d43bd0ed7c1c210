"""Every code keeps its promise: its file has a paragraph, and its failing and repaired examples do what they say.

```json fails|repaired      a tableau file: `rkblocks check` reports the code, or does not
```python fails|repaired    a script: it ends in an error with the code, or without any
```console fails            command lines: the last one prints the code and exits with its status
```console environment      needs an environment that a test cannot make (a missing package, a full disk)
"""

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rkblocks import codes, verify
from rkblocks.cli import main
from rkblocks.diagnostics import RkblocksError, Severity

ROOT = Path(__file__).resolve().parent.parent
LONG = re.compile(r"rkblocks (train|evaluate|analyze|audit|study|runs|demo)\b")
"""Commands that load torch, and take minutes where they succeed; the tests of the commands run them to their end."""

EXAMPLES = [(code, i, b) for code in codes.all_codes() for i, b in enumerate(codes.entry(code).blocks)]


def examples(language: str, role: str) -> list[Any]:
    """The blocks of a language and role as test parameters with readable names."""
    chosen = [(c, i, b) for c, i, b in EXAMPLES if (b.language, b.role) == (language, role)]
    return [pytest.param(code, block.text, id=f"{code}-{i}") for code, i, block in chosen]


def lines(text: str) -> list[str]:
    return [line[2:] for line in text.splitlines() if line.startswith("$ ")]


PLACE = re.compile(r"\b(alpha|beta|A|b|c)((?:\[\d+\])+)")
COUNTED = re.compile(r"\b(row|stage|entry) \d")


@pytest.mark.parametrize(("code", "text"), examples("json", "fails"))
def test_a_place_in_a_message_is_its_path_counted_from_0(code: str, text: str, tmp_path: Path) -> None:
    """docs/format.md: alpha[2][1] is /alpha/2/1; a stage is u2, whose row is /A/2, or /beta/1 where there is no A."""
    path = tmp_path / "example.json"
    path.write_text(text, encoding="utf-8")
    for found in verify.check(path).diagnostics:
        assert not COUNTED.search(found.message), "a bare number says not from where it is counted"
        if place := PLACE.search(found.message):
            assert found.path == f"/{place[1]}" + place[2].replace("[", "/").replace("]", "")
        elif stage := re.search(r"\bu(\d+)\b", found.message):
            assert found.path in (f"/A/{stage[1]}", f"/beta/{int(stage[1]) - 1}")


@pytest.mark.parametrize(("code", "text"), examples("json", "fails"))
def test_a_failing_file_is_reported(code: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "example.json"
    path.write_text(text, encoding="utf-8")
    report = verify.check(path)
    found = [d for d in report.diagnostics if d.code == code]
    assert found, [str(d) for d in report.diagnostics]
    entry = codes.entry(code)
    assert {str(d.severity) for d in found} == {entry.severity}
    without = [str(d) for d in report.diagnostics if d.code < "RK300" and not d.help]
    assert not without, "what cannot be read says how to mend it"
    others = {d.code for d in report.diagnostics if d.severity is Severity.ERROR} - {code}
    assert not others or code == "RK199", "one example shows one mistake"
    if entry.severity == "error":
        assert not report.ok
        assert max(d.status for d in report.diagnostics) == entry.status


@pytest.mark.parametrize(("code", "text"), examples("json", "repaired"))
def test_a_repaired_file_is_sound(code: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "example.json"
    path.write_text(text, encoding="utf-8")
    report = verify.check(path)
    assert code not in {d.code for d in report.diagnostics}
    errors = [str(d) for d in report.diagnostics if d.severity is Severity.ERROR]
    # A repair of how a file is written need not make its method fit.
    assert not errors or (code < "RK300" and max(d.status for d in report.diagnostics) == 1), errors


@pytest.mark.parametrize(("code", "text"), examples("python", "fails"))
def test_a_failing_script_ends_in_its_code(
    code: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RkblocksError) as raised:
        exec(compile(text, f"{code}.md", "exec"), {"__name__": "example"})
    assert code in {d.code for d in raised.value.diagnostics}
    assert all(d.help for d in raised.value.diagnostics)
    assert raised.value.status == codes.entry(code).status


@pytest.mark.parametrize(("code", "text"), examples("python", "repaired"))
def test_a_repaired_script_runs(code: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(text, f"{code}.md", "exec"), {"__name__": "example"})


def shell(command: str, folder: Path) -> tuple[int, str]:
    """Exit status and output of a command line, with `rkblocks` from this environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")


def within(line: str, capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit status and output of one command of rkblocks, in this process: torch is loaded once for all of them."""
    status = main(shlex.split(line, comments=True)[1:])
    out, err = capfd.readouterr()
    return status, out + err


FAILING = [p for p in examples("console", "fails") if not any(map(LONG.search, lines(p.values[1])[:-1]))]
"""A block that first needs a finished run belongs to the tests of its command."""


@pytest.mark.parametrize(("code", "text"), FAILING)
def test_a_failing_command_prints_its_code(
    code: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    *before, last = lines(text)
    for line in before:
        shell(line, tmp_path)
    status, output = within(last, capfd) if LONG.match(last) else shell(last, tmp_path)
    assert code in output
    assert "Traceback" not in output
    assert "help: " in output or not "RK100" < code < "RK300"
    assert status == codes.entry(code).status


@pytest.mark.parametrize(("code", "text"), examples("console", "repaired"))
def test_a_repaired_command_runs(code: str, text: str, tmp_path: Path) -> None:
    commands = lines(text)
    assert commands
    if any(LONG.search(line) for line in commands) or not any("rkblocks" in line for line in commands):
        return  # slow, or a listing that shows how things should be
    for line in commands:
        if line.startswith("pip "):
            continue
        status, output = shell(line, tmp_path)
        assert status == 0, output
        assert code not in output


@pytest.mark.parametrize("code", codes.all_codes())
def test_the_page_of_each_code(code: str) -> None:
    entry = codes.entry(code)
    assert entry.code == code
    assert (entry.status > 0) == (entry.severity == "error")
    body = entry.text.split("\n", 3)[3]
    assert re.match(r"[\w`]", body), "a paragraph follows the head"
    assert "\nReference: " in entry.text
    assert "fails" in {b.role for b in entry.blocks} or "```console environment" in entry.text


def test_the_ranges_of_the_statuses() -> None:
    """What was read but is unfit leads to 1, what could not be read or run to 2."""
    unfit = {"RK022"}  # a command's own, of a scheme that was read
    unread = {f"RK{number}" for number in range(380, 392)}  # tables of other programs, by `convert`
    for code in codes.all_codes():
        entry = codes.entry(code)
        if entry.severity == "error" and code < "RK500":
            assert entry.status == (1 if (code >= "RK300" and code not in unread) or code in unfit else 2), code


def used_codes() -> dict[str, str]:
    """Every code that stands as a string in the package's source, with one place of use."""
    used = {}
    for path in (ROOT / "rkblocks").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"RK\d{3}", node.value):
                used[node.value] = f"{path}:{node.lineno}"
    return used


def test_each_code_in_the_source_has_its_page_and_each_page_its_use() -> None:
    used = used_codes()
    assert set(used) - set(codes.all_codes()) == set(codes.RETIRED)
    assert set(codes.all_codes()) - set(used) == set()


def test_an_unknown_code() -> None:
    for code in ("RK000", "rk105", "../RK105", "RK1٠5", ""):
        with pytest.raises(LookupError):
            codes.entry(code)


def test_the_reference_in_the_docs_is_in_step(tmp_path: Path) -> None:
    written = (ROOT / "docs" / "codes.md").read_text(encoding="utf-8")
    assert written == codes.reference(), "run `python -m rkblocks.codes docs/codes.md`"
    subprocess.run([sys.executable, "-m", "rkblocks.codes", str(tmp_path / "codes.md")], check=True, timeout=60)
    assert (tmp_path / "codes.md").read_text(encoding="utf-8") == written


def test_every_code_can_be_reached_from_the_table_of_the_reference() -> None:
    text = codes.reference()
    anchors = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert len(anchors) == len(codes.all_codes())
    headings = re.findall(r"^## (RK.*)$", text, re.MULTILINE)
    assert {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings} == anchors


def test_retired_codes_are_explained_by_their_heirs(capsys: pytest.CaptureFixture[str]) -> None:
    for old, new in codes.RETIRED.items():
        assert old not in codes.all_codes()
        assert main(["explain", old.removeprefix("RK")]) == 0
        out, err = capsys.readouterr()
        assert out.startswith(f"# {new}: ")
        assert err == f"{old} is {new} today\n"
