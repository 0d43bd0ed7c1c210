"""`rkblocks explain`: the page of one diagnostic code, or all codes."""

from __future__ import annotations

import click


@click.command(
    "explain",
    short_help="Explain a diagnostic code.",
    epilog="\b\nExamples:\n  rkblocks explain RK105    or 105\n  rkblocks explain          all codes",
)
@click.argument("code", required=False)
def command(code: str | None) -> int:
    """Explain a diagnostic CODE: what is checked, why, a failing file and its repair.

    Without CODE all codes are listed with the exit status they lead to.
    """
    from rkblocks import codes
    from rkblocks.cli import console

    if code is None:
        from rkblocks.render.listing import columns

        rows = [(e.code, str(e.status), e.severity, e.title) for e in map(codes.entry, codes.all_codes())]
        console.show(columns(("code", "status", "severity", "title"), rows))
        return 0
    name = code.strip().upper()
    name = f"RK{name}" if name.isdecimal() else name
    if name in codes.RETIRED:
        console.note(f"{name} is {codes.RETIRED[name]} today")
    try:
        console.show(codes.entry(codes.RETIRED.get(name, name)).text)
    except LookupError:
        raise click.UsageError(f"no code {code!r}; `rkblocks explain` alone lists all codes") from None
    return 0
