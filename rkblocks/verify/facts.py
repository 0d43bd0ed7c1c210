"""Everything that is known about one tableau, each fact computed when first asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from rkblocks.exact.field import Element, Field
from rkblocks.exact.roots import Coefficients, Crossing
from rkblocks.exact.work import PART, TooLarge, budget, within
from rkblocks.forms import Butcher, Method, Reduction, Row, to_butcher
from rkblocks.tableau import Claims, Parameter, Tableau
from rkblocks.verify.contractivity import Contractivity, circle_contractivity
from rkblocks.verify.declared import Declared, Place, declared
from rkblocks.verify.nonautonomous import TimedOrder, timed_order
from rkblocks.verify.order import Conditions, ElementaryWeights, Order, loosened, magnitude, order_of
from rkblocks.verify.radius import ResolventEntry, ssp_coefficient
from rkblocks.verify.stability import stability_polynomial
from rkblocks.verify.variance import Growth, variance_growth

if TYPE_CHECKING:  # families import what other tableaus never need
    from rkblocks.verify.family.lower_bound import LowerBound
    from rkblocks.verify.family.pieces import Case
    from rkblocks.verify.family.region import Region
    from rkblocks.verify.family.rho_cases import RhoPiece

T = TypeVar("T")


@dataclass(frozen=True)
class Facts:
    """The facts about a tableau; `reduced` figures are those of the method without unused and equal stages."""

    tableau: Tableau

    @property
    def field(self) -> Field:
        """The field of the coefficients."""
        return self.tableau.field

    @property
    def form(self) -> Butcher:
        """The Butcher form, given or converted."""
        return self.tableau.butcher_form

    @cached_property
    def converted(self) -> Butcher | None:
        """The Butcher form that the declared Shu-Osher form gives, where there is one."""
        declared_form = self.tableau.shu_osher
        return None if declared_form is None else to_butcher(self.field, declared_form)

    @cached_property
    def alpha_defects(self) -> Row:
        """What the sums of the rows of alpha are off 1, where they are."""
        form, one = self.tableau.shu_osher, self.field.one
        sums = [sum(row, self.field.zero) for row in form.alpha] if form is not None else []
        return tuple(total - one for total in sums if total - one)

    @cached_property
    def alpha_defect(self) -> Element:
        """The largest of these by size, 0 where every row sums to 1; of numbers alone."""
        largest = self.field.zero
        for size in (magnitude(self.field, defect) for defect in self.alpha_defects):
            if size is not None and self.field.sign(size - largest) > 0:
                largest = size
        return largest

    @cached_property
    def disagreements(self) -> tuple[tuple[Place, Element, Element], ...]:
        """Entries in which the two forms of the file differ, with what is given and what alpha and beta give."""
        given, derived = self.tableau.butcher, self.converted
        if given is None or derived is None:
            return ()
        differ: list[tuple[Place, Element, Element]] = [
            (("A", i, j), x, y)
            for i, (row, other) in enumerate(zip(given.A, derived.A, strict=True))
            for j, (x, y) in enumerate(zip(row, other, strict=True))
        ]
        differ += [(("b", j), x, y) for j, (x, y) in enumerate(zip(given.b, derived.b, strict=True))]
        return tuple(found for found in differ if found[1] - found[2])

    @cached_property
    def reduced(self) -> Reduction:
        """The method without unused and equal stages."""
        return self.tableau.reduced

    @cached_property
    def typed(self) -> Method:
        """The table as written, unused and equal stages included."""
        return Method(self.field, self.form.A, self.form.b)

    @property
    def was_reduced(self) -> bool:
        """Whether stages were removed."""
        return len(self.reduced.kept) < self.tableau.stages

    @cached_property
    def conditions(self) -> Conditions:
        """The order conditions of (A, b)."""
        return Conditions(ElementaryWeights(self.field, self.form.A), self.form.b)

    @cached_property
    def order(self) -> Order:
        """The order of (A, b); unused and equal stages make no difference to it.

        Rows of alpha whose sums are 1 within the tolerance only make no method exactly, whatever b sums to.
        """
        found = order_of(self.conditions, self.tableau.tolerance)
        loose = self.tableau.butcher is None and self.alpha_defect
        return loosened(found, self.field, self.alpha_defect) if loose else found

    @cached_property
    def wrong_abscissae(self) -> tuple[int, ...]:
        """The stages whose declared c is not the row sum of A, nor within the tolerance of it."""
        c, within = self.form.c, self.field.within
        pairs = zip(c or (), self.tableau.row_sums, strict=False)
        return tuple(i for i, (x, total) in enumerate(pairs) if not within(x - total, self.tableau.tolerance))

    @cached_property
    def timed(self) -> TimedOrder | None:
        """The order for F(x, t), where the declared c is not the row sums of A."""
        c = self.form.c
        if c is None or not self.wrong_abscissae:
            return None
        with budget(PART):  # it says itself what is proved when this ends
            return timed_order(self.typed, c, self.order, self.tableau.tolerance)

    @cached_property
    def embedded_conditions(self) -> Conditions | None:
        """The order conditions of (A, b_hat), where there is an embedded method."""
        b_hat = self.form.b_hat
        return None if b_hat is None else Conditions(self.conditions.weights, b_hat)

    @cached_property
    def embedded(self) -> Order | None:
        """The order of (A, b_hat), where there is an embedded method."""
        conditions = self.embedded_conditions
        return None if conditions is None else order_of(conditions, self.tableau.tolerance)

    @cached_property
    def embedded_method(self) -> Facts | None:
        """The facts about (A, b_hat) as a method of its own, where there is one and it is consistent."""
        if self.embedded is None or self.embedded.value == 0:
            return None
        form = Butcher(self.form.A, self.form.b_hat or ())
        return Facts(replace(self.tableau, shu_osher=None, butcher=form, claims=Claims()))

    @cached_property
    def stability(self) -> Coefficients:
        """The stability polynomial."""
        return stability_polynomial(self.reduced)

    @cached_property
    def constant_stability(self) -> tuple[Field, Coefficients] | None:
        """The stability polynomial as numbers of a field, where no parameter occurs in it; many families have one."""
        if any(map(self.field.free_parameters, self.stability)):
            return None
        return self.field.constants, tuple(map(self.field.number, self.stability))

    @cached_property
    def optimal(self) -> Crossing[ResolventEntry] | None:
        """The optimal SSP coefficient, for a tableau without parameters; None without limit, or beyond `bracket`."""
        found = self._optimal
        return None if isinstance(found, TooLarge) else found

    @property
    def bracket(self) -> tuple[Fraction, Fraction] | None:
        """Proven bounds low <= R < high, where R itself would take too long to isolate."""
        found = self._optimal
        return found.bounds if isinstance(found, TooLarge) else None

    @cached_property
    def _optimal(self) -> Crossing[ResolventEntry] | TooLarge | None:
        return within(lambda: ssp_coefficient(self.reduced))

    @cached_property
    def contractivity(self) -> Contractivity | TooLarge | None:
        """The radius of circle contractivity, for a tableau without parameters; None where nothing limits it."""
        hint = None if self.optimal is None else self.optimal.root.fraction
        return within(lambda: circle_contractivity(self.reduced, hint))

    @cached_property
    def optimal_as_typed(self) -> Crossing[ResolventEntry] | TooLarge | None:
        """R of the table as written, or bounds of it, for a tableau without parameters."""
        return within(lambda: ssp_coefficient(self.typed))

    @cached_property
    def declared(self) -> Declared | None:
        """What the Shu-Osher form certifies, for a tableau without parameters."""
        return None if self.tableau.shu_osher is None else declared(self.field, self.tableau.shu_osher)

    @property
    def growth(self) -> Growth:
        """Growth of the variance by Lemma 3.  Raises TooLarge where `tried_growth` has none: for families alone."""
        if isinstance(self.tried_growth, TooLarge):
            raise self.tried_growth
        return self.tried_growth

    @cached_property
    def tried_growth(self) -> Growth | TooLarge:
        """Growth of the variance by Lemma 3, or why there is none."""
        return within(lambda: variance_growth(self.reduced))

    @cached_property
    def tried_growth_as_typed(self) -> Growth | TooLarge:
        """The formula of Lemma 3 applied to the table as written, or why it gives nothing."""
        return within(lambda: variance_growth(self.typed))

    @cached_property
    def at_init(self) -> Facts:
        """The facts about the member at the initial values; of the tableau itself where it has no parameters."""
        return Facts(self.tableau.at(self.tableau.initial())) if self.tableau.parameters else self

    @cached_property
    def effective(self) -> tuple[Parameter, ...]:
        """The parameters on which the result of a step depends."""
        rows = [*self.reduced.A, self.reduced.b]
        if self.tableau.shu_osher is not None:  # where these sums are not 1 identically, a step scales x itself
            rows += [(sum(row, self.field.zero),) for row in self.tableau.shu_osher.alpha]
        entries = (entry for row in rows for entry in row)
        names = {name for entry in entries for name in self.field.free_parameters(entry)}
        return tuple(p for p in self.tableau.parameters if p.name in names)

    @property
    def ineffective(self) -> tuple[Parameter, ...]:
        """The parameters without any effect on the result of a step or on the error estimate."""
        free = self.field.free_parameters
        embedded = {name for entry in self.form.b_hat or () for name in free(entry)}
        return tuple(p for p in self.tableau.parameters if p not in self.effective and p.name not in embedded)

    @cached_property
    def region(self) -> Region | None:
        """The declared form of a family against its domain."""
        from rkblocks.verify.family.region import region

        shu_osher = self.tableau.shu_osher
        if shu_osher is None:
            return None
        with budget(PART):  # beyond it, inequalities are undecided
            return region(self.field, shu_osher, self.tableau.parameters)

    @cached_property
    def trained(self) -> str | None:
        """Where training can find the declared form of a family nonnegative (`region.reach`)."""
        from rkblocks.verify.family.region import reach

        shu_osher = self.tableau.shu_osher
        if shu_osher is None:
            return None
        found = within(lambda: reach(self.field, shu_osher, self.tableau.parameters))
        return None if isinstance(found, TooLarge) else found

    @cached_property
    def lower_bound(self) -> LowerBound | TooLarge:
        """A bound of R that is proved for the whole family, or why there is none."""
        from rkblocks.verify.family.lower_bound import lower_bound

        return within(lambda: lower_bound(self.reduced, self.effective))

    @cached_property
    def rho_cases(self) -> tuple[RhoPiece, ...] | TooLarge:
        """rho of a family as a piecewise function, or why there is none: several parameters, or too large."""
        from rkblocks.verify.family.rho_cases import rho_cases

        return self._formula(rho_cases)

    @cached_property
    def cases(self) -> tuple[Case, ...] | TooLarge:
        """R of a family as a piecewise function, or why there is none: several parameters, or too large."""
        from rkblocks.verify.family.ssp_cases import ssp_cases

        return self._formula(ssp_cases)

    def _formula(self, solve: Callable[[Method, Parameter], T]) -> T | TooLarge:
        """What is solved for in the one effective parameter; with none, the reduced method is one method of numbers."""
        if len(self.effective) != 1:
            return TooLarge(reason=f"depends on {len(self.effective)} parameters; a formula is sought in one")
        return within(lambda: solve(self.reduced, self.effective[0]))
