"""Of many candidates for objects the best ones, each object once. It takes bounded time, whatever a model gives."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pi_classifier.detection.geometry import Boxes

MOST_CANDIDATES = 1000
"""That are compared with one another, the best: time grows with their square, and more made no model better."""


BELOW_ALL = -1.0
"""A score: what is too low is gone before."""


class Candidates(NamedTuple):
    """What may be objects, in pixels of a model's input."""

    boxes: Boxes
    scores: NDArray[np.float32]
    """Shape (n,), 0 to 1."""
    class_ids: NDArray[np.int64]
    """Shape (n,)."""

    def take(self, chosen: NDArray[np.int64]) -> "Candidates":
        """Those of these indices, in their order."""
        return Candidates(self.boxes[chosen], self.scores[chosen], self.class_ids[chosen])


def best(candidates: Candidates, most: int) -> Candidates:
    """The best so many, best first; those of equal score in the order that they came in."""
    scores = candidates.scores
    chosen = np.arange(len(scores))
    if len(scores) > most:
        chosen = np.sort(np.argpartition(-scores, most)[:most])
    return candidates.take(chosen[np.argsort(-scores[chosen], kind="stable")])


def suppressed(candidates: Candidates, iou: float) -> Candidates:
    """Non-maximum suppression, each class for itself; best first, at most `MOST_CANDIDATES`.

    `iou`: intersection over union; of two boxes of one class that have more in common the better one stays.
    """
    few = best(candidates, MOST_CANDIDATES)
    if not len(few.scores):
        return few
    left_top, right_bottom = few.boxes[:, :2], few.boxes[:, 2:]
    # OpenCV wants left, top, width, height; arrays do, whatever its annotations say.
    rectangles = np.hstack([left_top, right_bottom - left_top]).astype(np.float64)
    kept = cv2.dnn.NMSBoxesBatched(
        rectangles,  # type: ignore[arg-type]
        few.scores,  # type: ignore[arg-type]
        few.class_ids.astype(np.int32),  # type: ignore[arg-type]
        BELOW_ALL,
        iou,
    )
    # In the order of `few`, which is that of the scores.
    return few.take(np.sort(np.asarray(kept, np.int64).reshape(-1)))
