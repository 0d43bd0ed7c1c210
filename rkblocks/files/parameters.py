"""The parameters block: names, domains, initial values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from keyword import iskeyword, issoftkeyword
from typing import TYPE_CHECKING

from rkblocks.escape import shown
from rkblocks.files.nodes import (
    Array,
    Constant,
    Member,
    Node,
    Object,
    ParsedEntry,
    Problems,
    check_keys,
    child,
    describe,
    expect_object,
    member_place,
    read_constant,
    wrong_type,
)

if TYPE_CHECKING:
    from rkblocks.exact.field import Element, Field
    from rkblocks.tableau import Parameter

MOST_PARAMETERS = 16
_KEYS = ("domain", "init", "learnable")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_OF_MODULES = """
    T_destination add_module apply bfloat16 buffers call_super_init children clear compile copy cpu cuda double
    dump_patches eval extra_repr float forward fromkeys get get_buffer get_extra_state get_parameter get_submodule half
    ipu items keys load_state_dict modules mtia named_buffers named_children named_modules named_parameters parameters
    pop popitem register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
    register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule setdefault share_memory state_dict to
    to_empty train training type update values xpu zero_grad
"""
OF_MODULES = frozenset(_OF_MODULES.split())
"""Attributes of `torch.nn.ParameterDict`, which stores learned coefficients as attributes beside its own (a test
compares the list with torch, which the reader does not import)."""


@dataclass(frozen=True)
class DeclaredParameter:
    """A parameter as written; a bound of None is no bound."""

    name: str
    path: str
    low: ParsedEntry | None
    high: ParsedEntry | None
    init: ParsedEntry | None
    learnable: bool
    complete: bool

    def cells(self) -> list[ParsedEntry]:
        return [cell for cell in (self.low, self.high, self.init) if cell is not None]


def declared_names(root: Object) -> tuple[str, ...]:
    """The names under "parameters", fit or unfit, so that entries with them are not reported as well."""
    block = root.get("parameters")
    return tuple(m.key.value for m in block.members) if isinstance(block, Object) else ()


def read_parameters(root: Object, problems: Problems) -> tuple[DeclaredParameter, ...]:
    """The declared parameters in the order of the file."""
    node = root.get("parameters")
    block = None if node is None else expect_object(node, "/parameters", problems, '"parameters"')
    if block is None:
        return ()
    if len(block.members) > MOST_PARAMETERS:
        message = f"{len(block.members)} parameters; at most {MOST_PARAMETERS} are accepted"
        help = "declare those that are free, and write the others as expressions in them"
        problems.add("RK146", message, path="/parameters", line=block.line, column=block.column, help=help)
        return ()
    names = tuple(m.key.value for m in block.members)
    return tuple(_read(member, names, problems) for member in block.members)


def _read(member: Member, names: tuple[str, ...], problems: Problems) -> DeclaredParameter:
    name, path = member.key.value, child("/parameters", member.key.value)
    if not _NAME.fullmatch(name) or name == "sqrt" or iskeyword(name) or issoftkeyword(name) or name in OF_MODULES:
        message = f"{shown(name)} is no name for a parameter"
        help = "a letter, then up to 63 letters, digits and _; neither sqrt nor a word of Python such as lambda"
        if name in OF_MODULES:
            message += f": every torch module has something else of that name ({name} of torch.nn.ParameterDict)"
            help = f"another name, such as {name}_0 or beta10"
        problems.add("RK143", message, path=path, **member_place(member), help=help)
    body = expect_object(member.value, path, problems, f"the parameter {shown(name)}")
    if body is None:
        return DeclaredParameter(name, path, None, None, None, True, False)
    check_keys(body, _KEYS, path, problems, "a parameter")
    for key in ("domain", "init"):
        if body.get(key) is None:
            help = (
                "a domain without bounds is [null, null]" if key == "domain" else 'training starts there: "init": "1/2"'
            )
            problems.add(
                "RK141", f'the parameter {shown(name)} has no "{key}"', path=path, **member_place(member), help=help
            )
    low, high, complete = _domain(body.get("domain"), child(path, "domain"), names, problems)
    init_node = body.get("init")
    init = None if init_node is None else read_constant(init_node, child(path, "init"), names, problems)
    learnable = body.get("learnable")
    if learnable is not None and not (isinstance(learnable, Constant) and learnable.value is not None):
        expected, help = '"learnable" to be true or false', "true: every block trains it; false: it stays at init"
        wrong_type(learnable, child(path, "learnable"), problems, expected, help)
    trained = not (isinstance(learnable, Constant) and learnable.value is False)
    return DeclaredParameter(name, path, low, high, init, trained, complete and init is not None)


def _domain(
    node: Node | None, path: str, names: tuple[str, ...], problems: Problems
) -> tuple[ParsedEntry | None, ParsedEntry | None, bool]:
    """Both bounds, and whether both could be read."""
    if node is None or type(node) is Node:
        return None, None, False
    if not isinstance(node, Array) or len(node.items) != 2:
        message = f"a domain is a list of two bounds [low, high], found {describe(node)}"
        problems.add("RK142", message, path=path, line=node.line, column=node.column, help="null stands for no bound")
        return None, None, False
    bounds: list[ParsedEntry | None] = []
    complete = True
    for i, item in enumerate(node.items):
        unbounded = isinstance(item, Constant) and item.value is None
        bounds.append(None if unbounded else read_constant(item, child(path, i), names, problems))
        complete &= unbounded or bounds[-1] is not None
    return bounds[0], bounds[1], complete


def settle(
    declared: tuple[DeclaredParameter, ...], values: dict[str, Element], field: Field, problems: Problems
) -> tuple[Parameter, ...]:
    """The parameters with their numbers, after comparing bounds and initial values exactly.

    Args:
        values: the numbers of `field.constants` by JSON pointer.
    """
    from rkblocks.tableau import Parameter

    numbers = field.constants
    settled = []
    for one in declared:
        if not one.complete or any(cell.path not in values for cell in one.cells()):
            continue
        assert one.init is not None
        init: Element = values[one.init.path]
        low: Element = None if one.low is None else values[one.low.path]
        high: Element = None if one.high is None else values[one.high.path]
        if one.low and one.high and numbers.sign(high - low) <= 0:
            message = f"the domain ({one.low.text}, {one.high.text}) of {one.name} is empty"
            node = one.low.node
            help = "the lower bound comes first: [low, high]"
            problems.add("RK216", message, path=f"{one.path}/domain", line=node.line, column=node.column, help=help)
            continue
        wrong = ""
        if one.low and numbers.sign(init - low) <= 0:
            wrong = f"greater than {shown(one.low.text, quotes=False)}"
        elif one.high and numbers.sign(high - init) <= 0:
            wrong = f"less than {shown(one.high.text, quotes=False)}"
        if wrong:
            problems.add(
                "RK217",
                f"the initial value {shown(one.init.text, quotes=False)} of {one.name} must be {wrong}",
                path=one.init.path,
                line=one.init.node.line,
                column=one.init.node.column,
                help="training never reaches the end points of a domain, so it cannot start there",
            )
            continue
        settled.append(Parameter(one.name, low, high, init, one.learnable))
    return tuple(settled)
