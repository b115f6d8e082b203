"""The usual way to run a model: in the inference loop, which waits for it."""

import time
from collections.abc import Iterator
from typing import Any

from pi_classifier.contracts.executor import Finished
from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import Predictor


class InThisThread:
    """The inference loop runs the model itself. An `Executor`."""

    waits = True
    free = True

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._finished: Finished | None = None
        self._free_since = time.perf_counter()

    def start(self) -> None:
        """Be free from now on."""
        self._free_since = time.perf_counter()

    def stop(self) -> None:
        """There is nothing to end."""

    def healthy(self, now: float) -> bool:  # noqa: ARG002 - who asks is not in the model
        """Always: while an inference hangs, so does the loop, which then asks nothing."""
        return True

    def begin(self, tensor: Tensor, context: Any) -> None:
        """Run it now."""
        started = time.perf_counter()
        outputs = self._predictor.infer(tensor)
        ended = time.perf_counter()
        self._finished = Finished(context, self._predictor, outputs, started - self._free_since, ended - started)

    def finished(self) -> Iterator[Finished]:
        """The one."""
        if self._finished:
            yield self._finished
            self._finished = None
            self._free_since = time.perf_counter()
