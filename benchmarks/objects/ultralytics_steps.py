"""As Ultralytics' own example for ONNX Runtime does it: numpy in floats before the model, a loop over all rows after.

https://github.com/ultralytics/ultralytics: examples/YOLOv8-ONNXRuntime/main.py. Written anew, step by step.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from benchmarks.objects.case import LIMITS
from benchmarks.objects.steps import Found, Outputs, Prepared
from pi_classifier.contracts.frame import Pixels
from pi_classifier.detection.geometry import Size

PAD = (114, 114, 114)


def prepared(frame: Pixels, size: Size) -> Prepared:
    """To RGB at full size, scaled, padded on both sides, divided by 255, transposed, as float32."""
    rgb = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    ratio = min(size.height / frame.shape[0], size.width / frame.shape[1])
    width, height = round(frame.shape[1] * ratio), round(frame.shape[0] * ratio)
    scaled = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_LINEAR)
    left, top = (size.width - width) // 2, (size.height - height) // 2
    beside = (top, size.height - height - top, left, size.width - width - left)
    canvas = cv2.copyMakeBorder(scaled, *beside, cv2.BORDER_CONSTANT, value=PAD)
    values = np.transpose(np.array(canvas) / 255.0, (2, 0, 1))
    return Prepared(np.expand_dims(values, 0).astype(np.float32), ratio, left, top)


def found(outputs: Outputs, prepared: Prepared, size: Size) -> Sequence[Found]:  # noqa: ARG001 - of `Steps`
    """Each row is looked at by itself; suppression is OpenCV's, across classes."""
    rows = np.transpose(np.squeeze(outputs[0]))
    rows[:, 0] -= prepared.left
    rows[:, 1] -= prepared.top
    boxes, scores, class_ids = [], [], []
    for row in rows:
        classes = row[4:]
        score = np.amax(classes)
        if score >= LIMITS.confidence:
            x, y, width, height = row[0], row[1], row[2], row[3]
            box = (x - width / 2, y - height / 2, width, height)
            class_ids.append(int(np.argmax(classes)))
            scores.append(float(score))
            boxes.append([int(side / prepared.ratio) for side in box])
    kept = cv2.dnn.NMSBoxes(boxes, scores, LIMITS.confidence, LIMITS.iou)
    return [
        Found(class_ids[one], scores[one], left, top, left + width, top + height)
        for one in kept
        for left, top, width, height in (boxes[one],)
    ]
