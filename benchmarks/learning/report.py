"""What benchmarks/training.py makes of its measurements."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from benchmarks.learning.case import OwnFigures, PeerFigures
from benchmarks.shared.markdown import markdown_table
from pi_classifier.training.accuracy import Accuracy


class Measured(NamedTuple):
    """Of one set."""

    name: str
    owns: dict[str, list[OwnFigures]]
    """By method, one for each seed."""
    peers: dict[str, list[PeerFigures]]
    """By network and weights, one after each epoch."""


def summary(sets: Sequence[Measured]) -> dict[str, Any]:
    """As JSON has it."""
    return {
        "seeds": len(next(iter(sets[0].owns.values()))),
        "sets": {
            one.name: {
                "pictures": len(one.owns["head"][0].learnt) + one.owns["head"][0].judged,
                "own": {method: own_summary(found) for method, found in one.owns.items()},
                "peers": {name: [asdict(epoch) for epoch in epochs] for name, epochs in one.peers.items()},
            }
            for one in sets
        },
    }


def own_summary(found: Sequence[OwnFigures]) -> dict[str, Any]:
    """Of all seeds. The interval is Wilson's, of all answers together."""
    accuracy = Accuracy(sum(one.correct for one in found), sum(one.judged for one in found))
    low, high = accuracy.interval
    curves = [one.auroc for one in found if one.auroc is not None]
    return {
        "accuracies": [one.correct / one.judged for one in found],
        "mean": statistics.mean(one.correct / one.judged for one in found),
        "low": low,
        "high": high,
        # Later seeds find the features there.
        "features_cpu": found[0].features_cpu,
        "fit_cpu": statistics.median(one.fit_cpu for one in found),
        "rss_mb": max(one.rss_mb for one in found),
        "refused": statistics.mean(one.refused for one in found),
        "auroc": min(curves) if curves else None,
    }


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    columns = (
        "", "way", "accuracy", "CPU s once a picture", "CPU s of learning", "peak MB", "strangers told (AUROC)",
        "known refused",
    )  # fmt: skip
    rows = [row for name, one in result["sets"].items() for row in _rows(name, one)]
    sentences = [text for name, one in result["sets"].items() for text in _sentences(name, one)]
    where = f"{result['seeds']} seeds; {result['machine']}, load {result['load']} at the end; `{result['command']}`"
    return "\n".join([*markdown_table(columns, rows), "", *(f"- {text}" for text in sentences), "", where])


def _rows(name: str, one: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for method, own in one["own"].items():
        yield (
            name,
            f"`{method}`",
            f"{own['mean']:.1%} ({own['low']:.1%} to {own['high']:.1%})",
            f"{own['features_cpu']:.1f}",
            f"{own['fit_cpu']:.1f}",
            f"{own['rss_mb']:.0f}",
            f"{own['auroc']:.3f}" if own["auroc"] is not None else "",
            f"{own['refused']:.1%}",
        )
    for peer, epochs in one["peers"].items():
        best = max(epochs, key=lambda epoch: epoch["correct"])
        text = f"{best['correct'] / best['judged']:.1%} at best, {len(epochs)} epochs"
        yield name, peer, text, "", f"{epochs[-1]['cpu']:.0f}", f"{best['rss_mb']:.0f}", "", ""


def _sentences(name: str, one: dict[str, Any]) -> Iterator[str]:
    head, finetune = one["own"]["head"], one["own"]["finetune"]
    yield (
        f"{name}, {one['pictures']} pictures: the head's fit takes {head['fit_cpu'] / head['features_cpu']:.3f} of the "
        f"time that the features take; `finetune` is {100 * (finetune['mean'] - head['mean']):.1f} points better."
    )
    for peer, epochs in one["peers"].items():
        for method, own in one["own"].items():
            yield _beside(name, peer, epochs, method, own)


def _beside(name: str, peer: str, epochs: Sequence[dict[str, Any]], method: str, own: dict[str, Any]) -> str:
    """What the peer needs for the accuracy that a method had with the same pictures, and what it has in equal time."""
    wanted, cpu = own["accuracies"][0], own["features_cpu"] + own["fit_cpu"]
    reached = [epoch["cpu"] for epoch in epochs if epoch["correct"] / epoch["judged"] >= wanted]
    within = [epoch["correct"] / epoch["judged"] for epoch in epochs if epoch["cpu"] <= cpu]
    then = f"in the time of `{method}` {max(within):.1%}" if within else f"no epoch in the time of `{method}`"
    if reached:
        return f"{name}: {peer}: {then}; its {wanted:.1%} after {reached[0] / cpu:.1f} times that time."
    return f"{name}: {peer}: {then}; its {wanted:.1%} not in {epochs[-1]['cpu'] / cpu:.1f} times that time."
