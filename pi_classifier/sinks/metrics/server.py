"""The HTTP server that Prometheus scrapes."""

import threading

from prometheus_client import CollectorRegistry, ProcessCollector

from pi_classifier.config.address import ListenAddress
from pi_classifier.sinks.metrics.connections import LONGEST_SECONDS, Connections
from pi_classifier.sinks.metrics.http import MetricsPage
from pi_classifier.system.listening import listening_socket

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
        self._listener = listening_socket(
            listen,
            section="metrics",
            flag="--metrics-listen",
            backlog=BACKLOG,
            user_timeout=LONGEST_SECONDS,
            usual_owner=", on port 9100 usually by node_exporter",
        )
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
