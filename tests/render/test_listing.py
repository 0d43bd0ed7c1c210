"""Tables of the command line, as whole strings."""

from dataclasses import dataclass, field

from rkblocks.render.listing import columns, listing


@dataclass(frozen=True)
class FakeEntry:
    name: str
    title: str
    aliases: tuple[str, ...] = ()
    stages: int = 1
    claims: dict[str, object] = field(default_factory=dict)


def test_a_listing() -> None:
    entries = [
        FakeEntry("euler", "Forward Euler", ("ResBlock",), 1, {"order": 1, "ssp": "1"}),
        FakeEntry("mine", "A scheme without claims", (), 10),
    ]
    assert listing(entries) == (
        "name   stages  order  ssp  title\n"
        "euler       1      1  1    Forward Euler\n"
        "mine       10      -  -    A scheme without claims\n"
    )


def test_an_empty_table_keeps_its_head() -> None:
    assert columns(("a", "b"), []) == "a  b\n"
