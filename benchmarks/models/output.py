"""The result of `compare_models` as a table, as CSV and as a picture."""

import csv
import importlib
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.models.model_figures import Row
from benchmarks.shared.markdown import markdown_table
from benchmarks.shared.provenance import Machine

COLUMNS = (
    "Model",
    "Threads",
    "FPS",
    "Total Time (ms/frame)",
    "Model Time (ms/frame)",
    "QNNPACK Pretrained",
    "p99 of total (ms)",
    "CPU (ms/frame)",
    "RSS (MB)",
    "File (MB)",
    "Published top-1",
    "Tutorial's Pi 4: FPS",
    "total (ms)",
    "model (ms)",
)
WIDTH = 160
"""Of the table on a terminal; in less, figures would be cut off. A narrower terminal wraps its lines."""


def cells(row: Row) -> list[str]:
    """One line of the table."""
    return [
        row.model,
        str(row.threads),
        f"{row.fps:.1f}",
        f"{row.total_ms:.1f}",
        f"{row.model_ms:.1f}",
        str(row.qnnpack_pretrained),
        f"{row.p99_ms:.1f}",
        f"{row.cpu_ms:.1f}",
        f"{row.rss_mb:.0f}",
        f"{row.file_mb:.1f}",
        "random weights" if row.published_top1 is None else f"{row.published_top1:.1f} %",
        f"{row.tutorial_fps:.1f}",
        f"{row.tutorial_total_ms:.1f}",
        f"{row.tutorial_model_ms:.1f}",
    ]


def markdown(rows: Sequence[Row], note: str) -> str:
    """The table as Markdown, with its note below."""
    return "\n".join([*markdown_table(COLUMNS, map(cells, rows), numbers=True), "", note])


def show(rows: Sequence[Row], note: str) -> None:
    """The table on a terminal."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(COLUMNS[0], no_wrap=True)
    for column in COLUMNS[1:]:
        table.add_column(column, justify="right", min_width=max(map(len, column.split())))
    for row in rows:
        table.add_row(*cells(row))
    console = Console()
    Console(width=max(console.width, WIDTH)).print(table)
    console.print(note, highlight=False, markup=False)


def write_csv(file: Path, rows: Sequence[Row], machine: Machine) -> None:
    """A line a row, with the machine in each."""
    names = [field.name for field in (*fields(Row), *fields(Machine)) if field.name != "fps_by_round"]
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) | asdict(machine) for row in rows)


def plotter() -> Any:
    """The Figure of matplotlib, which needs no display. Raises ImportError."""
    return importlib.import_module("matplotlib.figure").Figure


def write_plot(file: Path, rows: Sequence[Row], machine: Machine) -> None:
    """Speed against published accuracy. A PNG.

    The speed of random weights is shown at the accuracy that torchvision publishes for its own, and marked as such.
    """
    figure = plotter()(figsize=(9, 6), layout="constrained")
    axes = figure.add_subplot()
    for random, label in (
        (False, "published weights"),
        (True, "timed with random weights, shown at the published ones' accuracy"),
    ):
        some = [row for row in rows if (row.published_top1 is None) == random]
        if some:
            points = [row.fps for row in some], [row.torchvision_top1 for row in some]
            axes.scatter(*points, label=label, color="tab:blue", facecolors="none" if random else None)
    several = len({row.threads for row in rows}) > 1
    for row in rows:
        name = f"{row.model}, {row.threads} threads" if several else row.model
        place = row.fps, row.torchvision_top1
        axes.annotate(name, place, xytext=(5, 4), textcoords="offset points", fontsize=8)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.margins(x=0.2, y=0.08)
    axes.set_xlabel("frames a second (log)")
    axes.set_ylabel("published top-1 accuracy on ImageNet-1K (%)")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend(loc="lower left")
    figure.suptitle(str(machine).replace("`", ""), fontsize=7, wrap=True)
    figure.savefig(file, format="png", dpi=150)
