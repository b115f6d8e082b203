"""What `web` makes of what was measured: medians, ratios within a round, a table and sentences."""

import statistics
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from benchmarks.shared.markdown import markdown_table
from benchmarks.viewing.case import CAMERA_FPS, Arrivals, SiteName

NAMES: dict[SiteName, str] = {"off": "pi-classifier, page off", "page": "pi-classifier", "flask": "Flask"}
REACHED = 0.97
"""Of a rate, from which on it is said to be kept."""


class Case(NamedTuple):
    """What is measured at a time."""

    site: SiteName
    size: tuple[int, int]
    """Width and height of a frame in pixels."""
    viewers: int


Rounds = list[dict[str, float]]
Measured = dict[Case, Rounds]


def seen_by_viewers(viewers: Sequence[Arrivals], began: float, ended: float) -> dict[str, float]:
    """Frames that a viewer got a second, the mean and the least of them, and kilobytes a second that all got."""
    within = [[size for at, size in one if began < at <= ended] for one in viewers]
    seconds = ended - began
    rates = [len(sizes) / seconds for sizes in within] or [0.0]
    return {
        "viewer_fps": statistics.mean(rates),
        "least_viewer_fps": min(rates),
        "sent_kb_s": sum(map(sum, within)) / 1e3 / seconds,
    }


def summary(measured: Measured) -> dict[str, Any]:
    """Each case's medians, with its ratios to the pipeline without the page at the same size."""
    return {"rounds": len(next(iter(measured.values()))), "cases": [_figures(case, measured) for case in measured]}


def _figures(case: Case, measured: Measured) -> dict[str, Any]:
    rounds, off = measured[case], measured[Case("off", case.size, 0)]
    medians = {key: statistics.median(row[key] for row in rounds) for key in rounds[0] if key not in ("began", "ended")}
    fps, cpu = _ratios(rounds, off, "fps"), _ratios(rounds, off, "cpu_ms")
    return {
        "site": case.site,
        "width": case.size[0],
        "height": case.size[1],
        "viewers": case.viewers,
        **medians,
        "fps_of_off": statistics.median(fps),
        "fps_of_off_range": [min(fps), max(fps)],
        "cpu_of_off": statistics.median(cpu),
        "cpu_of_off_range": [min(cpu), max(cpu)],
    }


def _ratios(ones: Rounds, others: Rounds, key: str) -> list[float]:
    return [one[key] / other[key] for one, other in zip(ones, others, strict=True)]


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    columns = (
        "", "viewers", "fps", "of page off", "age ms p50 / p99", "CPU ms a frame", "of page off", "peak RSS, MB",
        "frames a viewer got a second", "sent, kB/s",
    )  # fmt: skip
    rows = [_cells(one) for one in result["cases"]]
    sentences = [*result["missing"], *_sentences(result["cases"])]
    where = (
        f"Medians of {result['rounds']} alternating rounds on {result['machine']}, with a load of {result['load']} in "
        f"the minute before the end, this included; one compute thread; `{result['command']}`"
    )
    return "\n".join(
        [*markdown_table(columns, rows, numbers=True), "", *(f"- {one}" for one in sentences), "", where]
    )  # fmt: skip


def _cells(one: dict[str, Any]) -> tuple[str, ...]:
    looked_at = one["viewers"] > 0
    return (
        f"{NAMES[one['site']]}, {_size(one)}",
        str(one["viewers"]) if one["site"] != "off" else "",
        f"{one['fps']:.1f}",
        f"{one['fps_of_off']:.2f}",
        f"{one['age_ms_p50']:.1f} / {one['age_ms_p99']:.1f}",
        f"{one['cpu_ms']:.2f}",
        f"{one['cpu_of_off']:.2f}",
        f"{one['peak_rss_mb']:.0f}",
        f"{one['viewer_fps']:.1f}" if looked_at else "",
        f"{one['sent_kb_s']:.0f}" if looked_at else "",
    )


def _sentences(cases: Sequence[dict[str, Any]]) -> Iterator[str]:
    for off in (one for one in cases if one["site"] == "off"):
        of_size = [one for one in cases if _size(one) == _size(off)]
        page = {one["viewers"]: one for one in of_size if one["site"] == "page"}
        flask = {one["viewers"]: one for one in of_size if one["site"] == "flask"}
        yield f"{_size(off)}: {' '.join(_of_size(off, page, flask))}"


def _of_size(off: dict[str, Any], page: dict[int, Any], flask: dict[int, Any]) -> Iterator[str]:
    kept_up = off["fps"] >= REACHED * CAMERA_FPS
    if not kept_up:
        yield (
            f"Without the page the machine did not keep up with the camera ({off['fps']:.1f} of {CAMERA_FPS:.0f} fps): "
            "what the page takes from the rate cannot be told."
        )
    if 0 in page:
        yield (
            f"With nobody looking, a frame takes {page[0]['cpu_of_off']:.2f} of its processor time without the page, "
            f"{_against_noise(*page[0]['cpu_of_off_range'])}."
        )
    if 1 in page and kept_up:
        yield (
            f"With one viewer the rate is {page[1]['fps_of_off']:.1%} of that without the page; the target is "
            f"{REACHED:.0%}."
        )
    for name, sites in (("pi-classifier", page), ("Flask", flask)):
        if viewers := _cost_of_viewers(sites):
            yield viewers.format(name=name)
    if most := max(page.keys() & flask.keys(), default=0):
        ours, peers = page[most], flask[most]
        yield (
            f"With {_viewers(most)} Flask takes {peers['cpu_ms'] / ours['cpu_ms']:.2f} times the processor time a "
            f"frame, and its viewers get {peers['viewer_fps']:.1f} frames a second against {ours['viewer_fps']:.1f}."
        )


def _cost_of_viewers(sites: dict[int, Any]) -> str:
    counts = sorted(count for count in sites if count)
    if len(counts) < 2:
        return ""
    first, last = counts[0], counts[-1]
    cost = (sites[last]["cpu_ms"] - sites[first]["cpu_ms"]) / (last - first)
    return f"A viewer more costs {{name}} {cost:.2f} ms a frame."


def _against_noise(least: float, most: float) -> str:
    """Whether ratios, of all rounds, may be those of equals."""
    verdict = "no difference beyond noise" if least <= 1 <= most else "the same way in every round"
    return f"{least:.2f} to {most:.2f} by round: {verdict}"


def _viewers(count: int) -> str:
    return "1 viewer" if count == 1 else f"{count} viewers"


def _size(one: dict[str, Any]) -> str:
    return f"{one['width']}x{one['height']}"
