"""Viewers in a process of their own, so that their work is none of what they look at."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from benchmarks.shared.child import Child


@contextmanager
def viewers_of(site: Literal["page", "flask"], port: int, count: int) -> Iterator[Child | None]:
    """So many, who have connected; None for none. `site`: what they read, as `run_viewers` has it."""
    if not count:
        yield None
        return
    with Child("benchmarks.viewing.run_viewers", site, str(port), str(count)) as viewers:
        viewers.answer()
        yield viewers
