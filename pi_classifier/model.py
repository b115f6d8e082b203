"""The model that the settings ask for, in the runtime that they choose; its bundle is made if there is none."""

import importlib.util
import logging
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from pi_classifier.config.schema import Detector as DetectorName
from pi_classifier.config.schema import ModelSettings, Settings, is_onnx, is_published_detector, is_tflite
from pi_classifier.contracts.model import Classifier, Runtime
from pi_classifier.errors import ActivationsUnsupported, CannotWrite, ConfigError, ModelError
from pi_classifier.prepare.store import ModelStore, write_bundle
from pi_classifier.runtimes.bundle import Bundle, read_bundle

if TYPE_CHECKING:
    # Not imported for a classifier.
    from pi_classifier.detection.detector import Detector

Activations = Literal["quint8", "qint8"]
ELSEWHERE = (
    "on another machine run 'pi-classifier prepare --runtime litert --output model.bundle', copy that file to this one "
    "and name it with --weights"
)

logger = logging.getLogger(__name__)


def open_model(settings: ModelSettings, *, progress: bool) -> Classifier:
    """The model, ready to run.

    `activations = "auto"` takes quint8 where this build of torch turns out to lack the kernels for qint8.

    Args:
        settings: which model, in which runtime, how many threads it may use, how many classes a result names.
        progress: whether a download shows a progress bar on stderr.

    Raises:
        ConfigError: the runtime is not installed, or does not go with the weights; an ONNX file's labels are missing.
        ModelError: weights, a bundle or an ONNX file that the user named cannot be used.
        WeightsUnavailable: there are no weights to prepare.
    """
    if is_onnx(settings.weights):
        return _open_onnx(settings)
    check_preparable(settings)
    if settings.weights == "demo" and "runtime" not in settings.model_fields_set:
        # Its bundle is for both: who only wants to see something need not wait for torch.
        settings = settings.model_copy(update={"runtime": "auto"})
    wanted = resolve_activations(settings)
    try:
        return _open(settings, wanted, progress=progress)
    except ActivationsUnsupported as error:
        if settings.activations != "auto":
            raise
        logger.warning("%s; taking quint8", error)
        return _open(settings, "quint8", progress=progress)


def _open_onnx(settings: ModelSettings) -> Classifier:
    """A file from elsewhere is run as it is: neither prepared nor kept, and always on ONNX Runtime."""
    from pi_classifier.runtimes.onnx.classifier import Wishes, classifier
    from pi_classifier.runtimes.onnx.read import read_onnx

    file = read_onnx(Path(settings.weights))
    found = classifier(file, Wishes(settings.labels, settings.mean, settings.std))
    # What stands in the file needs no runtime: it is told even where that is not installed.
    from pi_classifier.runtimes.onnx.model import OnnxModel

    return OnnxModel(file, found, threads=settings.threads, top_k=settings.top_k)


def open_detector(settings: Settings, *, progress: bool = False) -> "Detector | None":
    """The detector that the settings name, ready to run; None where they name a classifier.

    Args:
        settings: which, how it is read if that cannot be told, and what is worth telling.
        progress: whether a download shows on stderr how far it is.

    Raises:
        ConfigError: as `open_model`; also where `[detect]` names a decoder that the file's kind does not have.
        ModelError: the file cannot be used, is no detector, or cannot be told apart.
        WeightsUnavailable: published weights are neither in the cache nor to be had.
        CannotWrite: nor is there a place for them.
    """
    if not names_detector(settings):
        _check_for_classifier(settings)
        return None
    from pi_classifier.detection.configured import configured

    return configured(settings, ModelStore.default().folder, progress=progress)


def names_detector(settings: Settings) -> bool:
    """Whether the settings name a detector, by its name or by what its file says. Raises ModelError as `open_model`."""
    model = settings.model
    if not is_onnx(model.weights):
        return is_tflite(model.weights) or is_published_detector(model)
    from pi_classifier.detection.opening import is_detector

    by_name = settings.detect.decoder != "auto" or model.name in get_args(DetectorName)
    return is_detector(Path(model.weights), by_name=by_name)


def _check_for_classifier(settings: Settings) -> None:
    """Raises ConfigError for what only a detector has."""
    given = {
        "an [[object]]": settings.object,
        "a [[zone]]": settings.zone,
        "a [[mask]]": settings.mask,
        "the zone of a [[watch]]": [one for one in settings.watch if one.zone],
    }
    for what, tables in given.items():
        if tables:
            raise ConfigError(f"{what} is for a detector", remedy="take it away, or name a detector with --weights")


def check_torch(purpose: str) -> None:
    """Raises ConfigError where torch is not installed. `purpose`: that it is needed for."""
    if not _is_installed("torch"):
        remedy = "do it on another machine, and copy the bundle here: LiteRT runs it"
        raise ConfigError(f"{purpose} takes torch, which is not installed", remedy=remedy)


def check_preparable(settings: ModelSettings) -> None:
    """Raises ConfigError for a file from elsewhere, and for an ONNX file's settings with weights that need none."""
    if is_onnx(settings.weights):
        raise ConfigError(f"{settings.weights}: an .onnx file is run as it is", remedy="give it to 'run' or 'classify'")
    if is_tflite(settings.weights):
        problem = f"{settings.weights}: a .tflite file is run as it is, and as a detector alone"
        raise ConfigError(problem, remedy="give it to 'run' or 'classify'")
    if settings.runtime == "onnx":
        raise ConfigError("the runtime onnx is for an .onnx file alone", remedy="name one with --weights")
    for key in ("labels", "mean", "std"):
        if getattr(settings, key):
            problem = f"[model] {key} is for an .onnx file alone, and weights is {settings.weights!r}"
            raise ConfigError(problem, remedy="take it away; a bundle has its own")


def check_architecture(settings: ModelSettings) -> None:
    """Raises ConfigError where a bundle is to be made of a detector."""
    if settings.name in get_args(DetectorName):
        remedy = "take 'classify' with its .onnx file, or name another architecture with --model"
        raise ConfigError(f"{settings.name} is a detector, and runs without a bundle", remedy=remedy)


def resolve_activations(settings: ModelSettings) -> Activations:
    """What `auto` means on this machine: only torch's aarch64 wheels run qint8, and there it is the faster."""
    if settings.activations != "auto":
        return settings.activations
    return "qint8" if platform.machine() == "aarch64" else "quint8"


def runtimes_to_prepare(settings: ModelSettings) -> tuple[Runtime, ...]:
    """The programs that a bundle gets which is made for these settings."""
    if settings.runtime != "auto":
        return (settings.runtime,)
    # The one architecture that LiteRT's programs are written for.
    return runtimes_at_hand() if settings.name == "mobilenet_v2" else ("torchscript",)


def runtimes_at_hand() -> tuple[Runtime, ...]:
    """Those that a MobileNetV2 can be prepared for here: LiteRT has to be there for the proof."""
    return ("torchscript", "litert") if _is_installed("ai_edge_litert") else ("torchscript",)


def _open(settings: ModelSettings, activations: Activations, *, progress: bool) -> Classifier:
    """A file that cannot be kept is no reason not to run, nor is a damaged one in the cache: it is made again."""
    store = ModelStore.default()
    path = store.find(settings, activations)
    if path is not None:
        try:
            return _load(_read(path, settings), settings)
        except ActivationsUnsupported:
            raise
        except ModelError as error:
            if path.parent != store.folder:
                raise
            logger.warning("%s; doing so now", error)
    bundle = _prepared(settings, activations, progress=progress)
    try:
        write_bundle(store.path_for(settings, activations), bundle)
    except CannotWrite as error:
        logger.warning("%s; running from memory this time", error)
    return _load(bundle.only({_runtime(settings, bundle.holds)}), settings)


def _read(path: Path, settings: ModelSettings) -> Bundle:
    """One program is read, for the other would be in memory for nothing."""
    held = read_bundle(path, ()).holds if settings.runtime == "auto" else frozenset[Runtime]()
    return read_bundle(path, (_runtime(settings, held),))


def _prepared(settings: ModelSettings, activations: Activations, *, progress: bool) -> Bundle:
    check_architecture(settings)
    if not _is_installed("torch"):
        raise ModelError("there is no bundle, and to make one takes torch, which is not installed", remedy=ELSEWHERE)
    from pi_classifier.prepare.bundle import prepare

    logger.info("preparing %s from %s weights, once", settings.name, settings.weights)
    return prepare(settings, runtimes=runtimes_to_prepare(settings), activations=activations, progress=progress)


def _runtime(settings: ModelSettings, holds: frozenset[Runtime]) -> Runtime:
    """What `auto` means for a bundle."""
    if settings.runtime != "auto":
        return settings.runtime
    return "litert" if "litert" in holds and _is_installed("ai_edge_litert") else "torchscript"


def _load(bundle: Bundle, settings: ModelSettings) -> Classifier:
    """The one place that chooses the runtime."""
    # Imported now: torch takes seconds on a Raspberry Pi, and either may not be there.
    if _runtime(settings, bundle.holds) == "litert":
        from pi_classifier.runtimes.litert import LiteRTModel

        return LiteRTModel(bundle, threads=settings.threads, top_k=settings.top_k, unknown=settings.unknown)
    if not _is_installed("torch"):
        raise ConfigError("the runtime torchscript takes torch, which is not installed", remedy="take --runtime litert")
    from pi_classifier.runtimes.torchscript import TorchScriptModel

    return TorchScriptModel(bundle, threads=settings.threads, top_k=settings.top_k, unknown=settings.unknown)


def _is_installed(package: str) -> bool:
    """Without importing it."""
    return importlib.util.find_spec(package) is not None
