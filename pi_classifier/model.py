"""The model that the settings ask for, in the runtime that they choose; its prepared file is made if there is none."""

import io
import logging
import platform
from pathlib import Path
from typing import Literal

from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.model import Model
from pi_classifier.errors import ActivationsUnsupported, CannotWrite, ModelError
from pi_classifier.prepare.store import ModelStore, write_prepared

Activations = Literal["quint8", "qint8"]

logger = logging.getLogger(__name__)


def open_model(settings: ModelSettings, *, progress: bool) -> Model:
    """The model, ready to run.

    `activations = "auto"` takes quint8 where this build of torch turns out to lack the kernels for qint8.

    Args:
        settings: which model, how many threads it may use, how many classes a result names.
        progress: whether a download shows a progress bar on stderr.

    Raises:
        ModelError: weights or a prepared file that the user named cannot be used.
        WeightsUnavailable: there are no weights to prepare.
    """
    wanted = resolve_activations(settings)
    try:
        return _open(settings, wanted, progress=progress)
    except ActivationsUnsupported as error:
        if settings.activations != "auto":
            raise
        logger.warning("%s; taking quint8", error)
        return _open(settings, "quint8", progress=progress)


def resolve_activations(settings: ModelSettings) -> Activations:
    """What `auto` means on this machine: only torch's aarch64 wheels run qint8, and there it is the faster."""
    if settings.activations != "auto":
        return settings.activations
    return "qint8" if platform.machine() == "aarch64" else "quint8"


def _open(settings: ModelSettings, activations: Activations, *, progress: bool) -> Model:
    """A file that cannot be kept is no reason not to run, nor is a damaged one in the cache: it is made again."""
    store = ModelStore.default()
    path = store.find(settings, activations)
    if path is not None:
        try:
            return _load(path, settings)
        except ActivationsUnsupported:
            raise
        except ModelError as error:
            if path.parent != store.folder:
                raise
            logger.warning("%s; doing so now", error)
    from pi_classifier.prepare.torchscript import prepare

    logger.info("preparing %s from %s weights, once", settings.name, settings.weights)
    content = prepare(settings, activations=activations, progress=progress)
    try:
        write_prepared(store.path_for(settings, activations), content)
    except CannotWrite as error:
        logger.warning("%s; running from memory this time", error)
    return _load(io.BytesIO(content), settings)


def _load(file: Path | io.BytesIO, settings: ModelSettings) -> Model:
    """The one place that chooses the runtime."""
    # torch takes seconds to import on a Raspberry Pi: everything that can fail without it has been tried before.
    from pi_classifier.runtimes.torchscript import TorchScriptModel

    return TorchScriptModel(file, threads=settings.threads, top_k=settings.top_k)
