"""What tests of webhooks share."""

from pathlib import Path

import pytest

from tests.webhooks.receiving import SECRET


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    """A file with the secret, readable by its owner alone."""
    file = tmp_path / "secret"
    file.touch(0o600)
    file.write_text(SECRET + "\n")
    return file
