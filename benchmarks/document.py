"""Puts a measured table into a document, so that no figure in it is typed by hand."""

import re
from pathlib import Path


def replace_section(document: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- name:begin -->` and `<!-- name:end -->`.

    Raises:
        ValueError: the document has no such section.
    """
    old = document.read_text(encoding="utf-8")
    section = re.compile(f"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
    if not section.search(old):
        raise ValueError(f"{document} has no section {name}")
    document.write_text(section.sub(lambda match: f"{match[1]}{text}\n{match[2]}", old), encoding="utf-8")
