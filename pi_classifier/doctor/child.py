"""What runs in a child process of `doctor`, for it takes libraries that may not load."""

import json

from pi_classifier.config.schema import Settings
from pi_classifier.detection.detector import Detector
from pi_classifier.errors import PiClassifierError
from pi_classifier.model import open_detector


def tell(settings: str) -> None:
    """Open a detector and print what it is, or why it cannot be: one line of JSON. `settings`: JSON, too."""
    try:
        detector = open_detector(Settings.model_validate_json(settings))
    except PiClassifierError as error:
        print(json.dumps({"problem": error.problem, "remedy": error.remedy}))
        return
    if detector is not None:  # who asks has looked
        print(json.dumps(_told(detector)))


def _told(detector: Detector) -> dict[str, object]:
    known, size = detector.metadata, detector.camera_size
    return {
        "decoder": known.decoder,
        "classes": len(known.categories),
        "input_width": known.input_width,
        "input_height": known.input_height,
        "camera_width": size.width,
        "camera_height": size.height,
    }
