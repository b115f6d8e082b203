"""A bar on stderr for what takes long."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column


def progress_bars(*, wanted: bool) -> Progress:
    """Bars, drawn only if they are wanted."""
    # A long name is cut, and not what stands behind it.
    name = TextColumn("{task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"))
    columns = (name, BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not wanted, redirect_stdout=False, expand=True)
