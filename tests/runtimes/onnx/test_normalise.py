"""Floats for a model, held against torchvision's transform."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.prepare.torchvision_import import quantizable
from pi_classifier.runtimes.onnx.classifier import IMAGENET_MEAN, IMAGENET_STD
from pi_classifier.runtimes.onnx.normalise import Normaliser, normalised
from pi_classifier.runtimes.preprocess import centre_crop

assert quantizable  # imported first, it makes torchvision importable beside a CPU torch

Three = tuple[float, float, float]
EVERY_BYTE = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
NUMBERS = st.tuples(*[st.floats(-2, 2)] * 3)
POSITIVE = st.tuples(*[st.floats(0.01, 4)] * 3)


def torchvisions(rgb: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], mean: Three, std: Three) -> torch.Tensor:
    """ToTensor and Normalize: float32, 3 x height x width."""
    from torchvision import transforms

    tensor: torch.Tensor = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])(rgb)
    return tensor


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(mean=NUMBERS, std=POSITIVE)
def test_tables_are_torchvisions_arithmetic(mean: Three, std: Three) -> None:
    """Protects exactness: all 256 values of all 3 channels have the bits that ToTensor and Normalize give."""
    expected = torchvisions(EVERY_BYTE, mean, std).permute(1, 2, 0).reshape(256, 3).numpy()
    assert np.array_equal(normalised(mean, std), expected)


@pytest.mark.parametrize("channels_last", [False, True], ids=["NCHW", "NHWC"])
@pytest.mark.parametrize("shape", [(224, 224), (480, 640), (301, 17)], ids=str)
def test_a_frame_lies_as_the_model_wants_it(shape: tuple[int, int], *, channels_last: bool) -> None:
    """Protects colours and layout: R, G and B each in their plane, or beside each other; cropped and scaled before."""
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    out = np.full((1, 224, 224, 3) if channels_last else (1, 3, 224, 224), np.nan, np.float32)
    Normaliser(IMAGENET_MEAN, IMAGENET_STD, 224, channels_last=channels_last)(pixels, out)
    square = centre_crop(pixels, min(shape))
    if shape != (224, 224):
        square = cv2.resize(square, (224, 224), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    expected = torchvisions(square[:, :, ::-1].copy(), IMAGENET_MEAN, IMAGENET_STD).numpy()
    assert np.array_equal(out[0].transpose(2, 0, 1) if channels_last else out[0], expected)
