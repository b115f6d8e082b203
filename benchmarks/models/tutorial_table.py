"""The table of PyTorch's tutorial 'Real Time Inference on Raspberry Pi 4 (30 fps!)', as it stands there."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TutorialRow:
    """One row of the tutorial's table: a Raspberry Pi 4, every model on pictures of 224x224."""

    fps: float
    total_ms: float
    model_ms: float


TUTORIAL_TABLE = {
    "mobilenet_v2": TutorialRow(33.7, 29.7, 26.4),
    "mobilenet_v3_large": TutorialRow(29.3, 34.1, 30.7),
    "resnet18": TutorialRow(9.2, 109.0, 100.3),
    "resnet50": TutorialRow(4.3, 233.9, 225.2),
    "resnext101_32x8d": TutorialRow(1.1, 892.5, 885.3),
    "inception_v3": TutorialRow(4.9, 204.1, 195.5),
    "googlenet": TutorialRow(7.4, 135.3, 132.0),
    "shufflenet_v2_x0_5": TutorialRow(46.7, 21.4, 18.2),
    "shufflenet_v2_x1_0": TutorialRow(24.4, 41.0, 37.7),
    "shufflenet_v2_x1_5": TutorialRow(16.8, 59.6, 56.3),
    "shufflenet_v2_x2_0": TutorialRow(11.6, 86.3, 82.7),
}
"""By the name of the architecture."""
