"""Tables as Markdown has them."""

from collections.abc import Iterable, Sequence


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = False) -> list[str]:
    """The lines of a table.

    Args:
        columns: the headings.
        rows: as many cells each.
        numbers: whether all but the first column hold numbers, which stand on the right.
    """
    rule = ["---", *["---:" if numbers else "---"] * (len(columns) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (columns, rule, *rows)]
