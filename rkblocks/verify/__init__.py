"""Verification of tableaus: order, SSP coefficients, growth and claims, each exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rkblocks.verify.checking import check as check
    from rkblocks.verify.report import Report as Report

__all__ = ["Report", "check"]


def __getattr__(name: str) -> Any:
    """`check` and `Report`, resolved on first use: the parts of this package must not import each other through it."""
    if name == "check":
        from rkblocks.verify.checking import check

        return check
    if name == "Report":
        from rkblocks.verify.report import Report

        return Report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
