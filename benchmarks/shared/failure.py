"""How programs here, and their children, fail."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pi_classifier.errors import PiClassifierError


@contextmanager
def errors_in_one_line(program: str) -> Iterator[None]:
    """An expected failure of the product's ends the process as it ends `run`, with one line and an exit code.

    `program` is the one that the user called: what fails may be its child.
    """
    try:
        yield
    except PiClassifierError as error:
        print(f"{program}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
