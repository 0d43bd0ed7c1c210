"""A quick proof, for nearly every polynomial that comes from decimals, that it is irreducible.

The degrees of its factors modulo a prime restrict those over the number field to subset sums; after a few primes only 0
and the degree itself remain.  Factoring in earnest takes seconds at degree 30 with coefficients of a thousand digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
        if len(dense) <= degree or not gf_sqf_p(dense, p, ZZ):
            continue
        used += 1
        inverse = pow(int(dense[0]), -1, p)
        sums = 1
        for product, each in gf_ddf_zassenhaus([c * inverse % p for c in dense], p, ZZ):
            for _ in range((len(product) - 1) // each):
                sums |= sums << each
        possible &= sums
        if possible == 1 | 1 << degree:
            return True
        if used == MOST_PRIMES:
            break
    return False
