"""As the demonstration that comes with YOLOX does it: `preproc`, `demo_postprocess` and `multiclass_nms`, all of numpy.

https://github.com/Megvii-BaseDetection/YOLOX: demo/ONNXRuntime/onnx_inference.py, yolox/data/data_augment.py,
yolox/utils/demo_utils.py. Written anew, step by step.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.objects.case import LIMITS
from benchmarks.objects.steps import Found, Outputs, Prepared, corners
from pi_classifier.contracts.frame import Pixels
from pi_classifier.detection.geometry import Size

PAD = 114
LEAST = 0.1
"""Score of what is compared with one another; what is drawn has more."""
STRIDES = (8, 16, 32)


def prepared(frame: Pixels, size: Size) -> Prepared:
    """Scaled into the upper left corner of a new canvas, transposed, as float32."""
    ratio = min(size.height / frame.shape[0], size.width / frame.shape[1])
    height, width = int(frame.shape[0] * ratio), int(frame.shape[1] * ratio)
    canvas = np.full((size.height, size.width, 3), PAD, np.uint8)
    canvas[:height, :width] = cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR)
    return Prepared(np.ascontiguousarray(canvas.transpose(2, 0, 1), np.float32)[None], ratio, 0, 0)


def found(outputs: Outputs, prepared: Prepared, size: Size) -> Sequence[Found]:
    """Every cell is decoded; of each the best class counts, and suppression goes across classes."""
    answer = _decoded(outputs[0], size)[0]
    boxes = corners(answer) / prepared.ratio
    scores = answer[:, 4:5] * answer[:, 5:]
    class_ids = scores.argmax(1)
    best = scores[np.arange(len(class_ids)), class_ids]
    counts = best > LEAST
    boxes, best, class_ids = boxes[counts], best[counts], class_ids[counts]
    return [
        Found(int(class_ids[one]), float(best[one]), *(int(side) for side in boxes[one]))
        for one in _suppressed(boxes, best)
        if best[one] >= LIMITS.confidence
    ]


def _decoded(answer: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """Cells to pixels, in place; the grid is made anew for every frame."""
    grids, strides = [], []
    for stride in STRIDES:
        columns, rows = np.meshgrid(np.arange(size.width // stride), np.arange(size.height // stride))
        grid = np.stack((columns, rows), 2).reshape(1, -1, 2)
        grids.append(grid)
        strides.append(np.full((1, grid.shape[1], 1), stride))
    grid, stride_of = np.concatenate(grids, 1), np.concatenate(strides, 1)
    answer[..., :2] = (answer[..., :2] + grid) * stride_of
    answer[..., 2:4] = np.exp(answer[..., 2:4]) * stride_of
    return answer


def _suppressed(boxes: NDArray[Any], scores: NDArray[np.float32]) -> list[int]:
    left, top, right, bottom = boxes.T
    areas = (right - left + 1) * (bottom - top + 1)
    order, kept = scores.argsort()[::-1], []
    while order.size:
        one, others = order[0], order[1:]
        kept.append(int(one))
        width = np.minimum(right[one], right[others]) - np.maximum(left[one], left[others]) + 1
        height = np.minimum(bottom[one], bottom[others]) - np.maximum(top[one], top[others]) + 1
        common = np.maximum(0.0, width) * np.maximum(0.0, height)
        order = others[common / (areas[one] + areas[others] - common) <= LIMITS.iou]
    return kept
