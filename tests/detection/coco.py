"""COCO's mean average precision, by its authors' own code."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from pi_classifier.contracts.detection import Detection

Result = Mapping[str, Any]
"""https://cocodataset.org/#format-results"""


class Scores(NamedTuple):
    """As fractions."""

    map: float
    """Mean average precision over IoU of 0.50 to 0.95."""
    map50: float
    ar100: float
    """Average recall of at most 100 detections of a class in a picture."""


class Annotations:
    """Of a file `instances.json`."""

    def __init__(self, path: Path) -> None:
        """`path`: the file; the pictures lie in `images` beside it."""
        with contextlib.redirect_stdout(io.StringIO()):
            self._truth = COCO(str(path))
        self.pictures = {number: path.parent / "images" / one["file_name"] for number, one in self._truth.imgs.items()}
        self._ids = {one["name"]: number for number, one in self._truth.cats.items()}

    def score(self, results: Sequence[Result]) -> Scores:
        """How good these are."""
        if not results:
            return Scores(0, 0, 0)
        with contextlib.redirect_stdout(io.StringIO()):
            judged = COCOeval(self._truth, self._truth.loadRes([dict(one) for one in results]), "bbox")
            judged.evaluate()
            judged.accumulate()
            judged.summarize()
        return Scores(float(judged.stats[0]), float(judged.stats[1]), float(judged.stats[8]))

    def results_of(self, found: Mapping[int, Sequence[Detection]]) -> list[Result]:
        """Detections, by picture, as results."""
        return [self._result(picture, one) for picture, detections in found.items() for one in detections]

    def _result(self, picture: int, found: Detection) -> Result:
        left, top, right, bottom = found.box
        box = [left, top, right - left, bottom - top]
        return {"image_id": picture, "category_id": self._ids[found.label], "bbox": box, "score": found.confidence}
