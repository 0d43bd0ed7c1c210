"""A quick proof, for nearly every polynomial that comes from decimals, that it is irreducible.

The degrees of its factors modulo a prime restrict those over the number field to subset sums; after a few primes only 0
and the degree itself remain.  Factoring in earnest takes seconds at degree 30 with coefficients of a thousand digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sympy.external.gmpy import GROUND_TYPES
from sympy.polys.domains import ZZ
from sympy.polys.galoistools import gf_ddf_zassenhaus, gf_sqf_p

MOST_PRIMES = 10
"""After so many primes at which the polynomial stays square-free, of the same degree, the proof is given up."""


def degrees_prove(reduced: Iterable[tuple[int, Sequence[int]]], degree: int) -> bool:
    """Whether factors modulo primes prove a polynomial over a number field irreducible; False proves nothing.

    Args:
        reduced: pairs of a prime and the coefficients modulo a factor of degree one of it in the field, leading one
            first and without leading zeros.
        degree: of the polynomial.
    """
    possible = (1 << (degree + 1)) - 1  # bit k: a factor of degree k is not excluded yet
    used = 0
    for p, dense in reduced:
        degrees = None if len(dense) <= degree else degrees_modulo(dense, p)
        if degrees is None:
            continue
        used += 1
        sums = 1
        for each in degrees:
            sums |= sums << each
        possible &= sums
        if possible == 1 | 1 << degree:
            return True
        if used == MOST_PRIMES:
            break
    return False


def degrees_modulo(dense: Sequence[int], p: int) -> list[int] | None:
    """Degrees of the irreducible factors modulo a prime, of coefficients with the leading one first; None where one of
    them is multiple."""
    if GROUND_TYPES == "flint":  # a hundred times faster
        from flint import nmod_poly

        factors = nmod_poly(list(map(int, reversed(dense))), p).factor()[1]
        return None if any(multiplicity > 1 for _, multiplicity in factors) else [f.degree() for f, _ in factors]
    if not gf_sqf_p(dense, p, ZZ):
        return None
    inverse = pow(int(dense[0]), -1, p)
    products = gf_ddf_zassenhaus([c * inverse % p for c in dense], p, ZZ)
    return [each for product, each in products for _ in range((len(product) - 1) // each)]
