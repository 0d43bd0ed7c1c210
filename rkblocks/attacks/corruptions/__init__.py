"""Common corruptions (Hendrycks & Dietterich 2019): no adversary and no ball, but five severities."""

from rkblocks.attacks.corruptions.registry import CORRUPTIONS as CORRUPTIONS
from rkblocks.attacks.corruptions.registry import Corruption as Corruption
from rkblocks.attacks.corruptions.registry import corrupt as corrupt
from rkblocks.attacks.corruptions.registry import find as find
