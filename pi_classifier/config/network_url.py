"""The address of a network camera or of a webhook, apart from what opens it: no message may quote a secret in it."""

from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from pi_classifier.config.address import has_fit_labels

PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443, "tcp": None}
"""By scheme, the port where a URL names none (RFC 7826, 22.14; RFC 9110, 4.2); `tcp` has no usual one."""
HIDDEN = "***"


class Userinfo(NamedTuple):
    """Who asks. Its `repr` shows nothing of it."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Userinfo({HIDDEN})"


def is_network(source: str) -> bool:
    """Whether it is the address of a network camera, right or wrong."""
    scheme, separator, _ = source.partition("://")
    return bool(separator) and scheme.lower() in PORTS


def has_authority(source: str) -> bool:
    """Whether a user name and a password may stand in it, be its kind known or not."""
    scheme, separator, _ = source.partition("://")
    return bool(separator) and scheme.lower() != "file"


def take_userinfo(url: str) -> tuple[str, Userinfo | None]:
    """The URL without user name and password, and these, unescaped; None where it has none.

    Raises:
        ValueError: in words, and without a part of it: where the user name ends cannot be told.
    """
    scheme, _, rest = url.partition("://")
    authority_ends = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    userinfo, at, host = rest[:authority_ends].rpartition("@")
    # An '@' further behind may be of a password with a '/' in it, and then the rest would be quoted.
    if "@" in rest[authority_ends:]:
        raise ValueError("has an '@' that may be part of a password")
    if not at:
        return url, None
    username, _, password = userinfo.partition(":")
    return f"{scheme}://{host}{rest[authority_ends:]}", Userinfo(unquote(username), unquote(password))


def with_userinfo(url: str, userinfo: Userinfo | None) -> str:
    """The URL as it is opened: a secret. `take_userinfo` undoes it."""
    if userinfo is None:
        return url
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{quote(userinfo.username, safe='')}:{quote(userinfo.password, safe='')}@{rest}"


def shown(url: str) -> str:
    """As it may be shown: many a camera wants its password in the query."""
    before, mark, _ = url.partition("?")
    return f"{before}?{HIDDEN}" if mark else before


def server_of(url: str) -> str:
    """Scheme, host and port alone: what stands behind them may be all that a stranger need know to be let in.

    `HIDDEN` for what cannot be read, in which a secret may stand anywhere.
    """
    try:
        without, _ = take_userinfo(url)
        host, _ = host_and_port(without)
        parts = urlsplit(without)
    except ValueError:
        return HIDDEN
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


def host_and_port(url: str) -> tuple[str, int]:
    """Whom it leads to; an IPv6 address without its brackets.

    Raises:
        ValueError: in words: there is no host, no port where one is needed, or one over 65535.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("has an address that cannot be read") from None
    port = port or PORTS.get(parts.scheme)
    if not host:
        raise ValueError("names no host")
    if not has_fit_labels(host):
        raise ValueError("has no name of a machine as its host")
    if not port:
        raise ValueError("names no port")
    return host, port
