"""Who runs the model: the inference loop itself, or threads beside it."""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import Outputs, Predictor


class Finished(NamedTuple):
    """One inference that is done."""

    context: Any
    """What `begin` was given with the tensor."""
    predictor: Predictor
    """Whose outputs these are; it decodes them."""
    outputs: Outputs
    wait_seconds: float
    """How long the predictor had had nothing to do before."""
    inference_seconds: float


class Executor(Protocol):
    """Runs tensors through a model. All is called by one thread, the inference loop's. A `Component`, too."""

    waits: bool
    """Whether `begin` returns only when the inference is done."""

    @property
    def free(self) -> bool:
        """Whether another inference can begin now."""

    def begin(self, tensor: Tensor, context: Any, /) -> None:
        """Run a tensor, which is not changed until it is finished; `free` must be so."""

    def finished(self) -> Iterator[Finished]:
        """What is done since the last call. With the next step of the iterator each predictor is free again.

        Raises:
            PiClassifierError: a thread has ended on an error.
        """

    def start(self) -> None:
        """Begin to take tensors."""

    def stop(self) -> None:
        """End, within a second; what hangs is left behind."""

    def healthy(self, now: float) -> bool:
        """Whether no inference takes too long. `now`: seconds of `time.monotonic()`."""
