"""Emitted modules: the whole text of one, formatting, imports, and that they run without rkblocks."""

import ast
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from rkblocks import files
from rkblocks.cli import main
from rkblocks.diagnostics import RkblocksError, TableauError
from rkblocks.program import emit
from rkblocks.program.emit import class_name_of

EULER = '''\
"""euler: Explicit Euler method, the residual block

calls of F  1
order       1
SSP         1 (optimal)
            1 (as declared)
l2          rho 1 (a step of rho h0 contracts where an Euler step of h0 does)
growth      2 (of the variance in one step, Kim et al. 2020, Lemma 3)
tableau     sha256 {digest}
{references}

Written by rkblocks (`rkblocks compile euler`), which proved these figures exactly.
"""

import torch
from torch import Tensor, nn


class EulerBlock(nn.Module):
    """One step of euler ({title}). It calls the residual F(x) once."""

    def __init__(self, residual: nn.Module) -> None:
        super().__init__()
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        return x + self.residual(x)

    def extra_repr(self) -> str:
        return "euler, 1 stage, order 1, SSP coefficient 1"


if __name__ == "__main__":

    class Decay(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return -x

    result = EulerBlock(Decay()).double()(torch.ones(1, dtype=torch.float64)).item()
    assert abs(result - 0.0) < 1e-6, result
    print("euler: one step of dx/dt = -x gives", result)
'''


def test_whole_text_of_euler() -> None:
    tableau = files.load("euler")
    references = "\n".join(f"reference   {text}" for text in tableau.references)
    expected = EULER.format(digest=tableau.digest, references=references, title=tableau.title)
    assert (
        emit("euler").replace(f"euler: {tableau.title}", "euler: Explicit Euler method, the residual block") == expected
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every scheme of the library that is a method, emitted."""
    root = tmp_path_factory.mktemp("emitted")
    for entry in files.catalog():
        if entry.stages <= 10:
            (root / f"{entry.name}_block.py").write_text(emit(entry.name))
    for name in ("bs3", "dopri5"):
        (root / f"{name}_with_error_block.py").write_text(emit(name, error=True, dt=0.5, time=True))
    assert len(list(root.iterdir())) > 30
    return root


def test_formatted_and_free_of_lint(folder: Path) -> None:
    ruff = [sys.executable, "-m", "ruff"]
    options = ["--isolated", "--line-length", "120", str(folder)]
    formatted = subprocess.run([*ruff, "format", "--check", *options], capture_output=True, text=True)
    assert formatted.returncode == 0, formatted.stdout
    rules = ["--select", "E,F,W,I,UP,B,C4,SIM,RET,RUF", "--ignore", "RUF001,RUF002,RUF003,B008"]
    checked = subprocess.run([*ruff, "check", *rules, *options], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_imports_torch_only(folder: Path) -> None:
    for path in folder.iterdir():
        imported = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(str(node.module).partition(".")[0])
        assert imported == {"torch"}, path.name


def test_runs_alone_in_a_fresh_interpreter(folder: Path, tmp_path: Path) -> None:
    """Every file as a script, in one process that cannot import rkblocks."""
    runner = tmp_path / "runner.py"
    runner.write_text(
        "import runpy, sys\n"
        "class Guard:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name.partition('.')[0] in ('rkblocks', 'sympy') and 'torch' not in sys.argv:\n"
        "            raise ImportError('rkblocks is out of reach')\n"
        "import torch\n"
        "sys.meta_path.insert(0, Guard())\n"
        "for path in sys.argv[1:]:\n"
        "    runpy.run_path(path, run_name='__main__')\n"
        "try:\n"
        "    import rkblocks\n"
        "except ImportError:\n"
        "    print('done')\n"
    )
    paths = sorted(map(str, folder.iterdir()))
    done = subprocess.run([sys.executable, str(runner), *paths], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "done"
    assert len(done.stdout.splitlines()) == len(paths) + 1


def test_program_package_imports_no_torch() -> None:
    code = (
        "import sys, rkblocks.program as p; p.emit('ark'); sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_class_names() -> None:
    assert class_name_of("ssp3") == "Ssp3Block"
    assert class_name_of("ark_mnist") == "ArkMnistBlock"
    assert class_name_of("3-8 rule") == "Rk38RuleBlock"


def test_text_of_a_file_cannot_break_out_of_its_string() -> None:
    text = r"""{"name": "t", "title": "evil \"\"\" \\ + import os", "A": [[]], "b": ["1"], "references": ["\"\"\""]}"""
    tree = ast.parse(emit(files.read_text(text).tableau))
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.Import) and n.names[0].name != "torch"]


def test_a_free_c_is_noted_where_the_residual_takes_the_time() -> None:
    note = "the order is that for residuals without time"
    assert note in emit("rko65", time=True)
    assert note not in emit("rko65")
    assert note not in emit("feagin12", time=True), "its c are the row sums within the tolerance"


def test_refuses_what_is_no_method() -> None:
    with pytest.raises(TableauError):
        emit(files.read_text('{"name": "half", "A": [[]], "b": ["1/2"]}').tableau)


@pytest.mark.parametrize(
    "name", ["SSP 3", "3", "class", "", "torch", "A(nn.Module): pass\nimport os\nclass B", 3, None]
)
def test_the_name_of_the_class(name: object) -> None:
    if name is None:
        assert "\nclass Ssp3Block(nn.Module):\n" in emit("ssp3", class_name=name)
        return
    with pytest.raises(RkblocksError) as error:
        emit("ssp3", class_name=name)
    assert [d.code for d in error.value.diagnostics] == ["RK522"]
    assert "\nclass Schritt(nn.Module):\n" in emit("ssp3", class_name="Schritt")


def test_the_header_names_the_command_that_writes_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    for options, keywords in (
        ([], {}),
        (["--dt", "1/3"], {"dt": Fraction(1, 3)}),
        (["--dt", "1/4", "--time", "--error"], {"dt": 0.25, "time": True, "error": True}),
    ):
        text = emit("bs3", **keywords)
        command = " ".join(["rkblocks", "compile", "bs3", *options])
        assert f"(`{command}`)" in text
        assert main(command.split()[1:]) == 0
        assert capsys.readouterr().out == text
