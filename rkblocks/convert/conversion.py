"""A foreign text to a tableau: read by its format, written as the text of a tableau file, read back like anybody's."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain

from rkblocks.convert.formats import Format, named, recognised
from rkblocks.convert.found import Array, ConversionError, Note, Scalar, Table, is_zero, numbers, rows
from rkblocks.diagnostics import Diagnostic, Severity, TableauError, diagnostic, fail
from rkblocks.escape import shown
from rkblocks.files import read_text
from rkblocks.files.expression import is_rational, rational
from rkblocks.files.grammar import parse
from rkblocks.files.nodes import NAME, Problems
from rkblocks.files.reader import stem
from rkblocks.files.sources import decode
from rkblocks.forms import to_butcher
from rkblocks.tableau import Origin, Tableau, layout

CLOSE = Fraction(1, 10**9)
"""How near constants c must be to the row sums of A to be these, rounded."""


@dataclass(frozen=True)
class Conversion:
    """What became of a text.

    `tableau` has the places of the source; `json` is the text of a tableau file, with the digits of the source;
    `diagnostics` are remarks about what was filled in or left out.
    """

    tableau: Tableau
    format: str
    json: str
    diagnostics: tuple[Diagnostic, ...]


def convert(
    data: bytes | str,
    source: str = "",
    *,
    form: str | None = None,
    table: str | None = None,
    name: str | None = None,
    tolerance: str | None = None,
) -> Conversion:
    """The tableau that a text in the format of another program holds. Nothing of it is executed.

    Args:
        data: the content of a file, at most 1 MiB.
        source: its name, for messages, and where `name` and the text give none, for the name of the scheme.
        form: a name of `FORMATS`; recognised from the content where left out.
        table: which one of several, as RK382 lists them.
        name: the name of the scheme.
        tolerance: of a table of rounded decimals; see docs/format.md.

    Raises TableauError with the place in the text: RK380 to RK391, and the codes of a tableau file for its entries.

    Example:
        >>> print(convert("A = [0 0; 1 0]; b = [1/2 1/2];", "heun.m").json, end="")
        {
          "name": "heun",
          "A": [[], ["1"]],
          "b": ["1/2", "1/2"]
        }
    """
    problems = Problems()
    text = decode(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"), problems)
    if text is None:
        raise TableauError(problems.diagnostics(), source)
    places = _Places(text)
    chosen = _format(text, form, source)
    try:
        found = _chosen(chosen.read(text), table, chosen, source)
        if found.error is not None:
            raise found.error
    except ConversionError as error:
        raise TableauError([places.diagnostic(error)], source) from None
    except RecursionError:  # pragma: no cover (every reader bounds its levels)
        fail("RK391", "the text is nested too deep", source=source, help="give the table alone")
    content = _content(found, name or _name(found.name, source), tolerance)
    tableau = _read(found, content, Origin(source, text, {}), places)
    notes = [*found.notes, *_abscissae(found, tableau)]
    tableau, dropped = _agreeing(tableau, found.at)
    if dropped:
        del content["alpha"], content["beta"]
    return Conversion(tableau, chosen.name, layout(content) + "\n", tuple(map(places.diagnostic, (*notes, *dropped))))


class _Places:
    """Offsets as lines and columns."""

    def __init__(self, text: str) -> None:
        self._starts = [0]
        for line in text.split("\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    def at(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def diagnostic(self, found: ConversionError | Note) -> Diagnostic:
        line, column = self.at(found.at)
        return diagnostic(found.code, found.message, line=line, column=column, help=found.help)


def _format(text: str, form: str | None, source: str) -> Format:
    if form is not None:
        return named(form)
    if text.lstrip().startswith("{") and '"' in text[:2000]:
        help = "a tableau file needs no conversion: rkblocks check FILE"
        fail("RK380", "this is JSON, not a format to convert from", line=1, column=1, help=help, source=source)
    found = recognised(text)
    if found is None:
        help = "name it with --from; rkblocks convert --help lists the formats"
        fail("RK380", "the format of this file was not recognised", line=1, column=1, help=help, source=source)
    return found


def _chosen(tables: list[Table], wanted: str | None, form: Format, source: str) -> Table:
    """The table of that name, or the only one."""
    if not tables:
        help = f"expected {form.what}; was the format recognised rightly? --from names another"
        fail(
            "RK381", f"no table was found in this file, read as {form.name}", line=1, column=1, help=help, source=source
        )
    names = _names(tables)
    listed = ", ".join(names[:40]) + (", …" if len(names) > 40 else "")
    if wanted is None:
        if len(tables) > 1:
            help = f"choose with --table: {listed}"
            raise ConversionError("RK382", f"the file holds {len(tables)} tables", tables[1].at, help)
        return tables[0]
    if wanted not in names:
        fail("RK382", f"the file holds no table {shown(wanted)}", help=f"it holds {listed}", source=source)
    return tables[names.index(wanted)]


def _names(tables: list[Table]) -> list[str]:
    """Each table's own name; its number where it has none, and behind a name that comes again."""
    own = [table.name for table in tables]
    seen: dict[str, int] = {}
    names = []
    for i, name in enumerate(own):
        seen[name] = seen.get(name, 0) + 1
        names.append(str(i + 1) if not name else name if own.count(name) == 1 else f"{name}:{seen[name]}")
    return names


def _name(own: str, source: str) -> str:
    """The table's own name where a scheme may be called so, else that of the file."""
    fit = own.removeprefix("ARKODE_").lower().replace(" ", "_")
    return fit if NAME.fullmatch(fit) else stem(source)


def _content(found: Table, name: str, tolerance: str | None) -> dict[str, object]:
    """The keys and values of a tableau file; A without the zeros on and above its diagonal."""
    content: dict[str, object] = {"name": name}
    if title := " ".join(found.title.split()):
        content["title"] = title
    for key, array in found.arrays.items():
        lines = rows(array)  # of other lengths than a square's, they are refused as they are
        square = all(len(row) == len(lines) for row in lines)
        explicit = key == "A" and square and all(is_zero(e) for i, row in enumerate(lines) for e in row[i:])
        content[key] = [
            item.text if isinstance(item, Scalar) else [e.text for e in numbers(item)][: i if explicit else None]
            for i, item in enumerate(array.items)
        ]
    return content if tolerance is None else {**content, "tolerance": tolerance}


def _read(found: Table, content: dict[str, object], origin: Origin, places: _Places) -> Tableau:
    """The tableau of a content; everything wrong with it is said at its place in the source."""
    at = {"": found.at}
    for key, array in found.arrays.items():
        at[f"/{key}"] = array.at
        for i, item in enumerate(array.items):
            at[f"/{key}/{i}"] = item.at if isinstance(item, Scalar | Array) else array.at
            if isinstance(item, Array):
                at |= {f"/{key}/{i}/{j}": entry.at for j, entry in enumerate(numbers(item))}
    reading = read_text(layout(content))
    if reading.tableau is None:
        errors = [d for d in reading.diagnostics if d.severity is Severity.ERROR]
        raise TableauError([_placed(d, at, places) for d in errors], origin.source)
    positions = {path: places.at(offset) for path, offset in at.items()}
    return replace(reading.tableau, origin=replace(origin, positions=positions))


def _placed(found: Diagnostic, at: dict[str, int], places: _Places) -> Diagnostic:
    """A diagnostic about the text of a file, at the place where the source says it."""
    path = found.path
    while path not in at and path:
        path = path.rpartition("/")[0]
    if path == "" and found.path in ("/name", "/tolerance"):
        return replace(found, line=None, column=None)
    line, column = places.at(at[path])
    return replace(found, line=line, column=column)


def _abscissae(found: Table, tableau: Tableau) -> Iterator[Note]:
    """What to say of constants c1, c2, …: nothing where they are row sums of A, from u0 or from u1 on."""
    if not found.abscissae:
        return
    field = tableau.field
    given = {k: rational(tree) for k, c in found.abscissae.items() if is_rational(tree := parse(c.text))}
    for shift in (1, 0):
        sums = dict(enumerate(tableau.row_sums, start=1 - shift))
        if all(k in sums and field.within(sums[k] - field.rational(c), CLOSE) for k, c in given.items()):
            return
    help = "add c to the written file where a residual with time is called at other times than these sums"
    first = next(iter(found.abscissae.values()))
    yield Note("RK388", "the constants c are not the row sums of A, and are left out", first.at, help)


def _agreeing(tableau: Tableau, at: int) -> tuple[Tableau, tuple[Note, ...]]:
    """The tableau without a Shu-Osher form that is not exactly its Butcher form, as rounded files have it."""
    if tableau.shu_osher is None or tableau.butcher is None:
        return tableau, ()
    field, form = tableau.field, tableau.butcher
    other = to_butcher(field, tableau.shu_osher)
    pairs = zip(chain(*form.A, form.b), chain(*other.A, other.b), strict=True)
    if not (apart := [x - y for x, y in pairs if x != y]):
        return tableau, ()
    how = "agree only to rounding" if all(field.within(x, CLOSE) for x in apart) else "do not agree"
    help = "rkblocks canonical NAME writes the Shu-Osher form that certifies most"
    note = Note("RK388", f"alpha and beta {how} with A and b, and are left out", at, help)
    return replace(tableau, shu_osher=None), (note,)
