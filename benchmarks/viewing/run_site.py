"""A site in a process of its own: it says its port, waits for a line on stdin, measures, and goes on to answer.

python -m benchmarks.viewing.run_site SETTING

SETTING is a `Setting` as JSON.
"""

import json
import sys
import warnings
from dataclasses import asdict
from typing import Protocol

import cv2

from benchmarks.loops.camera import Camera
from benchmarks.loops.source import CameraSource
from benchmarks.shared.failure import errors_in_one_line
from benchmarks.shared.steadiness import of_the_daemon
from benchmarks.viewing.case import CAMERA_FPS, Setting
from benchmarks.viewing.meter import Meter
from benchmarks.viewing.scene import pictures


class Site(Protocol):
    """A camera, a model, and perhaps a page."""

    port: int
    """Of the loopback; 0 where there is no page."""

    def run(self, meter: Meter, /) -> None:
        """Classify until the meter is done."""


def new_site(setting: Setting) -> Site:
    """Ready to run. Only now are its libraries imported: no process carries those of another's."""
    model = setting.model()
    camera = Camera(pictures(setting.width, setting.height), CAMERA_FPS)
    if setting.site == "flask":
        from benchmarks.viewing.flask_site import FlaskSite  # noqa: PLC0415

        return FlaskSite(model, camera)
    from benchmarks.viewing.page_site import CAMERA, PageSite  # noqa: PLC0415

    return PageSite(
        model,
        CameraSource(camera, ready=False),
        predictor=model.new_predictor(),
        steadiness=of_the_daemon(model, CAMERA),
        page=setting.site == "page",
    )


def main() -> None:
    """Measure once."""
    warnings.simplefilter("ignore")
    cv2.setNumThreads(1)
    setting = Setting(**json.loads(sys.argv[1]))
    with errors_in_one_line("web"):
        site = new_site(setting)
    print(json.dumps({"port": site.port}), flush=True)
    if not sys.stdin.readline():
        return
    meter = Meter(setting.seconds)
    site.run(meter)
    print(json.dumps(asdict(meter.figures())), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
