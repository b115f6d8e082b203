"""The Python packages that the project asks for, fetched on the host for a guest without network."""

import configparser
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.cache import cached

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


def wheelhouse(project: Path) -> Path:
    """A folder for `pip install --no-index --find-links`: what the project needs to be built, installed and run."""
    wanted = [*_needed_to_run(project), *_needed_to_build(project), "wheel"]
    return cached("wheelhouse", wanted, lambda folder: _pip("download", "--dest", str(folder), *wanted))


def site_packages(project: Path) -> Path:
    """The same packages, ready for PYTHONPATH: installing them takes the guest minutes."""
    source = wheelhouse(project)
    wanted = _needed_to_run(project)
    options = ("--no-index", "--find-links", str(source), "--only-binary", ":all:")
    return cached(
        "site-packages",
        [source.name, *wanted],
        lambda folder: _pip("install", *options, "--target", str(folder), *wanted),
    )


def _needed_to_run(project: Path) -> list[str]:
    setup = configparser.ConfigParser()
    setup.read(project / "setup.cfg")
    lines = setup["options"]["install_requires"].splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _needed_to_build(project: Path) -> list[str]:
    requires: list[str] = tomllib.loads((project / "pyproject.toml").read_text())["build-system"]["requires"]
    return requires


def _pip(*arguments: str) -> None:
    subprocess.run([*PIP, *arguments], check=True)
