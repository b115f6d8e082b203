"""Those that `pipeline` compares: the tutorial's loop, and for each runtime this pipeline and the bare model."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from benchmarks.loops.bare import BareLiteRT, BareTorchScript
from benchmarks.loops.camera import Camera
from benchmarks.loops.loop_figures import Figures, Task
from benchmarks.loops.pipeline_loop import PipelineLoop
from benchmarks.loops.tutorial_loop import TutorialLoop
from pi_classifier.contracts.model import Runtime

TUTORIAL = "tutorial"
PIPELINE: dict[Runtime, str] = {"torchscript": "pipeline", "litert": "pipeline, LiteRT"}
BARE: dict[Runtime, str] = {"torchscript": "bare", "litert": "bare, LiteRT"}


class Loop(Protocol):
    """One way from a camera to names."""

    def run(self, task: Task, camera: Camera) -> Figures:
        """Do a task."""


def new_loop(name: str, architecture: str, model_file: Path, state: Path | None) -> Loop:
    """A contender, ready to run. Only now are its libraries imported: no process carries those of another's.

    Args:
        name: the contender's.
        architecture: of the tutorial's model, as torchvision calls it.
        model_file: a bundle of the same, for all others.
        state: the weights of the tutorial's model; None for random ones.
    """
    loops: dict[str, Callable[[], Loop]] = {
        TUTORIAL: lambda: TutorialLoop(architecture, state),
        PIPELINE["torchscript"]: lambda: PipelineLoop(model_file, "torchscript"),
        PIPELINE["litert"]: lambda: PipelineLoop(model_file, "litert"),
        BARE["torchscript"]: lambda: BareTorchScript(model_file),
        BARE["litert"]: lambda: BareLiteRT(model_file),
    }
    return loops[name]()
