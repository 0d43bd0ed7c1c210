"""Every command in every format, over schemes of the library and tables of random digits: each answers or says why not.

Tables of random digits are what the library is not: numbers that grow beyond any text, and methods that are none.  CI
takes a part of the library; `RKBLOCKS_MATRIX=all pytest tests/cli/test_cli_matrix.py` takes all of it and more tables.
"""

import json
import os
import random
import re

import pytest
from torch import nn

from rkblocks import blocks, files
from rkblocks.cli import main
from rkblocks.evaluation.audit import audit_model
from rkblocks.files.library import catalog

ALL = os.environ.get("RKBLOCKS_MATRIX") == "all"
AWKWARD = (
    "tsit5",
    "kennedy54_3r",
    "niegemann124",
    "dopri87_64bit",
    "curtis8",
    "ssprk53",
    "ark",
    "rk33_ssp",
    "rk44_family",
)
"""Numbers without text, square roots, optima without a formula, families."""
NAMES = [entry.name for entry in catalog()] if ALL else sorted({*AWKWARD, *(e.name for e in catalog()[::12])})
TABLES = 60 if ALL else 12


def random_table(seed: int) -> str:
    """A table with entries of 1 to 400 digits; most are no methods of order 1, every third is scaled to be one."""
    draw = random.Random(seed)
    m = draw.randint(1, 5)
    digits = draw.choice([1, 3, 17, 60, 400])

    def number() -> str:
        text = f"{draw.randrange(10**digits)}"
        return draw.choice(["{}", "-{}", "{}e-3", "{}/7", "sqrt(2)*{}", f"{{}}e-{digits}"]).format(text)

    b = [number() for _ in range(m)]
    if seed % 3 == 0:
        b = [f"1/{m}" for _ in range(m)]
    table = {"name": f"random{seed}", "A": [[number() for _ in range(i)] for i in range(m)], "b": b}
    if seed % 4 == 1:
        table["tolerance"] = "1e-9"
    if seed % 5 == 2:
        table["b_hat"] = [number() for _ in range(m)]
    return json.dumps(table)


COMMANDS = (
    "check {}",
    "check -v {}",
    "check --format json {}",
    "check --format github {}",
    "show {}",
    "show {} --format json",
    "show {} --format latex",
    "show {} --format markdown",
    "show {} --figure stability -o stability.svg",
    "show {} --figure monotonicity -o monotonicity.svg",
    "show {} --figure region -o region.svg",
    "canonical {}",
    "compile {}",
    "compile {} --dt 1/3 --time",
    "compile {} --error",
    "compile {} --explain",
)


@pytest.fixture(autouse=True)
def _coarse(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rkblocks.figures.schemes.stability.POINTS", 41)
    monkeypatch.setattr("rkblocks.figures.schemes.monotonicity.POINTS", 41)
    monkeypatch.setattr("rkblocks.figures.schemes.region.POINTS", {1: 41, 2: 15})


def answers(command: str, capfd) -> tuple[int, str]:
    """Exit status and output; whatever was asked, an answer or a diagnostic with a code of its own."""
    status = main(command.split())
    out, err = capfd.readouterr()
    assert status in (0, 1, 2), command
    wrong = r"RK999|Traceback" if command.startswith("compile") else r"RK999|Traceback|\bNone\b|\bnan\b"
    assert not re.search(wrong, out + err), f"{command}\n{out}{err}"
    if status and not command.startswith("check"):
        assert re.search(r"error\[RK\d{3}\]", err), f"{command}\n{out}{err}"
    return status, out


def examine(scheme: str, capfd) -> None:
    for command in COMMANDS:
        status, out = answers(command.format(scheme), capfd)
        if "--format json" in command and (status == 0 or command.startswith("check")):
            json.loads(out, parse_constant=pytest.fail)
        if command.startswith("compile") and status == 0 and "--explain" not in command:
            compile(out, scheme, "exec")
        if command == "canonical {}" and status == 0:
            with open("form.json", "w", encoding="utf-8") as form:
                form.write(out)
            assert answers("check form.json", capfd)[0] == 0, "a form that canonical writes is sound"
    tableau = files.load(scheme)
    if main(["compile", scheme, "-o", "block.py"]) == 0:
        capfd.readouterr()
        (found,) = audit_model(blocks.build(tableau, residual=nn.Identity()))
        json.dumps(found.to_dict(), allow_nan=False)
        assert all(found.row()[1:])


@pytest.mark.parametrize("name", NAMES)
def test_the_library(name, capfd):
    examine(name, capfd)


@pytest.mark.parametrize("seed", range(TABLES))
def test_tables_of_random_digits(seed, capfd, tmp_path):
    (tmp_path / "table.json").write_text(random_table(seed), encoding="utf-8")
    examine("table.json", capfd)


@pytest.mark.parametrize(
    "command", ["list", "list --format json", "list --family", "list --ssp --sort C/stages --reverse"]
)
def test_the_list(command, capfd):
    assert answers(command, capfd)[0] == 0
