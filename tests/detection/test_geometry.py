"""Boxes to the model's input and back, for pictures and inputs of any size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.contracts.detection import Geometry
from pi_classifier.detection.geometry import (
    CAMERA_SIZES,
    Boxes,
    Placement,
    Size,
    camera_size,
    fitted,
    scaled_size,
    to_picture,
)

SIZES = st.builds(Size, st.integers(1, 5000), st.integers(1, 5000))
INPUTS = st.builds(Size, st.integers(32, 2048), st.integers(32, 2048))
PLACEMENTS = st.sampled_from(["centred", "top-left", "stretched"])


def to_input(boxes: Boxes, geometry: Geometry) -> Boxes:
    """As the contract of `Geometry` has it."""
    scale = np.array([geometry.scale_x, geometry.scale_y] * 2, np.float32)
    return boxes * scale + np.array([geometry.left, geometry.top] * 2, np.float32)


@given(SIZES, INPUTS, PLACEMENTS, st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_there_and_back(picture: Size, given_size: Size, placement: Placement, place: list[float]) -> None:
    """Protects boxes: any one inside any picture comes back to half a pixel, from any input, however it lies there."""
    box = np.array([place], np.float32) * np.array([picture.width, picture.height] * 2, np.float32)
    geometry = fitted(picture, given_size, placement)
    assert np.abs(to_picture(to_input(box, geometry), geometry) - box).max() < 0.5


@given(SIZES, INPUTS, PLACEMENTS)
def test_a_picture_lies_inside_the_input(picture: Size, given_size: Size, placement: Placement) -> None:
    """Protects whole frames: nothing is cut off, nothing vanishes, and letterboxed one side is filled."""
    geometry = fitted(picture, given_size, placement)
    scaled = scaled_size(geometry)
    assert 1 <= scaled.height <= given_size.height - geometry.top
    assert 1 <= scaled.width <= given_size.width - geometry.left
    assert scaled.height == given_size.height or scaled.width == given_size.width


@given(SIZES, INPUTS)
def test_a_centred_picture_is_in_the_middle(picture: Size, given_size: Size) -> None:
    """Protects the letterbox: the padding of two sides differs by a pixel at most, the greater one below and right."""
    geometry = fitted(picture, given_size, "centred")
    scaled = scaled_size(geometry)
    right = given_size.width - scaled.width - geometry.left
    bottom = given_size.height - scaled.height - geometry.top
    assert right - geometry.left in (0, 1)
    assert bottom - geometry.top in (0, 1)


def test_the_offset_is_taken_off() -> None:
    """Protects against the dearest mistake: a 640x480 picture in 320x320 lies 40 pixels from the top."""
    geometry = fitted(Size(480, 640), Size(320, 320), "centred")
    assert geometry == Geometry(0.5, 0.5, 0, 40, 640, 480)
    box = np.array([[10, 50, 110, 90]], np.float32)
    assert to_picture(box, geometry).tolist() == [[20, 20, 220, 100]]


@pytest.mark.parametrize("placement", ["centred", "top-left", "stretched"])
def test_boxes_end_at_the_pictures_edges(placement: Placement) -> None:
    """Protects whoever draws: what a model puts into the padding, or outside, is cut off."""
    geometry = fitted(Size(50, 100), Size(64, 64), placement)
    assert to_picture(np.array([[-1e9, -1e9, 1e9, 1e9]], np.float32), geometry).tolist() == [[0, 0, 100, 50]]


@pytest.mark.parametrize(
    ("given_size", "placement", "size"),
    [
        (Size(416, 416), "top-left", Size(480, 640)),
        (Size(320, 320), "centred", Size(240, 320)),
        (Size(300, 300), "stretched", Size(480, 640)),
        (Size(640, 640), "centred", Size(480, 640)),
        (Size(2048, 2048), "stretched", Size(1944, 2592)),
    ],
)
def test_the_camera_for_an_input(given_size: Size, placement: Placement, size: Size) -> None:
    """Protects detail and time: a camera is asked for what fills the input, and for no more."""
    assert camera_size(given_size, placement) == size


@given(INPUTS, PLACEMENTS)
def test_a_cameras_picture_is_not_enlarged(given_size: Size, placement: Placement) -> None:
    """Protects detail: the size that a camera is asked for fills any input, while cameras have such a one."""
    size = camera_size(given_size, placement)
    geometry = fitted(size, given_size, placement)
    assert max(geometry.scale_x, geometry.scale_y) <= 1 or size == CAMERA_SIZES[-1]
