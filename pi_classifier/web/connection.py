"""One client's connection, with bounds for strangers: uvicorn's protocol lets them take as long as they like."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 64
"""At once; a page has one or two."""
REQUEST_SECONDS = 10.0
"""For request line and headers, however slowly they come."""
MOST_HEADERS = 16384
"""Bytes, with the request line."""


class BoundedConnection(H11Protocol):
    """Ends a connection whose request does not come, and keeps nothing in memory for one who does not read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Greet a client, or send it away."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
            return
        # Whoever writes waits until all is on its way.
        transport.set_write_buffer_limits(high=0)
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        if self._deadline is None and not self._answers:
            self._expect_request()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._expect_nothing()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Another protocol takes over."""
        self._expect_nothing()
        super().handle_websocket_upgrade(event)

    @property
    def _answers(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _expect_request(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self._too_late)

    def _expect_nothing(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        if not self._answers:
            self.transport.close()


def websocket(*args: Any, **kwargs: Any) -> asyncio.Protocol:
    """Uvicorn's protocol of WebSockets, by wsproto: imported with the first page, for it is a fiftieth of a start."""
    from uvicorn.protocols.websockets.wsproto_impl import WSProtocol  # noqa: PLC0415

    return WSProtocol(*args, **kwargs)
