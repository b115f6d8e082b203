"""A loop in a process of its own: tasks come on stdin, a line of JSON each, and figures go to stdout.

python -m benchmarks.loops.run_loop CONTENDER ARCHITECTURE MODEL_FILE STATE_DICT PHOTOS

CONTENDER is a name that `contenders` has; STATE_DICT is the tutorial's, or '' for random weights; PHOTOS is a folder of
JPEGs, or '' for noise.
"""

import json
import sys
import tracemalloc
import warnings
from dataclasses import asdict
from pathlib import Path

import cv2

from benchmarks.loops.camera import Camera, pictures
from benchmarks.loops.contenders import new_loop
from benchmarks.loops.loop_figures import Task
from benchmarks.shared.failure import errors_in_one_line


def main() -> None:
    """Do what is asked, until nothing more is."""
    name, architecture, model_file, state, photos = sys.argv[1:]
    warnings.simplefilter("ignore")
    cv2.setNumThreads(1)
    with errors_in_one_line("pipeline"):
        loop = new_loop(name, architecture, Path(model_file), Path(state) if state else None)
    shown = pictures(Path(photos) if photos else None)
    for line in sys.stdin:
        task = Task(**json.loads(line))
        if task.traced:
            tracemalloc.start()
        figures = loop.run(task, Camera(shown, task.fps))
        tracemalloc.stop()
        print(json.dumps(asdict(figures)), flush=True)


if __name__ == "__main__":
    main()
