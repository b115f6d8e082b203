"""Whether the model is at hand, or can be made without a network."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pi_classifier.config.schema import ModelSettings, is_onnx
from pi_classifier.contracts.model import ModelMetadata
from pi_classifier.doctor.finding import Finding, State
from pi_classifier.doctor.machine import Machine
from pi_classifier.doctor.packages import Attempt
from pi_classifier.errors import ConfigError, ModelError
from pi_classifier.model import ELSEWHERE, check_architecture, check_preparable, resolve_activations
from pi_classifier.prepare.store import ModelStore
from pi_classifier.runtimes.bundle import Bundle, read_bundle
from pi_classifier.runtimes.metadata import again
from pi_classifier.runtimes.onnx.classifier import Wishes, classifier
from pi_classifier.runtimes.onnx.read import read_onnx
from pi_classifier.runtimes.program.check import checked_program
from pi_classifier.runtimes.tflite.verify import checked_file

CHECKPOINTS = Path("hub/checkpoints")
"""Where torch keeps downloads, below `$TORCH_HOME`."""
SLOW_OPERATORS = frozenset({"DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"})
"""Of a model that quantises its activations anew at every picture: no processor of a Raspberry Pi gains by that."""
FLOAT_AGAIN = "export it in float32: several times as fast"


@dataclass(frozen=True, slots=True)
class Places:
    """Where bundles and downloaded weights lie: the service's own places where it is installed."""

    store: ModelStore
    downloads: Path

    @classmethod
    def of(cls, machine: Machine) -> "Places":
        """As the unit sets them, or this process's environment."""
        cache = machine.root / "var/cache/pi-classifier"
        if machine.has_service and "CACHE_DIRECTORY" not in os.environ:
            return cls(ModelStore(cache), cache / "torch" / CHECKPOINTS)
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return cls(ModelStore.default(), Path(os.environ.get("TORCH_HOME") or Path(home) / "torch") / CHECKPOINTS)


def weights(settings: ModelSettings, places: Places, published: Callable[[], Attempt]) -> Finding:
    """Whether `run` finds its model, can make it, or must download first.

    `published` asks torchvision for the address of its weights, in a process that `published_weights` describes; that
    is asked only where it matters.
    """
    if is_onnx(settings.weights):
        return _onnx(settings)
    try:
        check_preparable(settings)
        prepared = _prepared(settings, places.store)
        if not prepared:
            check_architecture(settings)
    except (ConfigError, ModelError) as error:
        return Finding("weights", State.PROBLEM, error.problem, error.remedy)
    if settings.weights == "untrained":
        remedy = 'set [model] weights to "default" or to a file'
        return Finding("weights", State.WARNING, "untrained: random, labels mean nothing", remedy)
    if settings.weights == "demo":
        remedy = 'for a camera set [model] weights to "default" or to a file'
        return Finding("weights", State.WARNING, "demo: names drawn scenes alone", remedy)
    if prepared:
        return Finding("weights", State.OK, f"prepared: {prepared.name}{_own(prepared.metadata)}")
    return _unprepared(settings, places, published())


def is_slow(operators: frozenset[str]) -> bool:
    """Whether a model of these operators is quantised dynamically."""
    return not operators.isdisjoint(SLOW_OPERATORS)


def _own(known: ModelMetadata) -> str:
    """What a bundle of own classes says of its worth."""
    if known.training is None or known.demonstration:
        return ""
    judged, correct = known.training.judged, known.training.correct
    worth = f", {correct} of {judged} pictures named rightly" if judged else ", judged by no pictures"
    return f" ({len(known.categories)} own classes{worth})"


def _onnx(settings: ModelSettings) -> Finding:
    """What an ONNX file is, and whether it is a slow one. It is read only, which needs no runtime."""
    try:
        file = read_onnx(Path(settings.weights))
        known = classifier(file, Wishes(settings.labels, settings.mean, settings.std)).metadata
    except (ConfigError, ModelError) as error:
        return Finding("weights", State.PROBLEM, error.problem, error.remedy)
    size = known.input_size
    seen = f"{settings.weights}: ONNX, {size}x{size} pixels, {len(known.categories)} classes"
    if is_slow(file.operators):
        return Finding("weights", State.WARNING, f"{seen}, quantised dynamically", FLOAT_AGAIN)
    return Finding("weights", State.OK, seen)


def _unprepared(settings: ModelSettings, places: Places, attempt: Attempt) -> Finding:
    if attempt.failure:
        seen = f"not prepared, and nothing can be: torchvision {attempt.failure}"
        remedy = "fix torch and torchvision first" if settings.runtime == "torchscript" else ELSEWHERE
        return Finding("weights", State.PROBLEM, seen, remedy)
    if settings.weights != "default":
        return Finding("weights", State.OK, f"{settings.weights}, to be prepared at the first start")
    download = places.downloads / attempt.answer.rpartition("/")[2]
    if download.is_file():
        return Finding("weights", State.OK, f"downloaded, to be prepared at the first start: {download}")
    remedy = f"the first start downloads them; without a network copy {attempt.answer} to {download}"
    return Finding("weights", State.WARNING, "neither prepared nor downloaded", remedy)


def published_weights(name: str) -> str:
    """Statements that print the address of an architecture's weights; to run them is to import torch."""
    return f"from pi_classifier.prepare.torchvision_models import ARCHITECTURES as a; print(a[{name!r}].weights.url)"


def _prepared(settings: ModelSettings, store: ModelStore) -> Bundle | None:
    """The bundle that `run` would take, held to what it is to be."""
    wanted = resolve_activations(settings)
    # As `run` does where torch has no kernels for the faster kind.
    kinds = (wanted, "quint8") if settings.activations == "auto" else (wanted,)
    path = next(filter(None, (store.find(settings, kind) for kind in kinds)), None)
    if path is None:
        return None
    bundle = read_bundle(path)
    # One in the cache is made again with what it lacks.
    if settings.runtime != "auto" and path.parent != store.folder:
        bundle.program(settings.runtime)
    _check_programs(bundle)
    return bundle


def _check_programs(bundle: Bundle) -> None:
    """Raises ModelError, as `run` does, where a program is none that `prepare` writes. Neither runtime is needed."""
    if "torchscript" in bundle.programs:
        checked_program(
            bundle.program("torchscript"), bundle.name, again(bundle.metadata), features=bundle.features > 0
        )
    if "litert" in bundle.programs:
        checked_file(bundle.program("litert"), bundle.metadata, bundle.name, bundle.features)
