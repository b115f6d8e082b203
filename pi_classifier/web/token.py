"""The token that opens page and API: a secret in a file of its own."""

from pathlib import Path

from pi_classifier.config.address import ListenAddress
from pi_classifier.config.schema import WebSettings
from pi_classifier.errors import ConfigError
from pi_classifier.system.secret_file import credential, read_secret

CREDENTIAL = "web-token"
"""The name that systemd's LoadCredential gives it."""
LEAST = 16
"""Characters: who guesses five a minute needs longer than the sun has."""
MAKE_ONE = "make one: (umask 077; openssl rand -hex 16 >FILE), and name it in [web] token_file"


def token_for(settings: WebSettings, address: ListenAddress) -> str | None:
    """The token that clients have to show, or None where everybody may look.

    Args:
        settings: `auth` and `token_file`.
        address: where the page listens, as a number.

    Raises:
        ConfigError: there is none and strangers could connect, or its file is not fit for a secret.
    """
    if settings.auth == "none":
        return None
    file = _file(settings)
    if file is not None:
        return _read(file)
    if address.ip is None or not address.ip.is_loopback:
        raise ConfigError(
            f"web.listen = {address} can be reached from the network, and there is no token",
            remedy=f'{MAKE_ONE}, or set auth = "none" if everybody may look',
        )
    return None


def _file(settings: WebSettings) -> Path | None:
    return Path(settings.token_file) if settings.token_file else credential(CREDENTIAL)


def _read(file: Path) -> str:
    token = read_secret(file, "web.token_file", remedy=MAKE_ONE)
    if len(token) < LEAST or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError(f"web.token_file = {file} holds no word of {LEAST} ASCII characters or more", remedy=MAKE_ONE)
    return token
