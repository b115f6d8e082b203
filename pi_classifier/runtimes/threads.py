"""How many threads a model may use."""

import os
from typing import Literal


def compute_threads(threads: int | Literal["auto"]) -> int:
    """The number of threads for the model; `auto` leaves one of this process's cores to capture."""
    return max(1, len(os.sched_getaffinity(0)) - 1) if threads == "auto" else threads
