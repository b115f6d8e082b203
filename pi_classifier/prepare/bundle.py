"""Weights to a bundle: quantised, made a program of each runtime that is wanted, proven, with metadata and table."""

import contextlib
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.model import ModelMetadata, Runtime
from pi_classifier.errors import ModelError
from pi_classifier.prepare.exact_factors import differing_factors, with_exact_factors
from pi_classifier.prepare.exact_sums import with_exact_sums
from pi_classifier.prepare.input_table import input_table
from pi_classifier.prepare.quantise import quantised, to_qint8, untrained
from pi_classifier.prepare.state_dict import default_weights, read_state
from pi_classifier.prepare.tflite import to_program
from pi_classifier.prepare.torchscript import to_torchscript
from pi_classifier.prepare.torchvision_models import ARCHITECTURES, Architecture
from pi_classifier.runtimes.bundle import Bundle
from pi_classifier.runtimes.novelty import Features
from pi_classifier.runtimes.tflite.program import Program
from pi_classifier.runtimes.tflite.write import to_bytes

if TYPE_CHECKING:
    from pi_classifier.prepare.proof import Proof

NAME = "the model just prepared"
TORCHSCRIPT: tuple[Runtime, ...] = ("torchscript",)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Prepared(Bundle):
    """A bundle that has just been made."""

    proof: "Proof | None" = None
    """Of its program for LiteRT, if it has one."""


def prepare(
    settings: ModelSettings,
    *,
    runtimes: Collection[Runtime] = TORCHSCRIPT,
    activations: Literal["quint8", "qint8"] = "quint8",
    check: Path | None = None,
    progress: bool = False,
) -> Prepared:
    """A bundle with a program for each of the runtimes.

    A program for LiteRT is in it only if it gives, bit for bit, the logits of torch's in quint8, on pictures of its own
    and on those of `check`.

    Args:
        settings: `name` is the architecture; `weights` is `default`, `untrained` or the path of a state dict.
        runtimes: one or both.
        activations: of the TorchScript program. `qint8` is for torch builds with XNNPACK (aarch64), where it is faster;
            such a program can be made anywhere but not run everywhere.
        check: a folder of pictures to prove equality on, besides.
        progress: whether a download shows a progress bar on stderr.

    Raises:
        ModelError: the weights' file is not what it should be, or LiteRT cannot run the model, or not exactly.
        WeightsUnavailable: default weights that are neither in torch's hub folder nor to be downloaded.
    """
    with quiet_about_deprecations():
        model, metadata = base_model(settings, progress=progress)
        return bundled(model, metadata._replace(activations=activations), runtimes=runtimes, check=check)


def base_model(settings: ModelSettings, *, progress: bool) -> tuple[torch.nn.Module, ModelMetadata]:
    """The quantised model with activations of quint8, in evaluation mode, and its metadata.

    Arguments and errors are those of `prepare`.
    """
    architecture = ARCHITECTURES[settings.name]
    # Before the model is built: its weights are packed for the engine of the moment.
    torch.backends.quantized.engine = settings.engine
    model, digest = _quantised(architecture, settings, progress=progress)
    return model, _metadata(model, architecture, settings, digest)


def bundled(
    model: torch.nn.Module,
    metadata: ModelMetadata,
    *,
    runtimes: Collection[Runtime],
    check: Path | None = None,
    prototypes: Features | None = None,
) -> Prepared:
    """A bundle of a quantised model, with programs whose equality is proven; the model must not be used afterwards.

    Args:
        model: with activations of quint8, in evaluation mode.
        metadata: of this model; its `activations` are those that the TorchScript program shall have.
        runtimes: as for `prepare`, which raises the same errors.
        check: as for `prepare`.
        prototypes: of the classes, uint8, shape (n_prototypes, n_features), of a MobileNetV2; its programs then give
            features.
    """
    programs: dict[Runtime, bytes] = {}
    proof = reference = None
    features = prototypes is not None
    if "litert" in runtimes:
        program = to_program(model, metadata, features=features)
        reference = to_torchscript(model, features=features)
        programs["litert"], proof = _proven(program, reference, metadata, check, prototypes)
    if metadata.activations == "qint8":
        to_qint8(model)
        reference = None
    if "torchscript" in runtimes:
        programs["torchscript"] = reference or to_torchscript(model, features=features)
    return Prepared(NAME, metadata, input_table(metadata), programs, frozenset(programs), prototypes, proof)


def _proven(
    program: Program, reference: bytes, metadata: ModelMetadata, check: Path | None, prototypes: Features | None
) -> tuple[bytes, "Proof"]:
    """The TFLite file of a program, and its proof by the TorchScript program in quint8, whatever the bundle's is in."""
    # Not before it is needed: LiteRT is an extra.
    from pi_classifier.prepare.proof import Proof, prove_equal
    from pi_classifier.prepare.sum_proof import differing_pairs

    exact = with_exact_factors(with_exact_sums(program), program)
    twins: dict[Runtime, bytes] = {"torchscript": reference, "litert": to_bytes(exact)}
    metadata = metadata._replace(activations="quint8")
    bundle = Bundle(NAME, metadata, input_table(metadata), twins, frozenset(twins), prototypes)
    pictures, factors = prove_equal(bundle, check), len(differing_factors(program, exact))
    return twins["litert"], Proof(pictures, differing_pairs(program, exact), factors)


def _quantised(architecture: Architecture, settings: ModelSettings, *, progress: bool) -> tuple[torch.nn.Module, str]:
    """The model, and the SHA-256 of the file its weights are from."""
    if settings.weights == "demo":
        raise ModelError("demo is a bundle already, for both runtimes", remedy="run it with --weights demo")
    if settings.weights == "untrained":
        return untrained(architecture), ""
    given = settings.weights != "default"
    path = Path(settings.weights) if given else default_weights(architecture, progress=progress)
    state, digest = read_state(path)
    return quantised(architecture, state, path), digest


def _metadata(
    model: torch.nn.Module, architecture: Architecture, settings: ModelSettings, digest: str
) -> ModelMetadata:
    transforms = architecture.weights.transforms()
    # Only the published file may claim the published accuracy.
    accuracy = architecture.weights.meta["_metrics"]["ImageNet-1K"] if settings.weights == "default" else {}
    quant: Any = model.quant
    return ModelMetadata(
        name=settings.name,
        weights=settings.weights if settings.weights in ("default", "untrained") else Path(settings.weights).name,
        weights_sha256=digest,
        engine=settings.engine,
        activations="quint8",
        input_size=transforms.crop_size[0],
        resize_size=transforms.resize_size[0],
        mean=architecture.mean or tuple(transforms.mean),
        std=architecture.std or tuple(transforms.std),
        scale=float(quant.scale),
        zero_point=int(quant.zero_point),
        categories=tuple(architecture.weights.meta["categories"]),
        torch_version=torch.__version__,
        published_acc1=accuracy.get("acc@1"),
        published_acc5=accuracy.get("acc@5"),
    )


@contextlib.contextmanager
def quiet_about_deprecations() -> Iterator[None]:
    """Eager-mode quantisation and TorchScript are announced to go some day; the pinned releases have both."""
    with warnings.catch_warnings():
        for category in (DeprecationWarning, FutureWarning, UserWarning):
            warnings.simplefilter("ignore", category)
        yield
