"""Runs in the guest, by pytest: the suite of all sources, held against a camera on a real driver; $NODE names it."""

import os
from pathlib import Path

import pytest

from pi_classifier.contracts.frame import FrameSource
from pi_classifier.sources.v4l2.camera import V4L2Camera
from tests.contracts import test_frame_source as suite
from tests.contracts.test_frame_source import (  # noqa: F401 - pytest finds them here and gives them this source
    test_closing_half_way_releases_everything,
    test_error_half_way_releases_everything,
    test_frames_are_pictures_in_order,
    test_it_says_what_it_is_in_one_line,
    test_numbers_go_on_when_it_is_opened_again,
    test_pace_is_a_rate_or_none,
)


def camera(*_: object) -> FrameSource:
    """The camera, not opened yet."""
    return V4L2Camera("front", Path(os.environ["NODE"]), width=224, height=224, fps=36)


@pytest.fixture
def source() -> FrameSource:
    """The same, in the place of the suite's sources."""
    return camera()


def test_making_one_opens_nothing(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Protects a camera that another program uses: nothing is opened before frames are asked for."""
    suite.test_making_one_opens_nothing(camera, tmp_path, request)
