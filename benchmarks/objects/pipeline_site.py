"""The daemon's pipeline with a detector and one watch, with its live page and without."""

from benchmarks.loops.camera import Camera
from benchmarks.loops.source import CameraSource, TakingPredictor
from benchmarks.objects.case import Setting
from benchmarks.objects.model_clock import ModelClock
from benchmarks.objects.scene import decoded
from benchmarks.viewing.page_site import CAMERA, PageSite
from pi_classifier.config.schema import SteadinessSettings
from pi_classifier.inference.presence import ObjectWatch, Presence


def pipeline_site(setting: Setting, camera: Camera, clock: ModelClock) -> PageSite:
    """Ready to run; the watch is for the first label."""
    detector = setting.detector()
    source = CameraSource(camera, ready=not setting.fps, decode=decoded)
    watch = ObjectWatch("seen", frozenset(setting.categories[:1]))
    predictor = detector.new_predictor()
    return PageSite(
        detector,
        source,
        predictor=TakingPredictor(clock.timed(predictor.infer), predictor.decode, source),
        steadiness=Presence(SteadinessSettings(), watches={CAMERA: [watch]}, on_change=lambda _change: None),
        page=setting.site == "page",
    )
