"""A site in a process of its own: it says its port, waits for a line on stdin, measures, and goes on to answer.

python -m benchmarks.objects.run_objects SETTING

SETTING is a `Setting` as JSON.
"""

import json
import sys
import warnings
from dataclasses import asdict
from pathlib import Path

import cv2

from benchmarks.loops.camera import Camera
from benchmarks.objects.case import Setting
from benchmarks.objects.model_clock import ModelClock
from benchmarks.objects.scene import sent
from benchmarks.shared.failure import errors_in_one_line
from benchmarks.viewing.meter import Meter
from benchmarks.viewing.run_site import Site


def new_site(setting: Setting, camera: Camera, clock: ModelClock) -> Site:
    """Ready to run. Only now are its libraries imported: no process carries those of another's."""
    if setting.site in ("bare", "decoding"):
        from benchmarks.objects.bare import BareModel  # noqa: PLC0415

        return BareModel(setting, camera, clock)
    if setting.site in ("off", "page"):
        from benchmarks.objects.pipeline_site import pipeline_site  # noqa: PLC0415

        return pipeline_site(setting, camera, clock)
    from benchmarks.objects.usual_loop import UsualLoop  # noqa: PLC0415

    if setting.site == "predictor":
        from benchmarks.objects.predictor import predictor  # noqa: PLC0415

        return UsualLoop(camera, predictor(setting, clock), encodes=False)
    from benchmarks.objects.by_hand import by_hand  # noqa: PLC0415

    return UsualLoop(camera, by_hand(setting, clock), encodes=setting.site == "encoding")


def main() -> None:
    """Measure once."""
    warnings.simplefilter("ignore")
    cv2.setNumThreads(1)
    setting, clock = Setting(**json.loads(sys.argv[1])), ModelClock()
    camera = Camera(sent(Path(setting.photos) if setting.photos else None), setting.fps)
    with errors_in_one_line("detection"):
        site = new_site(setting, camera, clock)
    print(json.dumps({"port": site.port}), flush=True)
    if not sys.stdin.readline():
        return
    meter = Meter(setting.seconds)
    site.run(meter)
    print(json.dumps(asdict(meter.figures()) | {"model_cpu_ms": clock.cpu_ms()}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
