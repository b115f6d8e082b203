"""Pictures as JPEG: each is encoded once, on a thread of its own, however many look at it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.prediction import Prediction, Result
from pi_classifier.sinks.jpeg import encode_jpeg

if TYPE_CHECKING:
    from pi_classifier.sinks.boxes import Boxes
    from pi_classifier.sinks.overlay import Overlay

QUALITY = 80
KEPT = 4
"""Of each camera: who looks at a group sees frames that are a little older than the newest."""


class JpegEncoder:
    """Encodes what predictions were made of. For one event loop."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "web-encode")
        self._newest: dict[tuple[str, bool], dict[int, asyncio.Future[bytes]]] = {}
        """By camera and whether labels are drawn: some JPEGs, by the number of the frame."""

    async def encoded(self, prediction: Prediction, picture: Pixels, *, labelled: bool) -> bytes:
        """A prediction's picture. `labelled`: with its labels, or its objects' boxes, drawn on it."""
        kept = self._newest.setdefault((prediction.camera, labelled), {})
        if (jpeg := kept.get(prediction.sequence)) is None:
            jpeg = asyncio.get_running_loop().run_in_executor(
                self._executor, self._encode, picture, prediction.result if labelled else None
            )
            kept[prediction.sequence] = jpeg
            if len(kept) > KEPT:
                del kept[next(iter(kept))]
        # A viewer who goes takes nothing from the others.
        return await asyncio.shield(jpeg)

    def close(self) -> None:
        """Encode no more."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _encode(self, picture: Pixels, drawn: Result | None) -> bytes:
        if drawn and drawn.detections:
            picture = self._boxes.labelled(picture, drawn.detections)
        elif drawn and drawn.scores:
            picture = self._overlay.labelled(picture, drawn.scores)
        return encode_jpeg(picture, QUALITY)

    @cached_property
    def _overlay(self) -> "Overlay":
        """Not before it is needed: it looks for fonts, and Pillow is a twentieth of a start."""
        from pi_classifier.sinks.overlay import Overlay  # noqa: PLC0415

        return Overlay()

    @cached_property
    def _boxes(self) -> "Boxes":
        """As late, and only with a detector."""
        from pi_classifier.sinks.boxes import Boxes  # noqa: PLC0415

        return Boxes()
