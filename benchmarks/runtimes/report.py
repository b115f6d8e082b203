"""What `peers` makes of the answers: figures of each contender, sentences that compare them, and a table."""

import platform
import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.runtimes.peer import Peer
from benchmarks.shared.busy import busy
from benchmarks.shared.markdown import markdown_table

EQUAL = 1.03
"""Two that differ by less are called equally fast."""
MEASURED = (
    "preprocess_ms", "inference_ms", "inference_of_ours", "total_ms", "total_of_ours", "cpu_ms", "cpu_of_ours",
)  # fmt: skip
"""In this order in the table."""
CAUTION = (
    "Pre-processing starts at the cropped BGR pixels; decoding is excluded. The photographs are very probably training "
    "images: top-1 compares implementations and is no accuracy. LiteRT's own files hold other weights."
)


def figures(peer: Peer, ours: Peer, truth: Sequence[int]) -> dict[str, Any]:
    """What was measured of one of them. `truth`: the class id of each frame."""
    if peer.problem:
        return {"name": peer.name, "problem": peer.problem}
    answers = peer.answers
    pairs = list(zip(answers, ours.answers, strict=True))
    seen, seen_by_us = ([one.class_id for one in each.answers[: len(truth)]] for each in (peer, ours))
    return {
        "name": peer.name,
        "version": peer.version,
        "preprocess_ms": statistics.median(one.preprocess_ms for one in answers),
        "inference_ms": statistics.median(one.inference_ms for one in answers),
        "inference_of_ours": statistics.median(one.inference_ms / other.inference_ms for one, other in pairs),
        "total_ms": statistics.median(one.total_ms for one in answers),
        "total_of_ours": statistics.median(one.total_ms / other.total_ms for one, other in pairs),
        "mean_ms": statistics.fmean(one.total_ms for one in answers),
        "cpu_ms": statistics.fmean(one.cpu_ms for one in answers),
        "cpu_of_ours": statistics.fmean(one.cpu_ms for one in answers)
        / statistics.fmean(one.cpu_ms for one in ours.answers),
        "rss_mb": answers[-1].rss_mb,
        "top1": statistics.fmean(one == right for one, right in zip(seen, truth, strict=True)),
        "agrees": statistics.fmean(one == other for one, other in zip(seen, seen_by_us, strict=True)),
    }


def comparison(peer: dict[str, Any], ours: dict[str, Any]) -> str:
    """One sentence: which of the two is faster, and by how much."""
    if "problem" in peer:
        return f"{peer['name']}: {peer['problem']}."
    ratio, cpu_ratio = peer["total_of_ours"], peer["cpu_of_ours"]
    slower, faster = (peer, ours) if ratio > 1 else (ours, peer)
    cost = "{total_ms:.2f} ms, {cpu_ms:.2f} ms of CPU, {rss_mb:.0f} MB".format_map
    sides = f"{cost(faster)} against {cost(slower)}"
    if 1 / EQUAL <= ratio <= EQUAL:
        return f"{peer['name']} is as fast as {ours['name']}, within {EQUAL - 1:.0%}: {sides}."
    if ratio < 1:
        ratio, cpu_ratio = 1 / ratio, 1 / cpu_ratio
    by_how_much = f"{ratio:.2f} times as fast as {slower['name']} ({cpu_ratio:.2f} times by CPU time)"
    return f"{faster['name']} is {by_how_much}: {sides}."


def foreign() -> list[str]:
    """A sentence on a machine that this project is not made for."""
    if platform.machine() == "aarch64":
        return []
    return [
        f"These are ratios on {platform.machine()}. QNNPACK, which TorchScript runs on here, is made for ARM, where "
        "torch has XNNPACK as well: measure again on a Raspberry Pi."
    ]


def sentences(compared: Sequence[dict[str, Any]]) -> list[str]:
    """What the figures say."""
    ours, *peers = compared
    # A frame waits for a busy machine, and a long one waits more often.
    waited = max(one["mean_ms"] / one["cpu_ms"] for one in compared if "problem" not in one)
    return [*(comparison(peer, ours) for peer in peers), *busy(waited), *foreign()]


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    columns = ("", "pre-processing, ms", "inference, ms", "of ours", "both", "of ours", "CPU, ms", "of ours", "RSS",
               "top-1", "class as ours")  # fmt: skip
    return "\n".join(
        [
            *markdown_table(columns, map(_cells, result["contenders"])),
            "",
            *(f"- {sentence}" for sentence in result["sentences"]),
            "",
            f"{result['where']}, on {result['machine']}. {CAUTION}",
            "",
            f"`{result['command']}`",
        ]
    )


def _cells(one: dict[str, Any]) -> tuple[str, ...]:
    if "problem" in one:
        return (one["name"], one["problem"], *[""] * 9)
    return (
        f"{one['name']} ({one['version']})",
        *(f"{one[key]:.2f}" for key in MEASURED),
        f"{one['rss_mb']:.0f} MB",
        f"{one['top1']:.1%}",
        f"{one['agrees']:.1%}",
    )
