"""Python packages, by what setup.cfg asks for and by pip."""

import configparser
import subprocess
import sys
from pathlib import Path


def requirements(project: Path, extra: str | None = None) -> list[str]:
    """What the project needs to run, or what one of its extras adds, line by line as in setup.cfg."""
    setup = _setup(project)
    return _lines(setup["options.extras_require"][extra] if extra else setup["options"]["install_requires"])


def commands(project: Path) -> list[str]:
    """The commands that an installation gets and what each of them calls, line by line as in setup.cfg."""
    return _lines(_setup(project)["options.entry_points"]["console_scripts"])


def pip(*arguments: str | Path) -> None:
    """Run this interpreter's pip."""
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments], check=True)


def _setup(project: Path) -> configparser.ConfigParser:
    setup = configparser.ConfigParser()
    setup.read(project / "setup.cfg")
    return setup


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]
