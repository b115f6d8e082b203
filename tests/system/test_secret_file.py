"""A secret in a file: for whom it lies there."""

import os
import stat
import struct
from pathlib import Path

import pytest

from pi_classifier.errors import ConfigError
from pi_classifier.system.secret_file import credential, read_named_secret, read_secret

USER_OBJ, USER, GROUP_OBJ, MASK, OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
READ = 4
NAME = "camera-password"


def given_by_systemd(folder: Path) -> Path:
    """A credential as systemd 254 and later leave it: mode 0400, and an ACL that lets the service's user read it."""
    file = folder / NAME
    file.write_text("secret\n")
    file.chmod(0o400)
    entries = ((USER_OBJ, READ, -1), (USER, READ, 65534), (GROUP_OBJ, 0, -1), (MASK, READ, -1), (OTHER, 0, -1))
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)  # linux/posix_acl_xattr.h
    try:
        os.setxattr(file, "system.posix_acl_access", acl)
    except OSError:
        pytest.skip("this file system has no ACLs")
    assert stat.S_IMODE(file.stat().st_mode) == 0o440
    return file


def test_credential_with_an_acl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects services on Debian 13: an ACL's mask, which looks like a group's permission, opens no secret."""
    file = given_by_systemd(tmp_path)
    with pytest.raises(ConfigError, match="can be read by others"):
        read_secret(file, "key", remedy="")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert credential(NAME) == file
    assert read_secret(file, "key", remedy="") == "secret"


def test_file_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects secrets: a file that others can read is refused, beside credentials, too."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    file = tmp_path / NAME
    file.write_text("secret\n")
    file.chmod(0o640)
    with pytest.raises(ConfigError, match=f"chmod 600 {file}"):
        read_secret(file, "key", remedy="")
    file.chmod(0o600)
    assert read_secret(file, "key", remedy="") == "secret"


def test_credential_that_cannot_be_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Protects who starts the program by hand: a folder where nobody may look is one line, no fault."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    # As a folder that may not be searched does, but for root as well: it is an error to ask.
    with pytest.raises(ConfigError, match="File name too long"):
        read_named_secret(300 * "x", "mqtt.password_file", remedy="")
