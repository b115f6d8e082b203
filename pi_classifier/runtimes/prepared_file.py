"""The prepared file: a TorchScript archive, which is a zip file, with the model's metadata as one of its members.

So model, labels and pre-processing cannot drift apart, and the metadata can be read and judged without torch.
"""

import dataclasses
import io
import json
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from pi_classifier.contracts.model import ModelMetadata
from pi_classifier.errors import ModelError

METADATA_VERSION = 2
METADATA_MEMBER = "metadata.json"
"""Name of the metadata among the archive's extra files, as `torch.jit.save(_extra_files=...)` takes it."""
AGAIN = "make the file again with 'prepare'"
"""The remedy for a file that is not what it should be."""


def metadata_to_json(metadata: ModelMetadata) -> str:
    """The metadata as one JSON object, with the version of this format."""
    return json.dumps({"version": METADATA_VERSION, **dataclasses.asdict(metadata)})


def metadata_from_json(text: str | bytes, name: str) -> ModelMetadata:
    """What `metadata_to_json` wrote; `name` is what a ModelError calls the file."""
    try:
        values: dict[str, Any] = json.loads(text)
        version = values.pop("version")
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ModelError(f"{name}: its metadata is unreadable", remedy=AGAIN) from None
    if version != METADATA_VERSION:
        raise ModelError(
            f"{name}: prepared by another release (metadata version {version}, this one reads {METADATA_VERSION})",
            remedy=AGAIN,
        )
    if {field.name for field in dataclasses.fields(ModelMetadata)} != set(values):
        raise ModelError(f"{name}: its metadata lacks fields", remedy=AGAIN)
    for key in ("mean", "std", "categories"):
        values[key] = tuple(values[key])
    return ModelMetadata(**values)


def read_metadata(file: Path | io.BytesIO, name: str) -> ModelMetadata | None:
    """The metadata inside a prepared file, or None where the file is none (a state dict, say).

    `name` is what an error calls the file.

    Raises:
        ModelError: a damaged file, or metadata of another version.
        OSError: the file cannot be read.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.namelist():
                if PurePosixPath(member).parts[1:] == ("extra", METADATA_MEMBER):
                    # torch checks no checksums when it loads, so they are checked here: milliseconds, all told.
                    if damaged := archive.testzip():
                        raise ModelError(f"{name}: damaged ({damaged})", remedy=AGAIN)
                    return metadata_from_json(archive.read(member), name)
    except zipfile.BadZipFile:
        return None
    return None
