"""What `detection` asks of a site."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pi_classifier.detection.detector import Detector
from pi_classifier.detection.limits import Limits
from pi_classifier.detection.opening import Wishes, open_detector

SiteName = Literal["bare", "decoding", "off", "page", "loop", "encoding", "predictor"]
"""The runtime alone, and with the decoding of the camera's bytes; the daemon's pipeline without its page and with it;
the usual loop, and one that encodes every frame; Ultralytics' predictor."""
LIMITS = Limits()
"""The confidence from which on an object counts, the overlap of two, and how many are told, on all sides."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a site is started with."""

    site: SiteName
    model_file: str
    labels: str
    """A labels file, or empty."""
    decoder: str
    """How the model's outputs are read: a name that `--decoder` takes."""
    height: int
    width: int
    """Of the model's input, in pixels."""
    categories: Sequence[str]
    """The labels, by class id."""
    photos: str
    """A folder of JPEGs to show, or empty."""
    fps: float
    """The camera's rate; 0 for a camera that is always ready."""
    seconds: float
    """To measure for."""

    def detector(self) -> Detector:
        """The model as the daemon opens it, on one thread. Raises PiClassifierError."""
        return opened(self.model_file, self.labels)


def opened(model_file: str, labels: str) -> Detector:
    """A detector, ready to run on one thread. `labels`: a file, or empty. Raises PiClassifierError."""
    return open_detector(Path(model_file), Wishes(labels), LIMITS, threads=1)
