"""Who counts what the page and the API do."""

from typing import Literal, Protocol

Way = Literal["live", "mjpeg", "events", "snapshot"]
"""How somebody looks: the page's WebSocket, Motion JPEG, server-sent events, one picture."""


class WebObserver(Protocol):
    """Learns of requests, viewers and frames, on the page's thread. Neither blocks nor raises."""

    def request_answered(self, route: str, method: str, status: int, seconds: float | None, /) -> None:
        """`route`: its pattern, or `other`; `status`: of the answer, of a WebSocket 101.

        `seconds`: to its last byte, or the client's end; None for what lasts as long as somebody looks.
        """

    def viewers_changed(self, way: Way, count: int, /) -> None:
        """So many look in this way now."""

    def frame_sent(self, camera: str, way: Way, size: int, /) -> None:
        """A frame of `size` bytes went to one viewer."""
