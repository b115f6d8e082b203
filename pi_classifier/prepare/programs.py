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
from pi_classifier.prepare.bundle import base_model, prepare, quiet_about_deprecations
from pi_classifier.prepare.demo import untrained_network
from pi_classifier.prepare.torchscript import to_torchscript
from pi_classifier.prepare.torchvision_models import ARCHITECTURES
from pi_classifier.runtimes.program import known
from pi_classifier.runtimes.program.archive import Archive
from pi_classifier.runtimes.program.check import fingerprint, operators, own_code

OWN = "mobilenet_v2"
"""The architecture that own classes are learnt on."""
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
"""The fingerprint of each, by the name of its architecture; and that of the demonstration model."""

WITH_FEATURES = {
'''
LAST = '''}
"""Of those that give features beside the logits: what `train` writes."""
'''


def source(fingerprints: Mapping[str, str], with_features: Mapping[str, str], called: Iterable[str]) -> str:
    """The text of the module."""
    names = "".join(f'        "{operator}",\n' for operator in sorted(called))
    return HEAD + names + MIDDLE + _entries(fingerprints) + END + _entries(with_features) + LAST


def _entries(fingerprints: Mapping[str, str]) -> str:
    return "".join(f'    "{name}": "{found}",\n' for name, found in fingerprints.items())


def judged(program: bytes) -> tuple[str, frozenset[str]]:
    """The fingerprint of a program, and what it calls."""
    archive = Archive(program)
    code = own_code(archive)
    return fingerprint(code, archive), operators(code)


def with_features() -> bytes:
    """A program of own classes."""
    with quiet_about_deprecations():
        model, _ = base_model(ModelSettings(name=OWN, weights="untrained"), progress=False)
        return to_torchscript(model, features=True)


def demo() -> bytes:
    """A program of the demonstration model's network."""
    with quiet_about_deprecations():
        return to_torchscript(untrained_network())


def main() -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if there is something to change")
    check = parser.parse_args().check
    fingerprints: dict[str, str] = {}
    called: set[str] = set()
    for name in ARCHITECTURES:
        fingerprints[name], operators_called = judged(
            prepare(ModelSettings(name=name, weights="untrained")).program("torchscript")
        )
        called |= operators_called
    fingerprints["demo"], operators_called = judged(demo())
    called |= operators_called
    found, operators_called = judged(with_features())
    file, text = Path(known.__file__), source(fingerprints, {OWN: found}, called | operators_called)
    old = file.read_text(encoding="utf-8")
    if check:
        sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), text.splitlines(True), "known", "prepared"))
        return int(text != old)
    file.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
