"""Where prepared files are kept, and which of them serves the settings at hand."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from pi_classifier.config.schema import ModelSettings
from pi_classifier.errors import CannotWrite, ModelError
from pi_classifier.runtimes.prepared_file import METADATA_VERSION, read_metadata
from pi_classifier.system.atomic_file import replace_file


@dataclass(frozen=True, slots=True)
class ModelStore:
    """The cache folder of prepared files."""

    folder: Path

    @classmethod
    def default(cls) -> "ModelStore":
        """`$CACHE_DIRECTORY` (set by systemd), else `$XDG_CACHE_HOME/pi-classifier`, else ~/.cache/pi-classifier."""
        if service_cache := os.environ.get("CACHE_DIRECTORY"):
            return cls(Path(service_cache))
        return cls(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pi-classifier")

    def find(self, settings: ModelSettings, activations: str) -> Path | None:
        """The prepared file for these settings and this type of activations, or None if it has yet to be made.

        `weights` may name a prepared file, which is then taken as it is.
        """
        if settings.weights not in ("default", "untrained"):
            path = Path(settings.weights)
            try:
                if read_metadata(path, str(path)) is not None:
                    return path
            except OSError as error:
                raise ModelError(f"{path}: {error.strerror}", remedy="name a readable file with --weights") from None
        cached = self.path_for(settings, activations)
        return cached if cached.is_file() else None

    def path_for(self, settings: ModelSettings, activations: str) -> Path:
        """Where the prepared file for these settings belongs: other weights or metadata version, other name."""
        weights = settings.weights
        if weights not in ("default", "untrained"):
            weights = hashlib.sha256(Path(weights).read_bytes()).hexdigest()[:16]
        return self.folder / f"{settings.name}-{weights}-{settings.engine}-{activations}-v{METADATA_VERSION}.pt"


def write_prepared(path: Path, content: bytes) -> None:
    """Write a prepared file so that there is never half of one under its name.

    Raises CannotWrite where that cannot be done.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)
    except OSError as error:
        raise CannotWrite(
            f"{path}: cannot be written ({error.strerror})", remedy="free or permit that place, or set CACHE_DIRECTORY"
        ) from None
