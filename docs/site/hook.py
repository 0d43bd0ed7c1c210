"""What MkDocs asks while it builds: the pages that are made, the navigation, the repository's pages made fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import api
import gallery
import notebooks
import pages
import schemes
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from rkblocks.files import library


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Complete the navigation: the reference, and under Guides every page of docs/ that stands nowhere."""
    assert config.nav is not None
    listed = set(_uris(config.nav))
    found = {path.name for path in (pages.ROOT / "docs").glob("*.md")}
    for part in config.nav:
        if "Guides" in part:
            part["Guides"] += sorted(found - listed)
        if "API" in part:
            part["API"] = list(api.pages())
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made: those at the repository's root, listings, schemes, reference, notebooks, gallery."""
    for source, uri in pages.AT_ROOT.items():
        _add(files, config, uri, (pages.ROOT / source).read_text(encoding="utf-8"))
    for uri, text in api.pages().items():
        _add(files, config, uri, text)
    made = schemes.pages()
    _add(files, config, "schemes/index.md", schemes.index(made))
    for page in made:
        _add(files, config, f"schemes/{page.name}.md", page.markdown)
        _copy(files, config, f"schemes/{page.name}.png", page.picture)
    for path in library.SCHEMAS.values():
        _copy(files, config, f"schemas/{path.name}", path)
    for uri, text in notebooks.pages().items():
        _add(files, config, uri, text)
    text, pictures = gallery.page()
    _add(files, config, "gallery.md", text)
    for uri, path in pictures.items():
        _copy(files, config, uri, path)
    pointed = {
        target
        for file in files.documentation_pages()
        if (source := pages.origin(file.src_uri)) is not None
        for target in pages.targets((pages.ROOT / source).read_text(encoding="utf-8"), source)
    }
    for path in sorted({path for target in pointed for path in pages.listed(target)}):
        uri = pages.address(path)
        if files.get_file_from_path(uri) is None:
            _add(files, config, uri, pages.listing(path))
    return files


def on_page_markdown(markdown: str, *, page: Page, files: Files, **_: Any) -> str:
    """Make a page of the repository one of the site."""
    source = pages.origin(page.file.src_uri)
    if source is None:
        return markdown
    text = pages.for_site(markdown, source)
    if source == "docs/tableaus.md":
        text = pages.with_schemes(
            text, {Path(file.src_uri).stem for file in files if file.src_uri.startswith("schemes/")}
        )
    return text


def _add(files: Files, config: MkDocsConfig, uri: str, text: str) -> None:
    files.append(File.generated(config, uri, content=text))


def _copy(files: Files, config: MkDocsConfig, uri: str, path: Path) -> None:
    files.append(File.generated(config, uri, abs_src_path=str(path)))


def _uris(nav: list[Any]) -> list[str]:
    """Return the pages that a navigation names."""
    found: list[str] = []
    for part in nav:
        value = next(iter(part.values())) if isinstance(part, dict) else part
        found += _uris(value) if isinstance(value, list) else [value]
    return found
