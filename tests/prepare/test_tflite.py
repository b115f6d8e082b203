"""torch's quantised MobileNetV2 as a TFLite file: the same bits."""

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.ao.nn import quantized as nnq

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.model import ModelMetadata
from pi_classifier.errors import ModelError
from pi_classifier.prepare.exact_factors import with_exact_factors
from pi_classifier.prepare.exact_sums import with_exact_sums
from pi_classifier.prepare.quantise import untrained
from pi_classifier.prepare.tflite import to_program
from pi_classifier.prepare.torchvision_models import ARCHITECTURES
from pi_classifier.runtimes.litert import outputs_for
from pi_classifier.runtimes.tflite.program import Convolution, FullyConnected, Pad
from pi_classifier.runtimes.tflite.read import from_bytes
from pi_classifier.runtimes.tflite.verify import verified
from pi_classifier.runtimes.tflite.write import to_bytes
from tests.fakes import METADATA
from tests.networks import logits, network, pictures

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


def to_tflite(model: Any, metadata: ModelMetadata, *, features: bool = False) -> bytes:
    """The file that `prepare` makes."""
    program = to_program(model, metadata, features=features)
    return to_bytes(with_exact_factors(with_exact_sums(program), program))


def by_litert(file: bytes, pixels: Pixels) -> dict[int, NDArray[np.int8]]:
    """Every output by the number of its activation, stored values as int8; `pixels`: stored values as quint8."""
    package = pytest.importorskip("ai_edge_litert.interpreter")
    interpreter = package.Interpreter(model_content=file)
    interpreter.allocate_tensors()
    given = outputs_for(interpreter, (pixels ^ np.uint8(0x80)).view(np.int8)[None])
    numbers = [output["index"] for output in interpreter.get_output_details()]
    return {number: output[0] for number, output in zip(numbers, given, strict=True)}


def stored(tensor: torch.Tensor) -> NDArray[np.int8]:
    """The stored values of one picture's quint8 tensor as those of int8, channels last."""
    values: NDArray[np.int8] = (tensor.int_repr().numpy()[0] ^ np.uint8(0x80)).view(np.int8)
    return values.transpose(1, 2, 0) if values.ndim == 3 else values


def dequantised(file: bytes, pixels: Pixels) -> NDArray[np.float32]:
    """The logits."""
    program = from_bytes(file)
    output = program.activations()[program.outputs[0]]
    answer = by_litert(file, pixels)[program.outputs[0]]
    return (answer.astype(np.float32) - np.float32(output.zero_point)) * np.float32(output.scale)


@pytest.fixture(scope="module")
def shared() -> tuple[torch.nn.Module, ModelMetadata]:
    """A small network, for copies to be made of."""
    return network(width=0.35, classes=3, size=96)


@pytest.fixture
def small(shared: tuple[torch.nn.Module, ModelMetadata]) -> tuple[Any, ModelMetadata]:
    """A small network of this test's own."""
    return copy.deepcopy(shared)


@pytest.mark.parametrize(
    ("width", "classes", "size"),
    [(0.35, 6, 193), (0.5, 2, 160), (1.0, 1000, 224), (1.4, 10, 96)],
    ids=lambda value: str(value),
)
def test_every_activation_is_torchs(width: float, classes: int, size: int) -> None:
    """Protects exactness for any width, size and number of classes: what each layer takes and gives, and the logits."""
    model, metadata = network(width=width, classes=classes, size=size)
    original = to_tflite(model, metadata)
    assert verified(original, metadata) == original
    program = from_bytes(original)
    last = len(program.operators)
    file = to_bytes(program._replace(outputs=(last, *range(1, last))))
    taken_and_given: list[tuple[NDArray[np.int8], NDArray[np.int8]]] = []

    def note(_module: Any, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        taken_and_given.append((stored(inputs[0]), stored(output)))

    for module in model.modules():
        if isinstance(module, nnq.Conv2d | nnq.Linear):
            module.register_forward_hook(note)
    answers = set()
    for pixels in pictures(size, 8):
        taken_and_given.clear()
        expected = logits(model, pixels, metadata)
        answers.add(expected.tobytes())
        activations = {0: (pixels ^ np.uint8(0x80)).view(np.int8), **by_litert(file, pixels)}
        layers = iter(taken_and_given)
        for number, operator in enumerate(program.operators, 1):
            if isinstance(operator, Convolution | FullyConnected):
                source = operator.sources[0]
                before = program.operators[source - 1] if source else None
                taken, given = next(layers)
                assert np.array_equal(activations[before.sources[0] if isinstance(before, Pad) else source], taken)
                assert np.array_equal(activations[number], given)
        assert next(layers, None) is None
        assert np.array_equal(dequantised(original, pixels), expected)
    assert len(answers) > 1, "the pictures matter"


def test_features_are_what_the_classifier_takes(small: tuple[Any, ModelMetadata]) -> None:
    """Protects training on a camera's pictures: the second output is the classifier's input, and costs no exactness."""
    model, metadata = small
    file = to_tflite(model, metadata, features=True)
    assert verified(file, metadata) == file
    taken: list[NDArray[np.int8]] = []
    model.classifier[1].register_forward_pre_hook(lambda _module, inputs: taken.append(stored(inputs[0])))
    for pixels in pictures(96, 3):
        expected = logits(model, pixels, metadata)
        assert np.array_equal(dequantised(file, pixels), expected)
        assert np.array_equal(by_litert(file, pixels)[from_bytes(file).outputs[1]], taken[-1])


def test_equal_models_give_equal_bytes(small: tuple[Any, ModelMetadata]) -> None:
    """Protects whoever compares files: they depend on the model alone."""
    model, metadata = small
    assert to_tflite(model, metadata) == to_tflite(model, metadata)


def test_untrained_model_can_be_written() -> None:
    """Protects `--weights untrained`: it is a MobileNetV2 like any other."""
    torch.backends.quantized.engine = "qnnpack"
    model: Any = untrained(ARCHITECTURES["mobilenet_v2"])
    metadata = METADATA._replace(
        input_size=224,
        scale=float(model.quant.scale),
        zero_point=int(model.quant.zero_point),
        categories=("any",) * 1000,
    )
    model.quant = torch.nn.Identity()
    file = to_tflite(model, metadata)
    for pixels in pictures(224, 2):
        assert np.array_equal(dequantised(file, pixels), logits(model, pixels, metadata))


def of_another_name(model: Any, metadata: ModelMetadata) -> tuple[Any, ModelMetadata]:
    """Another architecture."""
    return model, metadata._replace(name="resnet18")


def with_another_module(model: Any, metadata: ModelMetadata) -> tuple[Any, ModelMetadata]:
    """One with something else inside."""
    model.features.append(torch.nn.Softmax())
    return model, metadata


def per_channel(_model: Any, metadata: ModelMetadata) -> tuple[Any, ModelMetadata]:
    """One whose weights have a scale for each channel."""
    architecture = ARCHITECTURES["mobilenet_v2"]
    small = dataclasses.replace(architecture, per_channel=True, options=(("width_mult", 0.35),))
    return untrained(small), metadata


def with_an_even_mean(model: Any, metadata: ModelMetadata) -> tuple[Any, ModelMetadata]:
    """One whose classifier takes the mean of 2 x 2 places."""
    return model, metadata._replace(input_size=64)


def with_other_labels(model: Any, metadata: ModelMetadata) -> tuple[Any, ModelMetadata]:
    """One with more labels than outputs."""
    return model, metadata._replace(categories=(*metadata.categories, "none of these"))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            of_another_name,
            "^LiteRT is for mobilenet_v2 only, not for resnet18; prepare it for TorchScript: ",
        ),
        (with_another_module, "a Softmax in it"),
        (per_channel, "more than one scale"),
        (with_an_even_mean, "a mean of 2 x 2 values"),
        (with_other_labels, "4 labels"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_litert_would_not_compute_exactly_is_refused(
    small: tuple[Any, ModelMetadata],
    change: Callable[[Any, ModelMetadata], tuple[Any, ModelMetadata]],
    complaint: str,
) -> None:
    """Protects from a file that almost does: it is refused with a reason, when it is prepared."""
    model, metadata = change(*small)
    with pytest.raises(ModelError, match=complaint):
        to_tflite(model, metadata)
