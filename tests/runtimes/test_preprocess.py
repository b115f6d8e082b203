"""Pre-processing, held against the transform that the weights were trained with."""

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from pi_classifier.contracts.model import ModelMetadata
from pi_classifier.prepare.input_table import input_table

# The guard in prepare is what makes torchvision importable beside a CPU torch.
from pi_classifier.prepare.torchvision_models import ARCHITECTURES
from pi_classifier.runtimes.preprocess import Preprocessor, centre_crop
from pi_classifier.runtimes.reference_transform import reference_crop
from tests.fakes import METADATA


def metadata_with(scale: float, zero_point: int) -> ModelMetadata:
    """Metadata as `prepare` writes it, but for the quantisation of the input."""
    transforms = ARCHITECTURES["mobilenet_v2"].weights.transforms()
    return METADATA._replace(
        input_size=224,
        resize_size=256,
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
        scale=scale,
        zero_point=zero_point,
    )


PUBLISHED = metadata_with(0.018657904118299484, 114)
"""Scale and zero point of the published weights."""


def tutorial(rgb: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], metadata: ModelMetadata) -> torch.Tensor:
    """ToTensor, Normalize and the model's own quantisation, step by step; NHWC, uint8."""
    from torchvision import transforms

    normalise = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean=metadata.mean, std=metadata.std)])
    quantised = torch.quantize_per_tensor(normalise(rgb)[None], metadata.scale, metadata.zero_point, torch.quint8)
    return quantised.int_repr()[0].permute(1, 2, 0)


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(scale=st.floats(0.01, 0.05), zero_point=st.integers(0, 255))
@example(scale=0.02, zero_point=45)  # a value lies in the middle between two steps, and the zero point is odd
def test_table_is_the_tutorials_arithmetic(scale: float, zero_point: int) -> None:
    """Protects exactness: all 256 values of all 3 channels are stored as ToTensor + Normalize + quantize store them."""
    metadata = metadata_with(scale, zero_point)
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert np.array_equal(input_table(metadata), tutorial(ramp, metadata).numpy())


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(seed=st.integers(0, 2**32 - 1))
def test_frame_of_the_models_size_is_bit_exact(seed: int) -> None:
    """Protects channel order and layout: a BGR frame gives what the tutorial makes of its RGB picture."""
    bgr = np.random.default_rng(seed).integers(0, 256, (224, 224, 3), np.uint8)
    out = np.empty_like(bgr)
    Preprocessor(input_table(PUBLISHED), 224)(bgr, out)
    expected = tutorial(np.ascontiguousarray(bgr[:, :, ::-1]), PUBLISHED)
    assert np.array_equal(out, expected.numpy())


@pytest.mark.parametrize(("width", "height"), [(320, 180), (180, 320), (640, 480), (1920, 1080), (225, 224), (48, 64)])
def test_other_sizes_are_cropped_in_the_middle_and_scaled(width: int, height: int) -> None:
    """Protects the aspect: a camera that rounds the size shows the middle of its picture, undistorted."""
    side = min(width, height)
    frame = np.zeros((height, width, 3), np.uint8)
    centre_crop(frame, side)[:] = (10, 200, 90)
    out = np.empty((224, 224, 3), np.uint8)
    Preprocessor(input_table(PUBLISHED), 224)(frame, out)
    table = input_table(PUBLISHED)[0]
    assert (out == (table[90, 0], table[200, 1], table[10, 2])).all()


@given(width=st.integers(30, 500), height=st.integers(30, 500))
def test_still_pictures_take_the_reference_transform(width: int, height: int) -> None:
    """Protects `classify`: resize and crop are torchvision's to the pixel, for every aspect and size."""
    from torchvision.transforms import functional

    pixels = np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, 3), np.uint8)
    scaled = functional.resize(Image.fromarray(pixels), [64], functional.InterpolationMode.BILINEAR)
    expected = np.asarray(functional.center_crop(scaled, [56]))
    assert np.array_equal(reference_crop(pixels, resize_size=64, crop_size=56), expected)


def test_buffers_are_reused() -> None:
    """Protects the hot path from allocation: the same buffer is filled again with every byte of the next frame."""
    preprocess = Preprocessor(input_table(PUBLISHED), 224)
    out = np.empty((224, 224, 3), np.uint8)
    for value in (0, 255, 7):
        preprocess(np.full((480, 640, 3), value, np.uint8), out)
        assert np.array_equal(out[0, 0], input_table(PUBLISHED)[0, value])
        assert (out == out[0, 0]).all()
