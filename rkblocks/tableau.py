"""A tableau: one Runge-Kutta scheme (or family of schemes) as a frozen, exact value, as read from its file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rkblocks.exact.decimals import decimal_digits, decimal_text
from rkblocks.exact.field import Element, Field
from rkblocks.forms import Butcher, Method, Reduction, Row, Rows, ShuOsher, reduce, to_butcher
from rkblocks.shown import Typeset

if TYPE_CHECKING:
    import sympy

_WIDTH = 110
"""Characters of a line of a file."""


@dataclass(frozen=True)
class Parameter:
    """A declared parameter with its open domain (low, high), None for no bound; numbers of the tableau's field."""

    name: str
    low: Element | None
    high: Element | None
    init: Element
    learnable: bool = True

    def mapped(self, f: Callable[[Any], Any]) -> Parameter:
        """The parameter with ``f`` applied to its numbers."""
        low, high = (None if end is None else f(end) for end in (self.low, self.high))
        return replace(self, low=low, high=high, init=f(self.init))

    def content(self, text: Callable[[Element], str]) -> dict[str, Any]:
        """What the file says of it, numbers as ``text`` gives them."""
        domain = [None if end is None else text(end) for end in (self.low, self.high)]
        return {"domain": domain, "init": text(self.init), "learnable": self.learnable}


@dataclass(frozen=True)
class Claimed:
    """A number that the author promises: exact ``value``, or only the ``digits`` shown ("1.508" of "1.508…")."""

    text: str
    value: Element | None = None
    digits: str | None = None

    def mapped(self, f: Callable[[Any], Any]) -> Claimed:
        """The claim with ``f`` applied to its value."""
        return self if self.value is None else replace(self, value=f(self.value))


@dataclass(frozen=True)
class Claims:
    """What the author promises of the scheme; None is no promise."""

    order: int | None = None
    ssp: Claimed | None = None
    declared_ssp: Claimed | None = None
    variance: Claimed | None = None
    rho: Claimed | None = None

    def mapped(self, f: Callable[[Any], Any]) -> Claims:
        """The claims with ``f`` applied to their values."""
        numbers = (self.ssp, self.declared_ssp, self.variance, self.rho)
        ssp, declared, variance, rho = (c and c.mapped(f) for c in numbers)
        return Claims(self.order, ssp, declared, variance, rho)

    def content(self) -> dict[str, Any]:
        """What the file says, in the author's own words: "1.508…" must not become more or fewer digits."""
        written: dict[str, Any] = {} if self.order is None else {"order": self.order}
        for key in ("ssp", "declared_ssp", "rho", "variance"):
            if (claimed := getattr(self, key)) is not None:
                written[key] = claimed.text
        return written


@dataclass(frozen=True)
class Origin:
    """Where a tableau was read: the source as named, its text, and (line, column) of every value by JSON pointer."""

    source: str
    text: str
    positions: Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Tableau(Typeset):
    """One scheme.  At least one of ``shu_osher`` and ``butcher`` is given; entries are elements of ``field``."""

    name: str
    field: Field
    shu_osher: ShuOsher | None = None
    butcher: Butcher | None = None
    title: str = ""
    aliases: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    tolerance: Fraction = Fraction(0)
    claims: Claims = Claims()
    origin: Origin | None = dataclasses.field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.shu_osher is None and self.butcher is None:
            raise ValueError("a tableau needs a Shu-Osher form or a Butcher form")

    @cached_property
    def butcher_form(self) -> Butcher:
        """The Butcher form in field elements: as given, else converted from the Shu-Osher form.

        Entries of A on and above its diagonal that lie within the tolerance are rounding, and 0 here.
        """
        if self.butcher is not None:
            return self.butcher if self.butcher.is_explicit() else self._rounded(self.butcher)
        assert self.shu_osher is not None
        return to_butcher(self.field, self.shu_osher)

    def _rounded(self, form: Butcher) -> Butcher:
        def kept(i: int, j: int, entry: Element) -> Element:
            return self.field.zero if j >= i and self.field.within(entry, self.tolerance) else entry

        A = tuple(tuple(kept(i, j, entry) for j, entry in enumerate(row)) for i, row in enumerate(form.A))
        return replace(form, A=A)

    @cached_property
    def reduced(self) -> Reduction:
        """The method without unused and equal stages, in Butcher form."""
        form = self.butcher_form
        return reduce(Method(self.field, form.A, form.b))

    @property
    def stages(self) -> int:
        """Number m of stages of the table as written."""
        return len(self.butcher_form.b)

    @property
    def A(self) -> tuple[tuple[sympy.Expr, ...], ...]:  # noqa: N802 (the textbook name)
        """Butcher matrix, m rows of m exact sympy numbers."""
        return self._public(self.butcher_form.A)

    @property
    def b(self) -> tuple[sympy.Expr, ...]:
        """Weights, m exact sympy numbers."""
        return self._public((self.butcher_form.b,))[0]

    @property
    def c(self) -> tuple[sympy.Expr, ...]:
        """Abscissae, m exact sympy numbers: as declared, else the row sums of A."""
        return self._public((self.abscissae,))[0]

    @property
    def b_hat(self) -> tuple[sympy.Expr, ...] | None:
        """Weights of the embedded method, where there is one."""
        weights = self.butcher_form.b_hat
        return None if weights is None else self._public((weights,))[0]

    @property
    def alpha(self) -> tuple[tuple[sympy.Expr, ...], ...] | None:
        """Rows i = 0..m-1 of i + 1 entries of the declared Shu-Osher form; None where the file has none."""
        return None if self.shu_osher is None else self._public(self.shu_osher.alpha)

    @property
    def beta(self) -> tuple[tuple[sympy.Expr, ...], ...] | None:
        """Rows i = 0..m-1 of i + 1 entries of the declared Shu-Osher form; None where the file has none."""
        return None if self.shu_osher is None else self._public(self.shu_osher.beta)

    @cached_property
    def abscissae(self) -> Row:
        """The declared c, else the row sums of A, in field elements."""
        form = self.butcher_form
        return form.c if form.c is not None else self.row_sums

    @cached_property
    def row_sums(self) -> Row:
        """Sums of the rows of A, in field elements."""
        return tuple(sum(row, self.field.zero) for row in self.butcher_form.A)

    @cached_property
    def digest(self) -> str:
        """sha256 (hex) of the scheme itself: name, numbers, parameters; titles, references and claims do not count."""
        import hashlib  # only here: loading it takes as long as checking a small scheme

        def rows(values: Rows | None) -> list[list[str]] | None:
            return None if values is None else [[self.field.text(entry) for entry in row] for row in values]

        parts: list[Any] = [self.name, str(self.tolerance)]
        if self.shu_osher is not None:
            parts += [rows(self.shu_osher.alpha), rows(self.shu_osher.beta)]
            if self.shu_osher.b_hat is not None:
                parts.append(rows((self.shu_osher.b_hat,)))
        if self.butcher is not None:
            form = self.butcher
            parts += [rows(form.A), rows((form.b,)), form.c and rows((form.c,)), form.b_hat and rows((form.b_hat,))]
        number = self.field.constants.text
        parts += [
            [
                p.name,
                p.low is not None and number(p.low),
                p.high is not None and number(p.high),
                number(p.init),
                p.learnable,
            ]
            for p in self.parameters
        ]
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def to_json(self, *, decimals: bool = False) -> str:
        """The text of a tableau file, which reads back to an equal tableau; a family is written as expressions.

        Args:
            decimals: whether rational numbers are written as decimals (ValueError where one has no end).
        """
        return layout(self._content(self._decimal if decimals else self.field.text)) + "\n"

    def _decimal(self, entry: Element) -> str:
        return decimal_digits(self.field.fraction(entry))

    def _content(self, text: Callable[[Element], str]) -> dict[str, Any]:
        """The keys of the file, in the order in which people write them; entries as ``text`` gives them."""
        content: dict[str, Any] = {"name": self.name}
        optional = {"title": self.title, "aliases": list(self.aliases)}
        content |= {key: value for key, value in optional.items() if value}
        if self.parameters:
            content["parameters"] = {p.name: p.content(self.field.constants.text) for p in self.parameters}
        if self.shu_osher is not None:
            content["alpha"] = [[text(e) for e in row] for row in self.shu_osher.alpha]
            content["beta"] = [[text(e) for e in row] for row in self.shu_osher.beta]
            if self.shu_osher.b_hat is not None:
                content["b_hat"] = [text(e) for e in self.shu_osher.b_hat]
        if (form := self.butcher) is not None:
            explicit = form.is_explicit()
            content["A"] = [[text(e) for e in (row[:i] if explicit else row)] for i, row in enumerate(form.A)]
            vectors = {"b": form.b, "c": form.c, "b_hat": form.b_hat}
            content |= {key: [text(e) for e in row] for key, row in vectors.items() if row is not None}
        if self.tolerance:
            content["tolerance"] = decimal_text(self.tolerance)
        if claims := self.claims.content():
            content["claims"] = claims
        if self.references:
            content["references"] = list(self.references)
        return content

    def entries(self) -> list[tuple[tuple[str | int, ...], Element]]:
        """Every entry of the arrays as given, with the key of its array and its indices: (("A", 2, 1), ...)."""
        matrices: dict[str, Rows] = {}
        vectors: dict[str, Row | None] = {}
        if self.shu_osher is not None:
            matrices |= {"alpha": self.shu_osher.alpha, "beta": self.shu_osher.beta}
            vectors["b_hat"] = self.shu_osher.b_hat
        if (form := self.butcher) is not None:
            matrices["A"] = form.A
            vectors = {"b": form.b, "c": form.c, "b_hat": form.b_hat}
        found = [
            ((key, i, j), e) for key, rows in matrices.items() for i, row in enumerate(rows) for j, e in enumerate(row)
        ]
        return [*found, *(((key, i), e) for key, row in vectors.items() for i, e in enumerate(row or ()))]

    def initial(self) -> dict[str, Element]:
        """The initial value of every parameter, as numbers of ``field.constants``."""
        return {p.name: p.init for p in self.parameters}

    def at(self, values: Mapping[str, Element | Fraction | int]) -> Tableau:
        """The member(s) of the family at the given values of some or all parameters.

        Values are rationals or numbers of ``field.constants``.  Claims are dropped, since they speak of the family.
        ZeroDivisionError at a pole.
        """

        shu_osher, butcher = self._forms(lambda entry: self.field.substitute(entry, values))
        return replace(
            self,
            field=self.field.without(values),
            shu_osher=shu_osher,
            butcher=butcher,
            parameters=tuple(p for p in self.parameters if p.name not in values),
            claims=Claims(),
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Tableau:
        return self  # frozen through and through

    def __reduce__(self) -> tuple[Any, ...]:
        state = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        field, number = self.field, self.field.constants
        state["shu_osher"], state["butcher"] = self._forms(field.pack)
        state["parameters"] = tuple(p.mapped(number.pack) for p in self.parameters)
        state["claims"] = self.claims.mapped(field.pack)
        state["origin"] = self.origin and replace(self.origin, positions=dict(self.origin.positions))
        return _restored, (state,)

    def _forms(self, f: Callable[[Element], Any]) -> tuple[ShuOsher | None, Butcher | None]:
        """Both forms with every entry replaced by ``f(entry)``."""

        def row(entries: Row) -> Row:
            return tuple(f(entry) for entry in entries)

        def optional(entries: Row | None) -> Row | None:
            return None if entries is None else row(entries)

        shu_osher, butcher = self.shu_osher, self.butcher
        return (
            shu_osher
            and ShuOsher(tuple(map(row, shu_osher.alpha)), tuple(map(row, shu_osher.beta)), optional(shu_osher.b_hat)),
            butcher
            and Butcher(tuple(map(row, butcher.A)), row(butcher.b), optional(butcher.c), optional(butcher.b_hat)),
        )

    def _public(self, rows: Rows) -> tuple[tuple[sympy.Expr, ...], ...]:
        return tuple(tuple(self.field.sympy(entry) for entry in row) for row in rows)


def _restored(state: dict[str, Any]) -> Tableau:
    """The tableau from what `Tableau.__reduce__` took apart."""
    field: Field = state["field"]
    packed = Tableau(**{**state, "parameters": (), "claims": Claims(), "origin": None})
    shu_osher, butcher = packed._forms(field.unpack)
    return replace(
        packed,
        shu_osher=shu_osher,
        butcher=butcher,
        parameters=tuple(p.mapped(field.constants.unpack) for p in state["parameters"]),
        claims=state["claims"].mapped(field.unpack),
        origin=state["origin"],
    )


def layout(value: Any, indent: int = 0) -> str:
    """JSON with one row of an array to a line, as people write tableaus."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or (indent and len(flat) + indent <= _WIDTH and not _is_table(value)):
        return flat
    pad = " " * (indent + 2)
    if isinstance(value, dict):
        lines = [f"{pad}{json.dumps(k, ensure_ascii=False)}: {layout(v, indent + 2)}" for k, v in value.items()]
        return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"
    lines = [pad + layout(item, indent + 2) for item in value]
    return "[\n" + ",\n".join(lines) + "\n" + " " * indent + "]"


def _is_table(value: Any) -> bool:
    """A matrix of more than two rows gets a line for each row."""
    return isinstance(value, list) and len(value) > 2 and all(isinstance(row, list) for row in value)
