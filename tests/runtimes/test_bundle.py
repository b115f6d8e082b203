"""The bundle: what is in it is read back, and what lies about itself is refused before it costs anything."""

import dataclasses
import io
import json
import random
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pi_classifier.contracts.model import ModelMetadata, Runtime, Training
from pi_classifier.errors import ModelError
from pi_classifier.runtimes.bundle import METADATA, TABLE, Bundle, holds_programs, is_bundle, read_bundle
from pi_classifier.runtimes.metadata import Unusable, metadata_from_json, metadata_to_json
from tests import fakes
from tests.fuzz.mutation import archived, mutated, mutated_archive

NUMBERS = st.floats(-1e17, 1e17)
POSITIVE = st.floats(1e-17, 1e17)
LABELS = st.text(st.characters(exclude_categories=("C", "Z")), max_size=200)
COUNTS = st.integers(0, 1 << 52)
PERCENT = st.none() | st.floats(0, 100)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("version"), inner),
    max_leaves=10,
)
BUNDLE = Bundle(
    "a bundle",
    fakes.METADATA._replace(input_size=224, resize_size=256),
    np.arange(768, dtype=np.uint16).astype(np.uint8).reshape(1, 256, 3),
    {"torchscript": b"a program", "litert": b"another"},
    frozenset({"torchscript", "litert"}),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a bundle is."""
    return tmp_path / "model.bundle"


def members() -> list[tuple[str, bytes]]:
    """Of a sound bundle."""
    with zipfile.ZipFile(io.BytesIO(BUNDLE.to_bytes())) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


@pytest.mark.parametrize("runtimes", [("torchscript",), ("litert",), ("torchscript", "litert")])
def test_what_was_written_is_read(path: Path, runtimes: tuple[Runtime, ...]) -> None:
    """Protects every byte of a model on its way to another machine: metadata, table and programs."""
    written = BUNDLE.only(runtimes)
    path.write_bytes(written.to_bytes())
    read = read_bundle(path)
    assert read.name == str(path)
    assert read.metadata == BUNDLE.metadata
    assert np.array_equal(read.table, BUNDLE.table)
    assert read.programs == {runtime: BUNDLE.programs[runtime] for runtime in runtimes}
    assert read.holds == set(runtimes)
    assert is_bundle(path)
    assert holds_programs(path, runtimes)
    assert holds_programs(path, ("torchscript", "litert")) == (len(runtimes) == 2)


def test_equal_bundles_are_equal_files() -> None:
    """Protects checksums of files: no time and no order of a dictionary is in one."""
    other = dataclasses.replace(BUNDLE, programs=dict(sorted(BUNDLE.programs.items())))
    assert BUNDLE.to_bytes() == other.to_bytes()


def test_members_are_as_documented(path: Path) -> None:
    """Protects who reads bundles with other tools: a plain zip file, stored, the table by channel."""
    assert [name for name, _ in members()] == ["metadata.json", "input_table.bin", "torchscript.pt", "model.tflite"]
    table = dict(members())["input_table.bin"]
    assert table == BUNDLE.table[0, :, 0].tobytes() + BUNDLE.table[0, :, 1].tobytes() + BUNDLE.table[0, :, 2].tobytes()
    assert json.loads(dict(members())["metadata.json"])["categories"] == list(BUNDLE.metadata.categories)


def test_only_what_is_asked_for_is_read(path: Path) -> None:
    """Protects memory: the program of the other runtime stays on the disk, and asking for it later says so."""
    path.write_bytes(BUNDLE.to_bytes())
    read = read_bundle(path, ("litert",))
    assert read.program("litert") == b"another"
    assert read.holds == {"torchscript", "litert"}
    with pytest.raises(ModelError, match=r"model\.bundle: holds no program for torchscript; .*--runtime torchscript"):
        read.program("torchscript")


@given(
    st.builds(
        ModelMetadata,
        name=LABELS, weights=LABELS, weights_sha256=LABELS, engine=LABELS, torch_version=LABELS,
        activations=st.sampled_from(["quint8", "qint8"]),
        input_size=st.integers(16, 2048), resize_size=st.integers(16, 4096), zero_point=st.integers(0, 255),
        mean=st.tuples(NUMBERS, NUMBERS, NUMBERS), std=st.tuples(POSITIVE, POSITIVE, POSITIVE), scale=POSITIVE,
        categories=st.lists(LABELS, min_size=1).map(tuple),
        published_acc1=PERCENT, published_acc5=PERCENT,
        training=st.none() | st.builds(
            Training, method=LABELS, base=LABELS, base_sha256=LABELS, date=LABELS, dataset_sha256=LABELS,
            seed=COUNTS, epochs=COUNTS, learnt=COUNTS, judged=COUNTS, correct=COUNTS,
            learnt_bits=st.binary(max_size=9).map(bytes.hex), unknown_threshold=st.none() | st.floats(-1, 1),
            prototypes=st.integers(1, 64),
        ),
    )
)  # fmt: skip
def test_metadata_survives_the_file(metadata: ModelMetadata) -> None:
    """Protects every bit of scale, mean and labels on their round trip through JSON."""
    assert metadata_from_json(metadata_to_json(metadata)) == metadata


@given(ANY_JSON)
def test_what_is_no_metadata_is_refused(values: object) -> None:
    """Protects from tracebacks: whatever JSON stands where the metadata should be, words say what it is not."""
    with pytest.raises(Unusable):
        metadata_from_json(json.dumps(values).encode())


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"NaN", b"[" * 100_000, b'{"version": 1' + b"0" * 5000])
def test_what_is_no_json_is_refused(content: bytes) -> None:
    """Protects from tracebacks: bytes that are no JSON, or none that Python reads, are refused like any other."""
    with pytest.raises(Unusable, match="its metadata is unreadable"):
        metadata_from_json(content)


WRONG: list[object] = [None, True, -1, 10**9, 1e300, "x" * 201, "a\nb", [], [1], ["a"] * 3, [0, 0, 0], {}, "quint16"]


@pytest.mark.parametrize("field", ModelMetadata._fields)
@settings(max_examples=30)
@given(value=st.sampled_from(WRONG) | ANY_JSON)
def test_field_of_another_type_or_range(field: str, value: object) -> None:
    """Protects from metadata that lies: what is accepted in place of a field is of its type and its range."""
    values = {**json.loads(metadata_to_json(BUNDLE.metadata)), field: value}
    try:
        metadata = metadata_from_json(json.dumps(values).encode())
    except Unusable as refusal:
        assert field in str(refusal) or "unreadable" in str(refusal)  # noqa: PT017 - either outcome is right
        return
    kept = getattr(metadata, field)
    assert type(kept) in (str, int, float, tuple, type(None))
    assert metadata_from_json(metadata_to_json(metadata)) == metadata


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("std", [0, 1, 1]), ("std", [-1, 1, 1]), ("std", [1, 1]), ("scale", 0), ("scale", 1e30), ("zero_point", 256),
        ("zero_point", True), ("input_size", 10**6), ("input_size", 0), ("categories", []), ("categories", "abc"),
        ("categories", [1]), ("mean", "abc"), ("activations", "float32"), ("name", 3), ("published_acc1", 101),
    ],
)  # fmt: skip
def test_field_that_cannot_be(path: Path, field: str, value: object) -> None:
    """Protects from dividing by a deviation of 0 and from inputs of gigabytes: the file, field and value are named."""
    values = json.dumps({**json.loads(metadata_to_json(BUNDLE.metadata)), field: value}).encode()
    path.write_bytes(archived([(METADATA, values), *members()[1:]]))
    with pytest.raises(ModelError, match=rf"model\.bundle: its metadata says {field} = .*; make the file again"):
        read_bundle(path)


def test_another_version(path: Path) -> None:
    """Protects an upgrade: a bundle of another release is refused by its version, whatever else is in it."""
    path.write_bytes(archived([(METADATA, b'{"version": 99, "new": 1}'), *members()[1:]]))
    with pytest.raises(ModelError, match=r"made by another release \(version 99, this one reads 3\)"):
        read_bundle(path)


def patched(content: bytes, signature: bytes, layout: str, offset: int, value: int) -> bytes:
    """A zip file with one number of the last record that begins with a signature replaced."""
    data = bytearray(content)
    struct.pack_into(layout, data, data.rindex(signature) + offset, value)
    return bytes(data)


DIRECTORY, END = b"PK\x01\x02", b"PK\x05\x06"
LIES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "text": lambda _: b"hello",
    "only an end": lambda content: content[-22:],
    "cut": lambda content: content[:-1],
    "cut in the middle": lambda content: content[: len(content) // 2],
    "something before": lambda content: b"MZ" + content,
    "something behind": lambda content: content + b"more",
    "a comment": lambda content: patched(content, END, "<H", 20, 4) + b"more",
    "more members than there are": lambda content: patched(content, END, "<H", 10, 60_000),
    "several disks": lambda content: patched(content, END, "<H", 4, 1),
    "a directory of gigabytes": lambda content: patched(content, END, "<I", 12, 0xFFFFFFFF),
    "a directory elsewhere": lambda content: patched(content, END, "<I", 16, 0),
    "a member of 4 GB": lambda content: patched(content, DIRECTORY, "<I", 24, 0xFFFFFFF0),
    "a stored member of 4 GB": lambda content: patched(content, DIRECTORY, "<I", 20, 0xFFFFFFF0),
    "an encrypted member": lambda content: patched(content, DIRECTORY, "<H", 8, 1),
    "a compressed member": lambda content: patched(content, DIRECTORY, "<H", 10, 8),
    "a member of an unknown kind": lambda content: patched(content, DIRECTORY, "<H", 10, 99),
    "a member elsewhere": lambda content: patched(content, DIRECTORY, "<I", 42, 0x7FFFFFFF),
    "deflated members": lambda _: archived(members(), zipfile.ZIP_DEFLATED),
    "a member twice": lambda _: archived([*members(), members()[-1]]),
    "a member too many": lambda _: archived([*members(), ("more", b"")]),
    "a name that is no text": lambda content: content.replace(b"model.tflite", b"model.\xff\xfe\xfd\xfc\xfb\xfa"),
    "members in another order": lambda _: archived(members()[::-1]),
    "no table": lambda _: archived([members()[0], *members()[2:]]),
    "a short table": lambda _: archived([members()[0], (TABLE, b"short"), *members()[2:]]),
    "no program": lambda _: archived(members()[:2]),
    "the 64-bit form": lambda content: content[:-22] + struct.pack("<IIQI", 0x07064B50, 0, 0, 1) + content[-22:],
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("lie", LIES)
def test_archive_that_lies(path: Path, lie: str) -> None:
    """Protects memory and patience: a file that lies about what it holds is one line, and costs next to nothing."""
    path.write_bytes(LIES[lie](BUNDLE.to_bytes()))
    tracemalloc.start()
    with pytest.raises(ModelError) as refusal:
        read_bundle(path)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
    assert str(refusal.value).startswith(f"{path}: ")
    assert "\n" not in str(refusal.value)
    assert not holds_programs(path, ())


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("mutate", [mutated, mutated_archive])
@given(seed=st.integers(0, 2**32))
def test_any_damage_is_refused_or_harmless(
    mutate: Callable[[bytes, random.Random], bytes], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Protects from a worn card and from intent: damage is refused in one line, or what is read is of its types."""
    path = tmp_path_factory.getbasetemp() / "mutated.bundle"
    path.write_bytes(mutate(BUNDLE.to_bytes(), random.Random(seed)))  # noqa: S311 - to be repeated
    try:
        read = read_bundle(path)
    except ModelError as refusal:
        assert "\n" not in str(refusal)  # noqa: PT017 - either outcome is right
        return
    assert read.table.shape == (1, 256, 3)
    assert metadata_from_json(metadata_to_json(read.metadata)) == read.metadata


def test_state_dicts_are_no_bundles(real_weights: Path, tmp_path: Path) -> None:
    """Protects `--weights FILE`: what is a zip file too, or no archive at all, is not taken for a bundle."""
    assert not is_bundle(real_weights)
    (tmp_path / "text").write_text("hello", encoding="utf-8")
    assert not is_bundle(tmp_path / "text")


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_file_that_cannot_be_read(path: Path, kind: str) -> None:
    """Protects from a typing error: the reason is the system's, and the remedy names the flag."""
    if kind == "folder":
        path.mkdir()
    with pytest.raises(ModelError, match=r"model\.bundle: .*--weights"):
        read_bundle(path)


def test_bundle_is_read_without_any_runtime(untrained_model_file: Path) -> None:
    """Protects `doctor` and a quick refusal: what is in a file is known before a runtime is loaded, if it loads."""
    code = (
        "import sys, pathlib; from pi_classifier.runtimes.bundle import read_bundle; "
        "assert read_bundle(pathlib.Path(sys.argv[1])).metadata.untrained; "
        "sys.exit(bool({'torch', 'ai_edge_litert', 'flatbuffers'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", code, untrained_model_file], check=True)


def test_settings_of_a_bundle_are_typed(path: Path) -> None:
    """Protects who uses a bundle: labels are a tuple of text, numbers are numbers."""
    path.write_bytes(BUNDLE.to_bytes())
    metadata: Any = read_bundle(path).metadata
    assert isinstance(metadata.categories, tuple)
    assert isinstance(metadata.mean, tuple)
    assert metadata.untrained
