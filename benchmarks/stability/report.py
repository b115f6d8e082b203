"""The result of `steadiness` as Markdown."""

from collections.abc import Iterator
from typing import Any

from benchmarks.shared.markdown import markdown_table
from benchmarks.stability.rules import OURS


def table(result: dict[str, Any]) -> str:
    """A table of the rules at the film's own rate, one of all rates, and what the rule costs."""
    rates = list(result["rules"][OURS]["film"])
    return "\n".join(
        [
            *_at_full_rate(result, rates[0]),
            "",
            f"Changes a minute at other rates, and how many of {result['nameable']} are named:",
            "",
            *_at_all_rates(result, rates),
            "",
            *(f"- {sentence}" for sentence in _sentences(result, rates)),
            "",
            f"{result['machine']}, one compute thread; `{result['command']}`",
        ]
    )


def _at_full_rate(result: dict[str, Any], rate: str) -> list[str]:
    videos = list(result["videos"])
    columns = (
        "rule", "film: changes a minute", f"named, of {result['nameable']}", "delay p50 / p90, s", "false starts",
        *(f"{video}: changes a minute" for video in videos),
    )  # fmt: skip
    rows = []
    for name, measured in result["rules"].items():
        film = measured["film"][rate]
        delay = f"{film['delay_p50_s']:.2f} / {film['delay_p90_s']:.2f}" if film["named"] else "never"
        on_videos = (f"{measured['videos'][video]:.1f}" for video in videos)
        rows.append(
            (name, f"{film['changes_a_minute']:.1f}", f"{film['named']}", delay, f"{film['false_starts']}", *on_videos)
        )
    return markdown_table(columns, rows, numbers=True)


def _at_all_rates(result: dict[str, Any], rates: list[str]) -> list[str]:
    rows = [
        (name, *(f"{film['changes_a_minute']:.1f}, {film['named']}" for film in measured["film"].values()))
        for name, measured in result["rules"].items()
    ]
    return markdown_table(("rule", *(f"{rate} fps" for rate in rates)), rows, numbers=True)


def _sentences(result: dict[str, Any], rates: list[str]) -> Iterator[str]:
    yield (
        f"{_films(result)} of {result['seconds']} s: {result['photographs']} photographs and {result['walls']} walls, "
        f"{result['true_changes_a_minute']:.1f} true changes a minute. The model names {result['nameable']} of the "
        "photographs rightly on most of their frames."
    )
    if (unnamed := result["unnamed_likelihood"]) is not None:
        yield (
            f"{OURS}: of what it does not name the model is not sure: on average it gives the photograph's class a "
            f"probability of {unnamed:.2f} at most."
        )
    yield f"{OURS}: from {rates[0]} to {rates[-1]} fps its changes a minute differ by {result['spread']:.0%}."
    cost = result["cost"]
    yield (
        f"{OURS}: an update takes {cost['update_us']:.1f} µs of processor time, {cost['share']:.2%} of the inference's "
        f"{cost['inference_us'] / 1e3:.1f} ms."
    )


def _films(result: dict[str, Any]) -> str:
    first, films = result["seed"], result["films"]
    return f"One film, seed {first}," if films == 1 else f"{films} films, seeds {first} to {first + films - 1}, each"
