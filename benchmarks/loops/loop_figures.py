"""What `pipeline` asks of a loop, and what it gets for an answer."""

from dataclasses import dataclass

TOP_K = 10
"""Classes that a ranking names."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a loop is asked to do."""

    frames: int
    fps: float
    """The camera's rate; 0 for a camera that is always ready."""
    top_k: bool
    """Whether every frame is ranked."""
    traced: bool = False
    """Whether to watch Python's memory, which slows everything down, instead of the time."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a loop measured of itself."""

    fps: float
    cpu_ms: float
    """Processor time a frame, of all threads."""
    model_cpu_ms: float
    """Of that, inside the call of the model."""
    other_cpu_ms: float
    """Of that, everywhere else."""
    age_ms_p50: float
    age_ms_p99: float
    age_p99_over_interval_and_inference: float
    """Each frame's age over the camera's interval plus that frame's own inference: what is over 1 waited too long."""
    captured: int
    dropped: dict[str, int]
    rss_mb: float
    allocated_kb: float
    """Peak of what Python and numpy allocate within a frame; 0 unless traced."""
