"""What `pipeline` makes of what the loops measured: medians, ratios, a table and sentences."""

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.loops.contenders import BARE, PIPELINE, TUTORIAL
from benchmarks.loops.scenes import FITTING, OVERLOADED, PLAIN, RANKED
from benchmarks.shared.busy import busy
from benchmarks.shared.markdown import markdown_table

Rounds = list[dict[str, Any]]
"""`Figures`, one a round."""
Measured = dict[str, dict[str, Rounds]]
"""By contender and scene."""


def summary(measured: Measured, allocated: dict[str, float]) -> dict[str, Any]:
    """Medians of every contender by scene, and the ratios of each pipeline, under the same keys.

    Args:
        measured: of the tutorial and of one pipeline or two, each with its bare model.
        allocated: kilobytes that Python allocates within a frame, by contender.
    """
    result: dict[str, Any] = {
        name: {scene: _medians(rounds) for scene, rounds in scenes.items()} | {"allocated_kb": allocated[name]}
        for name, scenes in measured.items()
    }
    runtimes = [runtime for runtime in PIPELINE if PIPELINE[runtime] in measured]
    tutorial = measured[TUTORIAL]
    result["ratios"] = {
        PIPELINE[runtime]: _ratios(measured[PIPELINE[runtime]], tutorial, measured[BARE[runtime]])
        for runtime in runtimes
    }
    if len(runtimes) > 1:
        litert, torchscript = measured[PIPELINE["litert"]][RANKED], measured[PIPELINE["torchscript"]][RANKED]
        keys = ("cpu_ms", "other_cpu_ms", "fps", "rss_mb")
        result["litert_over_torchscript"] = {key: _ratio(litert, torchscript, key) for key in keys}
    return result


def _ratios(pipeline: dict[str, Rounds], tutorial: dict[str, Rounds], bare: dict[str, Rounds]) -> dict[str, float]:
    loaded = [row["age_p99_over_interval_and_inference"] for row in pipeline[OVERLOADED]]
    return {
        "other_cpu_with_top_10": _ratio(pipeline[RANKED], tutorial[RANKED], "other_cpu_ms"),
        "other_cpu_without_ranking": _ratio(pipeline[PLAIN], tutorial[PLAIN], "other_cpu_ms"),
        "cpu_with_top_10": _ratio(pipeline[RANKED], tutorial[RANKED], "cpu_ms"),
        "fps_over_bare_model": _ratio(pipeline[RANKED], bare[RANKED], "fps"),
        "fps_over_tutorial": _ratio(pipeline[RANKED], tutorial[RANKED], "fps"),
        "age_p99_overloaded": _ratio(pipeline[OVERLOADED], tutorial[OVERLOADED], "age_ms_p99"),
        "age_p99_overloaded_over_interval_and_inference": statistics.median(loaded),
    } | ({"dropped_of_paced": _dropped(pipeline[FITTING])} if FITTING in pipeline else {})


def _ratio(ones: Rounds, others: Rounds, key: str) -> float:
    """One contender's figure over another's, the median of the rounds."""
    return statistics.median([float(one[key]) / float(other[key]) for one, other in zip(ones, others, strict=True)])


def _dropped(rounds: Rounds) -> float:
    """The share of the captured frames. What is on its way when a scene ends is no fault of the pace."""
    lost: int = sum(count for row in rounds for reason, count in row["dropped"].items() if reason != "shutdown")
    return lost / sum(int(row["captured"]) for row in rounds)


def _medians(rounds: Rounds) -> dict[str, Any]:
    numbers = {
        key: statistics.median(row[key] for row in rounds)
        for key, value in rounds[0].items()
        if isinstance(value, int | float)
    }
    reasons = sorted({reason for row in rounds for reason in row["dropped"]})
    return numbers | {"dropped": {reason: sum(row["dropped"].get(reason, 0) for row in rounds) for reason in reasons}}


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    columns = ("", "", "fps", "CPU ms a frame", "of that not the model", "age ms p50 / p99", "dropped")
    names = (TUTORIAL, *result["ratios"])
    scenes = [scene for scene in result[TUTORIAL] if scene != "allocated_kb"]
    rows = [
        _cells(scene, name, result[name][scene]) for scene in scenes for name in names if scene in result[name]
    ]  # fmt: skip
    return "\n".join(
        [
            *markdown_table(columns, rows),
            "",
            *(f"- {sentence}" for sentence in _sentences(result)),
            "",
            f"{result['machine']}, one compute thread; `{result['command']}`",
        ]
    )


def _sentences(result: dict[str, Any]) -> Iterator[str]:
    for name, ratios in result["ratios"].items():
        yield f"The {name}: {' '.join(_of_one(ratios, result[name], result[TUTORIAL]))}"
    if both := result.get("litert_over_torchscript"):
        yield (
            f"The pipeline on LiteRT, beside that on TorchScript: {both['cpu_ms']:.2f} of its CPU time, "
            f"{both['other_cpu_ms']:.2f} of what is not the model, {both['rss_mb']:.2f} of its memory, and "
            f"{both['fps']:.1f} times its rate."
        )
    # With one compute thread and a camera that is always ready, a quiet machine works all the time on one frame.
    ready = (result[name][RANKED] for name in (TUTORIAL, *result["ratios"]))
    yield from busy(max(1e3 / row["fps"] / row["cpu_ms"] for row in ready))


def _of_one(ratios: dict[str, float], pipeline: dict[str, Any], tutorial: dict[str, Any]) -> Iterator[str]:
    yield (
        f"What is not the model costs {ratios['other_cpu_with_top_10']:.3f} of what it costs in the tutorial's loop, "
        f"{ratios['other_cpu_without_ranking']:.2f} without the ranking on either side."
    )
    yield (
        f"A camera that is always ready is classified at {ratios['fps_over_bare_model']:.1%} of the bare model's rate, "
        f"{ratios['fps_over_tutorial']:.2f} times the tutorial's."
    )
    yield (
        f"Overloaded, a frame's age at the 99th percentile is {ratios['age_p99_overloaded']:.2f} of the tutorial's, "
        f"and {ratios['age_p99_overloaded_over_interval_and_inference']:.2f} of one camera interval plus the frame's "
        "own inference."
    )
    if "dropped_of_paced" in ratios:
        yield (
            f"At 36 fps, with a model that fits, {ratios['dropped_of_paced']:.2%} of the frames were dropped while it "
            "ran."
        )
    yield (
        f"Python's allocations peak at {pipeline['allocated_kb']:.0f} KB within a frame, the tutorial's at "
        f"{tutorial['allocated_kb']:.0f} KB."
    )


def _cells(scene: str, name: str, row: dict[str, Any]) -> Sequence[str]:
    return (
        scene,
        name,
        f"{row['fps']:.1f}",
        f"{row['cpu_ms']:.2f}",
        f"{row['other_cpu_ms']:.3f}",
        f"{row['age_ms_p50']:.1f} / {row['age_ms_p99']:.1f}",
        ", ".join(f"{count} {reason}" for reason, count in row["dropped"].items() if count) or "none",
    )
