"""Every Python example of the RK8 codes fails with its own code, and its repair runs."""

import pytest

from rkblocks import codes
from rkblocks.diagnostics import RkblocksError

BLOCKS = [
    pytest.param(code, block, id=f"{code} {block.role}")
    for code in codes.all_codes()
    if code.startswith("RK8")
    for block in codes.entry(code).blocks
    if block.language == "python"
]


@pytest.mark.parametrize(("code", "block"), BLOCKS)
def test_examples_of_codes_do_what_they_say(code, block):
    if block.role == "repaired":
        exec(block.text, {})
        return
    with pytest.raises(RkblocksError) as caught:
        exec(block.text, {})
    assert [found.code for found in caught.value.diagnostics] == [code]
