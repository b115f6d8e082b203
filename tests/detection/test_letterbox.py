"""Frames in a detector's input: where they lie, their colours and numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pi_classifier.contracts.frame import Pixels
from pi_classifier.detection.geometry import Size, to_picture
from pi_classifier.detection.letterbox import InputLayout, Letterbox, PictureFormat
from pi_classifier.detection.nanodet import NanoDet
from pi_classifier.detection.ssd import BYTES, FLOATS, FRACTIONS, Torchvision
from pi_classifier.detection.ultralytics import Raw
from pi_classifier.detection.yolox import YoloX

PLAIN = PictureFormat(bgr=True, mean=(0, 0, 0), std=(1, 1, 1), placement="centred", pad=0)
EITHER_LAYOUT = pytest.mark.parametrize("channels_last", [False, True], ids=["NCHW", "NHWC"])


def filled(wanted: PictureFormat, pixels: Pixels, size: Size, *, channels_last: bool = True) -> NDArray[np.float32]:
    """What a model gets to see, height x width x 3."""
    layout = InputLayout(size, channels_last)
    tensor = layout.new_tensor()
    tensor.fill(np.nan)
    Letterbox(wanted, layout)(pixels, tensor)
    planes: NDArray[np.float32] = tensor[0] if channels_last else tensor[0].transpose(1, 2, 0)
    return planes


@EITHER_LAYOUT
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Raw.picture, [30 / 255, 20 / 255, 10 / 255]),
        (YoloX.picture, [10, 20, 30]),
        (NanoDet.picture, [(10 - 103.53) / 57.375, (20 - 116.28) / 57.12, (30 - 123.675) / 58.395]),
        (BYTES, [30, 20, 10]),
        (FRACTIONS, [30 / 255, 20 / 255, 10 / 255]),
        (FLOATS, [30 / 127.5 - 1, 20 / 127.5 - 1, 10 / 127.5 - 1]),
    ],
    ids=["ultralytics", "yolox", "nanodet", "ssd bytes", "torchvision", "ssd floats"],
)
def test_colours_and_numbers(wanted: PictureFormat, expected: list[float], *, channels_last: bool) -> None:
    """Protects against swapped colours and a factor of 255: each kind of detector gets what it was trained with."""
    pixels = np.full((48, 64, 3), (10, 20, 30), np.uint8)  # B, G, R
    seen = filled(wanted, pixels, Size(64, 64), channels_last=channels_last)
    assert np.allclose(seen[30, 30], expected, atol=1e-5)
    assert np.isfinite(seen).all()


@pytest.mark.parametrize(
    ("wanted", "rows", "beside"),
    [
        (Raw.picture, range(16, 48), 114 / 255),
        (YoloX.picture, range(32), 114),
        (NanoDet.picture, range(16, 48), -1.8),
        (BYTES, range(64), None),
        (Torchvision.picture, range(64), None),
    ],
    ids=["ultralytics", "yolox", "nanodet", "ssd", "torchvision"],
)
def test_what_is_beside_the_picture(wanted: PictureFormat, rows: range, beside: float | None) -> None:
    """Protects the letterbox: padding has the byte and the side that a model's authors chose; SSD has none."""
    seen = filled(wanted, np.full((32, 64, 3), 255, np.uint8), Size(64, 64))[:, :, 0]
    white = seen.max()
    assert [row for row in range(64) if (seen[row] == white).all()] == list(rows)
    if beside is not None:
        assert np.allclose(np.delete(seen, rows, axis=0), beside, atol=0.05)


@given(
    st.tuples(st.integers(40, 400), st.integers(40, 400)),
    st.tuples(st.integers(64, 200), st.integers(64, 200)),
    st.sampled_from(["centred", "top-left", "stretched"]),
    st.randoms(use_true_random=False),
)
def test_pixels_come_back_where_they_were(picture, given_size, placement, random) -> None:  # type: ignore[no-untyped-def]
    """Protects the letterbox against a shift: a bright square's middle maps back to half a pixel of what is coarser."""
    height, width = picture
    pixels = np.zeros((height, width, 3), np.uint8)
    side = 16
    left, top = random.randrange(width - side), random.randrange(height - side)
    pixels[top : top + side, left : left + side] = 255
    layout = InputLayout(Size(*given_size), channels_last=True)
    tensor = layout.new_tensor()
    geometry = Letterbox(PLAIN._replace(placement=placement), layout)(pixels, tensor)
    weights = tensor[0, :, :, 0]
    rows, columns = np.mgrid[: given_size[0], : given_size[1]] + 0.5
    x, y = ((weights * axis).sum() / weights.sum() for axis in (columns, rows))
    back = to_picture(np.array([[x, y, x, y]], np.float32), geometry)[0]
    assert abs(back[0] - (left + side / 2)) < 0.5 * max(1, 1 / geometry.scale_x)
    assert abs(back[1] - (top + side / 2)) < 0.5 * max(1, 1 / geometry.scale_y)


def test_another_size_leaves_nothing_of_the_last() -> None:
    """Protects a camera that changes its size: what lay where padding is now is gone."""
    layout = InputLayout(Size(64, 64), channels_last=False)
    letterbox, tensor = Letterbox(PLAIN, layout), layout.new_tensor()
    letterbox(np.full((64, 64, 3), 255, np.uint8), tensor)
    letterbox(np.full((32, 64, 3), 255, np.uint8), tensor)
    assert not tensor[0, :, :16].any()
    assert not tensor[0, :, 48:].any()
    assert (tensor[0, :, 16:48] == 255).all()
