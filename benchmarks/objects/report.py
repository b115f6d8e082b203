"""What `detection` makes of what was measured: medians, ratios within a round, a table and sentences."""

import statistics
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from benchmarks.objects.case import SiteName
from benchmarks.shared.busy import busy
from benchmarks.shared.markdown import markdown_table
from benchmarks.viewing.report import spread

NAMES: dict[SiteName, str] = {
    "bare": "the runtime alone",
    "decoding": "decoding and the runtime alone",
    "off": "pi-classifier, page off",
    "page": "pi-classifier",
    "loop": "the usual loop",
    "encoding": "the usual loop, encoding every frame",
    "predictor": "Ultralytics' predictor",
}
KEPT = 0.95
"""Of the bare runtime's rate: the target."""
MOST = {0: 0.25, 1: 0.5}
"""By viewers, of what a frame costs in the usual loop, model apart: the targets."""

PIPELINES: tuple[tuple[SiteName, int], ...] = (("off", 0), ("page", 0), ("page", 1))
"""Those of pi-classifier, with their viewers."""


class Case(NamedTuple):
    """What is measured at a time."""

    model: str
    camera_fps: float
    """0 for one that is always ready."""
    site: SiteName
    viewers: int


Rounds = list[dict[str, float]]
"""What a site said of itself, with what viewers got, and `other_cpu_ms`: what of a frame's time is not the model's."""
Measured = dict[Case, Rounds]


def summary(measured: Measured) -> dict[str, Any]:
    """Each case's medians, and its ratios to others before the same camera, each the median of those within a round."""
    return {"rounds": len(next(iter(measured.values()))), "cases": [_figures(case, measured) for case in measured]}


def _figures(case: Case, measured: Measured) -> dict[str, Any]:
    rounds = measured[case]
    figures: dict[str, Any] = case._asdict()
    figures |= {key: statistics.median(row[key] for row in rounds) for key in rounds[0]}
    if case.site != "bare":
        figures["other_cpu_of_loop"] = _ratio(rounds, measured[case._replace(site="loop")], "other_cpu_ms")
        always = measured[case._replace(site="encoding", viewers=0)]
        figures["other_cpu_of_encoding"] = _ratio(rounds, always, "other_cpu_ms")
    if not case.camera_fps:
        bare = measured[case._replace(site="bare", viewers=0)]
        figures["fps_of_bare"] = _ratio(rounds, bare, "fps")
        figures["possible_fps_of_bare"] = _ratio(bare, rounds, "loop_cpu_ms")
    return figures


def _ratio(ones: Rounds, others: Rounds, key: str) -> dict[str, float]:
    return spread([one[key] / other[key] for one, other in zip(ones, others, strict=True)])


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    columns = (
        "", "viewers", "fps", "of the runtime alone", "CPU ms a frame", "of that not the model", "of the loop's",
        "age ms p50 / p99", "peak RSS, MB", "frames a viewer got a second",
    )  # fmt: skip
    cases = result["cases"]
    where = (
        f"Frames of {result['size']}, {result['shown']}. Medians of {result['rounds']} alternating rounds on "
        f"{result['machine']}, with a load of {result['load']} in the minute before the end, this included; one "
        f"compute thread; `{result['command']}`"
    )
    sentences = [*result["missing"], *_sentences(cases)]
    return "\n".join(
        [*markdown_table(columns, map(_cells, cases), numbers=True), "", *(f"- {one}" for one in sentences), "", where]
    )


def _cells(one: dict[str, Any]) -> tuple[str, ...]:
    looked_at, bare, alone = one["viewers"] > 0, one["site"] == "bare", one["site"] in ("bare", "decoding")
    camera = f"{one['camera_fps']:g} fps" if one["camera_fps"] else "always ready"
    return (
        f"{one['model']}, {camera}: {NAMES[one['site']]}",
        "" if alone or one["site"] == "off" else str(one["viewers"]),
        f"{one['fps']:.1f}",
        f"{one['fps_of_bare']['median']:.3f}" if "fps_of_bare" in one else "",
        f"{one['cpu_ms']:.2f}",
        "" if bare else f"{one['other_cpu_ms']:.2f}",
        f"{one['other_cpu_of_loop']['median']:.2f}" if "other_cpu_of_loop" in one else "",
        "" if alone else f"{one['age_ms_p50']:.1f} / {one['age_ms_p99']:.1f}",
        f"{one['peak_rss_mb']:.0f}",
        f"{one['viewer_fps']:.1f}" if looked_at else "",
    )


def _sentences(cases: Sequence[dict[str, Any]]) -> Iterator[str]:
    for model in dict.fromkeys(one["model"] for one in cases):
        of_model = {(one["camera_fps"] > 0, one["site"], one["viewers"]): one for one in cases if one["model"] == model}
        yield f"{model}: {' '.join(_of_model(of_model))}"
    # A quiet machine works all the time on one frame where there is nothing to wait for.
    yield from busy(max(1e3 / one["fps"] / one["cpu_ms"] for one in cases if one["site"] == "bare"))


def _of_model(cases: dict[tuple[bool, SiteName, int], dict[str, Any]]) -> Iterator[str]:
    kept, possible = cases[False, "off", 0]["fps_of_bare"], cases[False, "off", 0]["possible_fps_of_bare"]
    yield (
        f"A camera that is always ready is looked at with {kept['median']:.1%} of the rate of the runtime alone "
        f"({kept['least']:.1%} to {kept['most']:.1%} by round), by the processor time of the thread with the model "
        f"{possible['median']:.1%} ({possible['least']:.1%} to {possible['most']:.1%}); the target is {KEPT:.0%}."
    )
    decoding = cases[True, "decoding", 0]
    yield (
        f"To decode the camera's bytes, which all do alike, takes {decoding['other_cpu_ms']:.2f} ms, "
        f"{decoding['other_cpu_of_loop']['median']:.2f} of what a frame costs in the usual loop, model apart."
    )
    for site, viewers in PIPELINES:
        yield _beside_loops(cases[True, site, viewers])
    for viewers in (0, 1):
        if peer := cases.get((True, "predictor", viewers)):
            ours = cases[True, "page", viewers]
            yield (
                f"With {viewers} viewer{'' if viewers == 1 else 's'} Ultralytics' predictor takes "
                f"{peer['other_cpu_ms']:.1f} ms beside its model, {peer['other_cpu_ms'] / ours['other_cpu_ms']:.1f} "
                "times as much as pi-classifier."
            )


def _beside_loops(one: dict[str, Any]) -> str:
    who = "without its page" if one["site"] == "off" else "with a viewer" if one["viewers"] else "with nobody looking"
    loop, always = one["other_cpu_of_loop"], one["other_cpu_of_encoding"]
    return (
        f"pi-classifier {who} takes {loop['median']:.2f} of what the usual loop takes with as many viewers "
        f"({loop['least']:.2f} to {loop['most']:.2f})"
        + ("" if one["viewers"] else f", {always['median']:.2f} of one that encodes every frame")
        + f"; the target is {MOST[one['viewers']]:g}."
    )
