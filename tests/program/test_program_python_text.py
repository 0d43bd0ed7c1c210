"""Parts that coefficients share have one name, and every coefficient is the same bits as without it."""

import ast
import random

import pytest

from rkblocks import files
from rkblocks.exact.field import Element, Field
from rkblocks.files import read_text
from rkblocks.program import lower
from rkblocks.program.python_text import Coefficients, _repeated, expression_tree, local_names, unparsed
from rkblocks.program.step_source import domains, method_source
from rkblocks.tableau import Tableau

FAMILIES = [entry.name for entry in files.catalog() if '"parameters"' in entry.path.read_text(encoding="utf-8")]


def entries(tableau: Tableau) -> list[Element]:
    form = tableau.butcher_form
    return [*(a for row in form.A for a in row), *form.b, *tableau.abscissae]


def test_inner_parts_come_first_and_say_what_they_are() -> None:
    field = Field((), ("c2", "c3"))
    a, b = field.parameter("c2"), field.parameter("c3")
    last = 3 * a - 2
    found = Coefficients(field, [b * (a - b) / (a * last), last, 1 / (a * last)], local_names(field.parameters))
    assert found.lines == ("q1 = 3 * c2 - 2", "q2 = c2 * q1  # c2 * (3 * c2 - 2)")
    assert found.text(b * (a - b) / (a * last)) == "c3 * (c2 - c3) / q2"
    assert (found.text(last), found.text(1 / (a * last))) == ("q1", "1 / q2")


def test_a_number_times_a_parameter_gets_no_name() -> None:
    field = Field((), ("w",))
    w = field.parameter("w")
    found = Coefficients(field, [3 * w, 1 - 3 * w, w, field.one / 3], {"w": "w"})
    assert found.lines == ()
    assert [found.text(a) for a in (3 * w, 1 - 3 * w, field.one / 3)] == ["3 * w", "1 - 3 * w", "0.3333333333333333"]


@pytest.mark.parametrize("name", FAMILIES)
def test_names_change_no_bit_of_a_coefficient(name: str) -> None:
    tableau = files.load(name)
    names = local_names(tableau.field.parameters)
    elements = entries(tableau)
    found = Coefficients(tableau.field, elements, names)
    random.seed(name)
    for _ in range(20):
        values = {names[p.name]: domains_value(tableau, p.name, random.gauss(0, 2)) for p in tableau.parameters}
        named = dict(values)
        exec("\n".join(found.lines), {}, named)
        for a in elements:
            plain = unparsed(expression_tree(tableau.field, a, names))
            assert eval(found.text(a), {}, named) == eval(plain, {}, values)


def domains_value(tableau: Tableau, name: str, raw: float) -> float:
    from rkblocks.program.domains import domain

    return domain(tableau.field, next(p for p in tableau.parameters if p.name == name)).value(raw)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_printed_step_computes_no_part_twice(name: str) -> None:
    program = lower(name)
    (method,) = ast.parse(method_source(program, domains(program))).body
    assert isinstance(method, ast.FunctionDef)
    assert not _repeated(node.value for node in method.body if isinstance(node, ast.Assign | ast.Return) and node.value)


def test_a_parameter_that_is_called_like_a_part_keeps_apart() -> None:
    text = (
        '{"parameters": {"q1": {"domain": [0, 1], "init": "3/4"}}, "A": [[], ["q1"]], "b": ["1-1/(2*q1)", "1/(2*q1)"]}'
    )
    tableau = read_text(text).tableau
    assert tableau is not None
    program = lower(tableau)
    source = method_source(program, domains(program))
    assert '    q1_ = torch.sigmoid(self.raw["q1"].squeeze())  # in (0, 1)\n    q1 = 1 / (2 * q1_)\n' in source
