"""Folders that take long to make, kept from one test run to the next."""

import fcntl
import hashlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pi-classifier-testbed"


def cached(name: str, made_of: list[str], fill: Callable[[Path], None]) -> Path:
    """A folder whose name tells what it was made of; filled once, and never half."""
    key = hashlib.sha256(repr((made_of, sys.version_info[:2], platform.machine())).encode()).hexdigest()[:16]
    folder = CACHE / f"{name}-{key}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            begun = Path(tempfile.mkdtemp(dir=CACHE))
            try:
                (begun / name).mkdir()
                fill(begun / name)
                (begun / name).rename(folder)
            finally:
                shutil.rmtree(begun)
    return folder
