"""Completion by the shell: click's own mechanism, and what stands for the words that are no fixed choice.

`eval "$(_RKBLOCKS_COMPLETE=bash_source rkblocks)"` (or zsh_source, fish_source) teaches it to a shell.  An answer is
due while a finger is on the key, so nothing here imports torch or sympy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem, shell_complete

from rkblocks.settings.attacks import ATTACKS, DEFINITIONS
from rkblocks.settings.data import DATA_SETS
from rkblocks.settings.threat import LOSSES, NORMS

VARIABLE = "_RKBLOCKS_COMPLETE"
Complete = Callable[[click.Context, str], list[CompletionItem]]


def answer(app: click.Group, instruction: str) -> int:
    """Print the answer to a shell; returns the exit status. Raises UsageError for a shell that click does not know."""
    teach(app)
    if shell_complete(app, {}, "rkblocks", VARIABLE, instruction):
        raise click.UsageError(f"{VARIABLE}={instruction!r}; expected bash_source, zsh_source or fish_source")
    return 0


def teach(app: click.Group) -> None:
    """Give every parameter of `EVERYWHERE` and `WORDS` its completion."""
    for name, command in app.commands.items():
        for parameter in command.params:
            complete = WORDS.get((name, str(parameter.name))) or EVERYWHERE.get(str(parameter.name))
            if complete is not None and not isinstance(parameter.type, click.Choice):
                setattr(parameter, "shell_complete", complete)  # noqa: B010


def _items(words: Iterable[tuple[str, str]], incomplete: str, before: str = "") -> list[CompletionItem]:
    return [CompletionItem(before + word, help=help) for word, help in words if word.startswith(incomplete)]


def schemes(_: click.Context, incomplete: str) -> list[CompletionItem]:
    """Names of the library; what begins like none of them is a file."""
    from rkblocks.files.library import catalog

    named = _items(((entry.name, entry.title) for entry in catalog()), incomplete)
    return named or files(_, incomplete)


def scheme_list(_: click.Context, incomplete: str) -> list[CompletionItem]:
    """The same for a list with commas between: the last one is completed."""
    from rkblocks.files.library import catalog

    before, comma, last = incomplete.rpartition(",")
    named = _items(((entry.name, entry.title) for entry in catalog()), last, before + comma)
    return named or files(_, incomplete)


def recipes(_: click.Context, incomplete: str) -> list[CompletionItem]:
    """Names of the presets of `train`; what begins like none of them is a file."""
    from rkblocks.runs.config import presets

    return _items(((name, "") for name in presets()), incomplete) or files(_, incomplete)


def settings(_: click.Context, incomplete: str) -> list[CompletionItem]:
    """Settings up to the equals sign, with what they mean."""
    import dataclasses
    import typing

    from rkblocks.runs.sections import Config

    known = (
        (f"{section}.{field.name}=", field.metadata["meaning"])
        for section, kind in typing.get_type_hints(Config).items()
        for field in dataclasses.fields(kind)
    )
    return _items(known, incomplete)


def codes(_: click.Context, incomplete: str) -> list[CompletionItem]:
    """Diagnostic codes with their titles."""
    from rkblocks.codes import all_codes, entry

    wanted = incomplete.upper()
    return _items(((code, entry(code).title) for code in all_codes() if code.startswith(wanted)), wanted)


def folders(_: click.Context, incomplete: str) -> list[CompletionItem]:
    """A folder: of a run, of data."""
    return [CompletionItem(incomplete, type="dir")]


def files(_: click.Context, incomplete: str) -> list[CompletionItem]:
    """A file."""
    return [CompletionItem(incomplete, type="file")]


def words(*known: str) -> Complete:
    """One of these, or (as with --data) a folder; of several with commas between the last one is completed."""

    def complete(_: click.Context, incomplete: str) -> list[CompletionItem]:
        before, comma, last = incomplete.rpartition(",")
        return _items(((word, "") for word in known), last, before + comma) or folders(_, incomplete)

    return complete


# Told again here, since the modules that say it import torch; a test holds both together.
EVALUATIONS = ("paper", "standard", "quick")
FORMATS = (
    "sundials",
    "rk-opt",
    "octave",
    "nodepy",
    "c",
    "julia",
    "python",
    "latex",
    "printed",
    "matlab",
    "csv",
    "table",
)
ANALYSES = (
    "growth",
    "variation",
    "variance",
    "lemma1",
    "lipschitz",
    "coefficients",
    "surface",
    "examples",
    "certificate",
)
SPLITS, DEVICES = ("test", "validation", "train"), ("auto", "cpu", "cuda")

EVERYWHERE: dict[str, Complete] = {
    "split": words(*SPLITS),
    "device": words(*DEVICES),
    "weights": words("best", "last", "average"),
    **dict.fromkeys(("runs", "folders", "data_root", "out", "resume"), folders),
    **dict.fromkeys(("output", "file", "report", "figure"), files),
}
"""What completes a parameter of this name in any command."""
WORDS: dict[tuple[str, str], Complete] = {
    **dict.fromkeys((("check", "targets"), ("show", "name"), ("canonical", "name"), ("compile", "name")), schemes),
    ("verify", "tableau"): schemes,
    ("convert", "form"): words(*FORMATS),
    ("train", "blocks"): scheme_list,
    ("explain", "code"): codes,
    ("train", "preset"): recipes,
    ("train", "sets"): settings,
    ("train", "data"): words(*DATA_SETS),
    ("evaluate", "preset"): words(*EVALUATIONS),
    ("evaluate", "attack"): words(*ATTACKS),
    ("evaluate", "norm"): words(*NORMS),
    ("evaluate", "loss"): words(*LOSSES),
    ("evaluate", "definition"): words(*DEFINITIONS),
    ("evaluate", "source"): folders,
    ("evaluate", "data"): words(*DATA_SETS),
    ("analyze", "only"): words(*ANALYSES),
    ("design", "maximize"): words("ssp", "rho", "threshold", "real", "imaginary"),
    ("design", "minimize"): words("growth", "error"),
    ("study", "source"): files,
}
"""What completes a parameter of one command. An option with fixed choices needs no line: click knows them."""
