"""Options of FFmpeg, which the whole process shares."""

import os
import threading

import pytest

from pi_classifier.sources.ffmpeg import VARIABLE, ffmpeg_options
from tests.waiting import DEADLINE_SECONDS


class Opener:
    """Opens something with options, on a thread of its own, until it is told to end."""

    def __init__(self, options: str) -> None:
        self.opens, self._end = threading.Event(), threading.Event()
        self.saw: str | None = None
        self._thread = threading.Thread(target=self._run, args=(options,), daemon=True)
        self._thread.start()

    def _run(self, options: str) -> None:
        with ffmpeg_options(options):
            self.saw = os.environ.get(VARIABLE)
            self.opens.set()
            assert self._end.wait(DEADLINE_SECONDS)

    def end(self) -> None:
        """Be done."""
        self._end.set()
        self._thread.join(DEADLINE_SECONDS)


def test_same_options_wait_for_nobody() -> None:
    """Protects four cameras on one switch: one that does not answer for seconds holds up none of the others."""
    slow, quick = Opener("a;1"), Opener("a;1")
    assert all(one.opens.wait(DEADLINE_SECONDS) for one in (slow, quick))
    quick.end()
    assert os.environ[VARIABLE] == "a;1", "the slow one still reads them"
    slow.end()
    assert VARIABLE not in os.environ


@pytest.mark.parametrize("options", ["", "b;2"])
def test_others_wait_until_they_can_have_theirs(options: str) -> None:
    """Protects files, which would lose frames with a camera's options, and cameras of another kind."""
    camera = Opener("a;1")
    assert camera.opens.wait(DEADLINE_SECONDS)
    other = Opener(options)
    late = Opener("a;1")
    assert not other.opens.wait(0.1)
    assert not late.opens.is_set(), "nor does who comes later pass by"
    camera.end()
    assert other.opens.wait(DEADLINE_SECONDS)
    assert other.saw == (options or None)
    other.end()
    assert late.opens.wait(DEADLINE_SECONDS)
    late.end()
    assert VARIABLE not in os.environ


def test_error_takes_them_back() -> None:
    """Protects what is opened after one that could not be."""
    with pytest.raises(OSError, match="no"), ffmpeg_options("a;1"):
        raise OSError("no")
    assert VARIABLE not in os.environ
