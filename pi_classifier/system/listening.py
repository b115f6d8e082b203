"""A socket that listens where the configuration says, or one line that says why not."""

import errno
import socket

from pi_classifier.config.address import ListenAddress
from pi_classifier.errors import AddressInUse, ConfigError


def listening_socket(
    listen: ListenAddress, *, section: str, flag: str, backlog: int, user_timeout: float, usual_owner: str = ""
) -> socket.socket:
    """Bind and listen; who connects waits until somebody accepts.

    Args:
        listen: where, of the family that the address or the first meaning of the name has.
        section: of the configuration, whose key `listen` it is.
        flag: of `run`, which sets it as well.
        backlog: clients that wait to be accepted.
        user_timeout: seconds in which a client must acknowledge what it was sent, or is given up (tcp(7),
            TCP_USER_TIMEOUT); be the connection closed or not.
        usual_owner: who it usually is that has taken the port, to be put behind it.

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
            raise AddressInUse(
                f"{section}: {listen} is taken{usual_owner}",
                remedy=f"set [{section}] listen (or {flag}) to another port",
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
