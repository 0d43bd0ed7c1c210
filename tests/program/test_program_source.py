"""The printed step, whole strings; literals rounded once; names that are free."""

from fractions import Fraction

import pytest

from rkblocks import files
from rkblocks.exact.field import Field
from rkblocks.program import lower
from rkblocks.program.driver import choose
from rkblocks.program.ir import Evaluate
from rkblocks.program.kernels import own
from rkblocks.program.python_text import comment_text, local_names
from rkblocks.program.step_source import WIDTH, domains, method_source, needs_mean, staged_call, step_lines

PRINTED = {
    "euler": ["return x + self.residual(x)"],
    "midpoint": [
        "u1 = torch.add(x, self.residual(x), alpha=0.5)  # x + 1/2 F(x)",
        "return x + self.residual(u1)",
    ],
    "ssp2": [
        "u1 = x + self.residual(x)",
        "return mean(x, u1 + self.residual(u1), 0.5)  # 1/2 x + 1/2 (u1 + F(u1))",
    ],
    "ssp3": [
        "u1 = x + self.residual(x)",
        "u2 = mean(x, u1 + self.residual(u1), 0.25)  # 3/4 x + 1/4 (u1 + F(u1))",
        "return mean(x, u2 + self.residual(u2), 0.6666666666666666)  # 1/3 x + 2/3 (u2 + F(u2))",
    ],
    "rk4": [
        "f0 = self.residual(x)",
        "u1 = torch.add(x, f0, alpha=0.5)  # x + 1/2 f0",
        "f1 = self.residual(u1)",
        "u2 = torch.add(x, f1, alpha=0.5)  # x + 1/2 f1",
        "v1 = torch.add(x, f0, alpha=0.16666666666666666)  # x + 1/6 f0",
        "v1.add_(f1, alpha=0.3333333333333333)  # ... + 1/3 f1",
        "f2 = self.residual(u2)",
        "u3 = x + f2",
        "v2 = v1.add_(f2, alpha=0.3333333333333333)  # v1 + 1/3 f2",
        "return v2.add_(self.residual(u3), alpha=0.16666666666666666)  # v2 + 1/6 F(u3)",
    ],
}


@pytest.mark.parametrize("name", PRINTED)
def test_print(name: str) -> None:
    assert list(step_lines(lower(name))) == PRINTED[name]


def test_stage_is_named_where_asked() -> None:
    assert step_lines(lower("ssp2"), staged_call) == (
        "u1 = x + self.evaluate(0, x)  # x + F(x)",
        "return mean(x, u1 + self.evaluate(1, u1), 0.5)  # 1/2 x + 1/2 (u1 + F(u1))",
    )


def test_method_of_a_family() -> None:
    program = lower("ark")
    assert method_source(program, domains(program)).splitlines() == [
        "def forward(self, x: Tensor) -> Tensor:",
        '    beta10 = torch.sigmoid(self.raw["beta10"].squeeze())  # in (0, 1)',
        "    q1 = 1 / (2 * beta10)",
        "    f0 = self.residual(x)",
        "    u1 = torch.addcmul(x, f0, beta10)  # x + beta10 f0",
        "    v1 = torch.addcmul(x, f0, 1 - q1)  # x + (1 - 1/(2*beta10)) f0",
        "    return torch.addcmul(v1, self.residual(u1), q1)  # v1 + (1/(2*beta10)) F(u1)",
    ]


def test_a_fraction_too_long_to_be_read_is_its_leading_digits() -> None:
    field = Field()
    for value in (Fraction(2, 3) + Fraction(1, 10**40), Fraction(-1, 3 * 10**40), Fraction(10**45, 7)):
        text = comment_text(field, field.rational(value))
        assert text.endswith("…")
        shown = Fraction(text[:-1])
        assert abs(shown) <= abs(value) < abs(shown) * (1 + Fraction(1, 10**19)), "cut off, never rounded up"
    assert comment_text(field, field.rational(-968686161442560049482972, 4179753805201273619633827)).endswith("633827")
    assert not any(len(line.strip()) > WIDTH for line in step_lines(lower("ssprk54")))
    assert "s2 = torch.add(s1, f2, alpha=3.0461412264761347)  # s1 + 3.0461412264761347448… f2" in step_lines(
        lower("ssprk54")
    )


def test_learned_step_size_multiplies_the_slopes_and_the_abscissae() -> None:
    program = lower("midpoint", dt=None, time=True)
    assert method_source(program, domains(program, Fraction(1, 2)), "step").splitlines() == [
        "def step(self, x: Tensor, t: float | Tensor = 0.0) -> Tensor:",
        '    dt = nn.functional.softplus(self.raw["dt"].squeeze())  # in (0, oo)',
        "    u1 = torch.addcmul(x, self.residual(x, t), 0.5 * dt)  # x + 1/2 dt F(x, t)",
        "    return torch.addcmul(x, self.residual(u1, t + 0.5 * dt), dt)  # x + dt F(u1, t + 0.5 * dt)",
    ]


def test_a_fixed_step_size_is_multiplied_in_before_rounding() -> None:
    """1/3 of 3/10 is 1/10: a product of two rounded numbers would give 0.09999999999999999."""
    assert "alpha=0.1)" in step_lines(lower("heun3", dt=Fraction(3, 10)))[1]
    assert 0.3 * (1 / 3) != 0.1


@pytest.mark.parametrize("name", [e.name for e in files.catalog()])
def test_lines_fit_and_parse(name: str) -> None:
    import ast

    program = choose(files.load(name))[-1].program
    text = method_source(program, domains(program))
    assert all(len(line) <= WIDTH - 4 for line in text.splitlines())
    calls = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Attribute) and n.attr == "residual"]
    assert len(calls) == program.calls
    assert ("mean(" in text) == needs_mean(program)


def test_names_of_parameters_stay_clear_of_keywords_and_locals() -> None:
    names = local_names(("beta10", "lambda", "u1", "x", "f12", "torch", "x_"))
    assert names == {
        "beta10": "beta10",
        "lambda": "lambda_",
        "u1": "u1_",
        "x": "x_",
        "f12": "f12_",
        "torch": "torch_",
        "x_": "x__",
    }


def test_only_temporaries_of_the_step_itself_are_written_over() -> None:
    """Never x, a point of F, what F returned, or a sum that is needed again; nothing where a factor is learned."""
    written = 0
    for entry in files.catalog():
        program = choose(files.load(entry.name))[-1].program
        points = {i.source for i in program.body if isinstance(i, Evaluate)}
        temporaries = own(program)
        assert not temporaries & {"x", *points, program.result}
        assert all(name[0] in "vs" for name in temporaries), "no slope f"
        lines = step_lines(program)
        over = [line.partition(" = ")[2] or line.removeprefix("return ") for line in lines if "_(" in line]
        written += len(over)
        assert not (over and program.parameters)
        for name in (text.partition(".")[0] for text in over):
            started = any(line.startswith(f"{name} = ") for line in lines)
            assert started
            assert name in temporaries or any(line.startswith((f"{name}.", f"return {name}.")) for line in lines)
    assert written > 100
