"""What `compare_models` knows of a model: what was run, and what was measured."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from benchmarks.models.tutorial_table import TUTORIAL_TABLE


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prepared file, ready to be run; printed by prepare_models."""

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
    """One run of one model in a process of its own; printed by run_model. Warm-up is in none of the figures."""

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
        **{f"tutorial_{key}": value for key, value in asdict(TUTORIAL_TABLE[prepared.model]).items()},
        published_top1=prepared.published_top1,
        threads=rounds[0].threads,
        fps=1000 / median["total_ms"],
        frames=sum(one.frames for one in rounds),
        fps_by_round=tuple(1000 / one.total_ms for one in rounds),
    )
