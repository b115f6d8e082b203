"""Files that are written in one step: whatever happens, there is the old content, or none, or the new."""

import contextlib
import errno
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


def create_file(folder: int, name: str, content: bytes) -> None:
    """Write `content` under a new name, surviving a power cut once this returns.

    Args:
        folder: descriptor of an open folder, so that nothing on the way to it can lead elsewhere.
        name: of the file, without a slash.
        content: all of it.

    Raises:
        FileExistsError: there is something of this name, which is untouched.
        OSError: it cannot be written; nothing of it is left.
    """
    temporary = f".{name}.{os.getpid()}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, WORLD_READABLE, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        _link(temporary, name, folder)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
    os.fsync(folder)


def _link(temporary: str, name: str, folder: int) -> None:
    """Give a file another name, which is new; whether it keeps the old one depends on the file system."""
    try:
        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP):
            raise
        # FAT, as of a USB stick, has no second names. So the name is taken first, and then replaced.
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, WORLD_READABLE, dir_fd=folder))
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)


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
