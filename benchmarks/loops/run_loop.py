"""A loop in a process of its own: tasks come on stdin, a line of JSON each, and figures go to stdout.

python -m benchmarks.loops.run_loop tutorial|pipeline|bare ARCHITECTURE MODEL_FILE STATE_DICT PHOTOS

STATE_DICT is the tutorial's, or '' for random weights; PHOTOS is a folder of JPEGs, or '' for noise.
"""

import json
import sys
import tracemalloc
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import cv2
import torch

from benchmarks.loops.camera import Camera, pictures
from benchmarks.loops.contenders import BareModel, Loop, PipelineLoop, TutorialLoop
from benchmarks.loops.loop_figures import Task


def main() -> None:
    """Do what is asked, until nothing more is."""
    name, architecture, model_file, state, photos = sys.argv[1:]
    warnings.simplefilter("ignore")
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    loops: dict[str, Callable[[], Loop]] = {
        "tutorial": lambda: TutorialLoop(architecture, Path(state) if state else None),
        "pipeline": lambda: PipelineLoop(Path(model_file)),
        "bare": lambda: BareModel(Path(model_file)),
    }
    loop, shown = loops[name](), pictures(Path(photos) if photos else None)
    for line in sys.stdin:
        task = Task(**json.loads(line))
        if task.traced:
            tracemalloc.start()
        figures = loop.run(task, Camera(shown, task.fps))
        tracemalloc.stop()
        print(json.dumps(asdict(figures)), flush=True)


if __name__ == "__main__":
    main()
