"""Many daemons before one broker and one Prometheus: what the two need, and how long an event takes.

    python benchmarks/fleet.py [--pis N] [--seconds N] [--change-seconds N] [--json]

All of it runs here, on the loopback: a real mosquitto with the shipped access control list, a real Prometheus with the
shipped rules, and the daemons' own MQTT clients, one connection and one user each. Their cameras, models and frames are
left out; what a camera shows begins or ends every --change-seconds on average, and each daemon's metrics are scraped at
an address of its own.

The broker's and Prometheus' processor time is measured while events go on, the age of an event from the moment that
stands in it to its arrival at a subscriber. It ends by itself.
"""

import json
import statistics
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

if not __package__:  # run by its path: the package is found from the project's folder
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.many.report import table
from benchmarks.many.run_pis import Order
from benchmarks.many.run_targets import addresses
from benchmarks.many.servers import SCRAPE_SECONDS, Server, awaited, mosquitto, prometheus, query, versions
from benchmarks.shared.child import Child
from benchmarks.shared.command_line import Parser, positive, print_result
from benchmarks.shared.process_figures import process_figures
from benchmarks.shared.process_tree import cpu_seconds
from benchmarks.shared.provenance import Machine

PROCESSES = 4
"""That the daemons' clients are divided among."""
PASSWORD = "simulated"  # noqa: S105 - of a broker on the loopback that lives for minutes
CONNECT_SECONDS, SCRAPED_SECONDS = 180.0, 60.0
SITES = 10


def names(count: int) -> list[str]:
    """Of the daemons."""
    return [f"pi{number:04}" for number in range(count)]


@contextmanager
def pis(nodes: Sequence[str], port: int, change_seconds: float) -> Iterator[list[Child]]:
    """Their clients, in some processes, which begin to connect."""
    with ExitStack() as stack:
        shares = [list(nodes[first::PROCESSES]) for first in range(PROCESSES)]
        orders = [Order(port, share, PASSWORD, change_seconds) for share in shares if share]
        yield [stack.enter_context(Child("benchmarks.many.run_pis", json.dumps(asdict(order)))) for order in orders]


def figures(children: Sequence[Child], line: bytes = b"\n") -> dict[str, int]:
    """Of all of them."""
    answers = [child.ask(line) for child in children]
    return {name: sum(one[name] for one in answers) for name in answers[0]}


def targets(nodes: Sequence[str], port: int) -> list[dict[str, object]]:
    """As a file for Prometheus: each with its site and node."""
    return [
        {"targets": [f"{address}:{port}"], "labels": {"site": f"site{number % SITES}", "node": node}}
        for number, (node, address) in enumerate(zip(nodes, addresses(len(nodes)), strict=True))
    ]


def observed(servers: dict[str, Server], seconds: float) -> dict[str, dict[str, float]]:
    """What they use in so many seconds."""
    before = {name: cpu_seconds([one.pid]) for name, one in servers.items()}
    began = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    return {
        name: {
            "cpu_percent": 100 * (cpu_seconds([one.pid]) - before[name]) / took,
            "rss_mb": process_figures(one.pid).rss_mb,
        }
        for name, one in servers.items()
    }


def measure(folder: Path, arguments: Namespace) -> dict[str, Any]:
    """All of it, once."""
    nodes = names(arguments.pis)
    with ExitStack() as stack:
        scraped = stack.enter_context(Child("benchmarks.many.run_targets", str(len(nodes))))
        about = scraped.answer()
        watch = stack.enter_context(prometheus(folder, targets(nodes, about["port"])))
        broker = stack.enter_context(mosquitto(folder, nodes, PASSWORD))
        listener = stack.enter_context(Child("benchmarks.many.run_listener", str(broker.port), PASSWORD))
        listener.answer()
        children = stack.enter_context(pis(nodes, broker.port, arguments.change_seconds))
        connected = awaited(lambda: figures(children)["connected"] == len(nodes), CONNECT_SECONDS)
        print(f"{figures(children)['connected']} of {len(nodes)} daemons are connected", file=sys.stderr)
        awaited(lambda: query(watch, "sum(up)") == len(nodes), SCRAPED_SECONDS)
        before = figures(children, b"go\n")
        servers = observed({"mosquitto": broker, "Prometheus": watch}, arguments.seconds)
        after = figures(children)
        ages = listener.ask(b"\n")["ages_ms"]
        return {
            "pis": len(nodes),
            "seconds": arguments.seconds,
            "connect_seconds": connected,
            "servers": servers,
            "events": {
                "sent": after["delivered"] + after["waiting"] - before["delivered"],
                "heard": len(ages),
                "lost": after["lost"],
                "refused": after["refused"],
                **percentiles(ages),
            },
            "targets": {
                "up": query(watch, "sum(up)"),
                "samples": about["samples"],
                "every_seconds": SCRAPE_SECONDS,
                "series": query(watch, "prometheus_tsdb_head_series") or query(watch, 'count({__name__=~".+"})'),
            },
        }


def percentiles(ages: Sequence[float]) -> dict[str, float]:
    """Of the ages of events, in milliseconds."""
    if len(ages) < 2:
        sys.exit("fleet: no events were heard; take more --seconds")
    cuts = statistics.quantiles(ages, n=100, method="inclusive")
    return {"p50_ms": cuts[49], "p99_ms": cuts[98], "most_ms": max(ages)}


def parsed_arguments() -> Namespace:
    """What the user asks for."""
    parser = Parser(__doc__)
    parser.add_argument("--pis", type=positive, default=1000, metavar="N", help="how many (default: 1000)")
    parser.add_argument("--seconds", type=positive, default=60, metavar="N", help="to measure for (default: 60)")
    parser.add_argument(
        "--change-seconds", type=positive, default=10, metavar="N", help="between two events of each (default: 10)"
    )
    parser.add_json()
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    arguments, machine = parsed_arguments(), Machine.here()
    with tempfile.TemporaryDirectory() as temporary:
        measured = measure(Path(temporary), arguments)
    where = {"machine": machine.briefly(*versions()), "load": machine.load, "command": machine.command}
    print_result(measured | where, table, as_json=arguments.json)


if __name__ == "__main__":
    main()
