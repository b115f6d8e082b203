"""Markdown, as far as the page needs it."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a cell may hold code and bars."""
    cells = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells) + "\n"


def code(*names: object) -> str:
    """Names in typewriter, separated by commas."""
    return ", ".join(f"`{name}`" for name in names)


def block(lines: Iterable[str], language: str = "") -> str:
    """Lines as they are."""
    return f"```{language}\n" + "\n".join(lines) + "\n```\n"


def sentence(docstring: str | None) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join((docstring or "").split("\n\n")[0].split())
