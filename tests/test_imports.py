"""What each command may import, seen by a fresh interpreter; and proof that these tests can fail."""

import ast
import logging
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import rkblocks

HEAVY = ("torch", "numpy", "matplotlib", "sklearn", "torchvision", "hypothesis")

PROBE = """
import sys
from collections import Counter
from pathlib import Path
from rkblocks.cli import main
status = main({arguments!r})
loaded = [name for name in {forbidden!r} if name in sys.modules]
print("LOADED", status, *loaded, file=sys.stderr)
"""


def loaded(arguments: list[str], forbidden: tuple[str, ...]) -> list[str]:
    """Return the exit status and those forbidden modules that the command line `arguments` imported."""
    code = PROBE.format(arguments=arguments, forbidden=forbidden)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    return done.stderr.strip().splitlines()[-1].split()[1:]


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "ssp3", "ark"],
        ["check", "ssp3", "--format", "json"],
        ["check", "ssp3", "--format", "github"],
        ["show", "ark"],
        ["compile", "ssp3"],
        ["train", "--preset", "digits", "--print-config"],
        ["runs", "tests"],
    ],
    ids=" ".join,
)
def test_the_exact_commands_never_import_torch(arguments: list[str]) -> None:
    assert loaded(arguments, HEAVY) == ["0"]


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["list"], ["explain", "RK901"], ["explain"], ["schema"]]
    + [
        [name, "--help"]
        for name in (
            "check",
            "show",
            "compile",
            "train",
            "verify",
            "evaluate",
            "analyze",
            "audit",
            "study",
            "runs",
            "demo",
            "explain",
            "list",
        )
    ],
    ids=" ".join,
)
def test_the_light_commands_never_import_sympy(arguments: list[str]) -> None:
    assert loaded(arguments, ("sympy", *HEAVY)) == ["0"]


def test_what_a_study_has_to_do_is_said_without_torch(tmp_path: Path) -> None:
    digits = str(Path(__file__).parent.parent / "studies" / "digits.toml")
    assert loaded(["study", digits, "--out", str(tmp_path), "--dry-run"], ("torch", "matplotlib")) == ["0"]


def test_settings_that_are_wrong_are_refused_before_torch_is_imported() -> None:
    assert loaded(["train", "--preset", "digits", "--set", "training.epoch=3"], HEAVY) == ["2"]
    assert loaded(["train", "--preset", "no_such_preset"], HEAVY) == ["2"]


def test_the_core_needs_sympy_and_click_alone() -> None:
    """Where nothing of an extra is installed, every command of the core works, and the others say what they need."""
    blocked = (
        "torch",
        "numpy",
        "scipy",
        "msgspec",
        "safetensors",
        "tqdm",
        "matplotlib",
        "sklearn",
        "PIL",
        "hypothesis",
    )
    lines = [["--help"], ["list"], ["check", "ssp3"], ["show", "ark"], ["compile", "ssp3"], ["canonical", "ssp2"]]
    lines += [["explain"], ["schema"], ["train", "--preset", "digits", "--print-config"]]
    code = (
        f"import sys; sys.modules |= dict.fromkeys({blocked!r}); from rkblocks.cli import main;"
        f"assert [main(line) for line in {lines!r}] == [0] * {len(lines)};"
        "assert [main(line) for line in (['runs', 'tests'], ['verify', 'x.py'], ['demo'])] == [2] * 3"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("RK901") == 3


def test_the_package_itself_imports_neither() -> None:
    code = "import rkblocks, sys; print([name for name in ('sympy', 'torch', 'numpy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "[]"


def test_these_tests_can_fail() -> None:
    """The probe sees what a command imports: sympy for check, and a module smuggled in beside it."""
    assert loaded(["check", "ssp3"], ("sympy",)) == ["0", "sympy"]
    code = "import numpy\n" + PROBE.format(arguments=["list"], forbidden=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stderr.strip().splitlines()[-1].split()[1:] == ["0", "numpy"]


@pytest.mark.parametrize("module", ["config", "variants", "summaries"])
def test_what_a_run_says_of_itself_is_read_without_torch(module: str) -> None:
    code = f"import rkblocks.runs.{module}, sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == []


def test_every_test_file_has_a_name_of_its_own() -> None:
    """The folders of tests are no packages: of two files of one name, pytest collects the first alone and fails."""
    counted = Counter(path.name for path in Path(__file__).parent.rglob("test_*.py"))
    assert [name for name, count in counted.items() if count > 1] == []


def test_nothing_below_the_command_line_prints() -> None:
    """Messages go to the logger "rkblocks", silent until it is given a handler; training reports to stderr."""
    root = Path(rkblocks.__file__).parent
    callers = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert callers - {"codes/__main__.py"} == {"training/progress.py"}
    assert any(isinstance(h, logging.NullHandler) for h in logging.getLogger("rkblocks").handlers)
