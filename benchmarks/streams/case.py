"""What `cameras` asks of a contender, and what it gets for an answer."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Literal, Protocol

from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.model import Model, Runtime
from pi_classifier.model import open_model

ContenderName = Literal["workers", "loop", "processes"]
"""The daemon's pipeline with a model on each of several threads, and with one model in its loop; and the peer."""
Classified = Callable[[str, int], None]
"""Is told of each result: the camera, and the number that the frame showed."""
GroupFigures = tuple[float, float, float, bool]
"""One group of all cameras: its moment, in seconds of `time.monotonic()`, its skew and its latency in seconds, and
whether it has a frame of each."""
Arrivals = dict[str, list[tuple[int, float]]]
"""Of each camera the numbers of its classified frames, and when the result was there: seconds of `time.monotonic()`."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a contender is started with."""

    contender: ContenderName
    urls: dict[str, str]
    """Of each camera."""
    width: int
    height: int
    model_file: str
    runtime: Runtime
    workers: int
    """Of the contender of that name: models at once."""

    def model(self) -> Model:
        """The model, ready to run on one thread."""
        settings = ModelSettings(weights=self.model_file, runtime=self.runtime, threads=1)
        return open_model(settings, progress=False)


class Contender(Protocol):
    """One way from cameras to labels. Made while its process has but one thread."""

    def run(self, classified: Classified, ended: Event, /) -> list[GroupFigures]:
        """Classify what the cameras show until `ended` is set, whose processes have then ended, too.

        Gives the groups that it formed of them; none where it forms none.
        """
