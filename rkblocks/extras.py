"""Optional dependencies: imported where they are needed, and named where they are missing.

The core needs sympy and click. Everything else arrives through an extra of the package, and a user who
lacks one is told which, instead of being shown an ImportError from the middle of a call.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import NoReturn

from rkblocks.diagnostics import fail

#: Distribution name (what pip installs) of the modules whose import name differs from it.
DISTRIBUTIONS = {"sklearn": "scikit-learn", "PIL": "pillow"}


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Return the imported optional `module`, or fail with RK901 (absent) or RK902 (present but unable to load).

    Args:
        module: import name, for example ``"sklearn.datasets"``.
        extra: the extra of rkblocks that installs it, for example ``"digits"``.
        purpose: what needs it, as the subject of a sentence: ``"the digits data set"``.

    Raises:
        RkblocksError: RK901 or RK902, exit status 2.

    Example:
        >>> require("json", "torch", "this example").loads("[1]")
        [1]
    """
    top = module.partition(".")[0]
    distribution = DISTRIBUTIONS.get(top, top)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing != top:  # installed, but something that it needs itself is not
            _unloadable(distribution, extra, purpose, error)
        fail(
            "RK901",
            f"{purpose} needs {distribution}, which is not installed",
            help=f"pip install 'rkblocks[{extra}]'",
        )
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        # A torchvision built for another torch raises RuntimeError or AttributeError; a missing shared library OSError.
        _unloadable(distribution, extra, purpose, error)


def _unloadable(distribution: str, extra: str, purpose: str, error: Exception) -> NoReturn:
    reason = " ".join(str(error).split()) or type(error).__name__
    fail(
        "RK902",
        f"{purpose} needs {distribution}, which is installed but cannot be loaded: {reason}",
        help=f"reinstall it beside the torch in use: pip install --force-reinstall 'rkblocks[{extra}]'",
    )
