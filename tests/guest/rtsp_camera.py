"""Runs in the guest: a network camera that wants a user name and a password, until it is stopped.

python rtsp_camera.py PORT USERNAME PASSWORD_FILE
"""

import signal
import sys
from pathlib import Path

from pi_classifier.config.network_url import Userinfo
from tests.streams.fake_rtsp import FakeRtsp


def main() -> None:
    """See above."""
    port, username, file = sys.argv[1:]
    with FakeRtsp(port=int(port), admits=Userinfo(username, Path(file).read_text(encoding="utf-8").strip())):
        signal.pause()


if __name__ == "__main__":
    main()
