"""Zip files that are no archives of ours."""

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pi_classifier.errors import ModelError
from pi_classifier.runtimes.bundle import read_bundle
from pi_classifier.runtimes.program.archive import MAX_BYTES
from pi_classifier.runtimes.program.check import checked_program
from tests.runtimes.program.archives import archived, code_name, members

SIZE_FIELDS = struct.Struct("<LL")
"""Compressed and uncompressed size, as they stand side by side in a zip file."""
CODE = "archive/code/__torch__/program.py"


@pytest.fixture(scope="module")
def good(untrained_model_file: Path) -> dict[str, bytes]:
    """The members of an archive that `prepare` wrote."""
    return members(read_bundle(untrained_model_file).program("torchscript"))


def refusal(content: bytes) -> str:
    """The one line that the archive is refused with."""
    with pytest.raises(ModelError, match=r"^evil\.pt: .*; make the file again with 'prepare'") as refused:
        checked_program(content, "evil.pt")
    assert str(refused.value).isprintable()
    return str(refused.value)


@pytest.mark.parametrize(
    "member",
    [
        "archive/extra/other.json",
        "archive/data/0",
        "archive/constants/99999",
        "archive/code/__torch__.txt",
        "archive/code/__torch__/../x.py",
        "archive/code/__torch__/x.so",
        "/etc/passwd",
        "version",
        "archive/" + "x" * 60_000,
        "archive/\x1b[2J",
    ],
)
def test_member_of_another_name(good: dict[str, bytes], member: str) -> None:
    """Protects from what `prepare` never writes: every member of an archive has one of the names that it gives."""
    assert "a member" in refusal(archived({**good, member: b""}))


def test_code_in_another_file(good: dict[str, bytes]) -> None:
    """Protects from code that nobody judged: there is one file of it, whatever the others are called."""
    hidden = {"archive/code/__torch__/torch/hidden.py": good[code_name(good)]}
    assert "code in 2 files" in refusal(archived({**good, **hidden}))
    assert "code in 0 files" in refusal(archived({**good, code_name(good): b""}))


@pytest.mark.parametrize("member", ["constants.pkl", "version", "byteorder", "constants/5"])
def test_member_that_is_missing(good: dict[str, bytes], member: str) -> None:
    """Protects from half an archive: what is needed and not there is an error, and no traceback."""
    assert "no program" in refusal(
        archived({name: data for name, data in good.items() if not name.endswith(f"/{member}")})
    )


@pytest.mark.parametrize(("member", "content"), [("version", b"10\n"), ("byteorder", b"big")])
def test_archive_of_another_kind(good: dict[str, bytes], member: str, content: bytes) -> None:
    """Protects from reading one thing as another: operators and numbers mean what they mean in our archives."""
    assert f"another {member}" in refusal(archived({**good, f"archive/{member}": content}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_member_that_comes_twice(good: dict[str, bytes]) -> None:
    """Protects from two readings of one file: of two members of a name, zip readers take the first or the last."""
    content = io.BytesIO(archived(good))
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr(code_name(good), b"class Other(Module):\n")
    assert "a member" in refusal(content.getvalue())
    moved = archived({**good, "other/version": b"3\n"})
    assert "a member" in refusal(moved)


def test_what_lies_around_the_archive_is_left_out(good: dict[str, bytes]) -> None:
    """Protects from two readings of one file: what stands before the archive or between members never reaches torch."""
    content = archived(good)
    assert checked_program(b"PK\3\4 an archive of its own" + content, "file") == checked_program(content, "file")


def test_what_was_written_anew_is_taken_again(good: dict[str, bytes]) -> None:
    """Protects the model that comes along, which is kept like that: once written anew, an archive stays as it is."""
    anew = checked_program(archived(good), "file")
    assert checked_program(anew, "file") == anew


def changed_sizes(content: bytes, name: str, *, compressed: int | None = None, size: int | None = None) -> bytes:
    """An archive that states other sizes for a member, in front of it and in the directory."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entry = archive.getinfo(name)
    old = SIZE_FIELDS.pack(entry.compress_size, entry.file_size)
    new = SIZE_FIELDS.pack(compressed or entry.compress_size, size or entry.file_size)
    data = bytearray(content)
    directory = content.index(b"PK\1\2")
    place = content.index(name.encode(), directory) - 46 + 20
    assert data[place : place + 8] == old
    data[entry.header_offset + 18 : entry.header_offset + 26] = new
    data[place : place + 8] = new
    return bytes(data)


@pytest.mark.parametrize("name", ["archive/constants/0", "archive/constants.pkl", "archive/version"])
@pytest.mark.parametrize("size", [3 << 30, 0xFFFFFFFE])
def test_size_that_is_stated_and_not_there(good: dict[str, bytes], name: str, size: int) -> None:
    """Protects memory: a member of gigabytes is refused by what the directory says, before anything is unpacked."""
    assert "no program" in refusal(changed_sizes(archived(good), name, size=size))
    assert "no program" in refusal(changed_sizes(archived(good), name, size=size, compressed=size))


def test_bomb(good: dict[str, bytes]) -> None:
    """Protects memory: code that unpacks to more than any is refused by its size, or read no further than it states."""
    code, unpacked = code_name(good), 1 << 26
    bomb = archived({**good, code: bytes(unpacked)}, packed=code)
    assert "a member" in refusal(bomb)
    smaller = changed_sizes(bomb, code, size=1000)
    tracemalloc.start()
    try:
        assert "damaged" in refusal(smaller)
        assert tracemalloc.get_traced_memory()[1] < unpacked / 4
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("packed", ["", "archive/constants/7"], ids=["stored", "compressed"])
def test_member_that_is_shorter_than_it_says(good: dict[str, bytes], packed: str) -> None:
    """Protects memory: a tensor is held to a size that the file has, not to one that it states; torch reads beyond."""
    name = "archive/constants/7"
    short = archived({**good, name: good[name][:100]}, packed=packed)
    assert "shorter than it says" in refusal(changed_sizes(short, name, size=len(good[name])))


def test_members_that_share_their_bytes(good: dict[str, bytes]) -> None:
    """Protects memory: many members over the same bytes would be as many copies of them."""
    shared = "archive/constants/156"
    content = archived({**good, shared: bytes(1 << 20)})
    directory = content.index(b"PK\1\2")
    place = content.index(shared.encode(), directory) - 46
    entry = content[place : place + 46 + len(shared)]
    more = b"".join(entry.replace(b"/156", b"/" + str(number).encode()) for number in range(300, 500))
    end = bytearray(content[-22:])
    end[8:16] = struct.pack("<HHL", len(good) + 200, len(good) + 200, len(content) - 22 - directory + len(more))
    assert "overlap" in refusal(content[:-22] + more + end)


def test_too_many_members(good: dict[str, bytes]) -> None:
    """Protects memory: a directory of millions would become as many objects."""
    many = {f"archive/constants/{number}": b"" for number in range(2000)}
    assert "larger than any" in refusal(archived({**good, **many}))


def test_too_large(good: dict[str, bytes]) -> None:
    """Protects memory: no architecture is larger than the limit, so what is has not been written here."""
    assert "larger than any" in refusal(bytes(MAX_BYTES + 1))


PATCHES: dict[str, Callable[[bytearray, int], None]] = {
    "encrypted": lambda data, place: data.__setitem__(place + 8, data[place + 8] | 1),
    "of another method": lambda data, place: data.__setitem__(place + 10, 12),
    "of a later version": lambda data, place: data.__setitem__(place + 6, 99),
    "elsewhere": lambda data, place: data.__setitem__(slice(place + 42, place + 46), b"\xff\xff\xff\x7f"),
    "another checksum": lambda data, place: data.__setitem__(place + 16, data[place + 16] ^ 1),
}


@pytest.mark.parametrize("patch", PATCHES.values(), ids=PATCHES.keys())
@pytest.mark.parametrize("name", ["archive/constants.pkl", "archive/constants/7"])
def test_member_that_cannot_be_read(good: dict[str, bytes], name: str, patch: Callable[[bytearray, int], None]) -> None:
    """Protects from tracebacks: a member that is encrypted, packed in another way, damaged or not there is one line."""
    content = archived(good)
    data = bytearray(content)
    patch(data, content.index(name.encode(), content.index(b"PK\1\2")) - 46)
    refusal(bytes(data))


@pytest.mark.parametrize("keep", [0, 1, 30, 1000, 0.5, 0.999])
def test_archive_cut_short(good: dict[str, bytes], keep: float) -> None:
    """Protects from half a file: it is called that, wherever it was cut."""
    content = archived(good)
    assert "damaged or cut short" in refusal(content[: int(keep if keep >= 1 else keep * len(content))])
