"""The model that the settings ask for: from its prepared file, which is made if there is none."""

import io
import logging
import platform
from typing import TYPE_CHECKING, Literal

from pi_classifier.errors import ActivationsUnsupported, CannotWrite, ModelError
from pi_classifier.model_store import ModelStore, write_prepared
from pi_classifier.settings import ModelSettings

if TYPE_CHECKING:
    from pi_classifier.model import Model

logger = logging.getLogger(__name__)


def load_model(settings: ModelSettings, *, progress: bool) -> "Model":
    """The model, ready to run.

    `activations = "auto"` takes quint8 where this build of torch turns out to lack the kernels for qint8.

    Raises:
        ModelError: weights or a prepared file that the user named cannot be used.
        WeightsUnavailable: there are no weights to prepare.
    """
    wanted = resolve_activations(settings)
    try:
        return _load(settings, wanted, progress=progress)
    except ActivationsUnsupported as error:
        if settings.activations != "auto":
            raise
        logger.warning("%s; taking quint8", error)
        return _load(settings, "quint8", progress=progress)


def resolve_activations(settings: ModelSettings) -> Literal["quint8", "qint8"]:
    """What `auto` means on this machine: only torch's aarch64 wheels run qint8, and there it is the faster."""
    if settings.activations != "auto":
        return settings.activations
    return "qint8" if platform.machine() == "aarch64" else "quint8"


def _load(settings: ModelSettings, activations: Literal["quint8", "qint8"], *, progress: bool) -> "Model":
    """A file that cannot be kept is no reason not to run, nor is a damaged one in the cache: it is made anew."""
    # torch takes seconds to import on a Raspberry Pi: everything that can fail without it has been tried before.
    from pi_classifier.model import Model

    store = ModelStore.default()
    path = store.find(settings, activations)
    if path is not None:
        try:
            return Model(path, threads=settings.threads)
        except ActivationsUnsupported:
            raise
        except ModelError as error:
            if path.parent != store.folder:
                raise
            logger.warning("%s; doing so now", error)
    from pi_classifier.prepare import prepare

    logger.info("preparing %s from %s weights, once", settings.name, settings.weights)
    content = prepare(settings, activations=activations, progress=progress)
    try:
        write_prepared(store.path_for(settings, activations), content)
    except CannotWrite as error:
        logger.warning("%s; running from memory this time", error)
    return Model(io.BytesIO(content), threads=settings.threads)
