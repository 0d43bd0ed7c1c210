"""The command group and the entry point."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from rkblocks.cli.shield import guarded

EPILOG = """\b
Examples:
  rkblocks list                          the tableaus that ship with the package
  rkblocks check ssp3 my_scheme.json     verify a library scheme and a file of your own
  rkblocks compile ssp3 -o block.py      a stand-alone torch module
  rkblocks train --preset digits --blocks ssp3

Exit status: 0 sound or done, 1 read but unfit, 2 could not be read or could not run.
"""


class Suggesting(click.Group):
    """A group that lists its commands in the order of use and answers a misspelt one with the nearest name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            import difflib

            near = difflib.get_close_matches(name, self.commands, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"the commands are {', '.join(self.commands)}"
            raise click.UsageError(f"no command {name!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"rkblocks {version('rkblocks')}")
        ctx.exit()


@click.group(
    cls=Suggesting,
    epilog=EPILOG,
    no_args_is_help=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version."
)
@click.pass_context
def app(ctx: click.Context) -> None:
    """A compiler from Runge-Kutta tableaus to verified PyTorch blocks."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


#: One module each, in the order of use. Each imports click alone at its top, so that --help stays fast.
COMMANDS = (
    "listing",
    "show",
    "check",
    "convert",
    "canonical",
    "design",
    "explain",
    "schema",
    "compile",
    "verify",
    "train",
    "evaluate",
    "certify",
    "analyze",
    "audit",
    "study",
    "runs",
    "cache",
    "demo",
)
for name in COMMANDS:
    app.add_command(import_module(f"rkblocks.cli.{name}").command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (default: sys.argv) and return its exit status."""
    argv = list(sys.argv[1:] if arguments is None else arguments)

    if instruction := os.environ.get("_RKBLOCKS_COMPLETE"):  # a shell asks, see rkblocks.cli.completion
        from rkblocks.cli.completion import answer

        return guarded(lambda: answer(app, instruction))

    def command() -> object:
        # make_context and invoke rather than app.main: that one turns a broken pipe into status 1 by itself.
        with app.make_context("rkblocks", argv) as ctx:
            return app.invoke(ctx)

    return guarded(command)
