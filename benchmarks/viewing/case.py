"""What `web` asks of a site, and what it gets for an answer."""

from dataclasses import dataclass
from typing import Literal

from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.model import Model, Runtime
from pi_classifier.model import open_model

CAMERA_FPS = 36.0
QUALITY = 80
"""Of the JPEGs, 0 to 100, on all sides."""
SiteName = Literal["off", "page", "flask"]
"""The daemon's pipeline without its page and with it, and the peer."""
Arrivals = list[tuple[float, int]]
"""What came to one viewer: of each frame, seconds of `time.monotonic()`, and bytes with what is around the picture."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a site is started with."""

    site: SiteName
    width: int
    height: int
    model_file: str
    runtime: Runtime
    seconds: float
    """To measure for."""

    def model(self) -> Model:
        """The model, ready to run on one thread."""
        settings = ModelSettings(weights=self.model_file, runtime=self.runtime, threads=1)
        return open_model(settings, progress=False)


@dataclass(frozen=True, slots=True)
class SiteFigures:
    """What a site measured of itself, over the whole process."""

    began: float
    ended: float
    """Seconds of `time.monotonic()`, which all processes of a machine share."""
    fps: float
    """Frames classified."""
    age_ms_p50: float
    age_ms_p99: float
    """From a frame's capture to the end of its turn."""
    cpu_ms: float
    """Processor time a frame, of all threads."""
    loop_cpu_ms: float
    """Of that, on the thread that runs the model: it cannot have more frames than this leaves it time for."""
    rss_mb: float
    """At the end."""
    peak_rss_mb: float
