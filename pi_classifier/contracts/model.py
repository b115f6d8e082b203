"""What a model is, whatever runtime runs it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.prediction import Result

if TYPE_CHECKING:
    # Not imported for a classifier.
    from pi_classifier.contracts.detection import Geometry

Runtime = Literal["torchscript", "litert", "onnx"]
"""What runs a model: a program of a bundle, or a file from elsewhere."""
Outputs = Any
"""What a runtime gives for one tensor; its own predictor alone reads it."""


BACKGROUND = "background"
"""Among own classes that of the scene with nothing in it: an ordinary one, but that a camera shows nothing then."""


class Training(NamedTuple):
    """How a model of own classes came about."""

    method: str
    """`head`: a new last layer on a frozen network; `finetune`: its last blocks, too; `whole`: all, from nothing."""
    base: str
    """The weights of the network that it was made on, as in `ModelMetadata.weights`; empty for none."""
    base_sha256: str
    """Of their file, hexadecimal; empty for `untrained`, and for none."""
    date: str
    """ISO 8601, UTC, to the second; empty for `demo`, which is the same whenever it is made."""
    dataset_sha256: str
    """Of the pictures, their classes and parts, hexadecimal."""
    seed: int
    """Of the division into pictures to learn from and to judge by."""
    epochs: int
    """How often all pictures were seen."""
    learnt: int
    """How many pictures it learnt from."""
    judged: int
    """How many others it was judged by; 0 where there were none."""
    correct: int
    """How many of those it named rightly."""
    learnt_bits: str = ""
    """Which those are: a bit for every picture, in the order of their classes and paths, hexadecimal."""
    unknown_threshold: float | None = None
    """What is known has a cosine above it to a prototype of a class; None where there are no prototypes."""
    prototypes: int = 1
    """How many each class has."""


class Described(Protocol):
    """What is known of any model: a classifier's `ModelMetadata`, a `DetectorMetadata`."""

    @property
    def name(self) -> str:
        """Architecture, or the name of a file from elsewhere."""

    @property
    def weights(self) -> str:
        """`default`, `demo`, `untrained` or the name of their file."""

    @property
    def weights_sha256(self) -> str:
        """Of their file, hexadecimal."""

    @property
    def engine(self) -> str:
        """What computes it."""

    @property
    def activations(self) -> str:
        """Their dtype."""

    @property
    def categories(self) -> tuple[str, ...]:
        """The labels, by class id."""

    @property
    def detects(self) -> bool:
        """Whether it finds objects, and not only names what a whole picture shows."""

    @property
    def untrained(self) -> bool:
        """Whether the weights are random."""

    @property
    def demonstration(self) -> bool:
        """Whether it knows drawn scenes alone."""


class ModelMetadata(NamedTuple):
    """Everything that must be known to feed a classifier and to read its output. A `Described`."""

    name: str
    """Architecture, as torchvision names it: `mobilenet_v2`; of a file from elsewhere its name."""
    weights: str
    """`default`, `demo`, `untrained` (random) or the name of the file they came from."""
    weights_sha256: str
    """Of the weights' file, hexadecimal; empty for `untrained`."""
    engine: str
    """What computes it: a `torch.backends.quantized.engine`, which TorchScript packs weights for, `xnnpack`, or `cpu`
    of ONNX Runtime."""
    activations: str
    """dtype of the quantised activations: `quint8` or `qint8` in torch's words, `int8` in LiteRT's;
    `float32` where they are not quantised."""
    input_size: int
    """Height and width of the model's input in pixels."""
    resize_size: int
    """The reference transform scales the shorter side of a still picture to this before its centre crop."""
    mean: tuple[float, float, float]
    """Subtracted from RGB values in [0, 1]."""
    std: tuple[float, float, float]
    """RGB values are divided by this after the mean was subtracted."""
    scale: float
    """Of the quantised input: real value = scale * (stored value - zero_point)."""
    zero_point: int
    """For an input of quint8, 0 to 255; that of a signed input is 128 less."""
    categories: tuple[str, ...]
    """The label of each output, by class id."""
    torch_version: str
    """The torch that made the file; empty where another library did."""
    published_acc1: float | None = None
    """Top-1 accuracy on ImageNet-1K in percent, as published with the weights."""
    published_acc5: float | None = None
    training: Training | None = None
    """Of a model of own classes. Its `weights` and their digest are those of this very model."""

    @property
    def detects(self) -> bool:
        """Never: it names what a whole picture shows."""
        return False

    @property
    def untrained(self) -> bool:
        """Whether the weights are random, so that labels mean nothing."""
        return self.weights == "untrained" and self.training is None

    @property
    def demonstration(self) -> bool:
        """Whether it is the model that comes along, and knows drawn scenes alone."""
        return self.weights == "demo"

    @property
    def background(self) -> int | None:
        """Of own classes, the id of the one that stands for an empty scene, if there is one."""
        own = self.training is not None and BACKGROUND in self.categories
        return self.categories.index(BACKGROUND) if own else None


class Predictor(Protocol):
    """One thread's way through a model: two steps, so that each can be timed, and run on a thread of its own."""

    def infer(self, tensor: Tensor, /) -> Outputs:
        """Run the model. `tensor` is one of `Model.new_tensor()`, filled, and is not changed."""

    def decode(self, outputs: Outputs, geometry: "Geometry | None" = None, /) -> Result:
        """What the model's outputs say; its probabilities are lent until the next call.

        `geometry`: what the pre-processor gave with the tensor.
        """


class Model(Protocol):
    """A model, loaded. Tensors, pre-processors and predictors are made once for each thread."""

    @property
    def runtime(self) -> Runtime:
        """What runs it."""

    @property
    def metadata(self) -> Described:
        """What is known of it."""

    @property
    def versions(self) -> Mapping[str, str]:
        """Of the packages that run it, by name: `{"torch": "2.9.1"}`."""

    def new_tensor(self) -> Tensor:
        """Memory for one input, C-contiguous; dtype and shape are the model's own."""

    def new_preprocessor(self, camera: str = "") -> "Callable[[Pixels, Tensor], Geometry | None]":
        """Fills a tensor from BGR pixels of any size (uint8, height x width x 3); for one thread at a time.

        It gives where the picture lies in it, if the model's answer depends on that. `camera`: whose pictures they are.
        """

    def new_predictor(self) -> Predictor:
        """For one thread at a time; several compute at once, and the same bits."""


class Classifier(Model, Protocol):
    """A model that names what a whole picture shows."""

    @property
    def metadata(self) -> ModelMetadata:
        """What is known of it."""
