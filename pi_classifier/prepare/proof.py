"""The proof that a LiteRT program gives, bit for bit, the logits that its TorchScript twin gives.

LiteRT promises nothing of the kind; that it is so rests on how both round, which another release may change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.model import Outputs
from pi_classifier.errors import ModelError
from pi_classifier.prepare.sums import PAIRS
from pi_classifier.runtimes.bundle import Bundle
from pi_classifier.runtimes.litert import LiteRTModel
from pi_classifier.runtimes.novelty import Answer
from pi_classifier.runtimes.torchscript import TorchScriptModel
from pi_classifier.sources.files.folder import find_files
from pi_classifier.sources.files.picture import read_picture

GRAINS = (1, 2, 7, 16, 32, 112)
"""Side of the squares that a picture is made of, in pixels: from noise to a few large areas."""
SEED = 20_261_125


@dataclass(frozen=True, slots=True)
class Proof:
    """What a program for LiteRT was found to have in common with torch's."""

    pictures: int
    """How many they were compared on. All logits were equal."""
    differing: tuple[int, ...]
    """Of each sum of the network: how many of the 65,536 pairs of bytes LiteRT adds to another byte than torch."""
    factors: int
    """Of how many convolutions and fully connected layers the factor is another than torch's."""

    def __str__(self) -> str:
        pairs, count = PAIRS * len(self.differing), sum(self.differing)
        return (
            f"LiteRT's logits equal torch's on {self.pictures} pictures; "
            f"of all {pairs:,} sums of two bytes {count or 'none'} {'differ' if count > 1 else 'differs'}, "
            f"and of the layers' factors {self.factors or 'none'}"
        )


def prove_equal(bundle: Bundle, folder: Path | None) -> int:
    """Compare the logits of both programs, and their features if they give any.

    Args:
        bundle: with both programs.
        folder: whose pictures to compare on, besides those that are made here.

    Returns:
        On how many pictures they are equal, which is on all.

    Raises:
        ModelError: one logit of one picture differs in one bit; or this machine does not run one of the two.
        InputError: a picture cannot be read.
    """
    torch, litert = TorchScriptModel(bundle, threads=1, top_k=1), LiteRTModel(bundle, threads=1, top_k=1)
    tensor, expecting, proving = torch.new_tensor(), torch.new_predictor(), litert.new_predictor()
    preprocessors = torch.new_preprocessor(), litert.new_preprocessor()
    count = 0
    for name, pixels in _pictures(bundle.metadata.input_size, folder):
        preprocessors[0](pixels, tensor)
        expected = expecting.infer(tensor)
        preprocessors[1](pixels, tensor)
        if not _are_equal(expected, proving.infer(tensor)):
            raise ModelError(
                f"LiteRT {litert.versions['litert']} gives other logits than torch on {name}",
                remedy="prepare it for torchscript alone, and please report it",
            )
        count += 1
    return count


def _are_equal(expected: Outputs, found: Outputs) -> bool:
    """Logits, and features where there are some."""
    if isinstance(expected, Answer):
        return np.array_equal(expected.logits, found.logits) and np.array_equal(expected.features, found.features)
    return np.array_equal(expected, found)


def _pictures(size: int, folder: Path | None) -> Iterator[tuple[str, Pixels]]:
    """Pictures with a name: uint8, height x width x 3, BGR."""
    rng = np.random.default_rng(SEED)
    for grain in GRAINS:
        small = rng.integers(0, 256, (-(-size // grain), -(-size // grain), 3), np.uint8)
        for how, interpolation in (("sharp", cv2.INTER_NEAREST), ("smooth", cv2.INTER_CUBIC)):
            scaled = cv2.resize(small, (size, size), interpolation=interpolation)
            yield f"made picture of grain {grain}, {how}", np.asarray(scaled, np.uint8)
    for file in find_files(folder) if folder else ():
        if file.problem:
            raise file.problem
        yield str(file.path), read_picture(file.path)
