"""The HTTP server that Prometheus scrapes."""

import errno
import socket
import threading

from prometheus_client import CollectorRegistry, ProcessCollector

from pi_classifier.config.address import ListenAddress
from pi_classifier.errors import AddressInUse, ConfigError
from pi_classifier.sinks.metrics.connections import LONGEST_SECONDS, Connections
from pi_classifier.sinks.metrics.http import MetricsPage

BACKLOG = 1024
"""Clients that wait to be accepted."""


class MetricsServer:
    """Serves a registry to Prometheus. A `Component`.

    The port is bound when it is made, so that a taken one is found out before anything else is done.
    """

    def __init__(self, listen: ListenAddress) -> None:
        """Bind; who connects waits until it is started.

        Raises:
            AddressInUse: somebody listens there already.
            ConfigError: no address of this machine, or a port that needs privileges.
        """
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._listener = _listener(listen)
        self.address = ListenAddress(listen.host, self._listener.getsockname()[1])
        """Where it listens, with the port that was chosen if any would do."""
        self._connections = Connections(self._listener, MetricsPage(self.registry).answer)
        self._thread = threading.Thread(target=self._connections.serve, name="metrics", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port and all connections; does not wait for an answer that hangs."""
        self._connections.stop()
        if self._thread.is_alive():
            self._thread.join(0.2)
        self._listener.close()

    def healthy(self, now: float) -> bool:
        """Whether it can answer."""
        return self._thread.is_alive() and self._connections.healthy(now)


def _listener(listen: ListenAddress) -> socket.socket:
    try:
        return _bound(listen)
    except (socket.gaierror, UnicodeError) as error:
        problem = error.strerror if isinstance(error, socket.gaierror) else "no name of a machine"
        raise ConfigError(f"metrics.listen = {listen}: {problem}", remedy="give an address of this machine") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AddressInUse(
                f"metrics: {listen} is taken, on port 9100 usually by node_exporter",
                remedy="set [metrics] listen (or --metrics-listen) to another port",
            ) from None
        raise ConfigError(
            f"metrics.listen = {listen}: {error.strerror}",
            remedy="give an address of this machine and a port over 1023",
        ) from None


def _bound(listen: ListenAddress) -> socket.socket:
    """A socket that listens, of the family that the address or the first meaning of the name has."""
    host = listen.host or "0.0.0.0"  # noqa: S104 - what no host at all means
    # As bytes, for text goes through a codec of international names, which is loaded for it and has nothing to do.
    family, _, _, _, address = socket.getaddrinfo(host.encode("ascii"), listen.port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit it: what is not acknowledged then, the kernel forgets, be they closed or not.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(LONGEST_SECONDS * 1000))
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
