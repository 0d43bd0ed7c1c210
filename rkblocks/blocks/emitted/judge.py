"""Whether an emitted file still is the scheme of its header: what it computed against what the scheme compiles to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from rkblocks import files
from rkblocks.blocks.emitted.observe import Emitted, Trial, read, run, run_here
from rkblocks.diagnostics import Diagnostic, RkblocksError, diagnostic
from rkblocks.exact.field import Field
from rkblocks.forms import Method, reduce
from rkblocks.program.emit import emit
from rkblocks.program.header import header, read_header
from rkblocks.program.ir import INPUT, Program
from rkblocks.program.lower import Source, lower, proved, tableau_of
from rkblocks.program.rounding import entry_text, exact_rows
from rkblocks.program.scheme_summary import Summary
from rkblocks.program.step_source import domains
from rkblocks.tableau import Tableau
from rkblocks.verify.order import order

TOLERANCE = Fraction(1, 2**40)
"""What rounding may do to an order condition, a row sum, or a coefficient, where the scheme itself is not known."""
AFFINE = 1e-9
"""Relative error on random vectors above which a step is not the affine map that was read off: far above rounding,
which cancellation inside a low-storage scheme can bring to 1e-12."""
_SHOWN = 6


@dataclass(frozen=True)
class Verification:
    """What was found about an emitted file.

    ``known`` says that the tableau of the header's hash was at hand; then ``difference`` is the largest difference of a
    recovered coefficient to the exact one, at ``place``, and ``order``, ``ssp`` and ``growth`` are those proved.  Else
    ``order`` is that of the recovered coefficients within `TOLERANCE`, and there is nothing to say on the others.
    ``coefficients`` are those recovered, at the start of a family; ``dt`` is the step size in the header.
    """

    file: str
    class_name: str
    name: str
    digest: str
    known: bool
    dt: Fraction
    calls: int
    cases: int
    order: int
    ssp: str | None
    growth: str | None
    coefficients: dict[str, tuple[float, ...]]
    difference: float | None
    place: str
    diagnostics: tuple[Diagnostic, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was found wrong."""
        return not any(d.severity == "error" for d in self.diagnostics)

    @property
    def status(self) -> int:
        """The exit status."""
        return max((d.status for d in self.diagnostics), default=0)

    def to_dict(self) -> dict[str, Any]:
        """The content as a JSON object."""
        found = {k: v for k, v in vars(self).items() if k not in ("diagnostics", "coefficients")}
        rows = {key: list(row) for key, row in self.coefficients.items()}
        found["dt"] = str(self.dt)
        return {"ok": self.ok} | found | {"coefficients": rows, "diagnostics": [d.to_dict() for d in self.diagnostics]}


def verify_file(path: str, tableau: Source | None = None, *, timeout: float = 60.0) -> Verification:
    """The verification of an emitted file; the file is executed for it, in another process, with the caller's rights.

    The coefficients are read off by running the step on unit vectors in double precision.  Where the tableau of the
    header is at hand (in the library, or as ``tableau``), they must be the same 64-bit numbers that its compiled
    program gives on the same machine, at the start of a family and at other values, and the figures of the header must
    be those proved.  Else the order is computed from them, within rounding, and compared with that of the header.

    Args:
        path: of the file.
        tableau: the scheme that it should be; looked up in the library by the name in the header where left out.
        timeout: seconds for each run.

    Raises:
        RkblocksError: RK001, RK003, RK515 (no emitted block), RK516 (it does not run), and what reading the tableau
            raises.
    """
    emitted = read(path)
    return judge(emitted, run(emitted.text, emitted.class_name, timeout=timeout, source=path), tableau)


def judge(emitted: Emitted, cases: tuple[Trial, ...], tableau: Source | None = None) -> Verification:
    """The verification of a file that was read and run; `verify_file` says what is compared with what."""
    scheme = _library(emitted.header.name) if tableau is None else tableau_of(tableau)
    if scheme is None:
        return _unknown(emitted, cases)
    if scheme.digest != emitted.header.digest:
        return _another(emitted, cases, scheme)
    return _known(emitted, cases, scheme)


def _library(name: str) -> Tableau | None:
    found = next((entry for entry in files.catalog() if entry.name == name), None)
    return None if found is None else files.load(str(found.path))


def _known(emitted: Emitted, cases: tuple[Trial, ...], scheme: Tableau) -> Verification:
    """The file against the program of its scheme."""
    dt, time, error = _step_size(emitted), bool(cases[0].times), len(cases[0].results) > 1
    facts = proved(scheme)
    try:
        program = lower(scheme, dt=dt, time=time, error=error)
    except RkblocksError:  # it returns two values, and the scheme has no embedded method
        program = lower(scheme, dt=dt, time=time)
    text = emit(scheme, dt=dt, time=time, error=program.error is not None, class_name="Expected")
    expected = run_here(text, "Expected")
    difference, place = _difference(program, cases[0])
    findings = (*_deviations(cases), *_unequal(cases, expected), *_promises(emitted, scheme, facts, program))
    found = _verification(emitted, cases, findings, facts.order)
    return replace(found, known=True, ssp=facts.ssp, growth=facts.growth, difference=difference, place=place)


def _another(emitted: Emitted, cases: tuple[Trial, ...], scheme: Tableau) -> Verification:
    """The file against a scheme whose hash its header does not carry."""
    finding = diagnostic(
        "RK517",
        f"the header names {emitted.header.name} with sha256 {emitted.header.digest[:12]}…, the tableau {scheme.name} "
        f"has {scheme.digest[:12]}…",
        help="compile the tableau again, or name the one that the file was compiled from with --tableau FILE",
    )
    return _unknown(emitted, cases, finding)


def _unknown(emitted: Emitted, cases: tuple[Trial, ...], *findings: Diagnostic) -> Verification:
    """The file by itself: the order of what it computes, within rounding."""
    promised = emitted.header.rows.get("order", "nothing")
    looked_at = cases[:1] if "start" in promised else cases
    found = min(_order(case, _step_size(emitted)) for case in looked_at)
    claimed = re.match(r"\d+", promised)
    wrong = []
    if claimed is None or int(claimed[0]) != found:
        message = f"the header promises order {promised}, what the file computes has order {found} within rounding"
        wrong.append(diagnostic("RK518", message, help="compile the tableau again"))
    return _verification(emitted, cases, (*findings, *_deviations(cases), *wrong), found)


def _verification(
    emitted: Emitted, cases: tuple[Trial, ...], findings: tuple[Diagnostic, ...], order: int
) -> Verification:
    """What is said of every file; the rest is known of one whose scheme is."""
    return Verification(
        file=emitted.path,
        class_name=emitted.class_name,
        name=emitted.header.name,
        digest=emitted.header.digest,
        known=False,
        dt=_step_size(emitted),
        calls=len(cases[0].points),
        cases=len(cases),
        order=order,
        ssp=None,
        growth=None,
        coefficients=cases[0].rows,
        difference=None,
        place="",
        diagnostics=findings,
    )


def _step_size(emitted: Emitted) -> Fraction:
    """dt as the header gives it."""
    found = re.match(r"\d+(/[1-9]\d*)?", emitted.header.rows.get("step size", "1"))
    return Fraction(found[0]) if found and Fraction(found[0]) else Fraction(1)


def _deviations(cases: tuple[Trial, ...]) -> Iterator[Diagnostic]:
    """The step must be the affine map that was read off, in training and in evaluation."""
    for case in cases:
        if not case.deviation <= AFFINE:
            yield diagnostic(
                "RK517",
                "the step is no affine map of x and of what F returned: on random vectors it differs by "
                f"{case.deviation:.1e}",
            )
        if not case.modes_agree:
            yield diagnostic("RK517", "the step computes something else in evaluation mode than in training mode")


def _unequal(cases: tuple[Trial, ...], expected: tuple[Trial, ...]) -> Iterator[Diagnostic]:
    """Every number must be the one that the compiled program gives; the first few that are not."""
    if cases[0].raw != expected[0].raw:
        yield diagnostic(
            "RK517", f"the coefficients start at raw {_texts(cases[0])}, the scheme's at {_texts(expected[0])}"
        )
        return
    found = [text for ours, theirs in zip(cases, expected, strict=True) for text in _texts_unequal(ours, theirs)]
    for text in found[:_SHOWN]:
        yield diagnostic("RK517", text)
    if len(found) > _SHOWN:
        yield diagnostic("RK517", f"{len(found) - _SHOWN} more numbers differ")


def _texts(case: Trial) -> str:
    return ", ".join(f"{name} = {value!r}" for name, value in case.raw.items()) or "nothing"


def _texts_unequal(ours: Trial, theirs: Trial) -> Iterator[str]:
    where = f" at raw {_texts(ours)}" if ours.raw else ""
    if len(ours.points) != len(theirs.points):
        yield f"F is called {len(ours.points)} times, the scheme needs {len(theirs.points)}{where}"
        return
    if len(ours.results) != len(theirs.results):
        yield f"the step returns {len(ours.results)} values, expected {len(theirs.results)}"
        return
    rows = theirs.rows
    for key, row in ours.rows.items():
        for j, (a, b) in enumerate(zip(row, rows[key], strict=True)):
            if a != b and not (a != a and b != b):
                name = entry_text(key, j - 1 if j else None)
                yield f"{name} is {a!r}, the scheme's program gives {b!r} (difference {abs(a - b):.1e}){where}"
    for i, (a, b) in enumerate(zip(ours.times, theirs.times, strict=True)):
        if a != b:
            yield f"F is called at time {a!r} for the stage u{i}, expected {b!r}{where}"


def _promises(emitted: Emitted, scheme: Tableau, facts: Summary, program: Program) -> Iterator[Diagnostic]:
    """The figures of the header must be the proved ones."""
    proved_header = read_header(header(scheme, facts, program).strip().strip('"'))
    assert proved_header is not None
    ours, theirs = emitted.header.rows, proved_header.rows
    for key in dict.fromkeys((*theirs, *ours)):
        if key == "l2" and key not in ours:  # written before there was this row
            continue
        if key not in ("reference", "tableau") and ours.get(key) != theirs.get(key):
            said, found = ours.get(key, "nothing"), theirs.get(key, "nothing")
            yield diagnostic("RK518", f"the header promises {key}: {said}; proved is {found}")


def _difference(program: Program, case: Trial) -> tuple[float | None, str]:
    """The largest difference of a recovered coefficient to the exact one."""
    learned = domains(program)
    if set(learned) != set(case.raw) or program.calls != len(case.points):
        return None, ""
    exact = exact_rows(program, {name: Fraction(d.value(case.raw[name])) for name, d in learned.items()})
    largest, place = Fraction(0), ""
    for key, row in case.rows.items():
        for j, value in enumerate(row):
            if value - value != 0:  # no finite number
                return None, ""
            size = abs(Fraction(value) - exact.get(key, {}).get(INPUT if j == 0 else f"f{j - 1}", Fraction(0)))
            if size > largest:
                largest, place = size, entry_text(key, j - 1 if j else None)
    return float(largest), place


def _order(case: Trial, dt: Fraction) -> int:
    """The order of the recovered method within the tolerance; 0 for what is no consistent explicit method."""
    rows = [*case.points, case.results[0]]
    m = len(case.points)
    if any(value - value != 0 for row in rows for value in row) or any(abs(row[0] - 1) > TOLERANCE for row in rows):
        return 0
    field = Field()
    K = [tuple(field.rational(Fraction(value) / dt) for value in row[1:]) for row in rows]
    if any(row[j] for i, row in enumerate(K[:m]) for j in range(i, m)):
        return 0
    reduced = reduce(Method(field, tuple(K[:m]), K[m]))
    return order(reduced, TOLERANCE).value if reduced.b else 0
