"""A pytest plugin that turns tableau files into tests: `pytest -p rkblocks.testing.plugin --tableaus schemes/`.

Every JSON file that the given paths lead to becomes one test for each property of `rkblocks.testing`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rkblocks.testing import properties

PROPERTIES: dict[str, Callable[[Path], Any]] = {
    "checks": properties.assert_checks,
    "routes agree": properties.assert_routes_agree,
    "order is measured": properties.assert_order_is_measured,
    "block is interpreter": properties.assert_block_is_interpreter,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option --tableaus."""
    group = parser.getgroup("rkblocks")
    group.addoption(
        "--tableaus", action="store_true", help="collect the JSON files of the given paths as tableau files"
    )


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    """Collect a JSON file where the option asks for it."""
    if file_path.suffix == ".json" and parent.config.getoption("--tableaus"):
        return TableauFile.from_parent(parent, path=file_path)
    return None


class TableauFile(pytest.File):
    """The tests of one file."""

    def collect(self) -> Iterator[pytest.Item]:
        """One item a property; that of the block only where torch is installed."""
        for name in PROPERTIES:
            if name != "block is interpreter" or importlib.util.find_spec("torch") is not None:
                yield Property.from_parent(self, name=name)


class Property(pytest.Item):
    """One property of one file."""

    def runtest(self) -> None:
        """Raise AssertionError where the scheme does not have the property."""
        PROPERTIES[self.name](self.path)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The message alone: where in rkblocks it was raised helps nobody to mend a file."""
        if isinstance(excinfo.value, AssertionError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Path and name for the report."""
        return self.path, None, f"{self.path.name}: {self.name}"
