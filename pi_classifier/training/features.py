"""The features of a dataset's pictures, each computed once and kept beside them, by picture and base.

The file is a list of records, appended one after another. A run that is killed leaves at most a part of one record at
its end, which the next one cuts off.
"""

import hashlib
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from pi_classifier.contracts.model import ModelMetadata
from pi_classifier.errors import CannotWrite, InputError
from pi_classifier.runtimes.novelty import Features
from pi_classifier.runtimes.reference_transform import reference_crop
from pi_classifier.sources.files.opening import path_problem
from pi_classifier.sources.files.picture import read_picture

if TYPE_CHECKING:
    # Known to whoever has one: `evaluate` runs where torch is not.
    from pi_classifier.prepare.trunk import Trunk

OWN_FOLDER = ".pi-classifier"
"""Inside a dataset's folder."""
_DIGEST_BYTES, _CHECKSUM = 32, struct.Struct("<I")
Extract = Callable[[Path], Features]
"""The features of a picture's file, shape (n_features,). Raises InputError."""


class Extraction(NamedTuple):
    """What became of one picture."""

    path: Path
    digest: str
    """SHA-256 of the file, hexadecimal; empty where it cannot be read."""
    features: Features | None
    """Shape (n_features,); None where it is no picture."""
    problem: InputError | None = None


def extractor(trunk: "Trunk") -> Extract:
    """Computes features, of pictures pre-processed exactly as `classify` does it. For one thread."""
    preprocess, tensor, metadata = trunk.new_preprocessor(), trunk.new_tensor(), trunk.metadata

    def extract(path: Path) -> Features:
        pixels = reference_crop(read_picture(path), resize_size=metadata.resize_size, crop_size=metadata.input_size)
        preprocess(pixels, tensor)
        return trunk.features(tensor)

    return extract


def base_digest(metadata: ModelMetadata) -> str:
    """Of all that features depend on besides the picture, hexadecimal."""
    pre_processing = metadata.input_size, metadata.resize_size, metadata.mean, metadata.std
    base = metadata.name, metadata.weights_sha256, metadata.scale, metadata.zero_point, pre_processing
    return hashlib.sha256(repr(base).encode()).hexdigest()


def extracted(paths: Sequence[Path], cache: "FeatureCache", extract: Extract) -> Iterator[Extraction]:
    """The features of each picture, in order; those that are not known yet are computed and kept.

    Raises:
        CannotWrite: they cannot be kept.
    """
    for path in paths:
        try:
            digest = picture_digest(path)
            features = cache.get(digest)
            if features is None:
                features = extract(path)
                cache.add(digest, features)
        except InputError as problem:
            yield Extraction(path, "", None, with_path(path, problem))
        else:
            yield Extraction(path, digest, features)


def with_path(path: Path, problem: InputError) -> InputError:
    """A problem with a picture, with the file's name in front."""
    if problem.problem.startswith(str(path)):
        return problem
    return InputError(f"{path}: {problem.problem}", remedy=problem.remedy)


class FeatureCache:
    """The features that are known, and the file that keeps them; a context, which closes it."""

    def __init__(self, folder: Path, base: str, size: int, kind: str = "features") -> None:
        """Read what is there.

        Args:
            folder: of the dataset.
            base: `base_digest` of the trunk.
            size: how many features it gives.
            kind: what they are called, in the file's name.

        Raises:
            CannotWrite: the file cannot be read, or made.
        """
        self._record = _DIGEST_BYTES + size + _CHECKSUM.size
        self._known: dict[str, Features] = {}
        self._path = folder / OWN_FOLDER / f"{kind}-{base[:16]}.bin"
        with refused_writing(self._path):
            self._path.parent.mkdir(exist_ok=True)
            content = self._path.read_bytes() if self._path.exists() else b""
            sound = self._read(content)
            self._file = self._path.open("ab", buffering=0)
            self._file.truncate(sound)

    def __len__(self) -> int:
        return len(self._known)

    def get(self, digest: str) -> Features | None:
        """The features of the picture with this SHA-256, if they are known."""
        return self._known.get(digest)

    def add(self, digest: str, features: Features) -> None:
        """Keep features. Raises CannotWrite."""
        record = bytes.fromhex(digest) + features.tobytes()
        with refused_writing(self._path):
            written = self._file.write(record + _CHECKSUM.pack(zlib.crc32(record)))
            if written != self._record:
                raise OSError(28, os.strerror(28))
        self._known[digest] = features

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """What was added survives a power cut from now on. Raises CannotWrite."""
        with refused_writing(self._path), self._file:
            os.fsync(self._file.fileno())

    def _read(self, content: bytes) -> int:
        """Take what is sound; returns how many bytes that are."""
        end = len(content) - len(content) % self._record
        for start in range(0, end, self._record):
            record = content[start : start + self._record - _CHECKSUM.size]
            if _CHECKSUM.pack(zlib.crc32(record)) != content[start + len(record) : start + self._record]:
                return start
            self._known[record[:_DIGEST_BYTES].hex()] = np.frombuffer(record[_DIGEST_BYTES:], np.uint8)
        return end


@contextmanager
def refused_writing(path: Path) -> Iterator[None]:
    """Turns an OSError into a CannotWrite."""
    try:
        yield
    except OSError as error:
        raise CannotWrite(
            f"{path}: cannot be written ({error.strerror})",
            remedy="make room there, or copy the pictures to where there is some",
        ) from None


def picture_digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal. Raises InputError where it cannot be read."""
    if problem := path_problem(path):
        raise InputError(f"{path}: {problem}", remedy="check the file")
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", remedy="check the file") from None
