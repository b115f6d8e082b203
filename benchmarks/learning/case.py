"""What a process that learns is told, and what it answers."""

import resource
from dataclasses import dataclass
from typing import Any, NamedTuple

MEGABYTE = 2**20


class OwnOrder(NamedTuple):
    """For `run_own`."""

    folder: str
    """Of the dataset; features are kept in it."""
    method: str
    """`head` or `finetune`."""
    seed: int
    base: str
    """As of `train --weights`."""
    strangers: str
    """A folder of pictures that show none of the classes; empty for none."""


@dataclass(frozen=True, slots=True)
class OwnFigures:
    """Of `run_own`."""

    correct: int
    judged: int
    learnt: list[int]
    """Indices of the pictures in the dataset's order."""
    features_cpu: float
    """CPU seconds of what is computed once a picture, features and views; near to 0 where they are known."""
    fit_cpu: float
    """CPU seconds of the learning itself."""
    rss_mb: float
    """Peak of the larger of its processes."""
    refused: float
    """Of known pictures that neither were learnt nor chose the threshold, the share called unknown."""
    auroc: float | None
    """Area under the curve of strangers against pictures that judge, by the cosine to the nearest prototype."""


class PeerOrder(NamedTuple):
    """For `run_peer`."""

    folder: str
    model: str
    """Of torchvision."""
    weights: str
    """A state dict for ImageNet's classes; empty for random weights."""
    learnt: list[int]
    """Indices of pictures in the dataset's order; the others judge."""
    seconds: float
    """CPU seconds after which it ends, with the epoch that it is in."""


@dataclass(frozen=True, slots=True)
class PeerFigures:
    """Of `run_peer`, after an epoch; `cpu` counts from its beginning, without reading pictures."""

    cpu: float
    correct: int
    judged: int
    rss_mb: float


def peak_rss_mb() -> float:
    """Of this process or of the largest that it has waited for."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(one).ru_maxrss for one in who) * 1024 / MEGABYTE


def cpu_seconds() -> float:
    """Of this process and those that it has waited for."""
    usages: list[Any] = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return float(sum(one.ru_utime + one.ru_stime for one in usages))
