"""A secret that lies in a file of its own, or was given to the service by systemd."""

import os
import stat
from pathlib import Path

from pi_classifier.errors import ConfigError

LONGEST = 4096


def credential(name: str) -> Path | None:
    """Where systemd's LoadCredential= has put the secret of this name (systemd.exec(5)); None if it has not."""
    folder = _credentials()
    file = folder / name if folder else None
    try:
        return file if file and file.exists() else None
    except OSError:  # nobody but the service may look there, and who reads it says so
        return file


def read_secret(file: Path, key: str, *, remedy: str) -> str:
    """The secret in a file, without the white space around it.

    Args:
        file: of up to `LONGEST` characters.
        key: of the configuration, in whose name it is read: `web.token_file`.
        remedy: what to do where there is none.

    Raises:
        ConfigError: it cannot be read, is no text, or can be read by others.
    """
    try:
        with file.open(encoding="utf-8") as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            secret = opened.read(LONGEST).strip()
    except OSError as error:
        raise ConfigError(f"{key} = {file}: {error.strerror}", remedy=remedy) from None
    except ValueError:  # among them what is no UTF-8, and a NUL in the name
        raise ConfigError(f"{key} = {file} holds no line of plain text", remedy=remedy) from None
    # systemd itself lets nobody but the service read it, from version 254 on by an ACL, whose mask looks like a group's
    # permission.
    if mode & 0o077 and file.parent != _credentials():
        raise ConfigError(f"{key} = {file} can be read by others", remedy=f"run: chmod 600 {file}")
    return secret


def read_named_secret(name: str, key: str, *, remedy: str) -> str:
    """The secret that a configuration names: by a path, or by a bare name as the service's credential.

    Args:
        name: what the configuration says.
        key: under which it does.
        remedy: what to do where there is no such file.

    Raises:
        ConfigError: as of `read_secret`.
    """
    file = credential(name) or Path(name)
    if file.name == name:
        remedy = f"give the service LoadCredential={name}:FILE, or name the file by its whole path"
        if not _credentials():
            remedy += "; by hand, CREDENTIALS_DIRECTORY names its folder"
    return read_secret(file, key, remedy=remedy)


def _credentials() -> Path | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(folder) if folder else None
