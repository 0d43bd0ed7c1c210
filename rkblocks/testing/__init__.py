"""Ready-made tests for users' own schemes: hypothesis strategies, breakages with their codes, and properties.

    >>> import rkblocks
    >>> rkblocks.testing.assert_sound(rkblocks.load("ssp3"))

The strategies need hypothesis (the extra ``testing``), the properties do not.  Names are resolved on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rkblocks.testing.breakage import Broken as Broken
    from rkblocks.testing.breakage import broken as broken
    from rkblocks.testing.properties import assert_block_is_interpreter as assert_block_is_interpreter
    from rkblocks.testing.properties import assert_checks as assert_checks
    from rkblocks.testing.properties import assert_order_is_measured as assert_order_is_measured
    from rkblocks.testing.properties import assert_routes_agree as assert_routes_agree
    from rkblocks.testing.properties import assert_sound as assert_sound
    from rkblocks.testing.slope import measured_order as measured_order
    from rkblocks.testing.strategies import families as families
    from rkblocks.testing.strategies import files as files
    from rkblocks.testing.strategies import tableaus as tableaus

_HOME = {
    **dict.fromkeys(("tableaus", "families", "files"), "strategies"),
    **dict.fromkeys(("broken", "Broken"), "breakage"),
    **dict.fromkeys(("assert_sound", "assert_checks", "assert_routes_agree"), "properties"),
    **dict.fromkeys(("assert_order_is_measured", "assert_block_is_interpreter"), "properties"),
    "measured_order": "slope",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
