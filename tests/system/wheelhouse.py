"""The Python packages that the project asks for, fetched on the host for a guest without network."""

import configparser
import fcntl
import hashlib
import os
import platform
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pi-classifier-testbed"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


def wheelhouse(project: Path) -> Path:
    """A folder for `pip install --no-index --find-links`: what the project needs to be built, installed and run.

    systemd-python is there as source, as on a Raspberry Pi: the guest compiles it.
    """
    wanted = [*_needed_to_run(project), *_needed_to_build(project), "wheel"]
    return _cached("wheelhouse", wanted, lambda folder: _pip("download", "--dest", str(folder), *wanted))


def site_packages(project: Path) -> Path:
    """The same packages, without systemd-python, ready for PYTHONPATH: installing them takes the guest minutes."""
    source = wheelhouse(project)
    wanted = [requirement for requirement in _needed_to_run(project) if "systemd" not in requirement]
    options = ("--no-index", "--find-links", str(source), "--only-binary", ":all:")
    return _cached(
        "site-packages",
        [source.name, *wanted],
        lambda folder: _pip("install", *options, "--target", str(folder), *wanted),
    )


def _needed_to_run(project: Path) -> list[str]:
    setup = configparser.ConfigParser()
    setup.read(project / "setup.cfg")
    lines = setup["options"]["install_requires"] + setup["options.extras_require"]["systemd"]
    return [line for line in lines.splitlines() if line and not line.startswith("#")]


def _needed_to_build(project: Path) -> list[str]:
    requires: list[str] = tomllib.loads((project / "pyproject.toml").read_text())["build-system"]["requires"]
    return requires


def _cached(name: str, made_of: list[str], fill: Callable[[Path], None]) -> Path:
    """A folder of the cache whose name tells what it was made of; filled once, and never half."""
    key = hashlib.sha256(repr((made_of, sys.version_info[:2], platform.machine())).encode()).hexdigest()[:16]
    folder = CACHE / f"{name}-{key}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
                filled = Path(temporary) / name
                filled.mkdir()
                fill(filled)
                filled.rename(folder)
    return folder


def _pip(*arguments: str) -> None:
    subprocess.run([*PIP, *arguments], check=True)
