"""The packages of an installation without torch, with all that they need in turn.

An extra can add packages and take none away. So these are named one by one, and installed without asking any of them
what it needs.
"""

import configparser
import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, requires
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

LITE = ("litert", "web", "mqtt")
"""The extras of such an installation."""
LEFT_OUT = frozenset(map(canonicalize_name, {"torch", "torchvision"}))
MACHINES = [
    {"python_version": python, "python_full_version": f"{python}.0", "platform_machine": machine}
    for python in ("3.11", "3.12", "3.13")
    for machine in ("aarch64", "x86_64")
]
HEAD = """\
# Every package of 'make install LITE=1': those of setup.cfg and of its extras litert, web and mqtt, but for torch and
# torchvision, and all that these need, in the versions of constraints.txt. To be installed with 'pip install --no-deps
# --requirement'.
#
# 'make docs' writes this file.
"""
ONNX_HEAD = """\
# What 'make install LITE=1 ONNX=1' installs besides requirements-lite.txt: the package of setup.cfg's extra onnx, and
# all that it needs.
#
# 'make docs' writes this file.
"""


def lite_requirements(project: Path) -> str:
    """The file, from a project's setup.cfg and constraints.txt and from what is installed here."""
    return HEAD + "".join(_pinned(project, LITE))


def onnx_requirements(project: Path) -> str:
    """The same of what the extra onnx adds to that."""
    lite = _pinned(project, LITE)
    return ONNX_HEAD + "".join(line for line in _pinned(project, (*LITE, "onnx")) if line not in lite)


def _pinned(project: Path, chosen: Sequence[str]) -> list[str]:
    """A line for each package of these extras and of the project itself."""
    setup = configparser.ConfigParser()
    setup.read(project / "setup.cfg", encoding="utf-8")
    extras = setup["options.extras_require"]
    wanted = [_lines(setup["options"]["install_requires"]), *(_lines(extras[name]) for name in chosen)]
    pinned = re.findall(r"^([\w.-]+)==([\w.]+)$", (project / "constraints.txt").read_text(), re.MULTILINE)
    versions = {canonicalize_name(name): version for name, version in pinned}
    needed: set[NormalizedName] = set()
    _add(map(Requirement, chain(*wanted)), needed)
    return [f"{name}=={versions[name]}\n" for name in sorted(needed)]


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _add(requirements: "map[Requirement]", needed: set[NormalizedName]) -> None:
    """Add packages, and what these need on any of the machines."""
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        if name in LEFT_OUT | needed or not _applies(requirement):
            continue
        needed.add(name)
        try:
            _add(map(Requirement, requires(name) or ()), needed)
        except PackageNotFoundError:
            raise LookupError(f"{name} is not installed here: make lint") from None


def _applies(requirement: Requirement) -> bool:
    if requirement.marker is None:
        return True
    return any(requirement.marker.evaluate({**machine, "extra": ""}) for machine in MACHINES)
