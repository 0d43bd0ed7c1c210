"""A quick proof, for nearly every polynomial that comes from decimals, that it is irreducible over the rationals.

The degrees of its factors modulo a prime restrict those over the integers to subset sums; after a few primes only 0 and
the degree itself remain.  Factoring in earnest takes seconds at degree 30 with coefficients of a thousand digits.
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import primerange
from sympy.polys.domains import ZZ
from sympy.polys.galoistools import gf_ddf_zassenhaus, gf_from_int_poly, gf_sqf_p

MOST_PRIMES = 10
"""After so many primes at which the polynomial stays square-free, of the same degree, the proof is given up."""
LARGEST = 500


def is_provably_irreducible(integers: Sequence[int]) -> bool:
    """Whether the degrees modulo small primes prove a primitive integer polynomial irreducible; False proves nothing.

    ``integers`` are the coefficients, constant term first.
    """
    dense = [ZZ(c) for c in reversed(integers)]
    degree = len(dense) - 1
    possible = (1 << (degree + 1)) - 1  # bit k: a factor of degree k is not excluded yet
    used = 0
    for p in primerange(3, LARGEST):
        if used == MOST_PRIMES:
            break
        if not dense[0] % p:
            continue
        reduced = gf_from_int_poly(dense, p)
        if not gf_sqf_p(reduced, p, ZZ):
            continue
        used += 1
        monic = [c * pow(int(reduced[0]), -1, p) % p for c in reduced]
        sums = 1
        for product, each in gf_ddf_zassenhaus(monic, p, ZZ):
            for _ in range((len(product) - 1) // each):
                sums |= sums << each
        possible &= sums
        if possible == 1 | 1 << degree:
            return True
    return False
