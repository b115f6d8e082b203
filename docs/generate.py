"""Writes every document that is made from the code or from the benchmarks' results.

    python docs/generate.py [--check]

- systemd/config.toml, and the same in docs/configuration.md: the configuration's defaults
- docs/interface.md: the public names
- systemd/requirements-lite.txt, requirements-onnx.txt: the packages of an installation without torch
- the figure in docs/models.md: what the demonstration model is worth, as it says itself
- the tables of docs/benchmarks.md, by benchmarks/tables.py

--check changes nothing, prints what differs and exits with 1 if anything does.
"""

import argparse
import difflib
import re
import subprocess
import sys
from pathlib import Path

from lite_requirements import lite_requirements, onnx_requirements
from pi_classifier.config.reference import documented_defaults
from pi_classifier.prepare.store import DEMO_BUNDLE
from pi_classifier.runtimes.bundle import read_bundle
from pi_classifier.training.accuracy import Accuracy
from public_names.page import interface

ROOT = Path(__file__).parent.parent
CONFIGURATION, MODELS = Path("docs/configuration.md"), Path("docs/models.md")
TABLES = ROOT / "benchmarks" / "tables.py"


def documents() -> dict[Path, str]:
    """Each document as it should be, by its path in the project."""
    defaults = documented_defaults()
    return {
        Path("systemd/config.toml"): defaults,
        CONFIGURATION: with_section(CONFIGURATION, "defaults", f"```toml\n{defaults}```\n"),
        MODELS: with_section(MODELS, "demo", demonstration()),
        Path("docs/interface.md"): interface(),
        Path("systemd/requirements-lite.txt"): lite_requirements(ROOT),
        Path("systemd/requirements-onnx.txt"): onnx_requirements(ROOT),
    }


def with_section(path: Path, name: str, text: str) -> str:
    """The page with this text between its two comments of that name.

    Raises:
        ValueError: the comments are not there.
    """
    page = (ROOT / path).read_text(encoding="utf-8")
    section = re.compile(f"(<!-- {name}:begin -->\n).*(<!-- {name}:end -->)", re.DOTALL)
    if not section.search(page):
        raise ValueError(f"{path} has no comments {name}:begin and {name}:end")
    return section.sub(lambda match: f"{match[1]}{text}{match[2]}", page)


def demonstration() -> str:
    """What the demonstration model is worth, in a sentence."""
    training = read_bundle(DEMO_BUNDLE, ()).metadata.training
    if training is None:
        raise ValueError(f"{DEMO_BUNDLE} does not say how it came about")
    low, high = Accuracy(training.correct, training.judged).interval
    named = f"{training.correct:,} of {training.judged:,} others rightly"
    return (
        f"It has learnt {training.learnt:,} scenes, and names {named}: {low:.1%} to {high:.1%}, with 95 % confidence.\n"
    )


def differences(path: Path, text: str) -> str:
    """What the document would change by, as a diff; empty if it is as it should be."""
    file = ROOT / path
    old = file.read_text(encoding="utf-8") if file.exists() else ""
    lines = difflib.unified_diff(old.splitlines(True), text.splitlines(True), str(path), f"{path}, from the code")
    return "".join(lines)


def main() -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if there is something to change")
    check = parser.parse_args().check
    differs = False
    for path, text in documents().items():
        if difference := differences(path, text):
            differs = True
            if check:
                sys.stdout.write(difference)
            else:
                (ROOT / path).write_text(text, encoding="utf-8")
    tables = subprocess.run([sys.executable, TABLES, *(["--check"] if check else [])], check=False)
    return tables.returncode or int(check and differs)


if __name__ == "__main__":
    sys.exit(main())
