"""Whether the configuration can be used, and the settings to go on with if not."""

import os
from pathlib import Path

from pi_classifier.config import load
from pi_classifier.doctor.finding import Finding, State
from pi_classifier.errors import ConfigError
from pi_classifier.settings import Settings


def configuration(file: Path | None) -> tuple[Finding, Settings]:
    """What is wrong with the configuration; the defaults stand in for one that cannot be used."""
    try:
        settings = load(file=file, environment=os.environ).settings
    except ConfigError as error:
        seen, _, remedy = str(error).rpartition("; ")
        mend = remedy if seen else "mend that value; systemd/config.toml shows every key with its default"
        return Finding("configuration", State.PROBLEM, seen or str(error), mend), Settings()
    names = ", ".join(camera.name for camera in settings.camera)
    return Finding("configuration", State.OK, f"valid; cameras: {names}"), settings
