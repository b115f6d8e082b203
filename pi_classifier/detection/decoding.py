"""What decoders share: their contract, the grid of cells that heads are laid over, scores to candidates."""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pi_classifier.detection.geometry import Size
from pi_classifier.detection.letterbox import PictureFormat
from pi_classifier.detection.suppression import MOST_CANDIDATES, Candidates

Outputs = Sequence[NDArray[Any]]
"""What a model gives, in the order of its outputs."""
Shapes = Sequence[tuple[int, ...]]
STRIDES = (8, 16, 32)
"""Pixels of the input for a cell of each level of a head."""
HIGHEST = 1.01
"""Score; one of half precision may be a little more than 1."""


class Ends(NamedTuple):
    """What a model takes and gives, but for the numbers."""

    size: Size
    """Of its input."""
    taken: str
    """The dtype of its input, as numpy calls it."""
    names: Sequence[str]
    """Of its outputs, and so the others."""
    dtypes: Sequence[str]
    shapes: Shapes

    @property
    def all_float32(self) -> bool:
        """Both ends."""
        return {self.taken, *self.dtypes} == {"float32"}


class Decoder(Protocol):
    """How one kind of detector is fed and read. Made for a size of input; holds nothing that changes."""

    name: ClassVar[str]
    """What `--decoder` takes."""
    suppressed: ClassVar[bool]
    """Whether the model's own answer has each object once."""
    rows_vary: ClassVar[bool]
    """Whether outputs have a row for each object, and so another shape for each picture."""

    @property
    def background(self) -> bool:
        """Whether the first class of its models is none; candidates' ids count without it, labels may name it."""

    @property
    def picture(self) -> PictureFormat:
        """How its models want their picture."""

    @property
    def classes(self) -> int | None:
        """How many it scores; None where its outputs do not tell."""

    def candidates(self, outputs: Outputs, confidence: float, /) -> Candidates:
        """All of at least this confidence, in pixels of the input.

        Boxes may leave it, be empty or no numbers, and numpy may warn of that.
        """


class Grid(NamedTuple):
    """The cells of all levels, level by level and row by row."""

    places: NDArray[np.float32]
    """Column and row of each, shape (n, 2)."""
    strides: NDArray[np.float32]
    """Pixels of the input that it measures, shape (n, 1)."""

    @classmethod
    def over(cls, size: Size) -> "Grid":
        """Of an input."""
        places = [np.stack(np.meshgrid(np.arange(w), np.arange(h)), -1).reshape(-1, 2) for h, w in levels(size)]
        strides = np.repeat(STRIDES, [len(place) for place in places])
        return cls(np.concatenate(places).astype(np.float32), strides.astype(np.float32)[:, None])


def cells(size: Size) -> int:
    """How many cells the levels of an input have together."""
    return sum(count.height * count.width for count in levels(size))


def levels(size: Size) -> list[Size]:
    """How many rows and columns of cells each level has."""
    return [Size(-(-size.height // stride), -(-size.width // stride)) for stride in STRIDES]


class Chosen(NamedTuple):
    """Scores that count, each of one cell and one class."""

    cells: NDArray[np.int64]
    class_ids: NDArray[np.int64]
    scores: NDArray[np.float32]


def chosen(scores: NDArray[np.float32], confidence: float) -> Chosen:
    """Those of at least this confidence, at most `MOST_CANDIDATES`, the best. `scores`: shape (cells, classes).

    A cell may count for several classes: what it holds is not sure, and suppression goes by class. With the best class
    alone, a model's mean average precision is up to 0.013 less.
    """
    # Few cells have any: of the others each score is looked at once.
    some = np.flatnonzero((scores >= confidence).any(axis=1))
    scores = scores[some]
    places = np.flatnonzero(scores >= confidence)
    values = scores.reshape(-1)[places]
    if len(places) > MOST_CANDIDATES:
        few = np.sort(np.argpartition(-values, MOST_CANDIDATES)[:MOST_CANDIDATES])
        places, values = places[few], values[few]
    rows, class_ids = np.divmod(places, scores.shape[1])
    return Chosen(some[rows], class_ids, values)


def from_centres(centres: NDArray[np.float32], sizes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Boxes of centres x, y and of widths and heights: shape (n, 4), left, top, right, bottom."""
    half: NDArray[np.float32] = np.float32(0.5) * sizes
    return np.hstack([centres - half, centres + half])
