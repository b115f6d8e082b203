"""The daemon's pipeline with a detector and one watch, with its live page and without."""

from benchmarks.loops.camera import Camera
from benchmarks.loops.source import CameraSource
from benchmarks.objects.case import Setting
from benchmarks.objects.model_clock import ModelClock
from benchmarks.objects.scene import decoded
from benchmarks.viewing.page_site import CAMERA, PageSite
from pi_classifier.config.schema import SteadinessSettings
from pi_classifier.contracts.detection import Geometry
from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import Outputs, Predictor
from pi_classifier.contracts.prediction import Result
from pi_classifier.inference.presence import ObjectWatch, Presence


def pipeline_site(setting: Setting, camera: Camera, clock: ModelClock) -> PageSite:
    """Ready to run; the watch is for the first label."""
    detector = setting.detector()
    source = CameraSource(camera, ready=not setting.fps, decode=decoded)
    watch = ObjectWatch("seen", frozenset(setting.categories[:1]))
    return PageSite(
        detector,
        source,
        predictor=_WatchedPredictor(detector.new_predictor(), clock, source),
        steadiness=Presence(SteadinessSettings(), watches={CAMERA: [watch]}, on_change=lambda _change: None),
        page=setting.site == "page",
    )


class _WatchedPredictor:
    """The detector's predictor on the clock."""

    def __init__(self, predictor: Predictor, clock: ModelClock, source: CameraSource) -> None:
        self._timed_infer = clock.timed(predictor.infer)
        self._decode = predictor.decode
        self._source = source

    def infer(self, tensor: Tensor) -> Outputs:
        """Let a camera that is always ready go on, and run the model."""
        self._source.taken()
        return self._timed_infer(tensor)

    def decode(self, outputs: Outputs, geometry: Geometry | None = None) -> Result:
        """As the detector's."""
        return self._decode(outputs, geometry)
