"""`collect`: a camera's or a video's frames to pictures of one class, as `train` reads them."""

import math
import shlex
import signal
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from pi_classifier.collecting.burst import Burst
from pi_classifier.collecting.folder import counts
from pi_classifier.config.schema import CameraSettings
from pi_classifier.contracts.frame import Frame, FrameSource
from pi_classifier.errors import CaptureError, NoPictures, PiClassifierError, one_line
from pi_classifier.offline.progress import progress_bars
from pi_classifier.sources.uri import sources_for


class Pace(NamedTuple):
    """When pictures are taken."""

    every: float
    """Seconds between two."""
    seconds: float
    """From the first to the end."""
    countdown: float
    """Seconds before the first, of a camera; a video does not wait."""


class Moment(NamedTuple):
    """A frame, and when it is."""

    frame: Frame
    at: float
    """Seconds since the first picture was due, below 0 in the countdown."""


def collect(label: str, folder: Path, camera: CameraSettings, pace: Pace, *, keep_similar: bool) -> None:
    """Take pictures of a class, and print what there is then. Ctrl-C ends it as its time does.

    The camera is asked for what `run` asks it for, its width and height: what is learnt from is what will be seen.

    Args:
        label: of the class.
        folder: of all classes; it is made where there is none.
        camera: what to take pictures of.
        pace: when.
        keep_similar: whether pictures that are practically the same are kept.

    Raises:
        DatasetError: it cannot be a class of this folder.
        CannotWrite: the pictures cannot be written, from one of them on; those before it stay.
        NoPictures: the camera is not there, or gave up; the pictures before that stay.
        ConfigError, InputError, CameraUnsupported: there is no such source.
    """
    # It waits for a camera, as a service does: of a drawn scene there is nothing to learn.
    (source,) = sources_for([camera], wait=True)
    with Burst(folder, label, keep_similar=keep_similar) as burst:
        try:
            with _Interruption.awaited() as interruption:
                _take(burst, source, pace, interruption)
        except KeyboardInterrupt:
            if not burst.saved:
                raise
        except PiClassifierError:
            if burst.saved:
                _print_result(burst, folder)
            raise
        _print_result(burst, folder)
    _print_counts(folder)


class _Interruption:
    """Ctrl-C ends at once that a frame is awaited, but not that a picture is written: what is there was counted."""

    def __init__(self) -> None:
        self._asked = self._put_off = False

    @classmethod
    @contextmanager
    def awaited(cls) -> Iterator["_Interruption"]:
        """One that listens to the signal while the context lasts."""
        interruption = cls()
        before = signal.signal(signal.SIGINT, interruption._on_signal)
        try:
            yield interruption
        finally:
            signal.signal(signal.SIGINT, before)

    @contextmanager
    def put_off(self) -> Iterator[None]:
        """Until the context ends; who asks twice does not want to wait."""
        self._put_off = True
        try:
            yield
        finally:
            self._put_off = False
        if self._asked:
            raise KeyboardInterrupt

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        waits, self._asked = self._put_off and not self._asked, True
        if not waits:
            raise KeyboardInterrupt


def _take(burst: Burst, source: FrameSource, pace: Pace, interruption: _Interruption) -> None:
    """All pictures of a source, with a bar that counts them. Raises as `collect`."""
    due = 0.0
    with progress_bars(wanted=sys.stderr.isatty()) as bars, closing(_moments(source, pace)) as moments:
        task = bars.add_task("", total=pace.seconds)
        for frame, at in moments:
            if at < 0:
                bars.update(task, description=f"begins in {math.ceil(-at)} s")
            elif at >= due and not frame.corrupt:
                with interruption.put_off():
                    burst.save(frame.pixels)
                # One that is late makes none of the others come early.
                due += pace.every * (1 + (at - due) // pace.every)
                bars.update(task, completed=at, description=_so_far(burst))


def _moments(source: FrameSource, pace: Pace) -> Generator[Moment, None, None]:
    """Frames until the time is over. A video has the time of its frames: it is read as fast as it can be."""
    start = None
    try:
        with closing(source.frames()) as frames:
            for frame in frames:
                now = frame.sequence / source.pace_fps if source.pace_fps else frame.captured_at
                if start is None:
                    start = now + (0.0 if source.pace_fps else pace.countdown)
                if now - start >= pace.seconds:
                    return
                yield Moment(frame, now - start)
    except CaptureError as error:
        raise NoPictures(error.problem, remedy=error.remedy) from None


def _so_far(burst: Burst) -> str:
    left_out = f", {burst.similar} left out" if burst.similar else ""
    return f"{_pictures(len(burst.saved))}{left_out}"


def _print_result(burst: Burst, folder: Path) -> None:
    print(f"{one_line(burst.label)}: {_pictures(len(burst.saved))} more in {one_line(str(folder))}")
    if burst.similar:
        print(
            f"{burst.similar} left out, for they are practically the same as others: move what is shown, or the "
            "camera; --keep-similar keeps them"
        )


def _print_counts(folder: Path) -> None:
    found = counts(folder)
    width = max(map(len, found), default=0)
    for name, count in found.items():
        print(f"{name:<{width}}  {count:>5} pictures")
    print("\n".join(_next_steps(folder, found)))


def _next_steps(folder: Path, classes: Iterable[str]) -> Iterator[str]:
    place = shlex.quote(str(folder))
    if len(list(classes)) < 2:
        yield f"another class, of at least two: pi-classifier collect LABEL --dataset {place}"
    else:
        yield f"learn them: pi-classifier train {place} --output own.bundle"


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count} pictures"
