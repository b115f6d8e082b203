"""What a figure says of its machine and command."""

import sys

import pytest

from benchmarks.shared.provenance import Machine


def test_command_tells_no_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects who publishes a figure: of the files that a command names, it tells the names."""
    given = ["/home/me/x.py", "--weights", "/srv/w.pth", "--data=/srv/data", "r18=/srv/r.pth", "/dev/video0"]
    monkeypatch.setattr(sys, "argv", given)
    command = Machine.here().command
    assert command == "python benchmarks/x.py --weights w.pth --data=data r18=r.pth /dev/video0"
