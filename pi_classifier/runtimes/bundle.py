"""The bundle: one file with all that a runtime needs of a model, and read without any runtime.

It is a plain zip file whose members are stored, not compressed, in this order:

- `metadata.json`: the `ModelMetadata`, with the version of this format. Always the first, so that a bundle is known by
  its first bytes.
- `input_table.bin`: 768 bytes, the quantised input byte for each of the 256 values of R, then G, then B. They are
  quint8; a program with int8 inputs takes them with the top bit flipped, which is 128 less.
- `prototypes.bin`, of own classes that can tell what is none of them: class by class its prototypes, which
  `runtimes.novelty` compares pictures with, each of as many bytes as the network has features.
- `torchscript.pt`, `model.tflite`: the same model as a program for TorchScript and for LiteRT; one of them or both.

Everything is bounded before it is read: a file that lies about its sizes costs neither memory nor time.
"""

import io
import os
import struct
import zipfile
from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.model import ModelMetadata, Runtime
from pi_classifier.errors import ModelError
from pi_classifier.runtimes.metadata import AGAIN, OWN_AGAIN, Unusable, metadata_from_json, metadata_to_json

if TYPE_CHECKING:
    # Imported only for own classes that can tell what is none of them.
    from pi_classifier.runtimes.novelty import Features, Novelty

METADATA, TABLE, PROTOTYPES = "metadata.json", "input_table.bin", "prototypes.bin"
PROGRAMS: dict[Runtime, str] = {"torchscript": "torchscript.pt", "litert": "model.tflite"}
"""The member that holds each runtime's program."""
LARGEST = {METADATA: 16 << 20, TABLE: 768, PROTOTYPES: 64 << 20, "torchscript.pt": 256 << 20, "model.tflite": 64 << 20}
"""Bytes of each member: some three times what the largest architecture takes."""
ORDERS = [[name] for name in PROGRAMS.values()] + [list(PROGRAMS.values())]
ENCRYPTED = 0x1
START = struct.pack("<I", 0x04034B50)
END = struct.Struct("<I4H2IH")
"""How a zip file ends (APPNOTE.TXT, 4.3.16): signature, disks, counts of members, the directory's size and offset."""
END_SIGNATURE, LONGEST_DIRECTORY = 0x06054B50, 4096
LOCATOR, LOCATOR_SIZE = struct.pack("<I", 0x07064B50), 20
"""What stands before the end of a zip file of the 64-bit form."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Bundle:
    """A model with its programs."""

    name: str
    """What errors call it."""
    metadata: ModelMetadata
    table: Pixels
    """uint8, shape (1, 256, 3), channels in order RGB: the quantised (quint8) byte for every byte of every channel."""
    programs: Mapping[Runtime, bytes]
    """Those that were read; `holds` may name more."""
    holds: frozenset[Runtime]
    """The runtimes that there are programs for."""
    prototypes: "Features | None" = None
    """uint8, shape (n_classes, n_features); where there are some, each program gives features beside its logits."""

    @property
    def features(self) -> int:
        """How many features each program gives beside its logits: mostly none."""
        return 0 if self.prototypes is None else self.prototypes.shape[1]

    @property
    def novelty(self) -> "Novelty | None":
        """The rule for what is none of the classes, where there are prototypes."""
        training = self.metadata.training
        if self.prototypes is None or training is None or training.unknown_threshold is None:
            return None
        from pi_classifier.runtimes.novelty import Novelty

        return Novelty(self.prototypes, training.unknown_threshold)

    def program(self, runtime: Runtime) -> bytes:
        """The program for a runtime. Raises ModelError if there is none."""
        if runtime not in self.programs:
            remedy = f"make it with 'prepare --runtime {runtime}'"
            if self.metadata.training:
                remedy = f"run it on {min(self.holds)}, or make it again with 'train' where both runtimes are"
            raise ModelError(f"{self.name}: holds no program for {runtime}", remedy=remedy)
        return self.programs[runtime]

    def only(self, runtimes: Collection[Runtime]) -> "Bundle":
        """The same with the programs of these runtimes alone."""
        programs = {runtime: self.programs[runtime] for runtime in self.programs if runtime in runtimes}
        return replace(self, programs=programs, holds=frozenset(programs))

    def to_bytes(self) -> bytes:
        """The file's content; the same for the same bundle."""
        members = {METADATA: metadata_to_json(self.metadata), TABLE: self.table[0].T.tobytes()}
        if self.prototypes is not None:
            members[PROTOTYPES] = self.prototypes.tobytes()
        members |= {member: self.programs[runtime] for runtime, member in PROGRAMS.items() if runtime in self.programs}
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
            for name, data in members.items():
                archive.writestr(zipfile.ZipInfo(name), data)  # of no time, so that equal bundles are equal files
        return content.getvalue()


def is_bundle(path: Path) -> bool:
    """Whether a file is one, by its first bytes. Raises OSError if it cannot be read."""
    with path.open("rb") as file:
        head = file.read(30 + len(METADATA))
    return head.startswith(START) and head.endswith(METADATA.encode())


def holds_programs(path: Path, runtimes: Collection[Runtime]) -> bool:
    """Whether a file is a sound bundle with a program for each of these runtimes."""
    try:
        return read_bundle(path).holds >= set(runtimes)
    except ModelError:
        return False


def read_bundle(path: Path, programs: Container[Runtime] = tuple(PROGRAMS)) -> Bundle:
    """A bundle, with the checksums of all that is read.

    Args:
        path: the file.
        programs: the runtimes whose programs are read if they are there.

    Raises:
        ModelError: unreadable, no bundle, damaged, of another version, or one that lies about what it holds.
    """
    metadata = None
    try:
        with path.open("rb") as file:
            _check_end(file)
            with zipfile.ZipFile(file) as archive:
                names = _checked_names(archive)
                metadata = metadata_from_json(archive.read(METADATA))
                prototypes = _prototypes(metadata, archive.read(PROTOTYPES)) if PROTOTYPES in names else None
                table = np.frombuffer(archive.read(TABLE), np.uint8).reshape(3, 256)
                held = {runtime: member for runtime, member in PROGRAMS.items() if member in names}
                found = {runtime: archive.read(member) for runtime, member in held.items() if runtime in programs}
    except Unusable as error:
        raise ModelError(f"{path}: {error}", remedy=error.remedy) from None
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}", remedy="name a readable file with --weights") from None
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, struct.error):
        remedy = OWN_AGAIN if metadata and metadata.training else AGAIN
        raise ModelError(f"{path}: damaged or cut short", remedy=remedy) from None
    return Bundle(str(path), metadata, np.ascontiguousarray(table.T)[None], found, frozenset(held), prototypes)


def _prototypes(metadata: ModelMetadata, content: bytes) -> "Features":
    """Raises Unusable where they are not those of as many classes."""
    training = metadata.training
    count = len(metadata.categories) * (training.prototypes if training else 1)
    if training is None or training.unknown_threshold is None or not content or len(content) % count:
        raise Unusable("its prototypes are not those of its classes", own=training is not None)
    return np.frombuffer(content, np.uint8).reshape(count, -1)


def _check_end(file: BinaryIO) -> None:
    """The directory of members is short, and ends where the file does: only then may zipfile read it.

    A comment, a second directory or the 64-bit form would leave it open which of two readers sees what.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - END.size - LOCATOR_SIZE))
    locator, end = file.read(LOCATOR_SIZE), file.read(END.size)
    signature, disk, first_disk, here, count, length, offset, comment = END.unpack(end)
    whole = (signature, disk, first_disk, comment, offset + length) == (END_SIGNATURE, 0, 0, 0, size - END.size)
    if not whole or here != count or length > LONGEST_DIRECTORY or locator.startswith(LOCATOR):
        raise Unusable("no bundle, damaged or cut short")


def _checked_names(archive: zipfile.ZipFile) -> list[str]:
    """The members' names, once each of them is known to be as this format has it."""
    members = archive.infolist()
    names = [member.filename for member in members]
    programs = [name for name in names[2:] if name != PROTOTYPES]
    if names[:2] != [METADATA, TABLE] or programs not in ORDERS or PROTOTYPES in names[3:]:
        raise Unusable(f"holds other members than a bundle ({', '.join(names)[:100]})")
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & ENCRYPTED:
            raise Unusable(f"{member.filename} is compressed or encrypted")
        if member.file_size != member.compress_size or member.file_size > LARGEST[member.filename]:
            raise Unusable(f"{member.filename} is said to take {member.file_size} bytes")
    return names
