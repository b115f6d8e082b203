"""stderr without a line of a native library's."""

import os
import re

import pytest

from pi_classifier.system.native_stderr import STDERR, stderr_without


def test_one_line_is_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    """Protects all else that is written meanwhile: only this line goes, and stderr is again what it was."""
    before = os.fstat(STDERR)
    with stderr_without(re.compile(b"INFO: I am h.re")):
        os.write(STDERR, b"first\nINFO: I am here\nINFO: I am here too\nlast")
        assert capfd.readouterr().err == ""
    assert capfd.readouterr().err == "first\nINFO: I am here too\nlast"
    assert os.path.samestat(os.fstat(STDERR), before)


def test_an_error_ends_it(capfd: pytest.CaptureFixture[str]) -> None:
    """Protects the message of what failed: stderr is there again, with what was written before."""
    with pytest.raises(ValueError, match="no"), stderr_without(re.compile(b"INFO")):  # noqa: PT012 - what is written before it
        os.write(STDERR, b"why\nINFO\n")
        raise ValueError("no")
    assert capfd.readouterr().err == "why\n"
    os.write(STDERR, b"INFO\n")
    assert capfd.readouterr().err == "INFO\n"
