"""One thing broken gives exactly one error, with the code that the breakage names."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rkblocks import files, verify
from rkblocks.diagnostics import Severity
from rkblocks.testing import Broken, broken, families, tableaus
from rkblocks.testing.breakage import BREAKAGES


def codes(text: str) -> list[str]:
    """The error codes of a file text: those of the reader, else those of the checker."""
    reading = files.read_text(text, "broken.json")
    found = reading.diagnostics if reading.tableau is None else verify.check(reading.tableau).diagnostics
    return [d.code for d in found if d.severity is Severity.ERROR]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(tableaus(), families()).flatmap(broken))
def test_one_thing_broken_is_one_error(drawn: Broken) -> None:
    assert codes(drawn.text) == [drawn.code], drawn.what


@settings(max_examples=5, deadline=None)
@given(tableaus(form="shu_osher", stages=(2, 3)), st.integers(0, 100))
def test_every_breakage_is_diagnosed(tableau, at) -> None:
    import json

    for breakage in BREAKAGES:
        document = json.loads(files.to_json(tableau))
        assert breakage.applies(document)
        assert codes(breakage.apply(document, at)) == [breakage.code], breakage.what


def test_each_breakage_has_its_own_words_and_codes_differ_in_kind() -> None:
    assert len({b.what for b in BREAKAGES}) == len(BREAKAGES)
    assert len({b.code for b in BREAKAGES}) >= 25
