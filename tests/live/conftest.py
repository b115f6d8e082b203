"""What a real Prometheus scrapes."""

from collections.abc import Iterator

import pytest

from tests.deploy.daemon import Daemon, serving


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    """Metrics, served as the daemon serves them."""
    with serving() as running:
        yield running
