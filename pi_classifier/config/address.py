"""Where a server listens."""

import ipaddress
from dataclasses import dataclass
from typing import Self

LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
"""Hosts that stand for every address of this machine, and the one to connect to instead."""


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """HOST:PORT, or nothing where a server is turned off."""

    host: str
    """A name or an address, IPv6 without its brackets; empty for every address of this machine."""
    port: int
    """0 for any that is free."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `HOST:PORT`; an IPv6 address stands in brackets.

        Raises:
            ValueError: in words, what is wrong.
        """
        host, colon, port = text.rpartition(":")
        if not colon or not port.isdecimal() or len(port) > 5:
            raise ValueError("should be HOST:PORT, 127.0.0.1:9100 for instance")
        if int(port) > 65535:
            raise ValueError("the port should be 0 to 65535")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))

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
