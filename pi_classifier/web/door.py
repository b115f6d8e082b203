"""The page's port, and who may come in: what can fail before anything else is begun."""

import socket
from contextlib import ExitStack
from typing import NamedTuple

from pi_classifier.config.address import ListenAddress
from pi_classifier.config.schema import WebSettings
from pi_classifier.system.listening import listening_socket
from pi_classifier.web.access import Access
from pi_classifier.web.token import token_for

BACKLOG = 128
USER_TIMEOUT_SECONDS = 30.0
UNSENT = 16384
"""Bytes that may wait in the kernel: the rest waits here, so that a slow client gets the newest frame and no old ones
(tcp(7), TCP_NOTSENT_LOWAT)."""


class Door(NamedTuple):
    """A port that is bound, and the rules for who knocks."""

    listener: socket.socket
    address: ListenAddress
    access: Access
    is_guarded: bool

    @classmethod
    def opened(cls, settings: WebSettings, listen: ListenAddress) -> "Door":
        """Bind, and read the token.

        Raises:
            ConfigError: the address, the token or its file is not fit.
            AddressInUse: somebody listens there already.
        """
        listener = listening_socket(
            listen, section="web", flag="--web", backlog=BACKLOG, user_timeout=USER_TIMEOUT_SECONDS
        )
        with ExitStack() as if_refused:
            if_refused.enter_context(listener)
            # Connections inherit it.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
            host, port, *_ = listener.getsockname()
            token = token_for(settings, ListenAddress(host, port))
            if_refused.pop_all()
        names = {*settings.allowed_hosts, *_own_names()}
        return cls(listener, ListenAddress(listen.host, port), Access(token, names), token is not None)


def _own_names() -> set[str]:
    """Of this machine, as its network knows it; the second by multicast DNS (RFC 6762)."""
    name = socket.gethostname().lower()
    return {name, name.partition(".")[0], f"{name.partition('.')[0]}.local"}
