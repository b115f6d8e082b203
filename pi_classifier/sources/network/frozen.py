"""Whether a picture stands still to the last bit, as none of a camera that works does."""

import numpy as np

from pi_classifier.contracts.frame import Pixels

LOOK_SECONDS = 0.5
"""Between two looks: comparing every frame would cost more than it tells."""


class FrozenPicture:
    """Compares pictures of one camera, also from before it was lost: one that comes back with the same is still frozen.

    The noise of a sensor changes every picture, but what encodes it, or a recorder before the camera, may hang.
    """

    def __init__(self, seconds: float) -> None:
        """`seconds`: how long the same picture may be sent; 0 for ever."""
        self._seconds = seconds
        self._picture: Pixels | None = None
        self._since = self._looked_at = 0.0

    def reconnected(self) -> None:
        """The next picture is looked at, however soon it comes."""
        self._looked_at = 0.0

    def is_frozen(self, picture: Pixels, now: float) -> bool:
        """Whether it is the same as for so long. `picture`: BGR, uint8. `now`: seconds of `time.monotonic()`."""
        if not self._seconds or now - self._looked_at < LOOK_SECONDS:
            return False
        self._looked_at = now
        if self._picture is not None and np.array_equal(picture, self._picture):
            return now - self._since >= self._seconds
        self._picture, self._since = picture.copy(), now
        return False
