"""`python -m pi_classifier`, and the `pi-classifier` command."""

import gc
import os

from pi_classifier.system.environment import ENVIRONMENT

OBJECTS_BETWEEN_COLLECTIONS = 100_000
"""Instead of 700. What a start imports and builds stays, and to look through it for garbage hundreds of times takes a
thirtieth of the start; a running daemon frees what it makes by reference counts, whatever this number."""


def main() -> None:
    """Run the command line."""
    # Both before the libraries are imported.
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    os.environ.update({**ENVIRONMENT, **os.environ})
    from pi_classifier.cli import main as run_command_line

    run_command_line()


if __name__ == "__main__":
    main()
