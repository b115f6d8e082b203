"""Whether the configuration can be used, and the settings to go on with if not."""

import os
from pathlib import Path

from pi_classifier.config.layers import load
from pi_classifier.config.schema import Settings
from pi_classifier.doctor.finding import Finding, State
from pi_classifier.errors import ConfigError


def configuration(file: Path | None) -> tuple[Finding, Settings]:
    """What is wrong with the configuration; the defaults stand in for one that cannot be used."""
    try:
        settings = load(file=file, environment=os.environ).settings
    except ConfigError as error:
        return Finding("configuration", State.PROBLEM, error.problem, error.remedy), Settings()
    names = ", ".join(camera.name for camera in settings.camera)
    return Finding("configuration", State.OK, f"valid; cameras: {names}"), settings
