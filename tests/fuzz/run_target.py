"""Feeds one target for so long, in a process of its own: what is looked for may crash, hang or fill it.

    python -m tests.fuzz.run_target pictures FOLDER --seed 1 --seconds 600
    python -m tests.fuzz.run_target pictures FOLDER --input FILE

The input at hand is always FOLDER/input, so that it is there when the process is not.
"""

import argparse
import random
import resource
import signal
import sys
import time
from pathlib import Path

from pi_classifier.errors import PiClassifierError
from tests.fuzz.targets import TARGETS, Target

MEMORY = 4 << 30
"""Bytes that a process may fill."""
HANG_SECONDS = 60
"""Within so long one input has been read, whatever the machine does meanwhile; then SIGALRM ends the process."""


def feed(target: Target, path: Path) -> None:
    """One input: taken, or refused in one line."""
    refusal = ""
    signal.alarm(HANG_SECONDS)
    try:
        target.feed(path)
    except PiClassifierError as error:
        refusal = str(error)
    signal.alarm(0)
    assert "\n" not in refusal, refusal


def main() -> None:
    """Feed until the time is over; the first defect ends it with its traceback."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--input", type=Path)
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    samples = arguments.folder / "samples"
    samples.mkdir(parents=True, exist_ok=True)
    target = TARGETS[arguments.target](samples)
    if arguments.input:
        feed(target, arguments.input)
        return
    rng = random.Random(arguments.seed)  # noqa: S311 - to be repeated, not to be secret
    started, count, path = time.monotonic(), 0, arguments.folder / "input"
    while time.monotonic() < started + arguments.seconds:
        path.write_bytes(target.make(rng))
        feed(target, path)
        count += 1
    print(f"{arguments.target}: {count} inputs of seed {arguments.seed} in {time.monotonic() - started:.0f} s")
    sys.exit(0 if count else "not one input in that time")


if __name__ == "__main__":
    main()
