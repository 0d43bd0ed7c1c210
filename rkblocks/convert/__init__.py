"""Tables that other programs write, to tableaus: one function a format, one entry in `formats.FORMATS`."""

from rkblocks.convert.conversion import Conversion as Conversion
from rkblocks.convert.conversion import convert as convert
from rkblocks.convert.formats import FORMATS as FORMATS

__all__ = ["FORMATS", "Conversion", "convert"]
