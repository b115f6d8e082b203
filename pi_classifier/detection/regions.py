"""Where an object has to be to count: masks and zones of a camera.

Where an object is, is where it stands: the middle of its box's lower edge.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pi_classifier.contracts.detection import Detection, Geometry

Point = tuple[float, float]
"""x and y as fractions of the picture's width and height, from its upper left corner."""


class Area(NamedTuple):
    """A part of a camera's picture."""

    polygon: NDArray[np.float32]
    """Its corners, shape (n, 2), as `Point`s; the edge belongs to it."""
    labels: frozenset[str] = frozenset()
    """Of the objects that count in it; empty for all."""

    @classmethod
    def of(cls, corners: Sequence[Point], labels: Sequence[str]) -> "Area":
        """As the configuration has it."""
        return cls(np.array(corners, np.float32), frozenset(labels))

    def holds(self, label: str, place: Point) -> bool:
        """Whether an object of this label counts here."""
        if self.labels and label not in self.labels:
            return False
        return cv2.pointPolygonTest(self.polygon, place, measureDist=False) >= 0


class Regions(NamedTuple):
    """Of one camera."""

    masks: Sequence[Area] = ()
    """An object in one of them does not count."""
    zones: Mapping[str, Area] = MappingProxyType({})
    """By name."""

    def placed(self, found: Detection, geometry: Geometry) -> Detection | None:
        """An object with the zones that it is in; None where a mask hides it. `geometry`: of its picture."""
        left, _, right, bottom = found.box
        place = ((left + right) / 2 / geometry.width, bottom / geometry.height)
        if any(mask.holds(found.label, place) for mask in self.masks):
            return None
        zones = tuple(name for name, area in self.zones.items() if area.holds(found.label, place))
        return found._replace(zones=zones) if zones else found
