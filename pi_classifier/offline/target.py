"""The file that a command of long work will write: looked at before the work is begun."""

from collections.abc import Callable
from pathlib import Path

from pi_classifier.errors import CannotWrite


def check_target(path: Path, what: str, is_one: Callable[[Path], bool]) -> None:
    """Whether a file can be written there, in the place of nothing or of one like it.

    Args:
        path: of the file.
        what: what the message says of something else that is there: `no bundle`.
        is_one: whether one that is there may be replaced; may raise OSError.

    Raises:
        CannotWrite: there is no such folder, something else is there, or it cannot be looked at.
    """
    if not path.parent.is_dir():
        raise CannotWrite(f"{path}: there is no folder {path.parent}", remedy="make it, or name another file")
    try:
        taken = path.exists() and not is_one(path)
    except OSError as error:
        raise CannotWrite(f"{path}: {error.strerror}", remedy="name another file") from None
    if taken:
        raise CannotWrite(f"{path}: is there and {what}", remedy="name another file")
