"""The registry: the threat model that an attack really uses, and nothing in it that it does not."""

from dataclasses import fields, replace

import pytest

from rkblocks.attacks import ATTACKS, Threat

FULL = Threat(
    eps="8/255", steps=7, step="1/255", restarts=3, targets=2, decay="1/2", queries=50, source="runs/b", eot=2
)


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_options_are_exactly_what_shapes_the_threat_model(name):
    """An option that the attack reads survives; what it does not read is its own constant, whatever was given."""
    attack = ATTACKS[name]
    other = replace(
        FULL,
        steps=9,
        step="2/255",
        restarts=4,
        targets=1,
        decay="1/4",
        queries=60,
        source="runs/c",
        eot=3,
        rounded=True,
    )
    fitted, changed = attack.fitted(FULL), attack.fitted(other)
    differing = {f.name for f in fields(Threat) if getattr(fitted, f.name) != getattr(changed, f.name)}
    assert differing == set(attack.options) - {"loss", "random_start"}
    assert attack.fitted(fitted) == fitted
    known = {f.name for f in fields(Threat)}
    assert set(attack.options) | set(attack.defaults) <= known


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_an_attack_fills_in_its_defaults(name):
    attack = ATTACKS[name]
    fitted = attack.fitted(Threat())
    assert all(getattr(fitted, option) is not None for option in attack.defaults)


def test_every_attack_says_what_it_does():
    assert all(attack.does and attack.norms for attack in ATTACKS.values())
    assert all(attack.reference for name, attack in ATTACKS.items() if name not in ("noise", "gaussian"))
    assert [name for name, attack in ATTACKS.items() if not attack.per_example] == ["autoattack"]
    assert (ATTACKS["autoattack"].module is None) == (ATTACKS["autoattack"].extra is None)
