"""Names of places: counted from 1, and those of other networks left alone."""

import pytest

from rkblocks.render.network_results import group, long, short


@pytest.mark.parametrize(
    ("place", "whole", "brief", "of"),
    [
        ("groups.0.0", "group 1, block 1", "g1 b1", "groups.0"),
        ("groups.2.11", "group 3, block 12", "g3 b12", "groups.2"),
        ("groups.0.1 stage 2", "group 1, block 2, stage 2", "g1 b2 s2", "groups.0"),
        ("group1", "group 1", "g1", ""),
        ("layer1.0", "layer1.0", "layer1.0", "layer1"),
        ("image to logits", "image to logits", "image to logits", ""),
    ],
)
def test_names_of_places(place, whole, brief, of):
    assert (long(place), short(place), group(place)) == (whole, brief, of)
