"""What of all that a detector finds is worth telling, as the configuration has it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from pi_classifier.config.schema import Settings
from pi_classifier.contracts.detection import Detection, Geometry
from pi_classifier.detection.regions import Area, Regions
from pi_classifier.runtimes.labels import class_id_of


class LabelLimits(NamedTuple):
    """What objects of one label have to be."""

    confidence: float
    """The least, 0 to 1."""
    min_area: float = 0.0
    """Of the box, as a part of the picture's."""
    max_area: float = 1.0

    def admits(self, found: Detection, geometry: Geometry) -> bool:
        """Whether an object is of that size. `geometry`: of its picture."""
        left, top, right, bottom = found.box
        area = (right - left) * (bottom - top) / (geometry.width * geometry.height)
        return self.min_area <= area <= self.max_area


class Limits(NamedTuple):
    """What is worth telling."""

    confidence: float = 0.3
    """The least, 0 to 1."""
    iou: float = 0.45
    """Intersection over union, 0 to 1: of two boxes of one label that have more in common the better one stays."""
    max_detections: int = 100
    """Of one picture, the best."""
    top_k: int = 5
    """Labels that a result names."""
    labels: Mapping[str, LabelLimits] = MappingProxyType({})
    """Of some, by name."""
    regions: Mapping[str, Regions] = MappingProxyType({})
    """Of some cameras, by name."""

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """As configured."""
        detect = settings.detect
        labels = {
            one.label: LabelLimits(one.confidence or detect.confidence, one.min_area, one.max_area)
            for one in settings.object
        }
        cameras = {zone.camera for zone in settings.zone} | {mask.camera for mask in settings.mask}
        regions = {camera: _regions(settings, camera) for camera in cameras}
        return cls(detect.confidence, detect.iou, detect.max_detections, settings.model.top_k, labels, regions)


def check_labels(settings: Settings, categories: tuple[str, ...]) -> None:
    """Raises ConfigError, with the nearest one, for a label in the configuration that a detector does not have."""
    for limits in settings.object:
        class_id_of(limits.label, categories, "an [[object]]")
    for zone in settings.zone:
        for label in zone.labels:
            class_id_of(label, categories, f"zone {zone.name}")
    for mask in settings.mask:
        for label in mask.labels:
            class_id_of(label, categories, f"a [[mask]] of {mask.camera}")


def _regions(settings: Settings, camera: str) -> Regions:
    masks = tuple(Area.of(one.polygon, one.labels) for one in settings.mask if one.camera == camera)
    zones = {zone.name: Area.of(zone.polygon, zone.labels) for zone in settings.zone if zone.camera == camera}
    return Regions(masks, zones)
