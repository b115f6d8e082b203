"""Writes runtimes/program/known.py: what `prepare` writes for every architecture.

    python -m pi_classifier.prepare.programs [--check]

It prepares all of them, with random weights, which takes a minute. --check changes nothing, prints what differs and
exits with 1 if anything does; under another torch it tells whether that one writes the same.
"""

import argparse
import difflib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from pi_classifier.config.schema import ModelSettings
from pi_classifier.prepare.bundle import prepare
from pi_classifier.prepare.torchvision_models import ARCHITECTURES
from pi_classifier.runtimes.program import known
from pi_classifier.runtimes.program.archive import Archive
from pi_classifier.runtimes.program.check import fingerprint, operators, own_code

HEAD = '''"""The programs that `prepare` writes. `make programs` writes this file."""

OPERATORS = frozenset(
    {
'''
MIDDLE = '''    }
)
"""Whatever they call."""

PROGRAMS = {
'''
END = '''}
"""The fingerprint of each, by the name of its architecture."""
'''


def source(fingerprints: Mapping[str, str], called: Iterable[str]) -> str:
    """The text of the module."""
    names = "".join(f'        "{operator}",\n' for operator in sorted(called))
    return HEAD + names + MIDDLE + "".join(f'    "{name}": "{found}",\n' for name, found in fingerprints.items()) + END


def main() -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if there is something to change")
    check = parser.parse_args().check
    fingerprints: dict[str, str] = {}
    called: set[str] = set()
    for name in ARCHITECTURES:
        archive = Archive(prepare(ModelSettings(name=name, weights="untrained")).program("torchscript"))
        code = own_code(archive)
        fingerprints[name] = fingerprint(code, archive)
        called |= operators(code)
    file, text = Path(known.__file__), source(fingerprints, called)
    old = file.read_text(encoding="utf-8")
    if check:
        sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), text.splitlines(True), "known", "prepared"))
        return int(text != old)
    file.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
