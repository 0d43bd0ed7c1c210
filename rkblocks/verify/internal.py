"""Internal stability polynomials: what an error made in one stage becomes in the result of the step.

On x' = lambda x with z = dt lambda, an error in stage j changes the result by Q_j(z) times itself.  It depends on the
form in which the method is computed, unlike the stability polynomial (Ketcheson, Loczi & Parsani 2014, SIAM J. Numer.
Anal. 52, 2227-2249).
"""

from __future__ import annotations

from rkblocks.exact.field import Element, Field
from rkblocks.forms import Method, Row, ShuOsher
from rkblocks.verify.crossing import Coefficients


def of_butcher(method: Method) -> tuple[Coefficients, ...]:
    """Q_0 to Q_(m-1) of the Butcher form, ``z (b (I - zA)^-1)_j``, coefficients from the constant one up."""
    field, A, b = method.field, method.A, method.b
    m = len(b)
    powers: list[Row] = [tuple(field.zero for _ in b), b]
    for _ in range(m - 1):
        last = powers[-1]
        powers.append(tuple(sum((last[i] * A[i][j] for i in range(m)), field.zero) for j in range(m)))
    return tuple(_trimmed(tuple(power[j] for power in powers)) for j in range(m))


def of_shu_osher(field: Field, form: ShuOsher) -> tuple[Coefficients, ...]:
    """Q_0 to Q_(m-1) of a Shu-Osher form; Q_0 is the stability polynomial, since u0 = x is a stage like the others."""
    m = len(form.alpha)
    found: list[list[Element]] = [[field.zero] * (m + 1) for _ in range(m)] + [[field.one] + [field.zero] * m]
    for j in reversed(range(m)):
        for i in range(j, m):
            a, weight, later = form.alpha[i][j], form.beta[i][j], found[i + 1]
            for k in range(m + 1):
                found[j][k] = found[j][k] + a * later[k]
                if k < m:
                    found[j][k + 1] = found[j][k + 1] + weight * later[k]
    return tuple(_trimmed(tuple(polynomial)) for polynomial in found[:m])


def _trimmed(polynomial: Coefficients) -> Coefficients:
    """Without zeros at the end; (0,) for the zero polynomial."""
    last = max((k for k, c in enumerate(polynomial) if c), default=0)
    return polynomial[: last + 1]
