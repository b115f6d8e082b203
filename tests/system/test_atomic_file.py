"""Files that are written in one step."""

import errno
import os
import resource
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pi_classifier.system.atomic_file import create_file, replace_file
from tests.system.unprivileged import unprivileged


def test_new_file_is_readable_by_all(tmp_path: Path) -> None:
    """Protects the next user of a cache or a configuration: a new file is 0644, however strict the umask."""
    before = os.umask(0o077)
    try:
        replace_file(tmp_path / "new", b"content")
    finally:
        os.umask(before)
    assert (tmp_path / "new").read_bytes() == b"content"
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_owner_and_mode_are_those_of_another(tmp_path: Path) -> None:
    """Protects a file's owner: what replaces it belongs to the same user, with the same permissions."""
    file = tmp_path / "file"
    file.write_bytes(b"old")
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 1234, 1235)
    before = file.stat()
    replace_file(file, b"new", like=file)
    after = file.stat()
    assert file.read_bytes() == b"new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino, "written over, not replaced"


def test_owner_that_cannot_be_set_costs_nothing() -> None:
    """Protects FAT and ordinary users: where the owner cannot be set, the file is written all the same."""
    with unprivileged() as folder:
        replace_file(folder / "file", b"content", like=Path("/etc/passwd"))
        assert (folder / "file").read_bytes() == b"content"
        assert (folder / "file").stat().st_uid == os.geteuid()


def test_folder_that_takes_no_file() -> None:
    """Protects what is there from a folder that cannot be written: the old content stays, and nothing else comes."""
    with unprivileged() as folder:
        file = folder / "file"
        file.write_bytes(b"old")
        folder.chmod(0o555)
        with pytest.raises(PermissionError):
            replace_file(file, b"new")
        assert file.read_bytes() == b"old"
        assert list(folder.iterdir()) == [file]
        folder.chmod(0o755)


def test_no_room_for_the_new_content(tmp_path: Path) -> None:
    """Protects from a full card: when the new content does not fit, the old stays whole, and no half of the new."""
    file = tmp_path / "file"
    file.write_bytes(b"old")
    code = (
        "import sys; from pathlib import Path; from pi_classifier.system.atomic_file import replace_file\n"
        "try: replace_file(Path(sys.argv[1]), bytes(100_000))\n"
        "except OSError as error: print(error.strerror)"
    )
    limited = subprocess.run(
        [sys.executable, "-c", code, file],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
    )
    assert limited.stdout == "File too large\n"
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_name_that_cannot_be_taken(tmp_path: Path) -> None:
    """Protects the folder from leftovers of the last step: where the name is a folder's, nothing new stays behind."""
    (tmp_path / "name").mkdir()
    (tmp_path / "name" / "inside").write_bytes(b"old")
    with pytest.raises(IsADirectoryError):
        replace_file(tmp_path / "name", b"new")
    assert list(tmp_path.iterdir()) == [tmp_path / "name"]
    assert (tmp_path / "name" / "inside").read_bytes() == b"old"


def test_readers_see_the_old_or_the_new(tmp_path: Path) -> None:
    """Protects who reads meanwhile: whenever it is read, the file is there and whole."""
    file, contents = tmp_path / "file", (b"a" * 100_000, b"b" * 10)
    replace_file(file, contents[0])
    done = threading.Event()
    seen: set[bytes] = set()

    def read() -> None:
        while not done.is_set():
            seen.add(file.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(100):
        replace_file(file, contents[number % 2])
    done.set()
    reader.join()
    assert seen
    assert seen <= set(contents)


@pytest.mark.parametrize("links", [True, False])
def test_new_file_replaces_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool) -> None:
    """Protects what is there, on FAT as well, which has no links: a name that is taken stays what it was."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    if not links:
        monkeypatch.setattr("os.link", refused)
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        create_file(folder, "file", b"first")
        with pytest.raises(FileExistsError):
            create_file(folder, "file", b"second")
    finally:
        os.close(folder)
    assert (tmp_path / "file").read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
