"""What a runtime answers to `peers`."""

from dataclasses import dataclass

NOT_INSTALLED = "not installed (pip install --editable '.[peers]')"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one frame cost, and what was seen in it."""

    preprocess_ms: float
    inference_ms: float
    cpu_ms: float
    """Of all threads, with what idle ones spin between the frames; without reading the frame and answering."""
    class_id: int
    rss_mb: float

    @property
    def total_ms(self) -> float:
        """From the frame's pixels to its scores."""
        return self.preprocess_ms + self.inference_ms
