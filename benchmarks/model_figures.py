"""What compare_models.py knows of a model: what was run, what was measured, and the tutorial's figures beside it."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Tutorial:
    """One row of the tutorial's table: a Raspberry Pi 4, every model on pictures of 224x224."""

    fps: float
    total_ms: float
    model_ms: float


TUTORIAL = {
    "mobilenet_v2": Tutorial(33.7, 29.7, 26.4),
    "mobilenet_v3_large": Tutorial(29.3, 34.1, 30.7),
    "resnet18": Tutorial(9.2, 109.0, 100.3),
    "resnet50": Tutorial(4.3, 233.9, 225.2),
    "resnext101_32x8d": Tutorial(1.1, 892.5, 885.3),
    "inception_v3": Tutorial(4.9, 204.1, 195.5),
    "googlenet": Tutorial(7.4, 135.3, 132.0),
    "shufflenet_v2_x0_5": Tutorial(46.7, 21.4, 18.2),
    "shufflenet_v2_x1_0": Tutorial(24.4, 41.0, 37.7),
    "shufflenet_v2_x1_5": Tutorial(16.8, 59.6, 56.3),
    "shufflenet_v2_x2_0": Tutorial(11.6, 86.3, 82.7),
}
"""From PyTorch's tutorial 'Real Time Inference on Raspberry Pi 4 (30 fps!)'."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prepared file, ready to be run; printed by prepare_models.py."""

    model: str
    file: str
    file_mb: float
    weights: str
    """`default` (the published ones) or `untrained` (random)."""
    activations: str
    input_size: int
    qnnpack_pretrained: bool
    """Whether torchvision publishes weights made for QNNPACK, as in the tutorial's table; FBGEMM's run as well."""
    torchvision_top1: float
    """ImageNet-1K accuracy in percent of the weights that torchvision publishes for this architecture."""

    @property
    def published_top1(self) -> float | None:
        """The same, if these weights are the ones that ran: random ones have no accuracy."""
        return self.torchvision_top1 if self.weights == "default" else None


@dataclass(frozen=True, slots=True)
class Round:
    """One run of one model in a process of its own; printed by run_model.py. Warm-up is in none of the figures."""

    threads: int
    frames: int
    total_ms: float
    """Wall time of the whole run, a frame."""
    model_ms: float
    """Inference alone, mean of all frames."""
    p99_ms: float
    """Of the frames' totals."""
    cpu_ms: float
    """CPU time of all threads of the process, a frame."""
    rss_mb: float
    """Resident memory of the process after the last frame, in units of 2**20 bytes, as a file's size is."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: medians over the rounds."""

    model: str
    threads: int
    weights: str
    fps: float
    total_ms: float
    model_ms: float
    qnnpack_pretrained: bool
    p99_ms: float
    cpu_ms: float
    rss_mb: float
    file_mb: float
    published_top1: float | None
    """Null where random weights were run: these have no accuracy."""
    torchvision_top1: float
    """What torchvision publishes for its own weights of this architecture, whatever was run here."""
    tutorial_fps: float
    tutorial_total_ms: float
    tutorial_model_ms: float
    input_size: int
    activations: str
    frames: int
    """Measured, all rounds together."""
    fps_by_round: tuple[float, ...]


def row(prepared: Prepared, rounds: Sequence[Round]) -> Row:
    """The medians of a model's rounds; frames a second are those of the median time."""
    median = {
        field.name: statistics.median(getattr(one, field.name) for one in rounds)
        for field in fields(Round)
        if field.name.endswith(("_ms", "_mb"))
    }
    about = asdict(prepared)
    del about["file"]
    return Row(
        **about,
        **median,
        **{f"tutorial_{key}": value for key, value in asdict(TUTORIAL[prepared.model]).items()},
        published_top1=prepared.published_top1,
        threads=rounds[0].threads,
        fps=1000 / median["total_ms"],
        frames=sum(one.frames for one in rounds),
        fps_by_round=tuple(1000 / one.total_ms for one in rounds),
    )


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured, by what, and how to do so again."""

    cpu: str
    architecture: str
    cores: int
    """That this process may use."""
    load: float
    """Processes that wanted a core, on average over the minute before: a busy machine measures itself."""
    python: str
    torch: str
    torchvision: str
    command: str

    @classmethod
    def here(cls, command: str) -> "Machine":
        """This machine; `command` is what measured."""
        return cls(
            cpu=_cpu(),
            architecture=os.uname().machine,
            cores=len(os.sched_getaffinity(0)),
            load=round(os.getloadavg()[0], 1),
            python=platform.python_version(),
            torch=version("torch"),
            torchvision=version("torchvision"),
            command=command,
        )

    def __str__(self) -> str:
        return (
            f"{self.cpu} ({self.architecture}), {self.cores} cores, load {self.load} before, "
            f"Python {self.python}, torch {self.torch}, torchvision {self.torchvision}: `{self.command}`"
        )


def _cpu() -> str:
    """The board's name where the firmware tells it, as a Raspberry Pi's does, else the processor's."""
    board = Path("/proc/device-tree/model")
    if board.exists():
        return board.read_text(encoding="utf-8").rstrip("\0")
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return "unknown processor"
