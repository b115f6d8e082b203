"""H.264 in RTP, within an RTSP connection: RFC 6184, and RFC 2326, 10.12."""

import base64
import struct
from collections.abc import Iterable, Iterator, Sequence

DESCRIPTION = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
"""The session's part of an SDP."""
PAYLOAD_TYPE = 96
CLOCK = 90_000
LARGEST = 1400
FRAGMENT = 28
"""A unit type, FU-A."""


def video(parameter_sets: Sequence[bytes]) -> str:
    """The media's part of an SDP. `parameter_sets`: that it tells; none if empty."""
    sets = ",".join(base64.b64encode(one).decode() for one in parameter_sets)
    more = f";sprop-parameter-sets={sets}" if sets else ""
    return (
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}\r\na=rtpmap:{PAYLOAD_TYPE} H264/{CLOCK}\r\n"
        f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1{more}\r\na=control:video\r\n"
    )


class Packets:
    """Of one stream, in the order of their sequence numbers, on channel 0."""

    def __init__(self) -> None:
        self._sequence = 0

    def of(self, units: Iterable[bytes], seconds: float) -> bytes:
        """A picture's units, without start codes, which is shown at that time of the stream."""
        payloads = [payload for unit in units for payload in _payloads(unit)]
        last = len(payloads) - 1
        return b"".join(self._packet(one, seconds, end=index == last) for index, one in enumerate(payloads))

    def _packet(self, payload: bytes, seconds: float, *, end: bool) -> bytes:
        header = struct.pack(">BBHII", 0x80, end << 7 | PAYLOAD_TYPE, self._sequence, round(seconds * CLOCK), 1)
        self._sequence = (self._sequence + 1) % 2**16
        return b"$\0" + struct.pack(">H", len(header) + len(payload)) + header + payload


def _payloads(unit: bytes) -> Iterator[bytes]:
    """The unit as it is, or in fragments."""
    if len(unit) <= LARGEST:
        yield unit
        return
    parts = range(1, len(unit), LARGEST)
    for begin in parts:
        place = (begin == parts[0]) << 7 | (begin == parts[-1]) << 6
        yield bytes((unit[0] & 0xE0 | FRAGMENT, place | unit[0] & 0x1F)) + unit[begin : begin + LARGEST]
