"""Detectors that come by name: their weights, fetched once and kept, and held to the hash that was published."""

import contextlib
import hashlib
import logging
import sys
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError

from pi_classifier.errors import CannotWrite, WeightsUnavailable
from pi_classifier.system.atomic_file import replace_file

COCO_LABELS = Path(__file__).with_name("coco.txt")
"""The 80 categories of COCO 2017's annotations, in their order: https://cocodataset.org/#download."""
PATIENCE_SECONDS = 60.0
"""For each piece of an answer."""
PIECE = 1 << 16
"""Bytes."""

logger = logging.getLogger(__name__)


class Published(NamedTuple):
    """A file of weights, as its authors publish it."""

    url: str
    size: int
    """Bytes."""
    sha256: str
    """Hexadecimal."""
    licence: str
    """Its SPDX identifier."""
    decoder: str
    """How its outputs are read."""
    labels: Path
    """A labels file."""

    def place(self, folder: Path) -> Path:
        """Its place in a cache folder."""
        return folder / self.url.rpartition("/")[2]


PUBLISHED = {
    "yolox_nano": Published(
        url="https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/yolox_nano.onnx",
        size=3_659_407,
        sha256="c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d",
        licence="Apache-2.0",
        decoder="yolox",
        labels=COCO_LABELS,
    )
}
"""By the name that `--model` takes."""


def fetched(published: Published, folder: Path, *, progress: bool) -> Path:
    """The file: from the cache, else downloaded there.

    Args:
        published: which.
        folder: of the cache; made where it is missing.
        progress: whether a download shows on stderr how far it is.

    Raises:
        WeightsUnavailable: it is neither there nor to be had; the message says where to put it.
        CannotWrite: the cache cannot be used.
    """
    path = published.place(folder)
    with _usable(path):
        if path.is_file():
            if is_intact(path, published):
                return path
            logger.warning("%s: not the file that was published; fetching it again", path)
        path.parent.mkdir(parents=True, exist_ok=True)
    content = _downloaded(published, path, progress=progress)
    with _usable(path):
        replace_file(path, content)
    return path


def is_intact(path: Path, published: Published) -> bool:
    """Whether a file is the one that was published. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == published.sha256


@contextlib.contextmanager
def _usable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = "free or permit that place, set CACHE_DIRECTORY, or name a copy of the file with --weights"
        raise CannotWrite(f"{path}: cannot be kept there ({error.strerror})", remedy=remedy) from None


def _downloaded(published: Published, path: Path, *, progress: bool) -> bytes:
    """All of it, for this place; said on stderr, as torch says it of other weights."""
    print(f'Downloading: "{published.url}" to {path} (licence: {published.licence})', file=sys.stderr)
    try:
        return _answer(published, progress=progress)
    except HTTPError as error:
        error.close()
        reason = f"{error.code} {error.reason}"
    except HTTPException as error:
        reason = type(error).__name__
    except OSError as error:  # urllib's and TimeoutError, too
        reason = str(getattr(error, "reason", None) or error.strerror or error)
    raise WeightsUnavailable(
        f"no weights: {published.url} could not be fetched ({reason})",
        remedy=f"copy it to {path}, or name a copy of it with --weights",
    )


def _answer(published: Published, *, progress: bool) -> bytes:
    """What the server has; raises OSError where it is another file."""
    content = bytearray()
    with urllib.request.urlopen(published.url, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - the URL is ours
        while len(content) <= published.size and (piece := answer.read(PIECE)):
            content += piece
            if progress:
                print(f"\r{len(content) / published.size:.1%}", end="", file=sys.stderr, flush=True)
    if progress:
        print(file=sys.stderr)
    if len(content) < published.size:
        raise ConnectionError(f"cut short: {len(content)} of {published.size} bytes")
    digest = hashlib.sha256(content).hexdigest()
    if digest != published.sha256:
        raise OSError(f"invalid hash value (expected {published.sha256}, got {digest})")
    return bytes(content)
