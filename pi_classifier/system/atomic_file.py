"""Files that are replaced in one step: whatever happens, there is the old content or the new."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path

WORLD_READABLE = 0o644


def replace_file(path: Path, content: bytes, *, like: Path | None = None) -> None:
    """Write `content` under the name `path`, surviving a power cut once this returns.

    Owner and mode are those of the file `like`; without one it is this user's, readable by all.

    Raises:
        OSError: it cannot be written; what was there before is untouched.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            _set_owner_and_mode(descriptor, like)
            os.fsync(descriptor)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _set_owner_and_mode(descriptor: int, like: Path | None) -> None:
    status = like.stat() if like else None
    # A boot partition is FAT, which has neither owner nor mode to set: there they are right from the start.
    with contextlib.suppress(PermissionError):
        if status:
            os.fchown(descriptor, status.st_uid, status.st_gid)
    with contextlib.suppress(PermissionError):
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode) if status else WORLD_READABLE)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
