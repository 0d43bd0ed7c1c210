"""Modules for numpy and jax: whole strings, the numbers of the interpreter for the whole library, calls of f."""

import subprocess
import sys
from fractions import Fraction
from importlib.util import find_spec

import numpy as np
import pytest

import rkblocks
from rkblocks.diagnostics import RkblocksError
from rkblocks.files import catalog

NAMES = [entry.name for entry in catalog()]
EMBEDDED = [name for name in NAMES if rkblocks.load(name).butcher_form.b_hat is not None]
jax_too = pytest.mark.skipif(find_spec("jax") is None, reason="JAX IS NOT INSTALLED: pip install 'rkblocks[jax]'")
TARGETS = ["numpy", pytest.param("jax", marks=jax_too)]


def functions(name, target="numpy", **options):
    space = {"__name__": "emitted"}
    exec(compile(rkblocks.emit(name, target=target, **options), name, "exec"), space)
    return space


class Counted:
    """A nonlinear f of arrays, with its calls counted."""

    def __init__(self, time=False):
        self.calls, self.time = 0, time

    def __call__(self, x, t=None):
        self.calls += 1
        assert (t is not None) == self.time
        return np.sin(x) - 0.3 * x * x + (0.0 if t is None else np.cos(t))


@pytest.mark.parametrize("name", NAMES)
def test_numpy_computes_what_the_interpreter_computes(name):
    x, dt = np.linspace(-1, 1, 5), 0.25
    program = rkblocks.lower(name, dt=None)
    f, g = Counted(), Counted()
    found = functions(name)["step"](f, x, dt)
    field = program.field.constants
    expected = rkblocks.interpret(
        program, g, x, {p.name: field.to_float(p.init) for p in program.parameters}, dt=dt, number=field.to_float
    )
    assert f.calls == g.calls == program.calls
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", EMBEDDED)
def test_error_estimates(name):
    x = np.linspace(-1, 1, 3)
    program = rkblocks.lower(name, dt=None, error=True)
    found = functions(name, error=True)["step"](Counted(), x, 0.25)
    expected = rkblocks.interpret(program, Counted(), x, dt=0.25, number=program.field.to_float)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", ["rk4", "ssp3", "dopri5", "ark", "ssprk104"])
def test_time(name):
    x = np.linspace(-1, 1, 3)
    program = rkblocks.lower(name, dt=None, time=True)
    found = functions(name, time=True)["step"](Counted(time=True), x, 0.25, 0.5)
    field = program.field.constants
    expected = rkblocks.interpret(
        program,
        Counted(time=True),
        x,
        {p.name: field.to_float(p.init) for p in program.parameters},
        t=0.5,
        dt=0.25,
        number=field.to_float,
    )
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(("name", "order"), [("euler", 1), ("ssp2", 2), ("ssprk43", 3), ("rk4", 4), ("dopri5", 5)])
def test_integrate_converges_with_the_order(name, order):
    integrate = functions(name, time=True)["integrate"]
    exact = np.exp(np.sin(2.0))  # x' = x cos t, x(0) = 1
    errors = [abs(integrate(lambda x, t: x * np.cos(t), np.ones(1), n, 2.0 / n)[0] - exact) for n in (20, 40)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.5)


@jax_too
@pytest.mark.parametrize("name", ["euler", "ark", "ssp3", "ssprk104", "dopri5", "cooperverner8"])
def test_jax_computes_the_same_compiled_and_differentiates(name):
    import jax

    with jax.enable_x64(True):
        import jax.numpy as jnp

        step = functions(name, target="jax")["step"]

        def f(x):
            return jnp.sin(x) - 0.3 * x * x

        x = np.linspace(-1, 1, 5)
        expected = functions(name)["step"](Counted(), x, 0.25)
        np.testing.assert_allclose(
            jax.jit(lambda x: step(f, x, 0.25))(jnp.asarray(x)), expected, rtol=1e-12, atol=1e-12
        )
        slope = jax.grad(lambda x: step(f, x, 0.25).sum())(jnp.asarray(x))
        move = 1e-6
        by_differences = [functions(name)["step"](Counted(), x + s * move, 0.25) for s in (1, -1)]
        np.testing.assert_allclose(slope, (by_differences[0] - by_differences[1]) / (2 * move), atol=1e-8)
        many = functions(name, target="jax")["integrate"](f, jnp.asarray(x), 4, 0.25)
        np.testing.assert_allclose(many, functions(name)["integrate"](Counted(), x, 4, 0.25), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("options", [{}, {"time": True}, {"error": True}], ids=str)
def test_a_module_runs_alone(tmp_path, target, options):
    path = tmp_path / "scheme.py"
    path.write_text(rkblocks.emit("bs3", target=target, **options))
    alone = "for name in ('rkblocks', 'torch', 'sympy'): sys.modules[name] = None"
    code = f"import runpy, sys\n{alone}\nrunpy.run_path({str(path)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("bs3: one step of dx/dt = -x gives 0.3333")


def test_the_whole_text():
    text = rkblocks.emit("ssp2", target="numpy", dt=Fraction(1, 2))
    body = text[text.index("import numpy") :]
    assert (
        body
        == '''\
import numpy as np


def step(f, x, dt=0.5):
    """One step of ssp2 (Shu-Osher SSPRK(2,2): Heun's method) from x: the state at dt later.

    f(x) is called twice.
    """
    f0 = f(x)
    u1 = x + dt * f0
    f1 = f(u1)
    s1 = f1 - f0
    return u1 + 0.5 * dt * s1


def integrate(f, x, steps, dt=0.5):
    """The state after so many steps of size dt from x."""
    for _ in range(steps):
        x = step(f, x, dt=dt)
    return x


if __name__ == "__main__":
    result = float(step(lambda x: -x, np.ones(1), dt=1.0)[0])
    assert abs(result - 0.5) < 1e-9, result
    print("ssp2: one step of dx/dt = -x gives", result)
'''
    )
    assert "`rkblocks compile ssp2 --target numpy`" in text


def test_single_precision_stays():
    assert functions("ark")["step"](lambda x: -x, np.ones(2, np.float32)).dtype == np.float32


@pytest.mark.parametrize("options", [{"target": "fortran"}, {"target": "numpy", "class_name": "Mine"}], ids=str)
def test_refused(options):
    with pytest.raises(RkblocksError, match="RK523"):
        rkblocks.emit("ssp3", **options)
