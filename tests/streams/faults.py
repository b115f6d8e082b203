"""What can be wrong with a camera that `FakeRtsp` plays."""

import struct
from enum import Enum, auto

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER, such that a close sends RST."""
UNAUTHORISED = '401 Unauthorized\r\nWWW-Authenticate: Basic realm="camera"'


class Fault(Enum):
    """What is wrong with the camera."""

    NONE = auto()
    """Numbered pictures, from 0 on for each client, key frames all."""
    SILENT = auto()
    """Accepts, and says nothing."""
    DEAF_AFTER_OPTIONS = auto()
    """Answers OPTIONS, and nothing else."""
    BASIC_REFUSED = auto()
    """401, and asks for basic authentication, whatever it gets."""
    DIGEST_REFUSED = auto()
    """401, and asks for digest authentication, whatever it gets."""
    NOT_FOUND = auto()
    """404 to DESCRIBE."""
    NO_BANDWIDTH = auto()
    """453 to SETUP, as a camera answers that has as many clients as it can."""
    UNAVAILABLE = auto()
    """503 to DESCRIBE."""
    REDIRECT = auto()
    """302 to DESCRIBE, with the server's `location`."""
    GARBAGE = auto()
    """Bytes that are no RTSP."""
    ENDLESS_HEADER = auto()
    """A header line after another, without end."""
    NO_VIDEO = auto()
    """Only sound."""
    NO_PARAMETER_SETS = auto()
    """As NONE, but the description leaves out what only the stream then tells, the size among it."""
    NO_PICTURES = auto()
    """PLAY is answered, and nothing follows."""
    ENDS = auto()
    """The connection is closed after some pictures, in order."""
    RESETS = auto()
    """The connection is reset after some pictures."""
    STALLS = auto()
    """Nothing follows some pictures; the connection stays."""
    FROZEN = auto()
    """One and the same picture for ever, at the usual rate."""


REFUSALS = {
    Fault.BASIC_REFUSED: ("DESCRIBE", UNAUTHORISED),
    Fault.DIGEST_REFUSED: ("DESCRIBE", '401 Unauthorized\r\nWWW-Authenticate: Digest realm="camera", nonce="0badcafe"'),
    Fault.NOT_FOUND: ("DESCRIBE", "404 Not Found"),
    Fault.UNAVAILABLE: ("DESCRIBE", "503 Service Unavailable"),
    Fault.NO_BANDWIDTH: ("SETUP", "453 Not Enough Bandwidth"),
}
"""Of a fault the method that is refused, and how."""
