"""How many threads a model may use, and how many predictors share them."""

import os
from typing import Literal, NamedTuple


class Division(NamedTuple):
    """Of the compute threads among predictors."""

    workers: int
    """Predictors, each on a thread of its own; with 1 the inference loop runs it itself."""
    threads: int
    """Of each."""


def compute_threads(threads: int | Literal["auto"]) -> int:
    """The number of threads for the model; `auto` leaves one of this process's cores to capture."""
    return max(1, len(os.sched_getaffinity(0)) - 1) if threads == "auto" else threads


def division(threads: int | Literal["auto"], workers: int | Literal["auto"], cameras: int) -> Division:
    """What gives most predictions a second: a predictor for each camera, of one thread each, as far as there are any.

    Args:
        threads: of the model, as configured.
        workers: `auto`, or what was found to be better; never more than cameras.
        cameras: how many there are, at least 1.
    """
    total = compute_threads(threads)
    most = total if workers == "auto" else workers
    count = min(cameras, most)
    return Division(count, 1 if count > 1 else total)
