"""What a detector says of a picture, and how the picture lay in the detector's input."""

from typing import NamedTuple

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of the picture that was sent, from its outer edges: 0 to its width and height."""


class Detection(NamedTuple):
    """One object in a picture."""

    label: str
    class_id: int
    """Index into the model's labels."""
    confidence: float
    """0 to 1."""
    box: Box
    """Inside the picture, never empty."""
    zones: tuple[str, ...] = ()
    """Names of the camera's zones that it is in, in the order of the configuration."""


class Geometry(NamedTuple):
    """Where a picture lies in a model's input: x_input = x * scale_x + left, and y so."""

    scale_x: float
    """Pixels of the input for one of the picture. The two differ by what rounding to whole pixels takes, or freely
    where a model wants its picture stretched."""
    scale_y: float
    left: int
    """Pixels of padding in the input."""
    top: int
    width: int
    """Of the picture, in pixels."""
    height: int
    camera: str = ""
    """Whose picture it is; empty where it is none of a camera's."""


class DetectorMetadata(NamedTuple):
    """What is known of a detector's file. A `Described`."""

    name: str
    """Of the file, without its ending."""
    weights: str
    """Name of the file."""
    weights_sha256: str
    """Of the file, hexadecimal."""
    engine: str
    """What computes it: `cpu` of ONNX Runtime, `litert`."""
    decoder: str
    """How its outputs are read: a name that `--decoder` takes."""
    input_height: int
    """Pixels."""
    input_width: int
    categories: tuple[str, ...]
    """The labels, by class id."""
    activations: str = "float32"
    """dtype of its input."""

    @property
    def detects(self) -> bool:
        """Always."""
        return True

    @property
    def untrained(self) -> bool:
        """Never: it comes from a file."""
        return False

    @property
    def demonstration(self) -> bool:
        """Never: that model is a classifier."""
        return False
