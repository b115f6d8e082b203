"""A child of `fleet`: the metrics of many daemons, each on a loopback address of its own, of one camera.

    python -m benchmarks.many.run_targets COUNT

It answers with the port, which is the same for all addresses; the end of its input is its end.
"""

import json
import selectors
import socket
import sys
import threading
import time

from prometheus_client import CollectorRegistry, generate_latest

from pi_classifier import __version__
from pi_classifier.contracts.state import State, Steady
from pi_classifier.prepare.store import DEMO_BUNDLE
from pi_classifier.runtimes.bundle import read_bundle
from pi_classifier.sinks.metrics.at_scrape import build_versions
from pi_classifier.sinks.metrics.sink import MetricsSink
from pi_classifier.statistics import CameraStatistics
from pi_classifier.system.soc import CONDITIONS

CAMERA = "front"
FPS = 36
REQUEST_BYTES = 8192
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"


class Exposition:
    """What a daemon with one camera exposes, whose frames are counted by the clock."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._statistics = CameraStatistics(CAMERA, time.monotonic())
        metadata = read_bundle(DEMO_BUNDLE).metadata
        MetricsSink(
            self._registry,
            statistics=[self._statistics],
            requested_fps={CAMERA: float(FPS)},
            steady=lambda: {CAMERA: Steady(State(metadata.categories[0], 0, 0.8, time.monotonic()))},
            runtime="litert",
            metadata=metadata,
            labels=metadata.categories,
            versions=build_versions(__version__, {"ai-edge-litert": "2"}, opencv="5"),
            temperature=lambda: 60.0,
            throttled=lambda: {(name, when): False for name in CONDITIONS for when in ("now", "since_boot")},
        )
        self._made_at = 0.0
        self._answer = b""

    def answer(self) -> bytes:
        """As HTTP has it, at most half a second old."""
        now = time.monotonic()
        if now - self._made_at > 0.5:
            for _ in range(int(min(1.0, now - self._made_at) * FPS)):
                self._statistics.frame_arrived(now)
                self._statistics.frame_classified()
            self._made_at = now
            self._statistics.end_interval(now)
            text = generate_latest(self._registry)
            self._answer = HEAD % len(text) + text
        return self._answer


def addresses(count: int) -> list[str]:
    """So many of the loopback."""
    return [f"127.77.{number // 250}.{number % 250 + 1}" for number in range(count)]


def serve(listeners: list[socket.socket], exposition: Exposition) -> None:
    """Answer whoever asks, one after the other."""
    with selectors.DefaultSelector() as selector:
        for one in listeners:
            selector.register(one, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                assert isinstance(key.fileobj, socket.socket)  # noqa: S101 - what was registered
                client, _ = key.fileobj.accept()
                with client:
                    client.settimeout(5)
                    client.recv(REQUEST_BYTES)
                    client.sendall(exposition.answer())
                    client.shutdown(socket.SHUT_WR)


def main() -> None:
    """Listen on all addresses."""
    first, *others = addresses(int(sys.argv[1]))
    listeners = [socket.create_server((first, 0), backlog=16)]
    port = listeners[0].getsockname()[1]
    listeners += [socket.create_server((one, port), backlog=16) for one in others]
    exposition = Exposition()
    threading.Thread(target=serve, args=(listeners, exposition), daemon=True).start()
    samples = sum(not line.startswith(b"#") for line in exposition.answer().splitlines()[5:])
    print(json.dumps({"port": port, "samples": samples}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
