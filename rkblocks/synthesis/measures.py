"""What a design may maximise, minimise or bound, as functions of K with derivatives (see `conditions`).

A levelled measure is a function of K and a level r whose values are all nonnegative as far as r is within what the
method promises: its values, shape [n], their derivatives by K, shape [n, m + 1, m + 1], and by r, shape [n].
"""

from __future__ import annotations

from math import comb

import numpy as np

from rkblocks.synthesis.conditions import Array, StabilityCoefficients

DAMPING = 1e-5
"""How far inside [-1, 1] a stability polynomial stays where it turns, so that rounded coefficients do not leave it."""


def growth(K: Array) -> tuple[Array, Array]:
    """The variance growth of Lemma 3, ``1 + sum b_i**2 V_i`` with ``V_i = 1 + sum a_ij**2 V_j``; shape [1]."""
    m = len(K) - 1
    A, b = K[:-1, :-1], K[-1, :-1]
    V = np.ones(m, dtype=K.dtype)
    for i in range(m):
        V[i] = V[i] + (A[i] ** 2) @ V
        # rows are strictly lower triangular: V[j] with j >= i has no share yet
    slope = np.zeros_like(K)
    slope[-1, :-1] = 2 * b * V
    weight = b**2
    for i in range(m - 1, -1, -1):
        slope[i, :-1] = weight[i] * 2 * A[i] * V
        weight = weight + weight[i] * A[i] ** 2
    return np.array([1 + (b**2) @ V], dtype=K.dtype), slope[None]


def monotone(K: Array, r: float) -> tuple[Array, Array, Array]:
    """The entries of ``P(r)`` below the diagonal and of ``d(r)``, with derivatives by K and by r.

    All nonnegative where the method is absolutely monotonic at r (Kraaijevanger 1991).  Shapes [n], [n, m + 1, m + 1],
    [n]; both are entries of ``X = (I + rK)**-1``: ``P = X K`` and ``d = X e``.
    """
    n = len(K)
    identity = np.eye(n)
    X = np.linalg.inv(identity + r * K)
    P, d = X @ K, X.sum(1)
    rows, columns = np.tril_indices(n, -1)
    # dP = X dK (I - r P), dd = -r X dK d; by r: dP = -P P, dd = -P d
    right = identity - r * P
    slopes_P = np.einsum("nk,nl->nkl", X[rows], right[:, columns].T)
    slopes_d = -r * np.einsum("nk,l->nkl", X[1:], d)
    by_r = np.concatenate([-(P @ P)[rows, columns], -(P @ d)[1:]])
    return np.concatenate([P[rows, columns], d[1:]]), np.concatenate([slopes_P, slopes_d]), by_r


def contractive(K: Array, r: float) -> tuple[Array, Array, Array]:
    """The eigenvalues of ``B + r M``, all nonnegative up to the radius of circle contractivity rho.

    ``B = diag(b)``, ``M = B A + A^T B - b b^T`` (Dahlquist & Jeltsch 1979).  Shapes as in `monotone`, n = m.
    """
    A, b = K[:-1, :-1], K[-1, :-1]
    BA = b[:, None] * A
    M = BA + BA.T - np.outer(b, b)
    values, vectors = np.linalg.eigh(np.diag(b) + r * M)
    slopes = np.zeros((len(values), *K.shape))
    for slope, v in zip(slopes, vectors.T, strict=True):
        slope[:-1, :-1] = 2 * r * np.outer(b * v, v)
        slope[-1, :-1] = v**2 + 2 * r * v * (A @ v) - 2 * r * (v @ b) * v
    return values, slopes, np.einsum("in,ij,jn->n", vectors, M, vectors)


def threshold(K: Array, r: float) -> tuple[Array, Array, Array]:
    """The coefficients of the stability polynomial in powers of ``1 + z/r`` (Kraaijevanger 1986)."""
    psi, slopes = _stability(K)
    m = len(psi) - 1
    T = np.array([[comb(n, k) * (-1) ** (n - k) * r**n if n >= k else 0.0 for n in range(m + 1)] for k in range(m + 1)])
    by_r = T * np.arange(m + 1) / r
    return T @ psi, np.tensordot(T, slopes, 1), by_r @ psi


class Real:
    """``1 - |P(-r s)|`` at the points s in (0, 1] of the real stability interval [-r, 0]."""

    def __init__(self, points: Array) -> None:
        self.points = points

    def __call__(self, K: Array, r: float) -> tuple[Array, Array, Array]:
        psi, slopes = _stability(K)
        powers = (-r * self.points[:, None]) ** np.arange(len(psi))
        by_r = powers * np.arange(len(psi)) / r
        values, by_K = powers @ psi, np.tensordot(powers, slopes, 1)
        room = 1 - DAMPING * np.minimum(1, r * self.points)
        both = np.concatenate([room - values, 1 - DAMPING + values])
        return both, np.concatenate([-by_K, by_K]), np.concatenate([-by_r @ psi, by_r @ psi])


class Imaginary:
    """``(1 - |P(iy)|**2) / y**q`` at ``y = r s`` for the points s in [0, 1] of the imaginary stability interval.

    With order p the difference begins with ``y**q``, q the even number p + 1 or p + 2: what comes before is zero by the
    order conditions and is left out, so that nothing cancels near 0.  The damping's derivative by r is left out, too.
    """

    def __init__(self, points: Array, order: int) -> None:
        self.points, self.first = points, order // 2 + 1

    def __call__(self, K: Array, r: float) -> tuple[Array, Array, Array]:
        psi, slopes = _stability(K)
        n = len(psi)
        signs = np.array([1, 1, -1, -1])[np.arange(n) % 4]
        found, by_psi = np.zeros(n), np.zeros((n, n))  # of the coefficients of y**(2k) in 1 - |P(iy)|**2
        for i in range(n):
            for j in range(i % 2, n, 2):
                k, sign = (i + j) // 2, signs[i] * signs[j]
                found[k] -= sign * psi[i] * psi[j]
                by_psi[k, i] -= 2 * sign * psi[j]
        powers = np.arange(n - self.first) * 2
        y = (r * self.points[:, None]) ** powers
        by_r = (y * powers / r) @ found[self.first :]
        room = DAMPING / np.maximum(1, r * self.points) ** (2 * self.first)
        return y @ found[self.first :] - room, np.tensordot(y @ by_psi[self.first :], slopes, 1), by_r


def _stability(K: Array) -> tuple[Array, Array]:
    """The stability polynomial, constant term first, with derivatives by K."""
    m = len(K) - 1
    found, slopes = StabilityCoefficients(range(1, m + 1))(K)
    return np.concatenate([[1.0], found]), np.concatenate([np.zeros((1, *K.shape)), slopes])
