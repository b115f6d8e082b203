"""Where a server listens."""

import ipaddress
import re
from typing import NamedTuple, Self

ADDRESS = re.compile(r"(?:\[(?P<ipv6>[^]]*)\]|(?P<host>[^][:/\s]*)):(?P<port>[0-9]{1,5})")
LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
"""Hosts that stand for every address of this machine, and the one to connect to instead."""


def is_this_machine(host: str) -> bool:
    """Whether what is sent to this host, a name or an address, never leaves the machine."""
    return host == "localhost" or host in LOOPBACK.values()


class ListenAddress(NamedTuple):
    """HOST:PORT, or nothing where a server is turned off."""

    host: str
    """A name or an address, IPv6 without its brackets; empty for every address of this machine."""
    port: int
    """0 for any that is free."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `HOST:PORT`; an IPv6 address stands in brackets.

        Raises:
            ValueError: in words, what is wrong, to be put behind the text.
        """
        match = ADDRESS.fullmatch(text)
        if not match or not _is_ipv6(match["ipv6"]):
            raise ValueError("is no HOST:PORT")
        if int(match["port"]) > 65535:
            raise ValueError("has a port over 65535")
        if not _is_name(match["host"] or "localhost"):
            raise ValueError("has a host that is neither a name nor an address")
        return cls(match["ipv6"] or match["host"], int(match["port"]))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def to_connect(self) -> Self:
        """The address under which this machine itself reaches what listens here."""
        return type(self)(LOOPBACK.get(self.host, self.host), self.port)

    @property
    def ip(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        """The address as a number; None for a name, which may stand for any."""
        try:
            return ipaddress.ip_address(self.host or "0.0.0.0")  # noqa: S104 - what no host at all means
        except ValueError:
            return None


def has_fit_labels(host: str) -> bool:
    """Whether what stands between the dots has 1 to 63 characters each, as a name's has to (RFC 1035, 2.3.4)."""
    return all(1 <= len(label) <= 63 for label in host.removesuffix(".").split("."))


def _is_name(host: str) -> bool:
    """Whether it can be asked for: up to 253 ASCII characters, in labels that fit."""
    return host.isascii() and len(host) <= 253 and has_fit_labels(host)


def _is_ipv6(text: str | None) -> bool:
    """Whether what stands in brackets may stand there; None: there are none."""
    try:
        return text is None or bool(ipaddress.IPv6Address(text))
    except ValueError:
        return False
