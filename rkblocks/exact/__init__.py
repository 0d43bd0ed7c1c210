"""Exact numbers: the field a tableau's coefficients live in, and real roots of polynomials over it."""

from rkblocks.exact.field import ROOTS_LIMIT as ROOTS_LIMIT
from rkblocks.exact.field import SQRT_LIMIT as SQRT_LIMIT
from rkblocks.exact.field import Element as Element
from rkblocks.exact.field import Field as Field
from rkblocks.exact.roots import Root as Root
from rkblocks.exact.roots import least_odd_root as least_odd_root
