"""Ultralytics' own predictor, with its own drawing. It is no dependency: AGPL-3.0, and the product never imports it.

It opens its session with its own options and gives no way to set the number of threads; here it gets one, as all do.
Beside a torch for the processor alone the registry's torchvision does not load on x86-64; then it takes the suppression
that it has itself.
"""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import torch
from ultralytics import YOLO
from ultralytics.utils.nms import TorchNMS

from benchmarks.objects.case import LIMITS, Setting
from benchmarks.objects.model_clock import ModelClock
from benchmarks.objects.usual_loop import Look
from pi_classifier.contracts.frame import Pixels


def predictor(setting: Setting, clock: ModelClock) -> Look:
    """Ready to look."""
    torch.set_num_threads(1)
    _have_torchvision()
    onnxruntime.InferenceSession = _on_one_thread(clock)
    model = YOLO(setting.model_file, task="detect")

    def look(frame: Pixels) -> Pixels:
        (result,) = model.predict(
            frame,
            imgsz=[setting.height, setting.width],
            conf=LIMITS.confidence,
            iou=LIMITS.iou,
            max_det=LIMITS.max_detections,
            device="cpu",
            verbose=False,
        )
        return np.asarray(result.plot(), np.uint8)

    return look


def _have_torchvision() -> None:
    try:
        import torchvision  # noqa: F401, PLC0415 - whether it can be imported
    except RuntimeError:
        stand_in = ModuleType("torchvision")
        vars(stand_in)["ops"] = SimpleNamespace(nms=TorchNMS.nms)
        sys.modules["torchvision"] = stand_in


def _on_one_thread(clock: ModelClock) -> type:
    class Session(onnxruntime.InferenceSession):  # type: ignore[misc]
        """With one compute thread, and on the clock."""

        def __init__(self, model: str, options: Any = None, **others: Any) -> None:
            options = options or onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            super().__init__(model, options, **others)
            self.run = clock.timed(super().run)

    return Session
