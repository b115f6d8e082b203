"""Writes the tables of docs/benchmarks.md and docs/fleet.md from benchmarks/results/: no figure is typed by hand.

    python benchmarks/tables.py [--check]

A result is what a benchmark prints with --json: figures, machine, versions, command. To measure again:

    python benchmarks/startup.py --json >benchmarks/results/startup.json && python benchmarks/tables.py

--check changes nothing and exits with 1 if the document says something else than the results.
"""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

if not __package__:  # run by its path: the package is found from the project's folder
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks import compare_models, scaling, soak, startup
from benchmarks.learning import report as training
from benchmarks.loops import report as pipeline
from benchmarks.many import report as fleet
from benchmarks.objects import report as detection
from benchmarks.runtimes import report as peers
from benchmarks.shared.command_line import Parser
from benchmarks.stability import report as steadiness
from benchmarks.streams import report as cameras
from benchmarks.viewing import report as web

RESULTS = Path(__file__).with_name("results")
DOCUMENTS = Path(__file__).parents[1] / "docs"
Tables = dict[str, Callable[[dict[str, Any]], str]]
BENCHMARKS: Tables = {
    "cameras": cameras.table,
    "detection": detection.table,
    "models": compare_models.table,
    "peers": peers.table,
    "pipeline": pipeline.table,
    "scaling": scaling.table,
    "soak": soak.table,
    "startup": startup.table,
    "steadiness": steadiness.table,
    "training": training.table,
    "web": web.table,
}
"""By the section of the document, which is also the result's name."""
FLEET: Tables = {"fleet": fleet.table}
TABLES: dict[str, Tables] = {"benchmarks.md": BENCHMARKS, "fleet.md": FLEET}
"""By the document's name."""


def replace_section(document: str, name: str, text: str) -> str:
    """The document with other text between `<!-- name:begin -->` and `<!-- name:end -->`.

    Raises:
        ValueError: the document has no such section.
    """
    section = re.compile(f"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
    if not section.search(document):
        raise ValueError(f"no section {name}: put its two comments where it shall stand")
    return section.sub(lambda match: f"{match[1]}{text}\n{match[2]}", document)


def written(document: str, tables: Tables, results: Path) -> str:
    """The document with every table as the results have it."""
    for name, table in tables.items():
        file = results / f"{name}.json"
        if not file.exists():
            sys.exit(f"{file} is missing; run python benchmarks/<the one>.py --json >{file}")
        document = replace_section(document, name, table(json.loads(file.read_text(encoding="utf-8"))))
    return document


def main() -> None:
    """Write, or check."""
    parser = Parser(__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if there is something to change")
    arguments = parser.parse_args()
    for name, tables in TABLES.items():
        document = DOCUMENTS / name
        old = document.read_text(encoding="utf-8")
        new = written(old, tables, RESULTS)
        if new == old:
            continue
        if arguments.check:
            sys.exit(f"docs/{name} differs from benchmarks/results; run python benchmarks/tables.py")
        document.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
