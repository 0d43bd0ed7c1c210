"""Emitted files verified by running them: what passes, what one changed digit does, what is refused."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rkblocks import files
from rkblocks.blocks.emitted import Verification, verify_file
from rkblocks.blocks.emitted.judge import judge
from rkblocks.blocks.emitted.observe import read, run_here
from rkblocks.cli import main
from rkblocks.cli.verify import _text
from rkblocks.diagnostics import RkblocksError
from rkblocks.program import emit

Write = Callable[..., str]

HEUN_EULER = """{"name": "heun_euler", "A": [[], ["1"]], "b": ["1/2", "1/2"], "b_hat": ["1", "0"]}"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write an emitted text, with replacements made in it, each of which must apply; gives the path."""

    def file(text: str, *replacements: tuple[str, str]) -> str:
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "block.py"
        path.write_text(text)
        return str(path)

    return file


def verified(path: str, *tableau: object) -> Verification:
    """As `verify_file`, with the file run in this process, which has torch loaded."""
    emitted = read(path)
    return judge(emitted, run_here(emitted.text, emitted.class_name), *tableau)


def codes(found: Verification) -> set[str]:
    return {d.code for d in found.diagnostics}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ssp3", {}),
        ("ark", {}),
        ("ark_free", {}),
        ("cooperverner8", {}),
        ("bs3", {"error": True, "time": True, "dt": 0.3}),
    ],
    ids=["ssp3", "ark", "ark_free", "square roots", "error, time, dt"],
)
def test_an_emitted_file_passes(write: Write, name: str, options: dict[str, object]) -> None:
    found = verified(write(emit(name, **options)))
    assert found.diagnostics == ()
    assert (found.ok, found.status, found.known, found.name) == (True, 0, True, name)
    assert found.difference is not None
    assert found.difference < 1e-14
    assert found.cases == (1 if not files.load(name).parameters else 4)


@pytest.mark.parametrize("name", [entry.name for entry in files.catalog()])
def test_the_whole_library_passes(write: Write, name: str) -> None:
    found = verified(write(emit(name)))
    assert found.diagnostics == ()
    bound = float(files.load(name).tolerance) + 1e-12 * max(abs(a) for row in found.coefficients.values() for a in row)
    assert found.difference <= bound


def test_the_tableau_is_recovered(write: Write) -> None:
    found = verified(write(emit("ssp3")))
    assert found.coefficients == {
        "A[0]": (1.0, 0.0, 0.0, 0.0),
        "A[1]": (1.0, 1.0, 0.0, 0.0),
        "A[2]": (1.0, 0.25, 0.25, 0.0),
        "b": (1.0, 1 / 6, 1 / 6, 2 / 3),
    }
    assert (found.order, found.ssp, found.growth) == (3, "1", "29/18")


@pytest.mark.parametrize(
    ("name", "old", "new", "named"),
    [
        ("ssp3", "0.6666666666666666)", "0.6666666666666667)", "b[2] is 0.6666666666666667"),
        ("rk4", "alpha=0.16666666666666666)", "alpha=0.16666666666666663)", "b[0] is "),
        ("ark", "q1 = 1 / (2 * beta10)", "q1 = 1 / (2.1 * beta10)", "at raw beta10 = 1.0"),
        ("ark", "torch.tensor([1.0])", "torch.tensor([1.25])", "start at raw beta10 = 1.25"),
        ("ssp2", "u1 = x + self", "u1 = x - self", "A[1][0] is -1.0"),
        ("ssp2", "return mean(x", "return mean(u1.relu()", "no affine map"),
        ("ssp2", "u1 = x", "u1 = x if self.training else x * 2", "evaluation mode"),
        ("ssp2", "u1 = x", "self.residual(x)\n        u1 = x", "called 3 times, the scheme needs 2"),
    ],
)
def test_one_change_fails_and_is_named(write: Write, name: str, old: str, new: str, named: str) -> None:
    found = verified(write(emit(name), (old, new)))
    assert (found.ok, found.status) == (False, 1)
    assert codes(found) == {"RK517"}
    assert any(named in d.message for d in found.diagnostics), found.diagnostics


@pytest.mark.parametrize(
    ("old", "new"),
    [("\norder       3", "\norder       4"), ("29/18 (of", "28/18 (of"), ("SSP         1 (", "SSP         2 (")],
)
def test_a_header_that_promises_more_fails(write: Write, old: str, new: str) -> None:
    found = verified(write(emit("ssp3"), (old, new)))
    assert codes(found) == {"RK518"}
    assert found.status == 1


def test_a_changed_hash_fails(write: Write) -> None:
    digest = files.load("ssp3").digest
    found = verified(write(emit("ssp3"), (digest, ("0" if digest[0] != "0" else "1") + digest[1:])))
    assert codes(found) == {"RK517"}
    assert not found.known


def test_a_scheme_outside_the_library(write: Write, tmp_path: Path) -> None:
    """Unknown, only its order can be computed; with its tableau it is proved."""
    tableau = files.read_text(HEUN_EULER).tableau
    text = emit(tableau, error=True, dt=0.5)
    path = write(text)
    found = verified(path)
    assert (found.ok, found.known, found.order, found.ssp) == (True, False, 2, None)
    assert _text(found).endswith("not known, so nothing else is proved: give it with --tableau FILE\n")
    assert verified(path, tableau).known
    (tmp_path / "mine.json").write_text(HEUN_EULER)
    assert verified(path, str(tmp_path / "mine.json")).ok
    assert codes(verified(path, "ssp2")) == {"RK517"}
    assert codes(verified(write(text, ("order       2", "order       3")))) == {"RK518"}
    assert codes(verified(write(text, ("alpha=0.25)", "alpha=0.26)")))) == {"RK518"}


@pytest.mark.parametrize(
    "text",
    ["print(1)", "not python (", '"""ssp3: x\n\ntableau     sha256 123\n"""\n', "\0"],
    ids=["no header", "no Python", "no hash", "NUL"],
)
def test_what_is_no_emitted_block_is_refused_and_not_run(write: Write, text: str) -> None:
    with pytest.raises(RkblocksError) as error:
        verify_file(write(text))
    assert [(d.code, d.status) for d in error.value.diagnostics] == [("RK515", 2)]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("import torch\n", "import torch\nraise RuntimeError('edited')\n", "RuntimeError: edited"),
        ("import torch\n", "import os\nimport torch\nos._exit(0)\n", "ended early"),
        ("u1 = x", "while True:\n            pass\n        u1 = x", "did not end within 4 seconds"),
        ("u1 = x", "while True:\n            self.residual(x)\n        u1 = x", "more than 500 times"),
    ],
)
def test_a_file_that_does_not_run(write: Write, old: str, new: str, said: str) -> None:
    with pytest.raises(RkblocksError) as error:
        verify_file(write(emit("ssp2"), (old, new)), timeout=4 if "4 seconds" in said else 60)
    (found,) = error.value.diagnostics
    assert (found.code, found.status) == ("RK516", 2)
    assert said in found.message


ANSWER = """
import gc, io, json, os
(answer,) = [f for f in gc.get_objects() if isinstance(f, io.TextIOWrapper) and f.name == "observation.json"]
"""
LIE = {"cases": [{"raw": {}, "points": [["0x1p0"]], "times": [], "results": [["0x1p0"], []], "modes_agree": 1}]}
LIE["cases"][0]["deviation"] = 0
linux = pytest.mark.skipif(sys.platform != "linux", reason="limits are those of Linux")


@linux
@pytest.mark.parametrize(
    ("code", "said"),
    [
        (f"{ANSWER}json.dump({LIE!r}, answer); answer.flush(); os._exit(0)", "no observations"),
        (f"{ANSWER}answer.write('[' * 10**6); answer.flush(); os._exit(0)", "ended early"),
        ("raise SystemExit(0)", "ended early"),
        ("print(chr(27), chr(10), '::error::x', chr(7)); raise SystemExit(7)", "::error::x"),
        ("keep = [torch.ones(2**28) for _ in range(100)]", "allocate"),
        ("raise RuntimeError(' '.join(sorted(os.environ)))", "HOME"),
    ],
    ids=["lies", "nests", "exits", "prints rubbish", "fills tensors", "environment"],
)
def test_a_file_that_means_harm_gets_a_diagnostic(
    write: Write, code: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    with pytest.raises(RkblocksError) as error:
        verify_file(write(emit("ssp2"), ("import torch\n", f"import os, torch\n{code}\n")), timeout=120)
    (found,) = error.value.diagnostics
    assert (found.code, found.status) == ("RK516", 2)
    assert said in found.message
    assert found.message.isprintable()
    assert "SECRET_TOKEN" not in found.message


@pytest.mark.parametrize("more", ["class Other:\n    pass\n", "def f():\n    class Other:\n        pass\n"])
def test_a_second_class_is_refused_and_nothing_run(write: Write, more: str) -> None:
    with pytest.raises(RkblocksError, match=r"RK515.*defines 2 classes"):
        verify_file(write(emit("ssp2"), ("import torch\n", f"import torch\nraise RuntimeError('run')\n{more}")))


def test_the_command(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(emit("ssp2"))
    assert main(["verify", path]) == 0  # in a process of its own, as verify_file runs it
    out = capsys.readouterr().out
    assert out.startswith(f"{path}: Ssp2Block is ssp2\n  ran       2 calls of F, on unit vectors in float64\n")
    assert "  proved    order 2, SSP 1, growth 7/4\n" in out
    other = write(emit("midpoint", dt="1/2"))
    assert main(["verify", other]) == 0
    out = capsys.readouterr().out
    assert "  step size dt = 1/2, " in out
    assert "  proved    order 2, not SSP, growth 9/4\n" in out
    write(emit("ssp2"), ("u1), 0.5)", "u1), 0.25)"))
    assert main(["verify", path, "--format", "json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)["results"]
    assert (found["ok"], found["dt"], found["coefficients"]["b"]) == (False, "1", [1.0, 0.25, 0.25])
    assert {d["code"] for d in found["diagnostics"]} == {"RK517"}
    assert verified(path) == verify_file(path)
    assert main(["verify", "none.py"]) == 2
    assert main(["verify", path, "--timeout", "0"]) == 2
    assert "Traceback" not in capsys.readouterr().err
