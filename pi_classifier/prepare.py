"""Weights to one portable file: quantised, scripted, frozen, with its card inside. The only user of torchvision."""

import contextlib
import hashlib
import importlib.util
import io
import pickle
import urllib.error
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from pi_classifier.errors import ModelError, WeightsUnavailable
from pi_classifier.model_card import CARD_MEMBER, ModelCard
from pi_classifier.settings import ModelSettings

_schemas: list[torch.library.Library] = []
"""Schemas that were declared live as long as their Library object."""


def _stand_in_for_missing_operators() -> None:
    """Let torchvision be imported where its compiled operators cannot be loaded.

    On x86-64 the registry's torchvision is built for CUDA: beside a CPU build of torch its extension does not load,
    and `import torchvision` then fails on the detection operators' missing schemas ("operator torchvision::nms does
    not exist"). Classification models need none of them, so declaring the two schemas is enough.
    """
    origin = importlib.util.find_spec("torchvision").origin  # type: ignore[union-attr]
    try:
        torch.ops.load_library(str(Path(str(origin)).with_name("_C.so")))
    except OSError:
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _schemas.append(library)


with warnings.catch_warnings():
    # The image extension is missing for the same reason, and torchvision warns of it. Nothing here decodes with it.
    warnings.simplefilter("ignore")
    _stand_in_for_missing_operators()
    from torchvision.models.quantization import MobileNet_V2_QuantizedWeights, mobilenet_v2

WEIGHTS = MobileNet_V2_QuantizedWeights.IMAGENET1K_QNNPACK_V1


def prepare(settings: ModelSettings, *, progress: bool = False) -> bytes:
    """The content of a prepared file.

    Args:
        settings: `weights` is `default`, `untrained` or the path of a state dict.
        progress: whether a download shows a progress bar on stderr.

    Raises:
        ModelError: the weights' file is not what it should be.
        WeightsUnavailable: default weights that are neither in torch's hub folder nor to be downloaded.
    """
    with _quiet_about_deprecations():
        # Before the model is built: its weights are packed for the engine of the moment.
        torch.backends.quantized.engine = settings.engine
        torch.manual_seed(0)  # only `untrained` keeps these weights, and they shall be the same everywhere
        model = mobilenet_v2(weights=None, quantize=True)
        digest = ""
        if settings.weights != "untrained":
            path = _downloaded(progress=progress) if settings.weights == "default" else Path(settings.weights)
            digest = _load_weights(model, path)
        model.eval()
        card = _card(model, settings, digest)
        # The input arrives quantised, so the model's first step goes.
        model.quant = torch.nn.Identity()
        frozen = torch.jit.freeze(torch.jit.script(model))
        file = io.BytesIO()
        torch.jit.save(frozen, file, _extra_files={CARD_MEMBER: card.to_json()})
    return file.getvalue()


def _card(model: torch.nn.Module, settings: ModelSettings, digest: str) -> ModelCard:
    transforms = WEIGHTS.transforms()
    trained_as_published = settings.weights == "default"
    accuracy = WEIGHTS.meta["_metrics"]["ImageNet-1K"] if trained_as_published else {}
    quant: Any = model.quant
    return ModelCard(
        name=settings.name,
        weights=settings.weights if settings.weights in ("default", "untrained") else Path(settings.weights).name,
        weights_sha256=digest,
        engine=settings.engine,
        activations="quint8",
        input_size=transforms.crop_size[0],
        resize_size=transforms.resize_size[0],
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
        scale=float(quant.scale),
        zero_point=int(quant.zero_point),
        categories=tuple(WEIGHTS.meta["categories"]),
        torch_version=torch.__version__,
        published_acc1=accuracy.get("acc@1"),
        published_acc5=accuracy.get("acc@5"),
    )


def _load_weights(model: torch.nn.Module, path: Path) -> str:
    """Load a state dict into the model; returns the file's SHA-256."""
    try:
        content = path.read_bytes()
        # weights_only: a pickle may not run code.
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; name a readable file with --weights") from None
    except pickle.UnpicklingError:
        raise ModelError(
            f"{path}: not a plain state dict of tensors; save one with torch.save(model.state_dict(), ...)"
        ) from None
    except (RuntimeError, EOFError, ValueError, KeyError):
        raise ModelError(f"{path}: no state dict, or cut short; fetch or copy the file again") from None
    if not isinstance(state, dict) or not state:
        raise ModelError(f"{path}: holds no state dict; save one with torch.save(model.state_dict(), ...)")
    _load_state(model, state, path)
    return hashlib.sha256(content).hexdigest()


def _load_state(model: torch.nn.Module, state: dict[str, Any], path: Path) -> None:
    missing = model.state_dict().keys() - state.keys()
    if missing:
        raise ModelError(
            f"{path}: weights of another model: {len(missing)} entries of torchvision's quantised mobilenet_v2 are "
            f"missing, {min(missing)} the first; take a state dict of that model"
        )
    classes, expected = _classes(state), len(WEIGHTS.meta["categories"])
    if classes != expected:
        raise ModelError(f"{path}: {classes} classes where the labels name {expected}; take ImageNet weights")
    try:
        model.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: does not fit torchvision's quantised mobilenet_v2 ({reason})") from None


def _classes(state: dict[str, Any]) -> int | None:
    packed = state["classifier.1._packed_params._packed_params"]
    if isinstance(packed, tuple) and isinstance(packed[0], torch.Tensor):
        return int(packed[0].shape[0])
    return None


def _downloaded(*, progress: bool) -> Path:
    """The published weights file: from torch's hub folder, else downloaded there and checked against its hash."""
    file: Path = Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS.url.rpartition("/")[2]
    if not file.exists():
        try:
            WEIGHTS.get_state_dict(progress=progress, check_hash=True, weights_only=True)
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            raise _unavailable(file, getattr(error, "reason", error)) from None
        except OSError as error:
            raise _unavailable(file, error.strerror or error) from None
        except RuntimeError as error:  # torch.hub's word for a wrong hash
            raise _unavailable(file, error) from None
    return file


def _unavailable(file: Path, reason: object) -> WeightsUnavailable:
    return WeightsUnavailable(
        f"no weights: {WEIGHTS.url} could not be fetched ({reason}); copy it to {file}, or name a file with --weights, "
        "or try the rest of the program with --weights untrained"
    )


@contextlib.contextmanager
def _quiet_about_deprecations() -> Iterator[None]:
    """Eager-mode quantisation and TorchScript are announced to go some day; the pinned releases have both."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", UserWarning)
        yield
