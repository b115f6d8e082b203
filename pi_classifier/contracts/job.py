"""A captured frame on its way to the model, and whom the inference loop gets it from."""

from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from pi_classifier.contracts.frame import Pixels
from pi_classifier.errors import PiClassifierError

if TYPE_CHECKING:
    # Not imported for a classifier.
    from pi_classifier.contracts.detection import Geometry

Tensor = NDArray[Any]
"""A model's input, of the dtype and shape that `Model.new_tensor()` gives it."""


class Job:
    """One frame, ready for the model. A camera has two, which take turns: one is filled, one classified."""

    __slots__ = ("captured_at", "geometry", "picture", "preprocess_seconds", "sequence", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        """`tensor`: to be filled."""
        self.tensor = tensor
        """Pre-processed."""
        self.geometry: Geometry | None = None
        """Where the frame lies in it; None for a classifier, to which that makes no difference."""
        self.sequence = 0
        """As in the `Frame`, like `captured_at`."""
        self.captured_at = 0.0
        """Seconds of `time.monotonic()`."""
        self.preprocess_seconds = 0.0
        """What the pre-processing took."""
        self.picture: Pixels | None = None
        """A copy of the very frame, which nobody writes to any more; None unless somebody has asked for pictures."""


class PictureDemand:
    """Whether anybody wants to see a camera's pictures. Written by who looks, read by the camera's thread."""

    __slots__ = ("until",)

    def __init__(self) -> None:
        self.until = 0.0
        """Seconds of `time.monotonic()`."""


class JobSource(Protocol):
    """One camera, as the inference loop sees it."""

    @property
    def camera(self) -> str:
        """Its name."""

    @property
    def ended(self) -> bool:
        """Whether no further job will come: the source came to its end, or failed for good."""

    @property
    def failure(self) -> PiClassifierError | None:
        """What stopped it for good, if anything did."""

    def take(self, *, wait: bool) -> Job | None:
        """The newest job, the caller's until it takes again; None if there is none since the last call.

        `wait`: for a frame that is just arriving; else there is none while one is.
        """
