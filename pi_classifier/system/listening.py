"""A socket that listens where the configuration says, or one line that says why not."""

import errno
import socket

from pi_classifier.config.address import ListenAddress
from pi_classifier.errors import AddressInUse, ConfigError

FLAGS = {"metrics": "--metrics-listen", "web": "--web"}
"""Of `run`, by section."""


def listening_socket(listen: ListenAddress, *, section: str, backlog: int, user_timeout: float) -> socket.socket:
    """Bind and listen; who connects waits until somebody accepts.

    Args:
        listen: where, of the family that the address or the first meaning of the name has.
        section: of the configuration, whose key `listen` it is.
        backlog: clients that wait to be accepted.
        user_timeout: seconds in which a client must acknowledge what it was sent, or is given up (tcp(7),
            TCP_USER_TIMEOUT); be the connection closed or not.

    Raises:
        AddressInUse: somebody listens there already.
        ConfigError: no address of this machine, or a port that needs privileges.
    """
    try:
        return _bound(listen, backlog, user_timeout)
    except (socket.gaierror, UnicodeError) as error:
        problem = error.strerror if isinstance(error, socket.gaierror) else "no name of a machine"
        raise ConfigError(f"{section}.listen = {listen}: {problem}", remedy="give an address of this machine") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            usual = ", on port 9100 usually by node_exporter" if section == "metrics" else ""
            raise AddressInUse(
                f"{section}: {listen} is taken{usual}",
                remedy=f"set [{section}] listen (or {FLAGS[section]}) to another port",
            ) from None
        raise ConfigError(
            f"{section}.listen = {listen}: {error.strerror}",
            remedy="give an address of this machine and a port over 1023",
        ) from None


def _bound(listen: ListenAddress, backlog: int, user_timeout: float) -> socket.socket:
    host = listen.host or "0.0.0.0"  # noqa: S104 - what no host at all means
    # As bytes, for text goes through a codec of international names, which is loaded for it and has nothing to do.
    found = socket.getaddrinfo(host.encode("ascii"), listen.port, type=socket.SOCK_STREAM)[0]
    family, _, protocol, _, address = found
    # With its protocol named, or asyncio would leave out TCP_NODELAY, and a frame would wait for acknowledgements.
    listener = socket.socket(family, socket.SOCK_STREAM, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(user_timeout * 1000))
        listener.bind(address)
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    return listener
