"""A contender in a process of its own, with all that it starts.

python -m benchmarks.streams.run_cameras SETTING

SETTING is a `Setting` as JSON. It says when every camera has warmed up, goes on until a line comes on stdin, and then
says what it classified, and when.
"""

import json
import sys
import threading
import time
import warnings

import cv2

from benchmarks.shared.failure import errors_in_one_line
from benchmarks.streams.case import Arrivals, Contender, Setting

WARM_UP_FRAMES = 30
"""Of each camera: by then every process of it has had some."""


class Record:
    """What was classified."""

    def __init__(self, setting: Setting) -> None:
        self.arrivals: Arrivals = {camera: [] for camera in setting.urls}
        self._ready = False

    def note(self, camera: str, number: int) -> None:
        """A result is there."""
        self.arrivals[camera].append((number, time.monotonic()))
        if not self._ready and all(len(one) >= WARM_UP_FRAMES for one in self.arrivals.values()):
            self._ready = True
            print(json.dumps({"ready": True}), flush=True)


def new_contender(setting: Setting) -> Contender:
    """Ready to run. Only now are its libraries imported: no process carries those of another's."""
    if setting.contender == "processes":
        from benchmarks.streams.processes import Processes  # noqa: PLC0415

        return Processes(setting)
    from benchmarks.streams.loop import Loop  # noqa: PLC0415

    return Loop(setting)


def main() -> None:
    """Classify."""
    warnings.simplefilter("ignore")
    cv2.setNumThreads(1)
    setting = Setting(**json.loads(sys.argv[1]))
    record, ended = Record(setting), threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.readline()
        ended.set()

    with errors_in_one_line("cameras"):
        contender = new_contender(setting)
        threading.Thread(target=wait_for_the_end, daemon=True).start()
        groups = contender.run(record.note, ended)
    print(json.dumps({"arrivals": record.arrivals, "groups": groups}), flush=True)


if __name__ == "__main__":
    main()
