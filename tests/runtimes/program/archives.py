"""Archives and pickles, taken apart and put together."""

import io
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass


def members(content: bytes) -> dict[str, bytes]:
    """An archive's members, by their names."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archived(files: Mapping[str, bytes], *, packed: str = "") -> bytes:
    """An archive of these members, with the right checksums; the one called `packed` is compressed."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            method = zipfile.ZIP_DEFLATED if name == packed else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return content.getvalue()


def code_name(files: Mapping[str, bytes]) -> str:
    """The name of the source file."""
    return next(name for name, data in files.items() if name.endswith(".py") and data)


@dataclass(frozen=True, slots=True)
class Global:
    """A name that a pickle imports, `module name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Reduce:
    """What a pickle calls."""

    called: object
    arguments: object


@dataclass(frozen=True, slots=True)
class Build:
    """An object that a pickle makes of a state."""

    kind: Global
    state: object


@dataclass(frozen=True, slots=True)
class Persistent:
    """A reference to something beside the pickle."""

    description: object


def pickled(value: object) -> bytes:
    """A pickle of this value, written with the opcodes that torch takes."""
    return b"\x80\x02" + _opcodes(value) + b"."


def _opcodes(value: object) -> bytes:
    match value:
        case Global(name):
            return b"c" + name.replace(" ", "\n").encode() + b"\n"
        case Reduce(called, arguments):
            return _opcodes(called) + _opcodes(arguments) + b"R"
        case Build(kind, state):
            return _opcodes(kind) + b")\x81" + _opcodes(state) + b"b"
        case Persistent(description):
            return _opcodes(description) + b"Q"
        case tuple() | list():
            begin, end = (b"(", b"t") if isinstance(value, tuple) else (b"](", b"e")
            return begin + b"".join(map(_opcodes, value)) + end
    return _plain(value)


def _plain(value: object) -> bytes:
    match value:
        case None | bool():
            return {None: b"N", True: b"\x88", False: b"\x89"}[value]
        case int():
            return b"J" + struct.pack("<i", value)
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
    raise TypeError(value)
