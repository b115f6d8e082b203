"""What runs beside the inference loop."""

from typing import Protocol


class Component(Protocol):
    """A part with a thread of its own, or a server. The daemon starts all of them, and stops them in reverse order."""

    def start(self) -> None:
        """Begin. Raises a PiClassifierError where that cannot be done."""

    def stop(self) -> None:
        """End, within a second: what hangs is left behind. Called once, after `start`."""

    def healthy(self, now: float) -> bool:
        """Whether it makes progress. `now`: seconds of `time.monotonic()`.

        It is judged by what it has done lately, never by a timer of its own: a hung driver must show. The watchdog is
        fed only while every component of the frame path is healthy; those that serve people do not feed it.
        """
