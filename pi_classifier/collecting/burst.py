"""Pictures of one class, written one after another: `DIR/<class>/<session>_<n>.jpg`.

A session is what belongs together: training never puts one part of it among what is learnt and the other among what
judges.
"""

import errno
import os
import re
import time
import unicodedata
from contextlib import ExitStack, suppress
from pathlib import Path
from stat import S_ISLNK
from typing import Self

from pi_classifier.collecting.folder import cannot_write, label_for, make_folder
from pi_classifier.collecting.likeness import Likeness
from pi_classifier.contracts.frame import Pixels
from pi_classifier.errors import CannotWrite
from pi_classifier.sinks.jpeg import encode_jpeg
from pi_classifier.system.atomic_file import create_file

QUALITY = 95
"""Of the JPEG: what it changes is less than a camera's noise."""
EVERY_SECONDS = 0.5
"""Between two pictures, if nobody says otherwise: time to turn the object a little."""


class Burst:
    """Writes pictures, and can take them back. A context. For one thread at a time.

    Everything is done below folders that are open, so that no link leads elsewhere, whenever it is put there.
    """

    def __init__(
        self, folder: Path, label: str, *, session: str = "", keep_similar: bool = False, least_free: int = 0
    ) -> None:
        """Open the class's folder, or make it.

        Args:
            folder: of all classes; it is made where there is none.
            label: of the class.
            session: to go on with; empty: a new one, by the time.
            keep_similar: whether a picture is saved that is practically the same as another of this burst.
            least_free: bytes that are to be left on the disk.

        Raises:
            DatasetError: it cannot be a class of this folder.
            CannotWrite: there is no such folder and it cannot be made, or it is a link.
        """
        self.label = label_for(folder, label)
        make_folder(folder)
        self.saved: list[str] = []
        """The names of the pictures that are there."""
        self.similar = 0
        """Pictures that were left out."""
        self._folder = folder
        self._likeness = None if keep_similar else Likeness()
        self._least_free = least_free
        with ExitStack() as if_refused:
            self._root = _opened(folder, os.fspath(folder), None)
            if_refused.callback(os.close, self._root)
            # macOS spells a name in another way than keyboards do.
            there = (name for name in _names_in(self._root) if unicodedata.normalize("NFC", name) == self.label)
            self._name = next(there, self.label)
            self._is_new = _made(folder / self._name, self._name, self._root)
            self._place = _opened(folder / self._name, self._name, self._root)
            if_refused.pop_all()
        taken = _names_in(self._place)
        self.session = session or _new_session(taken)
        self._number = _last_number(taken, self.session)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def save(self, pixels: Pixels) -> bool:
        """Write a picture, unless it is left out. Whether it was written.

        Args:
            pixels: uint8, height x width x 3, BGR.

        Raises:
            CannotWrite: no room is left, or nobody may write there any more. What was saved stays.
        """
        if self._likeness and not self._likeness.is_new(pixels):
            self.similar += 1
            return False
        jpeg = encode_jpeg(pixels, QUALITY)
        try:
            self._check_room()
            self.saved.append(self._written(jpeg))
        except OSError as error:
            raise cannot_write(self._folder / self._name, error) from None
        return True

    def discard(self) -> None:
        """Delete the pictures of this burst, and nothing else; it takes no more. Raises CannotWrite."""
        try:
            while self.saved:
                with suppress(FileNotFoundError):
                    os.unlink(self.saved[-1], dir_fd=self._place)
                self.saved.pop()
        except OSError as error:
            raise cannot_write(self._folder / self._name, error) from None
        self._leave_no_empty_class()

    def close(self) -> None:
        """End it."""
        self._leave_no_empty_class()
        os.close(self._place)
        os.close(self._root)

    def _leave_no_empty_class(self) -> None:
        """A class that it made and that has no picture goes: training would stumble over it."""
        if self._is_new and not self.saved:
            with suppress(OSError):  # it is gone already, or somebody else has put something there
                os.rmdir(self._name, dir_fd=self._root)

    def _check_room(self) -> None:
        disk = os.fstatvfs(self._place)
        if disk.f_bavail * disk.f_frsize < self._least_free:
            raise CannotWrite(
                f"{self._folder}: less than {self._least_free // 1_000_000} MB is free there",
                remedy="make room there; what was saved is kept",
            )

    def _written(self, jpeg: bytes) -> str:
        """The name that it has got: the next that is free, whoever else writes there."""
        while True:
            self._number += 1
            name = f"{self.session}_{self._number:04}.jpg"
            with suppress(FileExistsError):
                create_file(self._place, name, jpeg)
                return name


def _made(path: Path, name: str, root: int) -> bool:
    """Whether it was not there before."""
    try:
        os.mkdir(name, dir_fd=root)
    except FileExistsError:
        return False
    except OSError as error:
        raise cannot_write(path, error) from None
    return True


def _opened(path: Path, name: str, root: int | None) -> int:
    """A folder's descriptor; below `root` a link is refused."""
    try:
        if root is not None and S_ISLNK(os.stat(name, dir_fd=root, follow_symlinks=False).st_mode):
            raise CannotWrite(f"{path}: is a link, which may lead anywhere", remedy="put a folder in its place")
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | (0 if root is None else os.O_NOFOLLOW), dir_fd=root)
    except OSError as error:
        if error.errno == errno.ENOTDIR:
            raise CannotWrite(f"{path}: is no folder", remedy="move it away, or name another class") from None
        raise cannot_write(path, error) from None


def _names_in(folder: int) -> list[str]:
    return os.listdir(folder)


def _new_session(taken: list[str]) -> str:
    """The time of day here; a machine without a clock may tell the same twice, and then it is numbered."""
    now = session = time.strftime("%Y%m%d-%H%M%S")
    number = 1
    while any(name.startswith(f"{session}_") for name in taken):
        number += 1
        session = f"{now}-{number}"
    return session


def _last_number(taken: list[str], session: str) -> int:
    numbered = re.compile(rf"{re.escape(session)}_(\d+)\.\w+", re.ASCII)
    return max((int(found[1]) for name in taken if (found := numbered.fullmatch(name))), default=0)
