"""Embedded methods: what is said of b_hat, figures of (A, b_hat) as a method of its own, Shu-Osher form with b_hat."""

import json
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import rkblocks
from rkblocks import files
from rkblocks.render.report_text import paragraph
from rkblocks.testing import strategies
from rkblocks.verify.report import Report

SHU = {
    "name": "x",
    "alpha": [["1"], ["3/4", "1/4"], ["1/3", "0", "2/3"]],
    "beta": [["1"], ["0", "1/4"], ["0", "0", "2/3"]],
}
PAIR = {**SHU, "b_hat": ["1/2", "1/2", "0"]}


def report(content: dict[str, Any]) -> Report:
    reading = files.read_text(json.dumps(content))
    assert reading.tableau is not None, reading.diagnostics
    return rkblocks.check(reading.tableau)


EMBEDDED = [e.name for e in files.catalog() if '"b_hat"' in e.path.read_text() and e.stages <= 8]


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_figures_are_those_of_the_method_with_these_weights(name: str) -> None:
    t = rkblocks.load(name)
    found = rkblocks.check(t).to_dict()["embedded"]
    alone = rkblocks.check(rkblocks.tableau(A=t.A, b=t.b_hat, tolerance=t.tolerance or None)).to_dict()
    assert found["value"] == alone["order"]["value"]
    assert found["ssp"]["optimal"] == alone["ssp"]["optimal"]
    assert (found["growth"], found["growth_float"]) == (alone["variance"]["growth"], alone["variance"]["growth_float"])
    assert found.get("principal_error") == alone["order"].get("principal_error")


@settings(max_examples=30)
@given(strategies.tableaus(stages=(2, 4), form="shu_osher"), st.data())
def test_the_two_forms_with_b_hat_are_one_method(t: rkblocks.Tableau, data: st.DataObject) -> None:
    m = t.stages
    b_hat = data.draw(st.lists(strategies.fractions(), min_size=m, max_size=m))
    shu = rkblocks.tableau(alpha=t.alpha, beta=t.beta, b_hat=b_hat)
    butcher = rkblocks.tableau(A=t.A, b=t.b, b_hat=b_hat)
    assert files.read_text(shu.to_json()).tableau == shu
    assert shu.b_hat == butcher.b_hat
    assert shu.digest != rkblocks.tableau(alpha=t.alpha, beta=t.beta).digest
    first, second = rkblocks.check(shu).to_dict(), rkblocks.check(butcher).to_dict()
    assert first["embedded"] == second["embedded"]


def test_a_shu_osher_form_with_b_hat_builds_and_estimates() -> None:
    reading = files.read_text(json.dumps(PAIR))
    assert reading.tableau is not None
    torch.manual_seed(0)
    block = rkblocks.build(reading.tableau, residual=torch.nn.Tanh(), error=True)
    other = rkblocks.tableau(A=reading.tableau.A, b=reading.tableau.b, b_hat=PAIR["b_hat"])
    twin = rkblocks.build(other, residual=torch.nn.Tanh(), error=True)
    x = torch.randn(4, dtype=torch.float64)
    for mine, theirs in zip(block(x), twin(x), strict=True):
        torch.testing.assert_close(mine, theirs)
    assert block(x)[1].abs().max() > 0


def test_what_is_said_of_b_hat() -> None:
    assert [d.code for d in report({**SHU, "b_hat": ["1/6", "1/6", "2/3"]}).diagnostics] == ["RK344"]
    assert [d.code for d in report({**SHU, "b_hat": ["1/6", "1/6", "1/3"]}).diagnostics] == ["RK317"]
    assert "ssp" not in report({**SHU, "b_hat": ["1/6", "1/6", "1/3"]}).to_dict()["embedded"]
    assert report(PAIR).ok
    assert "embedded  order 2, exactly\n            C = 1, growth 7/4 = 1.75" in paragraph(report(PAIR))
    assert files.read_text('{"b_hat": [1], "b": [1]}').tableau is None
    assert {d.code for d in files.read_text(json.dumps({**SHU, "b_hat": ["1"]})).diagnostics} == {"RK137"}


def test_a_parameter_that_only_b_hat_uses_has_an_effect() -> None:
    family = {
        "name": "x",
        "parameters": {"w": {"domain": ["0", "1"], "init": "1/2"}},
        "A": [[], ["1"]],
        "b": ["1/2", "1/2"],
        "b_hat": ["1 - w", "w"],
    }
    found = report(family)
    assert found.ineffective in (None, ())
    assert [d.code for d in found.diagnostics] == ["RK344"] or not found.diagnostics
    embedded = found.to_dict()["embedded"]
    assert embedded["growth"] == "2*w**2 + (1 - w)**2 + 1" or "w" in embedded["growth"]
    assert embedded["ssp"]["optimal"]["cfl"] == "1"
