"""The scenes of `pipeline`: a camera, and what is done with its frames."""

from benchmarks.loops.loop_figures import Task
from pi_classifier.config.schema import Architecture

CAMERA_FPS = 36.0
MODEL: Architecture = "mobilenet_v2"
SMALL_MODEL: Architecture = "shufflenet_v2_x0_5"
RANKED, PLAIN, PACED, OVERLOADED = "unpaced, top 10", "unpaced, no ranking", "36 fps", "overloaded"
FITTING = f"36 fps, {SMALL_MODEL}"


def scenes(frames: int, model_seconds: float) -> dict[str, Task]:
    """The tasks before MODEL. `model_seconds`: what it takes for a frame; OVERLOADED is a camera twice as fast."""
    return {
        RANKED: Task(frames, 0.0, top_k=True),
        PLAIN: Task(frames, 0.0, top_k=False),
        PACED: Task(frames, CAMERA_FPS, top_k=True),
        OVERLOADED: Task(frames, 2 / model_seconds, top_k=True),
    }


def fitting_scene(frames: int) -> dict[str, Task]:
    """The task before SMALL_MODEL."""
    return {FITTING: Task(frames, CAMERA_FPS, top_k=True)}
