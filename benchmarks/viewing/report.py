"""What `web` makes of what was measured: medians, ratios within a round, a table and sentences."""

import statistics
from collections.abc import Iterable, Iterator, Sequence
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
    """Each case's medians, and its ratios to others at the same size, each the median of those within a round."""
    return {"rounds": len(next(iter(measured.values()))), "cases": [_figures(case, measured) for case in measured]}


def _figures(case: Case, measured: Measured) -> dict[str, Any]:
    rounds, off = measured[case], measured[Case("off", case.size, 0)]
    medians = {key: statistics.median(row[key] for row in rounds) for key in rounds[0] if key not in ("began", "ended")}
    of_off = {
        f"{name}_of_off": spread([one[key] / other[key] for one, other in zip(rounds, off, strict=True)])
        for name, key in (("fps", "fps"), ("cpu", "cpu_ms"))
    }
    about = {"site": case.site, "width": case.size[0], "height": case.size[1], "viewers": case.viewers}
    return about | medians | of_off | _beside_others(case, measured)


def _beside_others(case: Case, measured: Measured) -> dict[str, Any]:
    """What a viewer costs more than the fewest who look, and what Flask takes beside the page before as many."""
    figures = {}
    rounds = measured[case]
    fewest = min((one for one in measured if one[:2] == case[:2] and one.viewers), default=case)
    if case.viewers > fewest.viewers > 0:
        more = case.viewers - fewest.viewers
        costs = zip(rounds, measured[fewest], strict=True)
        figures["cpu_ms_a_viewer"] = spread([(one["cpu_ms"] - few["cpu_ms"]) / more for one, few in costs])
    page = case._replace(site="page")
    if case.site == "flask" and page in measured:
        pairs = zip(rounds, measured[page], strict=True)
        figures["cpu_of_page"] = spread([one["cpu_ms"] / ours["cpu_ms"] for one, ours in pairs])
    return figures


def spread(values: Sequence[float]) -> dict[str, float]:
    """The median of all rounds, and what it lies between."""
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


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
        f"{one['fps_of_off']['median']:.2f}",
        f"{one['age_ms_p50']:.1f} / {one['age_ms_p99']:.1f}",
        f"{one['cpu_ms']:.2f}",
        f"{one['cpu_of_off']['median']:.2f}",
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
            "what the page takes from the rate cannot be told. The machine was busy or is too slow: go by the CPU time."
        )
    if 0 in page:
        cpu = page[0]["cpu_of_off"]
        yield (
            f"With nobody looking, a frame takes {cpu['median']:.2f} of its processor time without the page, "
            f"{_against_noise(cpu)}."
        )
    if 1 in page and kept_up:
        yield (
            f"With one viewer the rate is {page[1]['fps_of_off']['median']:.1%} of that without the page; the target "
            f"is {REACHED:.0%}."
        )
    for one in _costs_of_viewers(page, flask):
        yield f"A viewer more costs {NAMES[one['site']]} {one['cpu_ms_a_viewer']['median']:.2f} ms a frame."
    for count in _ends(flask):
        rates = (
            f", and each gets {flask[count]['viewer_fps']:.1f} frames a second against {page[count]['viewer_fps']:.1f}"
        )
        yield (
            f"With {_viewers(count)} Flask takes {flask[count]['cpu_of_page']['median']:.2f} times the page's "
            f"processor time a frame{rates if kept_up else ''}."
        )


def _costs_of_viewers(*sites: dict[int, Any]) -> Iterator[dict[str, Any]]:
    """Of each site, the case with the most viewers, if there is one with fewer."""
    yield from (site[max(site)] for site in sites if site and "cpu_ms_a_viewer" in site[max(site)])


def _ends(counts: Iterable[int]) -> Sequence[int]:
    """The fewest and the most of those who look; one number where these are the same."""
    looking = sorted(count for count in counts if count)
    return looking[:1] + looking[1:][-1:]


def _against_noise(ratios: dict[str, float]) -> str:
    """Whether ratios, of all rounds, may be those of equals."""
    least, most = ratios["least"], ratios["most"]
    verdict = "no difference beyond noise" if least <= 1 <= most else "the same way in every round"
    return f"{least:.2f} to {most:.2f} by round: {verdict}"


def _viewers(count: int) -> str:
    return "1 viewer" if count == 1 else f"{count} viewers"


def _size(one: dict[str, Any]) -> str:
    return f"{one['width']}x{one['height']}"
