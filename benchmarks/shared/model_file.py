"""Bundles for programs to run."""

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.model import Runtime
from pi_classifier.prepare.store import write_bundle


def write_model(
    folder: Path,
    settings: ModelSettings,
    *,
    runtimes: Collection[Runtime],
    activations: Literal["quint8", "qint8"] = "quint8",
) -> Path:
    """Prepare a model for these runtimes, and keep it under its name in a folder. Raises what `prepare` raises."""
    # Not before it is needed: torch comes with it, and `--help` shall answer at once.
    from pi_classifier.prepare.bundle import prepare  # noqa: PLC0415

    file = folder / f"{settings.name}.bundle"
    write_bundle(file, prepare(settings, runtimes=runtimes, activations=activations))
    return file
