"""Runs on the emulated processor: prints the numbers that the first frames of network cameras show, a JSON list each.

python -m tests.arm.network COUNT URL...
"""

import itertools
import json
import sys
from contextlib import closing

from pi_classifier.sources.network.camera import NetworkCamera
from tests.streams.numbered import number_in


def main() -> None:
    """See above."""
    count = int(sys.argv[1])
    for url in sys.argv[2:]:
        with closing(NetworkCamera("camera", url).frames()) as frames:
            print(json.dumps([number_in(frame.pixels) for frame in itertools.islice(frames, count)]))


if __name__ == "__main__":
    main()
