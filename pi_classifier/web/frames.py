"""Frames on their way to viewers, encoded once and counted each time."""

from collections.abc import Sequence

from pi_classifier.contracts.prediction import Prediction
from pi_classifier.contracts.web import Way, WebObserver
from pi_classifier.web.jpeg import JpegEncoder


class FrameSender:
    """Makes the JPEG of a frame for one viewer more."""

    def __init__(self, encoder: JpegEncoder, observers: Sequence[WebObserver]) -> None:
        """`observers`: learn of every frame that goes to a viewer."""
        self._encoder = encoder
        self._observers = tuple(observers)

    async def jpeg(self, prediction: Prediction, way: Way, *, labelled: bool = False) -> bytes:
        """The very frame of a prediction; empty where it has no picture. `labelled`: with what is seen drawn on it."""
        if prediction.picture is None:
            return b""
        jpeg = await self._encoder.encoded(prediction, prediction.picture, labelled=labelled)
        for observer in self._observers:
            observer.frame_sent(prediction.camera, way, len(jpeg))
        return jpeg
