"""The metadata inside a prepared file."""

import dataclasses
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.contracts.model import ModelMetadata
from pi_classifier.errors import ModelError
from pi_classifier.runtimes.prepared_file import (
    METADATA_MEMBER,
    metadata_from_json,
    metadata_to_json,
    read_metadata,
)
from tests.fakes import METADATA

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TRIPLES = st.tuples(NUMBERS, NUMBERS, NUMBERS)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("version"), inner),
    max_leaves=10,
)


@given(
    st.builds(
        ModelMetadata,
        mean=TRIPLES,
        std=TRIPLES,
        scale=NUMBERS,
        categories=st.lists(st.text()).map(tuple),
        published_acc1=st.none() | NUMBERS,
        published_acc5=st.none() | NUMBERS,
    )
)
def test_metadata_survives_the_file(metadata: ModelMetadata) -> None:
    """Protects every bit of scale, mean and labels on their round trip through JSON."""
    assert metadata_from_json(metadata_to_json(metadata), "file") == metadata


@given(ANY_JSON)
def test_what_is_no_metadata_is_refused_in_one_line(values: object) -> None:
    """Protects from tracebacks: whatever JSON stands where the metadata should be, the file is named, with a remedy."""
    with pytest.raises(ModelError, match=r"^model\.pt: .*metadata.*; make the file again with 'prepare'$") as refusal:
        metadata_from_json(json.dumps(values), "model.pt")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["", "{", b"\xff\xfe", "NaN"])
def test_what_is_no_json_is_refused_in_one_line(text: str | bytes) -> None:
    """Protects from tracebacks: bytes that are no JSON at all are refused like any other."""
    with pytest.raises(ModelError, match=r"model\.pt: its metadata is unreadable"):
        metadata_from_json(text, "model.pt")


def test_metadata_is_found_under_any_name_of_the_archive() -> None:
    """Protects files that were renamed: torch puts the archive's own name before each member."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(f"some name/extra/{METADATA_MEMBER}", metadata_to_json(METADATA))
    assert read_metadata(content, "file") == METADATA


def test_archive_without_metadata_is_no_prepared_file() -> None:
    """Protects state dicts, which are zip files too: they hold no metadata, and that is no error."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    assert read_metadata(content, "file") is None
    assert read_metadata(io.BytesIO(b"no archive at all"), "file") is None


def test_metadata_of_a_prepared_file_is_read_without_torch(untrained_model_file: Path) -> None:
    """Protects `doctor` and a quick refusal: what is in a file is known before torch is loaded, if it loads at all."""
    metadata = read_metadata(untrained_model_file, "file")
    assert metadata is not None
    assert metadata.untrained
    assert not dataclasses.replace(metadata, weights="other").untrained
    code = (
        "import sys, pathlib; from pi_classifier.runtimes.prepared_file import read_metadata; "
        "assert read_metadata(pathlib.Path(sys.argv[1]), 'file'); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, untrained_model_file], check=True)
