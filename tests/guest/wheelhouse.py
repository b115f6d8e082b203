"""The Python packages that the project asks for, fetched on the host for a guest without network."""

import tomllib
from pathlib import Path

from tests.cache import cached
from tests.packages import pip, requirements


def wheelhouse(project: Path) -> Path:
    """A folder for `pip install --no-index --find-links`: what the project needs to be built, installed and tested."""
    extras = (line for extra in ("litert", "web", "mqtt", "test") for line in requirements(project, extra))
    wanted = [*requirements(project), *extras, *_needed_to_build(project), "wheel"]
    versions = project / "constraints.txt"  # the installer's, which has no others to choose from
    return cached(
        "wheelhouse",
        [*wanted, versions.read_text()],
        lambda folder: pip("download", "--constraint", versions, "--dest", folder, *wanted),
    )


def site_packages(project: Path) -> Path:
    """What the cameras' code and tests need, which is all but torch, ready for PYTHONPATH: nothing is installed."""
    source = wheelhouse(project)
    wanted = [requirement for requirement in requirements(project) if not requirement.startswith("torch")]
    wanted += requirements(project, "test")
    options = ("--no-index", "--find-links", str(source), "--only-binary", ":all:")
    return cached(
        "site-packages",
        [source.name, *wanted],
        lambda folder: pip("install", *options, "--target", str(folder), *wanted),
    )


def _needed_to_build(project: Path) -> list[str]:
    requires: list[str] = tomllib.loads((project / "pyproject.toml").read_text())["build-system"]["requires"]
    return requires
