"""Each pass on a small program: what comes out, word for word, and that the method stays."""

import pytest

import rkblocks
from rkblocks import files
from rkblocks.exact import Field
from rkblocks.exact.work import PART, budget
from rkblocks.program.cost import cost
from rkblocks.program.driver import candidates, choose
from rkblocks.program.ir import Combine, Evaluate, Program, Return, Term
from rkblocks.program.meaning import method
from rkblocks.program.passes.descent import accumulate, factor_weights, place, share_sums
from rkblocks.program.passes.simplification import drop_dead, drop_zeros, expand_single_use, merge_equal, name_values
from rkblocks.program.printed import explanation, listing

Q = Field()


def program(text: str) -> Program:
    """A program from lines such as "u1 = 3/4 x + 1/4 f0" and "f0 = F(x)"."""
    body = []
    for line in text.strip().splitlines():
        target, _, right = line.strip().partition(" = ")
        if target.startswith("return "):
            body.append(Return(target.removeprefix("return ")))
        elif right.startswith("F("):
            body.append(Evaluate(target, right[2:-1], Q.zero))
        else:
            parts = (part.split() for part in right.replace("- ", "+ -").split(" + "))
            terms = [(words[0], words[1]) if len(words) == 2 else ("1", words[0]) for words in parts]
            body.append(Combine(target, tuple(Term(Q.rational(*map(int, c.split("/"))), v) for c, v in terms)))
    return Program(Q, tuple(body))


def lines(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


CASES = [
    (
        drop_zeros,
        """f0 = F(x)
        f1 = F(x)
        y = x + 1 f0 + 0 f1
        return y""",
        """f0 = F(x)
        y = x + f0
        return y""",
    ),
    (
        drop_dead,
        """f0 = F(x)
        u1 = x + f0
        f1 = F(u1)
        s1 = f0 + f1
        y = x + 1 f0
        return y""",
        """f0 = F(x)
        y = x + f0
        return y""",
    ),
    (  # u0 is a copy of x, u2 the same stage as u1, so f2 is f1
        merge_equal,
        """u0 = 1 x
        f0 = F(u0)
        u1 = x + 1/2 f0
        f1 = F(u1)
        u2 = x + 1/2 f0 + 0 f1
        f2 = F(u2)
        y = x + 1/3 f1 + 2/3 f2
        return y""",
        """f0 = F(x)
        u1 = x + 1/2 f0
        f1 = F(u1)
        y = x + f1
        return y""",
    ),
    (  # equal only as a sum of slopes: 1/2 x + 1/2 u1 + 1/4 f0 = x + 3/4 f0
        merge_equal,
        """f0 = F(x)
        u1 = x + f0
        u2 = 1/2 x + 1/2 u1 + 1/4 f0
        u3 = x + 3/4 f0
        f2 = F(u2)
        f3 = F(u3)
        y = u1 + 1/2 f2 - 1/2 f3
        return y""",
        """f0 = F(x)
        u1 = x + f0
        return u1""",
    ),
    (
        expand_single_use,
        """f0 = F(x)
        u1 = x + f0
        y = 1/2 x + 1/2 u1 + 1/2 f0
        return y""",
        """f0 = F(x)
        y = x + f0
        return y""",
    ),
    (
        share_sums,
        """f0 = F(x)
        u1 = x + f0
        f1 = F(u1)
        u2 = x + 1/4 f0 + 1/4 f1
        f2 = F(u2)
        y = x + 1/6 f0 + 1/6 f1 + 2/3 f2
        return y""",
        """f0 = F(x)
        u1 = x + f0
        f1 = F(u1)
        p3 = f0 + f1
        u2 = x + 1/4 p3
        f2 = F(u2)
        y = x + 1/6 p3 + 2/3 f2
        return y""",
    ),
    (
        factor_weights,
        """f0 = F(x)
        u1 = x + f0
        f1 = F(u1)
        y = 1/2 x + 1/2 u1 + 1/2 f1
        return y""",
        """f0 = F(x)
        u1 = x + f0
        f1 = F(u1)
        p2 = u1 + f1
        y = 1/2 x + 1/2 p2
        return y""",
    ),
    (
        accumulate,
        """f0 = F(x)
        u1 = x + 1/2 f0
        f1 = F(u1)
        u2 = x + 1/2 f1
        f2 = F(u2)
        y = x + 1/4 f0 + 1/4 f1 + 1/2 f2
        return y""",
        """f0 = F(x)
        u1 = x + 1/2 f0
        f1 = F(u1)
        u2 = x + 1/2 f1
        p3 = x + 1/4 f0 + 1/4 f1
        f2 = F(u2)
        y = p3 + 1/2 f2
        return y""",
    ),
    (  # placed early, the sum frees two slopes before F runs again
        place,
        """f0 = F(x)
        u1 = x + f0
        f1 = F(u1)
        u2 = x + f1
        f2 = F(u2)
        s1 = f0 + f1
        y = u2 + s1 + f2
        return y""",
        """f0 = F(x)
        u1 = x + f0
        f1 = F(u1)
        u2 = x + f1
        s1 = f0 + f1
        f2 = F(u2)
        y = u2 + s1 + f2
        return y""",
    ),
    (
        name_values,
        """a = F(x)
        b = x + a
        c = F(b)
        d = a + c
        e = x + 1/2 d
        return e""",
        """f0 = F(x)
        u1 = x + f0
        f1 = F(u1)
        s1 = f0 + f1
        y = x + 1/2 s1
        return y""",
    ),
]


@pytest.mark.parametrize(("run_pass", "before", "after"), CASES, ids=[case[0].__name__ for case in CASES])
def test_output_of_each_pass(run_pass, before, after) -> None:
    start = program(before)
    found = run_pass(start)
    assert listing(found) == lines(after)
    if start.calls == found.calls:
        assert method(found) == method(start)
    assert run_pass(found).body == found.body or run_pass is name_values


@pytest.mark.parametrize("name", ["rk4", "ssprk104", "dopri5", "kutta3"])
@pytest.mark.parametrize("search", [share_sums, accumulate, factor_weights, place])
def test_search_never_raises_the_cost(name: str, search) -> None:
    from rkblocks.program.construction import from_butcher

    tableau = files.load(name)
    start = merge_equal(drop_zeros(from_butcher(tableau, tableau.butcher_form, dt=1, time=False)))
    assert cost(search(start)) <= cost(start)


def test_a_dense_table_of_many_stages_is_compiled_within_the_budget() -> None:
    """36 stages took minutes; the program is the method all the same, and the explanation says that a pass ended."""
    m = 36
    A = [[f"{(7 * i + 11 * j) % 63 + 1}/{64 * m}" for j in range(i)] for i in range(m)]
    b = [f"{2 * k + 1}/{m * m}" for k in range(m)]
    tableau = rkblocks.tableau(name="dense", A=A, b=b)
    with budget(10**12) as work:
        steps = choose(tableau)
    forms = len(candidates(tableau, dt=1, time=False, ssp=None))
    assert work.total <= forms * 3 * PART * 11 // 10
    assert any(step.ended for step in steps)
    assert "ended at its budget" in explanation(steps)
    assert not any(step.ended for step in choose(files.load("feagin12")))


def test_a_search_that_ends_early_keeps_what_it_has_found() -> None:
    from rkblocks.program.construction import from_butcher

    tableau = files.load("ssprk104")
    start = merge_equal(drop_zeros(from_butcher(tableau, tableau.butcher_form, dt=1, time=False)))
    costs = []
    for limit in (0, 20_000, 100_000, 10**9):
        with budget(limit):
            costs.append(cost(place(accumulate(share_sums(start)))))
    assert costs == sorted(costs, reverse=True)
    assert costs[0] == cost(start) > costs[-1]
