"""A network from somebody's own file: FILE.py:NAME, with weights from a file of theirs."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from rkblocks.diagnostics import RkblocksError, fail, named
from rkblocks.runs.storage import load_weights

#: Keys under which training scripts keep the state_dict of a network beside other things.
NESTED = ("state_dict", "model_state_dict", "model")
WRAPPED = "module."  # what DataParallel and DistributedDataParallel put before every name


def named_module(spec: str, **offered: Any) -> nn.Module:
    """Return the network that FILE.py:NAME names: a module, or what a function returns, called with those of `offered`
    that it has parameters for.

    The file is run, as Python runs a script that is imported: only name files that you would run. Its folder is where
    its own imports are looked for, those of the function too. Raises RkblocksError RK861.
    """
    file, colon, name = spec.rpartition(":")
    if not colon or not file or not name.isidentifier():
        fail("RK861", f"{spec!r} names no network; expected FILE.py:NAME", help="for example mine.py:net")
    path = Path(file).expanduser()
    if not path.is_file():
        fail("RK861", f"there is no file {path}", help="give the Python file, then : and a name in it")
    with _importing_from(path.resolve().parent):
        found = getattr(_run(path), name, None)
        if found is None:
            help = f"define a module, or a function that returns one, called {name}"
            fail("RK861", f"{path} has no {name}", help=help)
        if not isinstance(found, nn.Module) and callable(found):
            found = _called(found, spec, offered)
    if not isinstance(found, nn.Module):
        fail(
            "RK861", f"{spec} is a {type(found).__name__}; expected a torch.nn.Module", help="return the network itself"
        )
    return found


def _called(function: Any, spec: str, offered: Mapping[str, Any]) -> Any:
    """Return what a function returns for those of the arguments that it has parameters for."""
    try:
        parameters = inspect.signature(function).parameters
        return function(**{name: value for name, value in offered.items() if name in parameters})
    except RkblocksError:
        raise
    except Exception as error:
        words = ", ".join(offered) or "no arguments"
        fail("RK861", f"{spec} fails: {named(error)}", help=f"it may take {words}, and must return the network")


@contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    """Look for modules in a folder first, as Python does for a script."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _run(path: Path) -> Any:
    """Return the module of a Python file, run anew; dataclasses and pickle find it in sys.modules, under a name that
    hides no other module."""
    spec = importlib.util.spec_from_file_location(f"rkblocks_own_{path.stem}", path)
    if spec is None or spec.loader is None:
        fail("RK861", f"{path} is no Python file", help="give a file that ends in .py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except RkblocksError:
        raise
    except (Exception, SystemExit) as error:
        fail("RK861", f"{path} cannot be run: {named(error)}", help=f"python {path} must end without an error")
    return module


def load_file(model: nn.Module, path: str | Path) -> None:
    """Put the weights of a file into a model, strictly: .safetensors, or what torch.save wrote, read with weights only.

    A state_dict inside a checkpoint is found under the usual keys, and the prefix of DataParallel is dropped. Raises
    RkblocksError RK712 or RK713 (no such file, damaged), RK862 (no weights of this network).
    """
    state = _state(Path(path))
    own = model.state_dict()
    if state and all(name.startswith(WRAPPED) for name in state) and not all(name.startswith(WRAPPED) for name in own):
        state = {name.removeprefix(WRAPPED): value for name, value in state.items()}
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        fail("RK862", f"{path} does not fit the network: {reason}", help="make the network as it was when it was saved")


def _state(path: Path) -> Mapping[str, Tensor]:
    if path.suffix == ".safetensors":
        return load_weights(path)
    if not path.is_file():
        what = "a folder" if path.is_dir() else "missing"
        fail("RK712", f"{path} is {what}", help="give a .safetensors or .pt file")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError:
        found = "more than tensors in containers, such as a whole network"
        fail(
            "RK862", f"{path} cannot be read with weights only: it holds {found}", help="save model.state_dict() alone"
        )
    except Exception as error:  # zip and torch each raise their own
        fail("RK862", f"{path} cannot be read with weights only: {named(error)}", help="save model.state_dict() alone")
    for key in NESTED:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        found = type(content).__name__
        fail(
            "RK862",
            f"{path} holds a {found} that is no state_dict of tensors",
            help="save model.state_dict()",
        )
    return content
