"""Errors that the user is to see."""

import os

import pytest

from pi_classifier import errors
from pi_classifier.errors import CaptureError, PiClassifierError
from pi_classifier.statistics import CameraStatistics

ALL = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, PiClassifierError)]
EXIT_CODES = {1, os.EX_CONFIG, os.EX_UNAVAILABLE, os.EX_CANTCREAT, os.EX_TEMPFAIL}


@pytest.mark.parametrize("kind", ALL)
def test_problem_and_remedy_make_the_line(kind: type[PiClassifierError]) -> None:
    """Protects `doctor`, which shows the remedy by itself, and everybody else, who gets both in one line."""
    error = kind("/dev/video0: no such camera", remedy="plug it in")
    assert (error.problem, error.remedy) == ("/dev/video0: no such camera", "plug it in")
    assert str(error) == "/dev/video0: no such camera; plug it in"


@pytest.mark.parametrize("kind", ALL)
def test_no_error_without_a_remedy(kind: type[PiClassifierError]) -> None:
    """Protects the user from a complaint that helps nobody: what can be done is not left out."""
    with pytest.raises(TypeError, match="remedy"):
        kind("/dev/video0: no such camera")  # type: ignore[call-arg]


@pytest.mark.parametrize("kind", ALL)
def test_exit_codes_are_the_documented_ones(kind: type[PiClassifierError]) -> None:
    """Protects the unit's RestartPreventExitStatus: no error ends the process in a way that systemd does not know."""
    assert kind.exit_code in EXIT_CODES
    assert kind.__doc__


@pytest.mark.parametrize("kind", [one for one in ALL if issubclass(one, CaptureError) and one is not CaptureError])
def test_kinds_of_failures_are_counted_from_the_start(kind: type[CaptureError]) -> None:
    """Protects rate() on capture_errors_total: every kind that a camera's failure can have is there as a zero."""
    assert CameraStatistics("front", 0.0).snapshot().errors[kind.kind] == 0
