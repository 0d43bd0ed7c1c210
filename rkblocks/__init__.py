"""rkblocks: a compiler from Runge-Kutta tableaus to verified PyTorch blocks.

    >>> import rkblocks
    >>> t = rkblocks.load("ssp3")
    >>> rkblocks.check(t).order.value
    3

Six verbs: `load` a tableau file, `check` it exactly, `lower` it to a program, `emit` stand-alone source, `build` a
block around a residual, `evaluate` a trained network.  Names are resolved on first use: a check imports no torch.
The packages (`rkblocks.nets`, `rkblocks.blocks`, …) are names like the others; one that needs torch says so (RK901)
where there is none.

What the package says by itself goes to the logger "rkblocks", which is silent until its user gives it a handler.
"""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from rkblocks.startup import collector_at_rest

__version__ = "0.1.0"

if TYPE_CHECKING:
    from rkblocks import analysis as analysis
    from rkblocks import attacks as attacks
    from rkblocks import blocks as blocks
    from rkblocks import codes as codes
    from rkblocks import convert as convert
    from rkblocks import data as data
    from rkblocks import evaluation as evaluation
    from rkblocks import figures as figures
    from rkblocks import files as files
    from rkblocks import nets as nets
    from rkblocks import program as program
    from rkblocks import rows as rows
    from rkblocks import study as study
    from rkblocks import testing as testing
    from rkblocks import training as training
    from rkblocks import verify as verify
    from rkblocks.blocks import build as build
    from rkblocks.blocks import parameter_groups as parameter_groups
    from rkblocks.blocks.retrofit import retrofit as retrofit
    from rkblocks.diagnostics import RkblocksError as RkblocksError
    from rkblocks.diagnostics import TableauError as TableauError
    from rkblocks.evaluation.evaluate import evaluate as evaluate
    from rkblocks.files import load as load
    from rkblocks.files import save as save
    from rkblocks.files import tableau as tableau
    from rkblocks.nets.normalize import Normalize as Normalize
    from rkblocks.program.emit import emit as emit
    from rkblocks.program.interpret import interpret as interpret
    from rkblocks.program.lower import lower as lower
    from rkblocks.synthesis import design as design
    from rkblocks.tableau import Tableau as Tableau
    from rkblocks.verify.checking import check as check

_HOME = {
    "RkblocksError": "rkblocks.diagnostics",
    "TableauError": "rkblocks.diagnostics",
    "Tableau": "rkblocks.tableau",
    "load": "rkblocks.files",
    "save": "rkblocks.files",
    "tableau": "rkblocks.files",
    "check": "rkblocks.verify",
    "lower": "rkblocks.program",
    "interpret": "rkblocks.program",
    "emit": "rkblocks.program",
    "build": "rkblocks.blocks",
    "parameter_groups": "rkblocks.blocks",
    "retrofit": "rkblocks.blocks",
    "evaluate": "rkblocks.evaluation",
    "design": "rkblocks.synthesis",
    "Normalize": "rkblocks.nets",
}
_WITHOUT_TORCH = ("codes", "convert", "figures", "files", "program", "rows", "study", "testing", "verify")
_NEED_TORCH = ("analysis", "attacks", "blocks", "data", "evaluation", "nets", "training")

__all__ = [*_HOME, *_WITHOUT_TORCH, *_NEED_TORCH, "__version__"]

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    home = _HOME.get(name) or (f"rkblocks.{name}" if name in (*_WITHOUT_TORCH, *_NEED_TORCH) else None)
    if home is None:
        raise AttributeError(f"module 'rkblocks' has no attribute {name!r}")
    with collector_at_rest():  # the first use imports sympy, and perhaps torch
        if home.rpartition(".")[2] in _NEED_TORCH:
            from rkblocks.extras import require

            require("torch", "torch", f"rkblocks.{name}")
        if name in ("design", "study"):
            from rkblocks.extras import require

            require("scipy", name, f"rkblocks.{name}")
        module = import_module(home)
        return getattr(module, name) if name in _HOME else module


class _Package(ModuleType):
    """The package, in which `tableau` is the function also once the module of that name has been imported."""

    @property
    def tableau(self) -> Any:
        return __getattr__("tableau")

    @tableau.setter
    def tableau(self, module: ModuleType) -> None:
        """Return nothing: what the import system would set stays in ``sys.modules``."""


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return sorted({name for name in globals() if name.startswith("__")} | set(__all__))
