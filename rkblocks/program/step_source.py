"""The one printer of a step as Python source: the body of ``forward``, for blocks and for stand-alone modules alike.

Stages are named as in the paper, slopes and Euler steps that serve once are written where they serve, coefficients are
doubles with the exact sum in a comment:

    u1 = x + self.residual(x)
    u2 = mean(x, u1 + self.residual(u1), 0.25)  # 3/4 x + 1/4 (u1 + F(u1))
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from rkblocks.exact.field import Element
from rkblocks.program.domains import Domain, domain
from rkblocks.program.ir import INPUT, Combine, Evaluate, Instruction, Kind, Program, Return, kinds, uses
from rkblocks.program.kernels import Add, Copy, Factor, Kernel, Lerp, Scale, is_one, may_overwrite, number_of, own, plan
from rkblocks.program.python_text import Coefficients, comment_text, local_names

WIDTH = 120

MEAN = '''\
def mean(a: Tensor, b: Tensor, weight: float) -> Tensor:
    """(1 - weight) a + weight b in one pass; a, where it is x itself, may be of lower precision than b."""
    return torch.lerp(a.to(b.dtype), b, weight)
'''
"""The helper that printed steps call where `needs_mean` says so."""

Call = Callable[[int, str], str]
"""How the i-th call of F with the given argument(s) is written."""
STEP_DOMAIN = "dt"
"""The name under which a learned step size is stored."""


def residual_call(stage: int, arguments: str) -> str:
    """A call of the residual, whatever the stage."""
    return f"self.residual({arguments})"


def staged_call(stage: int, arguments: str) -> str:
    """A call of the residual that says which stage it is for."""
    return f"self.evaluate({stage}, {arguments})"


def needs_mean(program: Program) -> bool:
    """Whether the printed step uses the helper `MEAN`."""
    types = kinds(program.body)
    return any(isinstance(k, Lerp) for combine in program.combines for k in plan(program, combine, types))


def step_lines(program: Program, call: Call = residual_call) -> tuple[str, ...]:
    """The statements of one step from ``x`` (and ``t``, and ``dt``, where the program needs them), not indented.

    Parameters are read from local variables of their own names (see `python_text.local_names`).
    """
    return tuple(_Printer(program, call).lines())


@dataclass(frozen=True)
class StepExpression:
    """A value in code, and in the comment beside it."""

    code: str
    exact: str
    atom: bool = True

    def inner(self) -> StepExpression:
        """The expression as an operand."""
        return self if self.atom else StepExpression(f"({self.code})", f"({self.exact})")


class _Printer:
    def __init__(self, program: Program, call: Call) -> None:
        self.program, self.call = program, call
        self.types = kinds(program.body)
        names = local_names(program.field.parameters)
        self.coefficients = Coefficients(program.field, _numbers(program, self.types), names)
        self.known: dict[str, StepExpression] = {INPUT: StepExpression(INPUT, INPUT)}
        self.inlined = _inlined(program, self.types)
        self.temporaries = own(program)
        self.stage = 0

    def lines(self) -> Sequence[str]:
        found = list(self.coefficients.lines)
        for instruction in self.program.body:
            found += self.statements(instruction)
        return found

    def statements(self, instruction: Instruction) -> list[str]:
        match instruction:
            case Evaluate(target, source, abscissa):
                value = self.evaluation(source, abscissa)
                if target in self.inlined:
                    self.known[target] = value
                    return []
                self.known[target] = StepExpression(target, target)
                return [f"{target} = {value.code}"]
            case Combine(target):
                return self.sum(target, plan(self.program, instruction, self.types))
            case Return(value=result, error=str(error)):
                return [f"return {self.known[result].code}, {self.known[error].code}"]
            case Return(value=result):
                return [f"return {self.known[result].code}"] if self.known[result].code == INPUT else []

    def evaluation(self, source: str, abscissa: Element) -> StepExpression:
        argument = self.known[source].code
        exact = f"F({argument})"
        if self.program.time:
            time = self.time(abscissa)
            argument, exact = f"{argument}, {time}", f"F({argument}, {time})"
        self.stage += 1
        return StepExpression(self.call(self.stage - 1, argument), exact)

    def time(self, abscissa: Element) -> str:
        if not abscissa:
            return "t"
        factor = Factor(abscissa, by_step=True)
        return "t + 1" if is_one(self.program, factor) else f"t + {self.factor(factor)}"

    def sum(self, target: str, kernels: tuple[Kernel, ...]) -> list[str]:
        first, *rest = kernels
        if isinstance(first, Copy):
            so_far = self.known[first.value]
        else:
            assert isinstance(first, Scale)
            value = self.known[first.value].inner()
            exact = self.exact(first.factor, value.exact)
            so_far = StepExpression(f"{self.factor(first.factor, product=True)} * {value.code}", exact, atom=False)
        if target in self.inlined:
            (only,) = rest
            self.known[target] = self.continued(so_far, only)
            return []
        lines = []
        free = not isinstance(first, Copy) or first.value in self.temporaries
        for i, kernel in enumerate(rest):
            so_far = self.continued(so_far, kernel, in_place=free and may_overwrite(self.program))
            free = True
            last = i == len(rest) - 1
            start = self.start(target, last=last)
            again = so_far.code.startswith(f"{target}.") and not start.startswith("return")
            lines += _commented(so_far.code if again else f"{start} {so_far.code}", so_far.exact)
            so_far = StepExpression(target, target if last else "...")
        if not rest:
            lines += _commented(f"{self.start(target)} {so_far.code}", so_far.exact)
        self.known[target] = StepExpression(target, target)
        return lines

    def start(self, target: str, *, last: bool = True) -> str:
        """How the statement that computes a value begins."""
        ends = last and target == self.program.result and self.program.error is None
        return "return" if ends else f"{target} ="

    def continued(self, so_far: StepExpression, kernel: Kernel, *, in_place: bool = False) -> StepExpression:
        """The expression with one more kernel applied; with ``in_place`` what was summed so far may be written over."""
        value = self.known[kernel.value]
        factor = kernel.factor if isinstance(kernel, Add | Lerp) else None
        assert factor is not None
        number = number_of(self.program, factor)
        text = self.factor(factor)
        exact = f"{so_far.exact} {_signed(self.exact(factor, value.inner().exact))}"
        if isinstance(kernel, Lerp):
            rest = self.exact(Factor(self.program.field.one - factor.coefficient), so_far.inner().exact)
            exact = f"{rest} {_signed(self.exact(factor, value.inner().exact))}"
            return StepExpression(f"mean({so_far.code}, {value.code}, {text})", exact)
        if number is None or self.program.field.free_parameters(number):
            return StepExpression(f"torch.addcmul({so_far.code}, {value.code}, {text})", exact)
        one = self.program.field.one
        sign = {1: "+", -1: "-"}.get(int(not number - one) - int(not number + one))
        if in_place and so_far.atom:
            name, alpha = {"+": ("add_", ""), "-": ("sub_", "")}.get(sign or "", ("add_", f", alpha={text}"))
            return StepExpression(f"{so_far.code}.{name}({value.code}{alpha})", exact)
        if sign is not None:
            term = value.code if sign == "+" else value.inner().code
            return StepExpression(f"{so_far.code} {sign} {term}", exact, atom=False)
        return StepExpression(f"torch.add({so_far.code}, {value.code}, alpha={text})", exact)

    def factor(self, factor: Factor, *, product: bool = False) -> str:
        """A factor in code; with ``product`` in parentheses, where it has to bind like one number."""
        number = number_of(self.program, factor)
        field = self.program.field
        if number is None:
            one = not factor.coefficient - field.one
            return "dt" if one else f"{_bound(self.coefficients.text(factor.coefficient))} * dt"
        text = self.coefficients.text(number)
        return _bound(text) if product else text

    def exact(self, factor: Factor, value: str) -> str:
        """A factor times a value in a comment."""
        field = self.program.field
        coefficient = factor.coefficient
        step = "dt " if factor.by_step and self.program.dt != 1 else ""
        if not coefficient - field.one:
            return f"{step}{value}"
        if not coefficient + field.one:
            return f"-{step}{value}"
        text = comment_text(field, coefficient)
        return f"{text if _simple(text) else f'({text})'} {step}{value}"


def _numbers(program: Program, types: Mapping[str, Kind]) -> Iterator[Element]:
    """What is printed as a coefficient, in order: of kernels, and of the times of calls where F takes the time."""
    for instruction in program.body:
        factors = []
        if isinstance(instruction, Evaluate) and program.time:
            factors = [Factor(instruction.abscissa, by_step=True)]
        elif isinstance(instruction, Combine):
            factors = [k.factor for k in plan(program, instruction, types) if not isinstance(k, Copy)]
        for factor in factors:
            number = number_of(program, factor)
            yield factor.coefficient if number is None else number


def _inlined(program: Program, types: Mapping[str, Kind]) -> frozenset[str]:
    """Values written where they are used: used once, in a sum that follows before F is called again.

    Of sums, only those of two values without factor are: they read as one Euler step or one sum of slopes.
    """
    used = Counter(name for instruction in program.body for name in uses(instruction))
    calls: dict[str, int] = {}
    count = 0
    found = set()
    for instruction in program.body:
        match instruction:
            case Evaluate(target):
                count += 1
                calls[target] = count
            case Combine(target):
                found |= {v for v in instruction.values if used[v] == 1 and calls.get(v) == count}
                kernels = plan(program, instruction, types)
                if len(kernels) == 2 and isinstance(kernels[1], Add) and is_one(program, kernels[1].factor):
                    calls[target] = count
            case _:
                pass
    return frozenset(found)


def _simple(text: str) -> bool:
    return all(c.isalnum() or c in "/_.-*…" for c in text)


def _bound(text: str) -> str:
    return text if _simple(text) and "/" not in text else f"({text})"


def _signed(text: str) -> str:
    return f"- {text[1:]}" if text.startswith("-") else f"+ {text}"


def _commented(code: str, exact: str) -> list[str]:
    """The statement with the exact sum beside it, or above it where the line is full; none where it says the same."""
    if code.split(" = ")[-1].removeprefix("return ").replace("self.residual", "F") == exact:
        return [code]
    if len(code) + len(exact) + 12 <= WIDTH:
        return [f"{code}  # {exact}"]
    return [*textwrap.wrap(exact, WIDTH - 8, initial_indent="# ", subsequent_indent="#   "), code]


def domains(program: Program, dt: Fraction | None = None) -> dict[str, Domain]:
    """The domains of the learnable coefficients of a program by name, and of dt where it is learned from that start."""
    found = {p.name: domain(program.field, p) for p in program.parameters}
    return found if dt is None else found | {STEP_DOMAIN: Domain(Fraction(0), None, dt)}


def method_source(
    program: Program, learned: Mapping[str, Domain], name: str = "forward", call: Call = residual_call
) -> str:
    """The source of the method, not indented; it reads ``self.residual`` and ``self.raw``."""
    time = ", t: float | Tensor = 0.0" if program.time else ""
    names = {STEP_DOMAIN: STEP_DOMAIN} | local_names(program.field.parameters)
    lines = [
        f'{names[key]} = {interval.source(f"""self.raw["{key}"].squeeze()""")}  # in {interval.text()}'
        for key, interval in learned.items()
    ]
    body = [*lines, *step_lines(program, call)]
    result = "Tensor" if program.error is None else "tuple[Tensor, Tensor]"
    return "\n".join([f"def {name}(self, x: Tensor{time}) -> {result}:", *(f"    {line}" for line in body), ""])
