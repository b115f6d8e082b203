"""Masks, zones, limits of a label: what an object's place and size decide."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.config.schema import Settings
from pi_classifier.contracts.detection import Detection, Geometry
from pi_classifier.detection.limits import LabelLimits, Limits, check_labels
from pi_classifier.detection.opening import Wishes, open_detector
from pi_classifier.detection.regions import Area, Point, Regions
from pi_classifier.errors import ConfigError
from tests.detection.files import LABELS, seeing
from tests.runtimes.onnx.files import written

GEOMETRY = Geometry(1, 1, 0, 0, 200, 100, "yard")
LEFT_HALF = ((0, 0), (0.5, 0), (0.5, 1), (0, 1))
FRACTIONS = st.integers(0, 64).map(lambda n: n / 64)
"""Exact in float32, as the corners of a polygon are."""


def person(left: float, top: float, right: float, bottom: float) -> Detection:
    """In a picture of 200 x 100 pixels."""
    return Detection("person", 0, 0.9, (left, top, right, bottom))


def test_the_middle_of_the_lower_edge_decides() -> None:
    """Protects doorsteps: somebody is where he stands, however much of him is seen over the zone or left of it."""
    zone = Regions(zones={"doorstep": Area.of(((0.5, 0.5), (1, 0.5), (1, 1), (0.5, 1)), ())})

    def zones(*box: float) -> tuple[str, ...]:
        found = zone.placed(person(*box), GEOMETRY)
        assert found
        return found.zones

    assert zones(90, 10, 130, 80) == ("doorstep",)
    assert zones(110, 10, 150, 49) == (), "feet above it"
    assert zones(20, 60, 120, 90) == (), "feet left of it"


@given(st.tuples(FRACTIONS, FRACTIONS), FRACTIONS, FRACTIONS, FRACTIONS, FRACTIONS)
def test_rectangles_hold_what_lies_in_them(place: Point, left: float, top: float, right: float, bottom: float) -> None:
    """Protects polygons against their other meaning: a rectangle holds just the points between its sides, edge too."""
    area = Area.of(((left, top), (right, top), (right, bottom), (left, bottom)), ())
    inside = min(left, right) <= place[0] <= max(left, right) and min(top, bottom) <= place[1] <= max(top, bottom)
    assert area.holds("person", place) == inside


def test_a_mask_hides_and_a_zone_names() -> None:
    """Protects both: in a mask nothing counts, of a zone of certain labels the others are no part."""
    mask = Regions(masks=(Area.of(LEFT_HALF, ("dog",)),), zones={"left": Area.of(LEFT_HALF, ("person",))})
    box = (10.0, 10.0, 30.0, 30.0)
    assert mask.placed(Detection("dog", 1, 0.9, box), GEOMETRY) is None
    found = mask.placed(Detection("person", 0, 0.9, box), GEOMETRY)
    assert found
    assert found.zones == ("left",)
    beside = Detection("dog", 1, 0.9, (150, 10, 170, 30))
    assert mask.placed(beside, GEOMETRY) == beside


def test_sizes_are_parts_of_the_picture() -> None:
    """Protects against the fly on the lens and the leaf before it: a label's boxes are as large as asked for."""
    limits = LabelLimits(0.5, min_area=0.01, max_area=0.5)
    assert limits.admits(person(0, 0, 20, 10), GEOMETRY)
    assert not limits.admits(person(0, 0, 19, 10), GEOMETRY)
    assert limits.admits(person(0, 0, 100, 100), GEOMETRY)
    assert not limits.admits(person(0, 0, 101, 100), GEOMETRY)


def settings(**sections: object) -> Settings:
    """With a camera called yard."""
    return Settings.model_validate({"camera": [{"name": "yard"}, {"name": "hall"}], **sections})


def confidences(file: Path, limits: Limits, camera: str = "yard") -> list[float]:
    """Of what the detector that sees a dog finds on a white picture of a camera."""
    detector = open_detector(file, Wishes(), limits, threads=1)
    preprocess, predictor, tensor = detector.new_preprocessor(camera), detector.new_predictor(), detector.new_tensor()
    geometry = preprocess(np.full((100, 100, 3), 255, np.uint8), tensor)
    return [round(one.confidence, 3) for one in predictor.decode(predictor.infer(tensor), geometry).detections or ()]


def test_what_is_configured_is_kept(tmp_path: Path) -> None:
    """Protects the way from config.toml to the detector: thresholds and sizes of a label, masks of the very camera."""
    file = written(seeing(), tmp_path)
    assert confidences(file, Limits.of(settings())) == [0.9]
    strict = [{"label": "dog", "confidence": 0.95}]
    assert confidences(file, Limits.of(settings(object=strict))) == []
    low = [{"label": "dog", "confidence": 0.2}]
    assert confidences(file, Limits.of(settings(object=low, detect={"confidence": 0.95}))) == [0.9], "it may be lower"
    large = [{"label": "dog", "min_area": 0.2}]
    assert confidences(file, Limits.of(settings(object=large))) == []
    masked = Limits.of(settings(mask=[{"camera": "yard", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}]))
    assert confidences(file, masked) == []
    assert confidences(file, masked, "hall") == [0.9]
    assert confidences(file, masked, "") == [0.9], "a picture that is no camera's has no mask"


@pytest.mark.parametrize(
    ("sections", "complaint"),
    [
        ({"object": [{"label": "dgo"}]}, "an [[object]]: the model has no class 'dgo'; did you mean 'dog'?"),
        ({"zone": [{"camera": "yard", "labels": ["cta"]}]}, "zone zone: the model has no class 'cta'; did you mean"),
        ({"mask": [{"camera": "yard", "labels": ["x"]}]}, "a [[mask]] of yard: the model has no class 'x'"),
    ],
)
def test_labels_that_are_none(sections: dict[str, object], complaint: str) -> None:
    """Protects against a zone that never sees anything: a label that the model does not have is told, with the next."""
    with pytest.raises(ConfigError) as refusal:
        check_labels(settings(**sections), LABELS)
    assert complaint in str(refusal.value)
