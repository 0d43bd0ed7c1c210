"""The API reference: one page a public package, made from its docstrings; what is public stands in `__init__.py`.

A name is public where the package defines it or imports it as itself (`from … import load as load`), so no list is
kept here.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pages import ROOT

PACKAGE = "rkblocks"
COMMAND_LINE = "What the command line does is on [its own page](../cli.md)."


@dataclass(frozen=True)
class Name:
    """A public name: `rkblocks.check` is defined in `rkblocks.verify.checking`."""

    package: str
    name: str
    home: str
    """The module that defines it; for a package its own name."""

    @property
    def public(self) -> str:
        """What a user writes."""
        return f"{self.package}.{self.name}"

    @property
    def path(self) -> str:
        """Where it is defined."""
        return f"{self.home}.{self.name}"


@cache
def packages() -> list[str]:
    """Return `rkblocks` and the packages that are public names of it, by name."""
    return [PACKAGE, *sorted(f"{PACKAGE}.{name}" for name, home in _imports(PACKAGE).items() if home == PACKAGE)]


def names(package: str) -> list[Name]:
    """Return the public names of a package in the order in which it has them, packages left out."""
    passed_on = [
        Name(package, name, _home(home, name))
        for name, home in _imports(package).items()
        if f"{package}.{name}" not in packages()
    ]
    defined = [node.name for node in _tree(package).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return [*passed_on, *(Name(package, name, package) for name in defined if not name.startswith("_"))]


def pages() -> dict[str, str]:
    """Return the pages of the reference by address."""
    made = {f"api/{package}.md": _page(package) for package in packages()}
    return {"api/index.md": _index(), **made}


def _index() -> str:
    lines = [
        "# API",
        "",
        "Every public name, by package; an entry has arguments with types and shapes, what is raised, and the source.",
        COMMAND_LINE,
    ]
    for package in packages():
        lines += ["", f"## [{package}]({package}.md)", "", _first_line(package), ""]
        lines += [f"- [`{n.name}`]({_shown_at(n)}): {_first_line(n.home, n.name)}" for n in names(package)]
    return "\n".join(lines) + "\n"


def _page(package: str) -> str:
    lines = [
        f"# {package}",
        "",
        f"::: {package}",
        "    options: {show_root_heading: false, show_root_toc_entry: false, members: []}",
    ]
    for name in names(package):
        lines += ["", f'<a id="{name.public}"></a>', ""]
        if _shown_at(name).startswith(f"{package}.md"):
            lines.append(f"::: {name.path}")
        else:
            lines += [f"## {name.name}", "", f"The same as [`{PACKAGE}.{name.name}`]({_shown_at(name)})."]
    return "\n".join(lines) + "\n"


def _shown_at(name: Name) -> str:
    """Return the place of the full entry, from the folder of the reference: on the page of the widest package."""
    wide = any(other.path == name.path for other in names(PACKAGE))
    package = PACKAGE if wide else name.package
    return f"{package}.md#{package}.{name.name}"


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_file(module).read_text(encoding="utf-8"))


def _file(module: str) -> Path:
    place = ROOT.joinpath(*module.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


@cache
def _imports(package: str) -> dict[str, str]:
    """Return what a package gives to others, with the module that it takes each name from."""
    return {
        alias.name: node.module or ""
        for node in ast.walk(_tree(package))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }


def _home(module: str, name: str) -> str:
    """Return the module that defines a name, those that pass it on followed."""
    while name in _imports(module):
        module = _imports(module)[name]
    return module


def _first_line(module: str, name: str | None = None) -> str:
    """Return the first sentence of a docstring."""
    tree = _tree(module)
    text: str | None = None
    if name is None:
        text = ast.get_docstring(tree)
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            text = ast.get_docstring(node)
        elif name in _assigned(node) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            text = str(after.value.value)
    assert text, f"{module}{f'.{name}' if name else ''} is public and has no docstring"
    return " ".join(text.split("\n\n")[0].split())


def _assigned(node: ast.stmt) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]
