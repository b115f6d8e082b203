"""What the page does with objects: colours and places as on JPEGs, and counts."""

import colorsys
import re
from pathlib import Path
from typing import Any

import numpy as np

from pi_classifier.sinks.colours import colour_of
from pi_classifier.sinks.placing import Rectangle, placed
from tests.page.modules import called

WIDTH, HEIGHT = 640, 480


def found(class_id: int, label: str, *zones: str) -> dict[str, Any]:
    """An object, as the daemon tells it."""
    return {"class_id": class_id, "label": label, "confidence": 0.9, "box": [0, 0, 9, 9], "zones": list(zones)}


def test_classes_have_the_colours_of_jpegs(tmp_path: Path) -> None:
    """Protects the eye: a class has one colour, on the page, in MJPEG, in snapshots and in copies."""
    ids = [*range(100), 999, 65535]
    for class_id, text in zip(
        ids, called(tmp_path, "colours.js", "page.colourOf", [[one] for one in ids]), strict=True
    ):
        match = re.fullmatch(r"hsl\(([\d.]+) ([\d.]+)% ([\d.]+)%\)", text)
        assert match, text
        hue, saturation, lightness = map(float, match.groups())
        rgb = colorsys.hls_to_rgb(hue / 360, lightness / 100, saturation / 100)
        assert tuple(round(255 * part) for part in reversed(rgb)) == colour_of(class_id)


def test_labels_stand_where_they_do_on_jpegs(tmp_path: Path) -> None:
    """Protects from two rules: for any crowd the page finds the very places that JPEGs have."""
    draw = np.random.default_rng(0)
    crowds: list[tuple[list[Rectangle], list[tuple[int, int]]]] = []
    for count in (0, 1, 2, 10, 40, 100):
        corners = draw.integers(0, (WIDTH, HEIGHT), (count, 2))
        boxes: list[Rectangle] = np.hstack([corners, draw.integers(corners, (WIDTH, HEIGHT)) + 1]).tolist()
        crowds.append((boxes, [(across, 16) for across in draw.integers(20, 120, count).tolist()]))
    crowds.append(([(0, 0, WIDTH, HEIGHT)] * 3, [(WIDTH + 1, 16), (WIDTH, HEIGHT), (9, 9)]))
    crowds.append(([(300, 200, 320, 220)] * 60, [(50, 16)] * 60))
    given = called(tmp_path, "placing.js", "page.place", [[boxes, sizes, WIDTH, HEIGHT] for boxes, sizes in crowds])
    for places, (boxes, sizes) in zip(given, crowds, strict=True):
        assert [place and tuple(place) for place in places] == placed(boxes, sizes, WIDTH, HEIGHT)
    assert None in given[-1], "a crowd without room"


def test_objects_are_counted_by_class(tmp_path: Path) -> None:
    """Protects the list and the words: each class once, the most first, equal ones in an order that holds still."""
    seen = [found(16, "dog"), found(2, "car"), found(0, "person"), found(0, "person"), found(16, "dog", "drive")]
    again = [seen[2], *seen[:2], *seen[3:]]
    for counts in called(tmp_path, "objects.js", "page.countObjects", [[seen], [again]]):
        assert [(one["label"], one["count"]) for one in counts] == [("person", 2), ("dog", 2), ("car", 1)]
    assert called(tmp_path, "objects.js", "page.countObjects", [[[]]]) == [[]]


def test_zones_are_counted(tmp_path: Path) -> None:
    """Protects who looks after zones: how many objects of a class are in each, and none where it has none."""
    seen = [found(0, "person", "drive", "porch"), found(0, "person", "drive"), found(2, "car")]
    zones_of = "(seen) => page.countObjects(seen).map(page.zonesText)"
    assert called(tmp_path, "objects.js", zones_of, [[seen]]) == [["2 in drive, 1 in porch", ""]]


def test_objects_in_words(tmp_path: Path) -> None:
    """Protects who listens to the page: how many of what there are, and that there are none."""
    counts = [{"label": "person", "count": 2}, {"label": "dog", "count": 1}]
    assert called(tmp_path, "objects.js", "page.summary", [[counts], [[]]]) == ["person 2, dog 1", "no objects"]
