"""The tableau as a value: frozen, hashable, copied and pickled whole, also where sympy's own elements are not."""

import copy
import pickle
from fractions import Fraction

import pytest

import rkblocks


@pytest.mark.parametrize(
    "name", ["ssp3", "ark", "ark_ssp", "gill4", "cooperverner8", "rk33_family", "dopri5", "ssprk54"]
)
def test_survives_pickle_and_deepcopy(name):
    tableau = rkblocks.load(name)
    again = pickle.loads(pickle.dumps(tableau))
    assert again == tableau
    assert hash(again) == hash(tableau)
    assert again.digest == tableau.digest
    assert again.origin == tableau.origin
    assert again.claims == tableau.claims
    assert copy.deepcopy(tableau) is tableau
    assert again.butcher_form.is_explicit()
    assert rkblocks.check(again).to_dict() == rkblocks.check(tableau).to_dict()


def test_public_entries_are_exact_sympy_numbers():
    tableau = rkblocks.load("ssp3")
    assert ((0, 0, 0), (1, 0, 0), (Fraction(1, 4), Fraction(1, 4), 0)) == tableau.A
    assert tableau.b == (Fraction(1, 6), Fraction(1, 6), Fraction(2, 3))
    assert tableau.c == (0, 1, Fraction(1, 2))
    assert tableau.alpha == ((1,), (Fraction(3, 4), Fraction(1, 4)), (Fraction(1, 3), 0, Fraction(2, 3)))
    assert rkblocks.load("rk4").alpha is None


def test_a_member_of_a_family():
    ark = rkblocks.load("ark")
    heun = ark.at({"alpha21": Fraction(1, 2), "beta10": 1})
    assert heun.A == rkblocks.load("ssp2").A
    assert heun.b == rkblocks.load("ssp2").b
    assert heun.parameters == ()
    with pytest.raises(ZeroDivisionError):
        ark.at({"beta10": 0})


def test_a_tableau_needs_a_form():
    with pytest.raises(ValueError, match="needs"):
        rkblocks.Tableau("empty", rkblocks.load("ssp3").field)
