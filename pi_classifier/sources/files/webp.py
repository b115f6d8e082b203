"""What is left of a WebP animation that was cut short: libwebp decodes all of a file or nothing."""

import io
from pathlib import Path


def whole_part(path: Path) -> io.BytesIO | None:
    """A file of the whole frames at the beginning of one that is cut short; None if it is not such an animation.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(16)
        if head[:4] != b"RIFF" or head[8:] != b"WEBPVP8X":
            return None
        data = head + file.read()
    # The container is that of https://developers.google.com/speed/webp/docs/riff_container
    at, frames = 12, 0
    while at + 8 <= len(data):
        end = at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        end += end % 2
        if end > len(data):
            break
        frames += data[at : at + 4] == b"ANMF"
        at = end
    if not frames or int.from_bytes(data[4:8], "little") + 8 <= len(data):
        return None
    return io.BytesIO(b"RIFF" + (at - 8).to_bytes(4, "little") + data[8:at])
