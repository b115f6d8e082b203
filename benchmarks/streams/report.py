"""What `cameras` makes of what was measured: a round's figures, medians, ratios within a round, and a table."""

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.shared.markdown import markdown_table
from benchmarks.streams.case import Arrivals, ContenderName, GroupFigures

NAMES: dict[ContenderName, str] = {
    "workers": "pi-classifier",
    "loop": "pi-classifier, one model",
    "processes": "a process for each model",
}
Measured = dict[ContenderName, list[dict[str, float]]]
"""Of each contender its rounds."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time that was measured, and what Linux said of it."""

    began: float
    ended: float
    """Seconds of `time.monotonic()`."""
    cpu_seconds: float
    """Of all processes, within it."""
    pss_mb: float
    """Of all processes, at its end."""
    processes: int


def figures(window: Window, arrivals: Arrivals, sent: Mapping[str, Mapping[int, float]]) -> dict[str, float]:
    """One contender's, in one round.

    Args:
        window: the time that counts.
        arrivals: what it classified, and when.
        sent: of each camera, when a frame was given to its encoder: ages count from then.
    """
    within = {
        camera: [(number, at) for number, at in one if window.began <= at < window.ended]
        for camera, one in arrivals.items()
    }
    seconds, count = window.ended - window.began, sum(map(len, within.values()))
    ages = 1e3 * np.array([at - sent[camera][number] for camera, one in within.items() for number, at in one])
    rates = [len(one) / seconds for one in within.values()]
    return {
        "fps": count / seconds,
        "least_camera_fps": min(rates),
        "most_camera_fps": max(rates),
        "age_ms_p50": float(np.percentile(ages, 50)),
        "age_ms_p99": float(np.percentile(ages, 99)),
        "cpu_ms": 1e3 * window.cpu_seconds / count,
        "cores": window.cpu_seconds / seconds,
        "pss_mb": window.pss_mb,
        "processes": window.processes,
    }


def in_step(window: Window, groups: list[GroupFigures]) -> dict[str, float]:
    """What the groups of one round were like; nothing where there are none."""
    within = [group for group in groups if window.began <= group[0] < window.ended]
    if not within:
        return {}
    _, skew, latency, complete = (1e3 * np.array(column, float) for column in zip(*within, strict=True))
    return {
        "groups_complete": float(complete.mean()) / 1e3,
        "skew_ms_p50": float(np.percentile(skew, 50)),
        "skew_ms_p95": float(np.percentile(skew, 95)),
        "latency_ms_p95": float(np.percentile(latency, 95)),
    }


def summary(measured: Measured) -> dict[str, Any]:
    """Each contender's medians, and its ratios to the first, each the median of those within a round."""
    reference = next(iter(measured.values()))
    return {"rounds": len(reference), "contenders": {name: _summed(one, reference) for name, one in measured.items()}}


def _summed(rounds: list[dict[str, float]], reference: list[dict[str, float]]) -> dict[str, float]:
    medians = {key: statistics.median(row[key] for row in rounds) for key in rounds[0]}
    pairs = list(zip(rounds, reference, strict=True))
    ratios = {
        f"{key}_ratio": statistics.median(one[key] / other[key] for one, other in pairs)
        for key in ("fps", "age_ms_p99", "cpu_ms", "pss_mb")
    }
    return medians | ratios


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    columns = (
        "", "processes", "fps, all cameras", "fps a camera", "age ms p50 / p99", "CPU ms a frame", "cores",
        "memory (PSS), MB", "groups complete", "their skew ms p50 / p95",
    )  # fmt: skip
    rows = [_cells(NAMES[name], one) for name, one in result["contenders"].items()]
    where = (
        f"{result['cameras']} cameras of {result['size']} at {result['camera_fps']:g} fps; medians of "
        f"{result['rounds']} alternating rounds on {result['machine']}, with a load of {result['load']} in the minute "
        f"before the end, this included; one compute thread a model; `{result['command']}`"
    )
    return "\n".join(
        [*markdown_table(columns, rows, numbers=True), "", *(f"- {one}" for one in _sentences(result)), "", where]
    )


def _cells(name: str, one: dict[str, float]) -> tuple[str, ...]:
    return (
        name,
        f"{one['processes']:.0f}",
        f"{one['fps']:.1f}",
        f"{one['least_camera_fps']:.1f} to {one['most_camera_fps']:.1f}",
        f"{one['age_ms_p50']:.0f} / {one['age_ms_p99']:.0f}",
        f"{one['cpu_ms']:.1f}",
        f"{one['cores']:.2f}",
        f"{one['pss_mb']:.0f}",
        f"{one['groups_complete']:.1%}" if "groups_complete" in one else "",
        f"{one['skew_ms_p50']:.0f} / {one['skew_ms_p95']:.0f}" if "skew_ms_p50" in one else "",
    )


def _sentences(result: dict[str, Any]) -> Iterator[str]:
    yield from result["missing"]
    first, *others = result["contenders"].items()
    for name, one in others:
        yield (
            f"{NAMES[name]} beside {NAMES[first[0]]}: {one['fps_ratio']:.2f} of the rate, "
            f"{one['age_ms_p99_ratio']:.2f} of the age at the 99th percentile, {one['cpu_ms_ratio']:.2f} of the CPU "
            f"time a frame, {one['pss_mb_ratio']:.2f} of the memory."
        )
