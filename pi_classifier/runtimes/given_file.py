"""A file that a user names, as it may be: another than was meant, of any size, or none with an end."""

import errno
import os
import stat
from pathlib import Path


def read_limited(path: Path, most: int) -> bytes:
    """All of a regular file of at most so many bytes.

    Raises:
        OSError: it cannot be read, is something else, or larger; `strerror` says which.
    """
    # A FIFO would wait for somebody to write.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "no regular file", str(path))
        # One byte more, for it may grow; not as many as it may have, for they are set aside at once.
        content = file.read(status.st_size + 1) if status.st_size <= most else b""
    if max(status.st_size, len(content)) > most:
        raise OSError(errno.EFBIG, f"larger than {most} bytes", str(path))
    return content
