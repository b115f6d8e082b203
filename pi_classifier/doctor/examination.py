"""What is wrong with this machine, in words, with the remedy. It imports no torch: that may be what is wrong."""

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pi_classifier import __version__
from pi_classifier.config.schema import Settings
from pi_classifier.doctor import hardware, operating_system, packages
from pi_classifier.doctor.configuration import configuration
from pi_classifier.doctor.detectors import detector
from pi_classifier.doctor.finding import Finding, State
from pi_classifier.doctor.machine import Machine
from pi_classifier.doctor.model_files import Places, published_weights, weights
from pi_classifier.doctor.mqtt import broker
from pi_classifier.doctor.own_classes import own_classes
from pi_classifier.doctor.packages import LOAD_CAPTURE, Packages
from pi_classifier.doctor.port import metrics_port
from pi_classifier.doctor.report import Report
from pi_classifier.doctor.runtimes import runtime
from pi_classifier.doctor.service import service
from pi_classifier.doctor.web import page
from pi_classifier.doctor.webhooks import webhooks
from pi_classifier.errors import PiClassifierError
from pi_classifier.system.soc import Soc

Check = tuple[str, Callable[[], Finding | list[Finding]]]
"""A name for the case that the check itself fails, and the check."""

PACKAGES = (
    "torch", "torchvision", "ai-edge-litert", "onnxruntime", "opencv-contrib-python-headless", "numpy", "pillow",
    "prometheus-client", "pydantic", "typer", "rich", "systemd-python", "starlette", "uvicorn", "paho-mqtt",
)  # fmt: skip


def examine(config: Path | None, machine: Machine | None = None, installed: Packages | None = None) -> Report:
    """Make every check.

    Args:
        config: config.toml; None takes the one that `run` would.
        machine: to be examined; None is this one.
        installed: the Python packages; None are those that this process could import.
    """
    machine, installed = machine or Machine(), installed or Packages()
    found, settings = configuration(config)
    findings = [found]
    checks = (
        *_of_the_system(machine),
        *_of_the_hardware(machine),
        *_of_the_packages(machine, installed, settings),
        *_of_the_daemon(machine, installed, settings),
    )
    for name, check in checks:
        findings += _made(name, check)
    return Report(_facts(machine, installed), tuple(findings)).fit_to_send()


def _made(name: str, check: Callable[[], Finding | list[Finding]]) -> list[Finding]:
    """What a check finds; one that fails costs its own finding and no other."""
    try:
        found = check()
    except (OSError, ValueError, IndexError, subprocess.SubprocessError, PiClassifierError) as error:
        return [Finding(name, State.UNKNOWN, f"could not be found out: {error}", "try again with sudo")]
    return found if isinstance(found, list) else [found]


def _of_the_system(machine: Machine) -> list[Check]:
    return [
        ("operating system", lambda: operating_system.release(machine)),
        ("64-bit", lambda: operating_system.word_size(machine)),
        ("Python", lambda: operating_system.python(machine)),
        ("clock", lambda: operating_system.clock(datetime.now(UTC))),
        ("group video", lambda: operating_system.video_group(machine)),
        ("boot configuration", lambda: operating_system.boot_configuration(machine)),
    ]


def _of_the_hardware(machine: Machine) -> list[Check]:
    soc = Soc(machine.root)
    cache = Places.of(machine).store.folder
    upgrade = machine.root / "opt" if machine.has_service else Path(sys.prefix)
    return [
        ("temperature", lambda: hardware.temperature(soc)),
        ("power and throttling", lambda: hardware.power(soc, machine)),
        ("memory", lambda: hardware.memory(machine)),
        ("room for the model", lambda: hardware.room("room for the model", cache, hardware.CACHE_MB, State.PROBLEM)),
        (
            "room for an upgrade",
            lambda: hardware.room("room for an upgrade", upgrade, hardware.INSTALLING_MB, State.WARNING),
        ),
    ]


def _of_the_packages(machine: Machine, installed: Packages, settings: Settings) -> list[Check]:
    capture = installed.attempt(LOAD_CAPTURE)
    return [
        ("runtime", lambda: runtime(machine, installed, settings.model)),
        ("OpenCV", lambda: packages.capture_libraries(installed, capture)),
        ("camera", lambda: _cameras(machine, settings, capture)),
    ]


def _of_the_daemon(machine: Machine, installed: Packages, settings: Settings) -> list[Check]:
    return [
        ("weights", lambda: _weights(machine, installed, settings)),
        ("metrics port", lambda: metrics_port(settings.metrics.listen, machine)),
        ("live page", lambda: page(settings.web, installed)),
        ("own classes", lambda: own_classes(settings.web)),
        ("MQTT broker", lambda: broker(settings, installed)),
        ("webhooks", lambda: webhooks(settings)),
        ("service", lambda: service(machine)),
    ]


def _weights(machine: Machine, installed: Packages, settings: Settings) -> list[Finding]:
    places, address = Places.of(machine), published_weights(settings.model.name)
    found = detector(settings, places, installed.attempt)
    return found or [weights(settings.model, places, lambda: installed.attempt(address))]


def _cameras(machine: Machine, settings: Settings, loaded: packages.Attempt) -> list[Finding]:
    if loaded.failure:
        return [Finding("camera", State.UNKNOWN, "not looked for without OpenCV", "fix OpenCV first")]
    # OpenCV comes with it, which another process has just survived.
    from pi_classifier.doctor.cameras import cameras, sources  # noqa: PLC0415

    return cameras(machine) + sources(settings)


def _facts(machine: Machine, installed: Packages) -> dict[str, object]:
    """What a bug report needs to say of the machine: neither its name nor its user's nor a serial number."""
    return {
        "pi_classifier": __version__,
        "model": machine.model,
        "os": machine.os_release.get("PRETTY_NAME", ""),
        "kernel": platform.release(),
        "architecture": machine.architecture,
        "python_bits": machine.python_bits,
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "lse_atomics": "atomics" in machine.cpu_features,
        "memory_mb": machine.memory_mb.get("MemTotal"),
        "packages": {name: installed.version(name) for name in PACKAGES},
    }
