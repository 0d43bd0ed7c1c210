"""Verify the certificates of C and rho with the standard library alone: no rkblocks, no sympy.

    rkblocks check ssprk104 ssprk53 --format json | python docs/check_certificate.py

For K = [[A, 0], [b, 0]] the coefficient C is the end of the interval of all r >= 0 at which no entry of
P(r) = (I + rK)^-1 K and d(r) = (I + rK)^-1 e is negative, and 0 where there is none (Kraaijevanger 1991). So two facts
prove it: nothing is negative at C (where C is irrational: less than 2^-100 below), and the entry that the certificate
names, rebuilt here from the printed method, has its root at C and is negative just above.

rho is the largest r at which B + r M is positive semidefinite, B = diag(b), M = B A + A^T B - b b^T (Dahlquist and
Jeltsch 1979).  Where it is at one r it is below, since B is.  So two facts prove bounds of rho: an exact L D L^T
without a negative pivot at the lower one, and v^T (B + r M) v < 0 above, for the vector that the certificate names; the
sign of its polynomial halves the interval to 2^-100, and elimination finds a negative pivot at the upper end.
rho = 0 is proved by the weight that is named: a negative one, or a zero beside an entry of M.

Exit status: 0 all verified, 1 a certificate is wrong, 2 one cannot be judged here: square roots, families.
"""

import json
import sys
from fractions import Fraction as Q


class WrongError(Exception):
    """A certificate that does not prove what it says."""


def entry(K, i, j):
    """P_ij(r) = sum_k (-r)^k (K^(k+1))_ij; for j None d_i(r) = sum_k (-r)^k (K^k e)_i. Constant term first."""
    vector = [Q(1) if j is None else row[j] for row in K]
    found = []
    for k in range(len(K)):
        found.append((-1) ** k * vector[i])
        vector = [sum((a * v for a, v in zip(row, vector, strict=True) if a), Q(0)) for row in K]
    return found


def around(p, x):
    """The coefficients of p(x + s) in powers of s, by Horner's scheme; the first but 0 has the sign at x + 0."""
    p = list(p)
    for start in range(len(p)):
        for k in reversed(range(start, len(p) - 1)):
            p[k] += x * p[k + 1]
    return p


def divides(q, p):
    """Whether the polynomial q divides p."""
    p = list(p)
    while len(p) >= len(q):
        factor = p.pop() / q[-1]
        for k in range(1, len(q)):
            p[-k] -= factor * q[-1 - k]
    return not any(p)


def halved(minimal, low, high):
    """The interval around a root of the polynomial at which it changes sign, at most 2^-100 wide."""
    while high - low > Q(1, 2**100):
        middle = (low + high) / 2
        left = (around(minimal, middle)[0] > 0) == (around(minimal, low)[0] > 0)
        low, high = (middle, high) if left else (low, middle)
    return low, high


def verify(method, certificate):
    """Bounds of C, equal where it is rational."""
    m = len(method["b"])
    K = [[Q(x) for x in row] + [Q(0)] * (m + 1 - len(row)) for row in [*method["A"], method["b"]]]
    i, _, j = certificate["entry"][2:-1].partition(",")
    named, minimal = entry(K, int(i), int(j) if j else None), [Q(c) for c in certificate["polynomial"]]
    low, high = halved(minimal, *map(Q, certificate["interval"]))
    if high > 0 and (not divides(minimal, named) or around(minimal, low)[0] * around(minimal, high)[0] > 0):
        raise WrongError("the entry has its root there")
    if next((c for c in around(named, high) if c), 0) >= 0:
        raise WrongError("the entry is negative just above")
    if low > 0 and any(around(entry(K, n, k), low)[0] < 0 for n in range(m + 1) for k in (None, *range(n))):
        raise WrongError("nothing is negative below")
    return low, high


def semidefinite(S):
    """Whether a symmetric matrix is positive semidefinite: no pivot is negative, and beside one of 0 all is 0."""
    S = [list(row) for row in S]
    for k, row in enumerate(S):
        if row[k] < 0 or (not row[k] and any(row[k + 1 :])):
            return False
        for i in range(k + 1, len(S)):
            if row[i]:
                factor = row[i] / row[k]
                S[i] = [x - factor * y for x, y in zip(S[i], row, strict=True)]
    return True


def verify_rho(method, certificate):
    """Bounds of rho, equal where it is rational."""
    b = [Q(x) for x in method["b"]]
    n = range(len(b))
    A = [[Q(x) for x in row] + [Q(0)] * (len(b) - len(row)) for row in method["A"]]
    M = [[b[i] * A[i][j] + b[j] * A[j][i] - b[i] * b[j] for j in n] for i in n]
    low, high = map(Q, certificate["interval"])
    if low == high == 0:
        i = int(certificate["weight"][2:].partition("]")[0])
        if b[i] > 0 or (b[i] == 0 and not any(M[i])):
            raise WrongError("the weight ends it")
        return low, high
    minimal, v = [Q(c) for c in certificate["polynomial"]], [Q(x) for x in certificate["direction"]]
    flat = sum((w * x * x for w, x in zip(b, v, strict=True)), Q(0))
    slope = sum((M[i][j] * v[i] * v[j] for i in n for j in n), Q(0))
    if slope >= 0 or flat + high * slope > 0 or (low < high and flat + high * slope == 0):
        raise WrongError("the form is negative above, in the named direction")
    if around(minimal, low)[0] * around(minimal, high)[0] > 0 or (low == high and around(minimal, low)[0]):
        raise WrongError("the polynomial has its root there")
    low, high = halved(minimal, low, high)
    if low < 0 or not semidefinite([[(i == j) * b[i] + low * M[i][j] for j in n] for i in n]):
        raise WrongError("B + r M is semidefinite below")
    if low < high and semidefinite([[(i == j) * b[i] + high * M[i][j] for j in n] for i in n]):
        raise WrongError("B + r M is not semidefinite above")
    return low, high


def shown(low, high):
    """Bounds in words."""
    return str(low) if low == high else f"{float(low)!r} to 100 bits"


def judged(result):
    """The exit status of one result and what to say of it."""
    try:
        C = verify(result["method"], result["ssp"]["optimal"]["certificate"])
        rho = verify_rho(result["method"], result["contractivity"]["euclidean"]["certificate"])
        return 0, f"verified, C = {shown(*C)}, rho = {shown(*rho)}"
    except WrongError as error:
        return 1, f"WRONG, it is not so that {error}"
    except (KeyError, TypeError, ValueError) as error:
        return 2, f"not judged, no certificate of rational numbers: {error}"


if __name__ == "__main__":
    found = [(result["name"], *judged(result)) for result in json.load(sys.stdin)["results"]]
    print("\n".join(f"{name}: {words}" for name, _, words in found))
    sys.exit(max((status for _, status, _ in found), default=2))
