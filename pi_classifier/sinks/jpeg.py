"""Pictures as JPEG."""

import cv2

from pi_classifier.contracts.frame import Pixels


def encode_jpeg(pixels: Pixels, quality: int) -> bytes:
    """A frame, BGR, as a file. `quality`: 0 to 100."""
    _, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return jpeg.tobytes()
