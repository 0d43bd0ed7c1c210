"""Design of schemes: from a wish to a tableau file that `check` proves. Needs numpy and scipy: the extra `design`."""

from rkblocks.synthesis.designing import Design as Design
from rkblocks.synthesis.designing import design as design
