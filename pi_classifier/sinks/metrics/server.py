"""The HTTP server that Prometheus scrapes."""

import errno
import socket

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

from pi_classifier.config.address import ListenAddress
from pi_classifier.errors import AddressInUse, ConfigError


class MetricsServer:
    """Serves a registry to Prometheus. A `Component`.

    The port is bound when it is made, so that a taken one is found out before anything else is done.
    """

    def __init__(self, listen: ListenAddress) -> None:
        """Bind and serve.

        Raises:
            AddressInUse: somebody listens there already.
            ConfigError: no address of this machine, or a port that needs privileges.
        """
        self._host = listen.host
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        try:
            self._server, self._thread = start_http_server(
                listen.port,
                addr=listen.host or "0.0.0.0",  # noqa: S104 - what no host at all means
                registry=self.registry,
            )
        except socket.gaierror as error:
            raise ConfigError(
                f"metrics.listen = {listen}: {error.strerror}", remedy="give an address of this machine"
            ) from None
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

    @property
    def address(self) -> ListenAddress:
        """Where it listens, with the port that was chosen if any would do."""
        return ListenAddress(self._host, self._server.server_port)

    def start(self) -> None:
        """Nothing is left to do: it answers since it was made."""

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def healthy(self, now: float) -> bool:  # noqa: ARG002 - it has no deadlines
        """Whether it can answer."""
        return self._thread.is_alive()
