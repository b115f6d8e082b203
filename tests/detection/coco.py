"""COCO's mean average precision in numpy, for boxes: what COCOeval computes for areas of all sizes.

https://github.com/cocodataset/cocoapi/blob/master/PythonAPI/pycocotools/cocoeval.py
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pi_classifier.contracts.detection import Detection

Floats = NDArray[np.float64]
IOUS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
MOST = 100
"""Detections of a class in a picture."""


class Scores(NamedTuple):
    """As fractions."""

    map: float
    """Mean average precision over IoU of 0.50 to 0.95."""
    map50: float
    ar100: float
    """Average recall of at most 100 detections of a class in a picture."""


class Truth(NamedTuple):
    """The annotations of one class in one picture."""

    boxes: Floats
    """Left, top, right, bottom."""
    crowd: NDArray[np.bool_]


class Annotations:
    """Of a file `instances.json`."""

    def __init__(self, path: Path) -> None:
        """`path`: the file; the pictures lie in `images` beside it."""
        content = json.loads(path.read_bytes())
        self.pictures = {one["id"]: path.parent / "images" / one["file_name"] for one in content["images"]}
        self.names = {one["id"]: one["name"] for one in content["categories"]}
        by_key = defaultdict(list)
        for one in content["annotations"]:
            by_key[one["image_id"], self.names[one["category_id"]]].append(one)
        self.truths = {key: _truth(found) for key, found in by_key.items()}

    def score(self, found: Mapping[int, Sequence[Detection]]) -> Scores:
        """How good detections are. `found`: by picture."""
        kept: dict[tuple[int, str], list[Detection]] = defaultdict(list)
        for picture, detections in found.items():
            for one in detections:
                kept[picture, one.label].append(one)
        scored = [self._class(name, kept) for name in self.names.values()]
        precisions, recalls = zip(*(one for one in scored if one is not None), strict=True)
        by_iou = np.mean(precisions, axis=0)
        return Scores(float(by_iou.mean()), float(by_iou[0]), float(np.mean(recalls)))

    def _class(self, name: str, found: Mapping[tuple[int, str], Sequence[Detection]]) -> tuple[Floats, Floats] | None:
        """Average precision and recall of one class, by IoU; None where it is in no picture."""
        nothing = Truth(np.empty((0, 4)), np.empty(0, bool))
        pictures = [
            _matched(found.get((picture, name), ()), self.truths.get((picture, name), nothing))
            for picture in self.pictures
        ]
        due = sum(one.due for one in pictures)
        if not due:
            return None
        order = np.argsort(-np.concatenate([one.scores for one in pictures]), kind="mergesort")
        hits = np.concatenate([one.hits for one in pictures], axis=1)[:, order]
        ignored = np.concatenate([one.ignored for one in pictures], axis=1)[:, order]
        curves = [_average(hit[~skipped], due) for hit, skipped in zip(hits, ignored, strict=True)]
        precision, recall = zip(*curves, strict=True)
        return np.array(precision), np.array(recall)


class _Matched(NamedTuple):
    scores: Floats
    hits: NDArray[np.bool_]
    """By IoU and detection."""
    ignored: NDArray[np.bool_]
    due: int
    """How many were to be found."""


def _truth(found: Iterable[Mapping[str, object]]) -> Truth:
    ordered = sorted(found, key=lambda one: bool(one["iscrowd"]))  # COCOeval's: what counts comes first
    boxes = np.array([one["bbox"] for one in ordered], np.float64)
    boxes[:, 2:] += boxes[:, :2]
    return Truth(boxes, np.array([bool(one["iscrowd"]) for one in ordered]))


def _matched(detections: Sequence[Detection], truth: Truth) -> _Matched:
    best = sorted(detections, key=lambda one: -one.confidence)[:MOST]
    boxes = np.array([one.box for one in best], np.float64).reshape(-1, 4)
    overlaps = _overlaps(boxes, truth)
    hits, ignored = np.zeros((2, len(IOUS), len(best)), bool)
    for row, least in enumerate(IOUS):
        taken = np.zeros(len(truth.crowd), bool)
        for column, overlap in enumerate(overlaps):
            fitting = np.flatnonzero((overlap >= least - 1e-10) & (~taken | truth.crowd))
            counting = fitting[~truth.crowd[fitting]]
            chosen = counting if len(counting) else fitting
            if len(chosen):
                match = chosen[overlap[chosen].argmax()]
                taken[match] = True
                hits[row, column], ignored[row, column] = True, truth.crowd[match]
    scores = np.array([one.confidence for one in best], np.float64)
    return _Matched(scores, hits, ignored, int((~truth.crowd).sum()))


def _overlaps(boxes: Floats, truth: Truth) -> Floats:
    """Intersection over union, shape (detections, annotations); over the detection alone where it is a crowd."""
    left_top = np.maximum(boxes[:, None, :2], truth.boxes[None, :, :2])
    right_bottom = np.minimum(boxes[:, None, 2:], truth.boxes[None, :, 2:])
    common = np.prod(np.clip(right_bottom - left_top, 0, None), axis=2)
    own, others = (np.prod(each[:, 2:] - each[:, :2], axis=1) for each in (boxes, truth.boxes))
    union = np.where(truth.crowd, own[:, None], own[:, None] + others - common)
    overlaps: Floats = common / np.maximum(union, 1e-12)
    return overlaps


def _average(hits: NDArray[np.bool_], due: int) -> tuple[float, float]:
    """Average precision over 101 recalls, and the recall at the end."""
    if not len(hits):
        return 0.0, 0.0
    true = np.cumsum(hits)
    recall, precision = true / due, true / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, RECALLS, side="left")
    return float(np.append(precision, 0.0)[places].mean()), float(recall[-1])
