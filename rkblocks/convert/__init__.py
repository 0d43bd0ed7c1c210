"""Tables that other programs write, to tableaus: one function a format, one entry in `registry.FORMATS`."""

from rkblocks.convert.main import Conversion as Conversion
from rkblocks.convert.main import convert as convert
from rkblocks.convert.registry import FORMATS as FORMATS

__all__ = ["FORMATS", "Conversion", "convert"]
