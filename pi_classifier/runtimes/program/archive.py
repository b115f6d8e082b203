"""A TorchScript archive, which is a zip file, read with limits and written anew."""

import io
import re
import zipfile

from pi_classifier.runtimes.program.refusal import NotPrepared

MAX_BYTES = 128 << 20
"""Of an archive. The largest architecture, resnext101_32x8d, takes 91 MB."""
_MAX_MEMBERS = 1024
"""resnext101_32x8d has 534."""
_MAX_UNPACKED_BYTES = 64 << 10
"""Of a compressed member: torch compresses code and what belongs to it. The largest has 36 kB."""
_USUAL_FLAGS = 0x0808
"""Sizes repeated behind the member, and a name in UTF-8. Not: encrypted."""
_EXPECTED = re.compile(
    r"data\.pkl|constants\.pkl|constants/\d{1,4}|version|byteorder|\.data/serialization_id"
    r"|code/__torch__(/[\w/]+)?\.py(\.debug_pkl)?",
    re.ASCII,
)
_FIXED = {"version": b"3\n", "byteorder": b"little"}
_MODULE = b"\x80\x02c__torch__\nProgram\n)\x81}(ub."
"""data.pkl: an object of the class Program without attributes, as a frozen module is."""


class Archive:
    """The members of an archive, by their names without the archive's own. Nothing is unpacked before it is read."""

    def __init__(self, content: bytes) -> None:
        """Look at the directory.

        Raises:
            NotPrepared: it is too large, or a member is not of the names and kinds that `prepare` writes.
            zipfile.BadZipFile: it is no archive, or cut short. Like all below, zipfile's other errors come, too.
        """
        # zipfile makes an object of everything in the directory, where each begins with this signature.
        if len(content) > MAX_BYTES or content.count(b"PK\1\2") > _MAX_MEMBERS:
            raise NotPrepared("an archive larger than any")
        self._zip = zipfile.ZipFile(io.BytesIO(content))
        self._members: dict[str, zipfile.ZipInfo] = {}
        for entry in self._zip.infolist():
            member = entry.filename.partition("/")[2]
            if not _EXPECTED.fullmatch(member) or member in self._members or not _is_plain(entry):
                raise NotPrepared(f"a member {entry.filename!r} of this kind")
            self._members[member] = entry
        if sum(entry.file_size for entry in self._members.values()) > MAX_BYTES:
            raise NotPrepared("members that overlap")

    def read(self, member: str) -> bytes:
        """A member's content, held against its checksum.

        Raises:
            NotPrepared: there is none of that name.
            zipfile.BadZipFile: it is damaged, or shorter than the directory says, to which its tensors are held.
        """
        if member not in self._members:
            raise NotPrepared(f"no member {member!r}")
        entry = self._members[member]
        with self._zip.open(entry) as file:
            content = file.read(entry.file_size)  # without a size zipfile unpacks it all first, whatever it said
        if len(content) != entry.file_size:
            raise zipfile.BadZipFile(f"{member} is shorter than it says")
        return content

    def code(self) -> str:
        """The one source file that is not empty."""
        sources = [name for name, entry in self._members.items() if name.endswith(".py") and entry.file_size]
        if len(sources) != 1:
            raise NotPrepared(f"code in {len(sources)} files")
        return self.read(sources[0]).decode("ascii", "replace")

    def storages(self) -> dict[str, int]:
        """The size in bytes of each tensor's storage, by its name."""
        folder = "constants/"
        return {
            name.removeprefix(folder): entry.file_size
            for name, entry in self._members.items()
            if name.startswith(folder)
        }

    def rewritten(self, code: str) -> bytes:
        """An archive for `torch.jit.load` of this code, whose class is `__torch__.Program`, and these constants.

        torch's zip reader is another than this one, and they may understand one file in two ways: it could load what
        nobody has judged. In what comes from here there is nothing else, and no member of the old one's directory. The
        storages are not aligned as in torch's own archives; it copies each, and aligns the copy.
        """
        for member, expected in _FIXED.items():
            if self.read(member) != expected:
                raise NotPrepared(f"another {member}")
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as new:
            new.writestr(_entry("data.pkl"), _MODULE)
            new.writestr(_entry("code/__torch__.py"), code)
            for member in ("constants.pkl", *(f"constants/{name}" for name in self.storages()), *_FIXED):
                new.writestr(_entry(member), self.read(member))
        return content.getvalue()


def _entry(member: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(f"archive/{member}")


def _is_plain(entry: zipfile.ZipInfo) -> bool:
    packed = entry.compress_type == zipfile.ZIP_DEFLATED and entry.file_size <= _MAX_UNPACKED_BYTES
    return (packed or entry.compress_type == zipfile.ZIP_STORED) and not entry.flag_bits & ~_USUAL_FLAGS
