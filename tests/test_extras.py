"""A missing or broken extra is named, with the line that installs it."""

import subprocess
import sys
from pathlib import Path

import pytest

from rkblocks.diagnostics import RkblocksError
from rkblocks.extras import require


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the import path; modules that a test writes there are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path  # type: ignore[misc]
    for name in set(sys.modules) - before:
        del sys.modules[name]


def refused(module: str) -> RkblocksError:
    with pytest.raises(RkblocksError) as caught:
        require(module, "demo", "the demo")
    return caught.value


def test_what_is_there_is_returned() -> None:
    assert require("json.decoder", "torch", "this").JSONDecoder


def test_a_missing_module_names_its_distribution_and_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    monkeypatch.delitem(sys.modules, "sklearn", raising=False)
    error = refused("no_such_module_rkb")
    (found,) = error.diagnostics
    assert (found.code, error.status) == ("RK901", 2)
    assert found.help == "pip install 'rkblocks[demo]'"
    assert refused("sklearn.datasets").diagnostics[0].message.startswith("the demo needs scikit-learn, ")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('operator torchvision::nms does not exist')", "operator torchvision::nms does not exist"),
        ("raise OSError('libcudart.so: cannot open')", "libcudart.so: cannot open"),
        ("raise ImportError()", "ImportError"),
        ("import no_such_module_rkb", "No module named 'no_such_module_rkb'"),
    ],
)
def test_what_is_installed_but_does_not_load_says_why(broken: Path, source: str, reason: str) -> None:
    (broken / "broken_rkb.py").write_text(source + "\n")
    error = refused("broken_rkb")
    assert (error.diagnostics[0].code, error.status) == ("RK902", 2)
    assert error.diagnostics[0].message.endswith(f"cannot be loaded: {reason}")


@pytest.mark.parametrize(
    "name",
    [
        *("build", "evaluate", "parameter_groups", "retrofit"),
        *("analysis", "attacks", "blocks", "data", "evaluation", "nets", "training"),
    ],
)
def test_public_names_that_need_torch_name_the_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    import rkblocks
    from rkblocks.diagnostics import RkblocksError

    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(vars(rkblocks), name, raising=False)  # a module that was imported before is an attribute
    with pytest.raises(RkblocksError, match=r"RK901.*torch") as caught:
        getattr(rkblocks, name)
    assert "rkblocks[torch]" in str(caught.value)


def test_every_public_name_resolves_in_a_fresh_interpreter() -> None:
    """As documents write them: `import rkblocks`, then `rkblocks.blocks.survey`; none is loaded before it is named."""
    code = (
        "import rkblocks, sys; assert set(rkblocks.__all__) <= set(dir(rkblocks)); assert 'sympy' not in sys.modules;"
        "import types; found = {name: getattr(rkblocks, name) for name in rkblocks.__all__};"
        "assert callable(rkblocks.blocks.survey) and callable(rkblocks.check);"
        "packages = sorted(name for name, it in found.items() if isinstance(it, types.ModuleType)); print(*packages);"
        "exec('from rkblocks import *')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    folders = {path.parent.name for path in Path("rkblocks").glob("*/__init__.py")}
    inner = {
        "cli",
        "demo",
        "exact",
        "render",
        "report",
        "runs",
        "settings",
        "synthesis",  # rkblocks.design
    }  # not public; a new package is one or the other
    assert set(done.stdout.split()) == folders - inner | {"rows"}


BEYOND = ("torch", "msgspec", "safetensors", "tqdm", "sklearn")
"""What the extras of schemes alone (exact, figures, design) do not bring."""


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["show", "ssp3", "--figure", "stability", "-o", "x.png"], 0),
        (["show", "rk22_family", "--figure", "region", "-o", "x.svg"], 0),
        (["design", "--stages", "2", "--order", "2", "--maximize", "ssp", "--starts", "1", "-o", "x.json"], 0),
        (["convert", "-"], 2),
        (["cache"], 2),
        (["schema", "study"], 0),
        (["runs"], 2),
        (["analyze", "run"], 2),
        (["certify", "run"], 2),
        (["audit", "run"], 2),
        (["train", "--preset", "digits"], 2),
        (["evaluate", "run"], 2),
        (["study", "x.toml"], 2),
        (["demo"], 2),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_commands_without_the_extra_torch_work_or_name_what_they_need(
    command: list[str], status: int, tmp_path: Path
) -> None:
    script = f"import sys; sys.modules |= dict.fromkeys({BEYOND}); from rkblocks.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", script, *command], cwd=tmp_path, input="", capture_output=True, text=True, timeout=600
    )
    assert done.returncode == status, done.stderr
    assert "RK999" not in done.stderr


def test_figures_of_runs_say_what_reading_them_needs() -> None:
    script = (
        f"import sys; sys.modules |= dict.fromkeys({BEYOND}); from rkblocks import figures; figures.read_metrics('x')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=600)
    assert "RK901: reading the metrics of a run needs msgspec" in done.stderr
