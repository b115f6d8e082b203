"""What `fleet` says of what it measured."""

from typing import Any

from benchmarks.shared.markdown import markdown_table


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    rows = [
        (name, f"{server['cpu_percent']:.1f} %", f"{server['rss_mb']:.0f}")
        for name, server in result["servers"].items()
    ]
    events, targets = result["events"], result["targets"]
    lines = [
        *markdown_table(("", "of one core", "RSS, MB"), rows, numbers=True),
        "",
        f"- {result['pis']} daemons, each a connection with its user and topics, were in after "
        f"{result['connect_seconds']:.0f} s.",
        f"- {events['sent']} events in {result['seconds']} s, a state with each, and a status every 10 s; "
        f"{events['heard']} were heard, {events['lost']} were lost, {events['refused']} messages refused.",
        f"- To the subscriber an event took {events['p50_ms']:.0f} ms (median), {events['p99_ms']:.0f} ms (99th "
        f"percentile), {events['most_ms']:.0f} ms at most.",
        f"- {targets['up']:.0f} of {result['pis']} targets were up, with {targets['samples']} samples each, every "
        f"{targets['every_seconds']} s; Prometheus held {targets['series']:.0f} series.",
        "",
        f"{result['machine']}, which ran the simulation, too, load {result['load']} before; `{result['command']}`",
    ]
    return "\n".join(lines)
