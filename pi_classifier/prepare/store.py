"""Where bundles are kept, and which of them serves the settings at hand."""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from pi_classifier.config.schema import ModelSettings
from pi_classifier.errors import CannotWrite, ModelError
from pi_classifier.runtimes.bundle import Bundle, is_bundle
from pi_classifier.runtimes.metadata import VERSION
from pi_classifier.system.atomic_file import replace_file

DEMO_BUNDLE = Path(__file__).with_name("demo.bundle")
"""The demonstration model, which comes along; `training.demo` makes it."""


class ModelStore(NamedTuple):
    """The cache folder of bundles."""

    folder: Path

    @classmethod
    def default(cls) -> "ModelStore":
        """`$CACHE_DIRECTORY` (set by systemd), else `$XDG_CACHE_HOME/pi-classifier`, else ~/.cache/pi-classifier."""
        if service_cache := os.environ.get("CACHE_DIRECTORY"):
            return cls(Path(service_cache))
        return cls(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pi-classifier")

    def find(self, settings: ModelSettings, activations: str) -> Path | None:
        """The bundle for these settings and this type of activations, or None if it has yet to be made.

        `weights` may name a bundle, which is then taken as it is; `demo` is one that is always there.
        """
        if settings.weights == "demo":
            return DEMO_BUNDLE
        if settings.weights not in ("default", "untrained"):
            path = Path(settings.weights)
            try:
                if is_bundle(path):
                    return path
            except OSError as error:
                raise ModelError(f"{path}: {error.strerror}", remedy="name a readable file with --weights") from None
        cached = self.path_for(settings, activations)
        return cached if cached.is_file() else None

    def path_for(self, settings: ModelSettings, activations: str) -> Path:
        """Where the bundle for these settings belongs: other weights, other name; of another format, another, too."""
        weights = settings.weights
        if weights not in ("default", "untrained"):
            with Path(weights).open("rb") as file:
                weights = hashlib.file_digest(file, "sha256").hexdigest()[:16]
        return self.folder / f"{settings.name}-{weights}-{settings.engine}-{activations}-v{VERSION}.bundle"


def write_bundle(path: Path, bundle: Bundle) -> None:
    """Write a bundle so that there is never half of one under its name.

    Raises CannotWrite where that cannot be done, or something else than a bundle would be lost.
    """
    try:
        if path.is_file() and path.parent != ModelStore.default().folder and not is_bundle(path):
            raise CannotWrite(f"{path}: is there and no bundle", remedy="name another file")
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, bundle.to_bytes())
    except OSError as error:
        raise CannotWrite(
            f"{path}: cannot be written ({error.strerror})", remedy="free or permit that place, or set CACHE_DIRECTORY"
        ) from None
