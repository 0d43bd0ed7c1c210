"""Pages of the repository as pages of the site: where they lie there, their links, the files that they point to.

README and docs/*.md stay as GitHub shows them. A link that leads out of docs/ (to an example, a study, a tableau)
leads on the site to a listing of that file.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AT_ROOT = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "CODE_OF_CONDUCT.md": "conduct.md",
}
LANGUAGES = {".py": "python", ".toml": "toml", ".json": "json", ".yml": "yaml"}
_FENCE = re.compile(r"^( *)(```+)([^\n`]*)\n.*?^\1\2$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<=\]\()([^)#\s]*)((?:#[^)\s]*)?)(?=\))")
_ROW_OF_THE_LIBRARY = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)


def origin(uri: str) -> str | None:
    """Return the file of the repository that the page of this address shows, None for a page made by the build."""
    named = {page: source for source, page in AT_ROOT.items()}
    if uri in named:
        return named[uri]
    return f"docs/{uri}" if (ROOT / "docs" / uri).is_file() else None


def address(path: str) -> str:
    """Return the address on the site of a file or folder of the repository."""
    if path in AT_ROOT:
        return AT_ROOT[path]
    place = ROOT / path
    if place.is_dir():
        readme = f"{path}/README.md"
        return address(readme) if (ROOT / readme).is_file() else f"source/{path}/index.md"
    if place.suffix == ".ipynb":
        return path.removeprefix("docs/").removesuffix(".ipynb") + ".md"
    if path.startswith("docs/") and place.suffix not in (".py", ".zip"):
        return path.removeprefix("docs/")
    return f"source/{path}.md"


def targets(text: str, source: str) -> set[str]:
    """Return the files and folders of the repository to which a page that lies at `source` has links."""
    found = {_target(match[1], source) for part in _prose(text)[::2] for match in _LINK.finditer(part)}
    return {path for path in found if path is not None}


def for_site(text: str, source: str) -> str:
    """Return the Markdown of a page of the repository with links and code blocks as the site wants them."""
    here = posixpath.dirname(address(source))

    def link(match: re.Match[str]) -> str:
        path = _target(match[1], source)
        return match[0] if path is None else posixpath.relpath(address(path), here or ".") + match[2]

    parts = _prose(text)
    parts[::2] = [_LINK.sub(link, part) for part in parts[::2]]
    parts[1::2] = [_opened(part) for part in parts[1::2]]
    return "".join(parts)


def with_schemes(text: str, names: set[str]) -> str:
    """Return the page of the library with links from its table to the pages of the schemes."""
    return _ROW_OF_THE_LIBRARY.sub(
        lambda match: f"| [`{match[1]}`](schemes/{match[1]}.md) |" if match[1] in names else match[0], text
    )


def listing(path: str) -> str:
    """Return the page that shows one file of the repository, or what is in one folder."""
    place = ROOT / path
    if place.is_dir():
        rows = [
            f"- [`{file.name}`]({file.name}.md): {summary(file)}"
            for file in sorted(place.iterdir())
            if file.suffix in LANGUAGES
        ]
        return f"# `{path}`\n\n" + "\n".join(rows) + "\n"
    language = LANGUAGES.get(place.suffix, "text")
    text = place.read_text(encoding="utf-8").rstrip("\n")
    return f"# `{path}`\n\n{fenced(text, language)}\n"


def listed(path: str) -> list[str]:
    """Return the paths whose listings belong to the listing of `path`: of a folder, those of its files, too."""
    place = ROOT / path
    files = sorted(place.iterdir()) if place.is_dir() else []
    return [path, *(f"{path}/{file.name}" for file in files if file.suffix in LANGUAGES)]


def summary(file: Path) -> str:
    """Return the first sentence of a script or the first comment of a file."""
    found = re.search(r'\A(?:#![^\n]*\n)?(?:r?"""|# )([^\n]*)', file.read_text(encoding="utf-8"))
    return found[1].strip().removesuffix('"""') if found else ""


def fenced(text: str, language: str = "text") -> str:
    """Return a code block around text that may hold code blocks itself."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}{language}\n{text}\n{marks}"


def _prose(text: str) -> list[str]:
    """Return prose and code blocks in turn; prose first, perhaps empty."""
    parts, end = [], 0
    for match in _FENCE.finditer(text):
        parts += [text[end : match.start()], match[0]]
        end = match.end()
    return [*parts, text[end:]]


def _target(link: str, source: str) -> str | None:
    if not link or "://" in link or link.startswith(("/", "mailto:")):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
    return path if not path.startswith("..") and (ROOT / path).exists() else None


def _opened(block: str) -> str:
    """Return a code block with the words that only tests read taken off its first line; a file is its title."""
    first, _, rest = block.partition("\n")
    marks = re.match(r" *`+", first)
    assert marks is not None
    language, *words = first[marks.end() :].split() or ["text"]
    file = next((word for word in words if re.match("(file|new|in)=", word)), "")
    title = f' title="{file.partition("=")[2]}"' if file else ""
    return f"{marks[0]}{language}{title}\n{rest}"
