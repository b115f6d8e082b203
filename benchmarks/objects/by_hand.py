"""A usual loop's own way from a frame to boxes drawn on it: ONNX Runtime, and numpy around it."""

from types import ModuleType
from typing import cast

import cv2
import numpy as np
import onnxruntime

from benchmarks.objects import ultralytics_steps, yolox_steps
from benchmarks.objects.case import Setting
from benchmarks.objects.model_clock import ModelClock
from benchmarks.objects.steps import Found, Steps
from benchmarks.objects.usual_loop import Look
from pi_classifier.contracts.frame import Pixels
from pi_classifier.detection.geometry import Size

STEPS: dict[str, ModuleType] = {"yolox": yolox_steps, "ultralytics": ultralytics_steps}
"""By decoder; each module is one of `Steps`."""
FONT = cv2.FONT_HERSHEY_SIMPLEX
Colour = tuple[float, float, float]
WARNINGS = 3
"""Severity: above it the runtime says nothing."""


def by_hand(setting: Setting, clock: ModelClock) -> Look:
    """Ready to look."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = WARNINGS
    session = onnxruntime.InferenceSession(setting.model_file, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    run = clock.timed(session.run)
    steps, size = cast("Steps", STEPS[setting.decoder]), Size(setting.height, setting.width)
    colours = np.random.default_rng(0).uniform(0, 255, (len(setting.categories), 3)).tolist()

    def look(frame: Pixels) -> Pixels:
        prepared = steps.prepared(frame, size)
        for one in steps.found(run(None, {name: prepared.tensor}), prepared, size):
            _draw(frame, one, setting.categories[one.class_id], colours[one.class_id])
        return frame

    return look


def _draw(frame: Pixels, found: Found, label: str, colour: Colour) -> None:
    """A box and its label on a ground of its colour, as both tutorials have it."""
    cv2.rectangle(frame, (found.left, found.top), (found.right, found.bottom), colour, 2)
    text = f"{label}: {found.score:.2f}"
    (width, height), _ = cv2.getTextSize(text, FONT, 0.5, 1)
    base = found.top - 10 if found.top - 10 > height else found.top + 10
    ground = (found.left, base - height), (found.left + width, base + height)
    cv2.rectangle(frame, *ground, colour, cv2.FILLED)
    cv2.putText(frame, text, (found.left, base), FONT, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
