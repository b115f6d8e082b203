"""What is read of an ONNX file, beside what ONNX's own library reads, and every file that is refused."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.errors import ModelError
from pi_classifier.runtimes.onnx.read import MOST_FIELDS, OnnxFile, Value, read_onnx
from pi_classifier.runtimes.onnx.wire import bytes_field
from tests.runtimes.onnx.files import FLOAT, classifier, helper, model, numpy_helper, onnx, value, written

SIZES = st.one_of(st.none(), st.integers(1, 2**40), st.just("batch"))
SMALL = classifier().SerializeToString()
GRAPH = 7
"""The field of a model that holds it."""


def refused(path: Path, *words: str) -> None:
    """One clear line that names the file and says all this."""
    with pytest.raises(ModelError) as caught:
        read_onnx(path)
    for word in (str(path), *words):
        assert word in str(caught.value)


def read_bytes(content: bytes, folder: Path) -> OnnxFile:
    """A file of these bytes, read."""
    path = folder / "model.onnx"
    path.write_bytes(content)
    return read_onnx(path)


def read_or_refused(content: bytes, folder: Path) -> OnnxFile | str:
    """The same, or why not."""
    try:
        return read_bytes(content, folder)
    except ModelError as error:
        return str(error)


@given(
    shapes=st.lists(st.lists(SIZES, max_size=5), min_size=1, max_size=3),
    metadata=st.dictionaries(st.text(min_size=1, max_size=9), st.text(max_size=40), max_size=3),
)
def test_shapes_and_metadata_are_those_that_were_written(
    tmp_path_factory: pytest.TempPathFactory, shapes: list[list[int | str | None]], metadata: dict[str, str]
) -> None:
    """Protects whatever is decided by a file: names, sizes of any kind and texts are what ONNX's library wrote."""
    inputs = [value(f"in {number}", shape) for number, shape in enumerate(shapes)]
    made = model([helper.make_node("Identity", ["in 0"], ["out"])], inputs, [value("out", None)], producer_name="me")
    helper.set_model_props(made, metadata)
    file = read_bytes(made.SerializeToString(), tmp_path_factory.getbasetemp())
    expected = [tuple(size if isinstance(size, int) else None for size in shape) for shape in shapes]
    assert [one.shape for one in file.inputs] == expected
    assert [one.name for one in file.inputs] == [f"in {number}" for number in range(len(shapes))]
    assert file.outputs == (Value("out", "float32", None),)
    assert file.metadata == metadata
    assert file.producer == "me"
    assert file.operators == {"Identity"}


@given(st.integers(0, len(SMALL) - 1))
def test_a_cut_file_is_refused_or_another_model(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    """Protects from half a copy: no place to cut leads to anything but a refusal, or to a model with less in it."""
    read = read_or_refused(SMALL[:length], tmp_path_factory.getbasetemp())
    assert "copy it again" in read if isinstance(read, str) else len(read.content) == length


@given(st.data())
def test_a_damaged_file_is_refused_or_another_model(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Protects from bytes of any kind in any place: a file is read, or refused in one line."""
    content = bytearray(SMALL)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    read = read_or_refused(bytes(content), tmp_path_factory.getbasetemp())
    assert not isinstance(read, str) or "\n" not in read


@pytest.mark.parametrize("content", [b"", b"tench\ngoldfish\n", b"\0" * 1000, b"PK\x03\x04" + b"\0" * 99], ids=repr)
def test_other_files_are_no_onnx(tmp_path: Path, content: bytes) -> None:
    """Protects from whatever else is called .onnx."""
    (tmp_path / "other.onnx").write_bytes(content)
    refused(tmp_path / "other.onnx", "no ONNX file, damaged or cut short")


def make_fifo(path: Path) -> None:
    """A file that never begins."""
    os.mkfifo(path)


def make_huge(path: Path) -> None:
    """A file with more bytes than one may have, and nothing on the disk."""
    path.touch()
    os.truncate(path, 600 << 20)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda _path: None, "No such file"),
        (Path.mkdir, "Is a directory"),
        (make_fifo, "no regular file"),
        (make_huge, "larger than"),
    ],
    ids=["missing", "folder", "FIFO", "huge"],
)
def test_what_cannot_be_read(tmp_path: Path, make: Callable[[Path], None], word: str) -> None:
    """Protects the start from files that are gone, have no end or more bytes than the machine memory."""
    make(tmp_path / "model.onnx")
    refused(tmp_path / "model.onnx", word, "--weights")


def test_more_fields_than_any_model(tmp_path: Path) -> None:
    """Protects the start: a file of empty operators is given up early."""
    content = bytes_field(GRAPH, b"\x0a\x00" * (MOST_FIELDS + 1))
    (tmp_path / "many.onnx").write_bytes(content)
    refused(tmp_path / "many.onnx", "more fields than any model has")


def test_nested_without_end(tmp_path: Path) -> None:
    """Protects the stack: a graph in an operator in a graph, hundreds of times, is refused."""
    graph = b""
    for _ in range(400):
        graph = bytes_field(1, bytes_field(5, bytes_field(6, graph)))
    (tmp_path / "deep.onnx").write_bytes(bytes_field(GRAPH, graph))
    refused(tmp_path / "deep.onnx", "nested too deeply")


def test_two_graphs(tmp_path: Path) -> None:
    """Protects from a file that two readers read differently: libraries would mix its graphs."""
    (tmp_path / "two.onnx").write_bytes(SMALL + bytes_field(GRAPH, b""))
    refused(tmp_path / "two.onnx", "several")


def external(tensor: object) -> object:
    """The same tensor, its data in a file that is none of the model's."""
    onnx.external_data_helper.set_external_data(tensor, location="../../etc/passwd")
    tensor.ClearField("raw_data")  # type: ignore[attr-defined]
    return tensor


@pytest.mark.parametrize("where", ["initializer", "attribute", "branch"])
def test_data_in_other_files(tmp_path: Path, where: str) -> None:
    """Protects other files: no tensor, wherever it stands, is read from one."""
    tensor = external(numpy_helper.from_array(np.array([1], np.float32), "w"))
    constant = helper.make_node("Constant", [], ["c"], value=tensor)
    given = []
    nodes = [helper.make_node("Add", ["x", "c"], ["y"])]
    if where == "initializer":
        given = [tensor]
    elif where == "attribute":
        nodes.insert(0, constant)
    else:
        branch = helper.make_graph([constant], "branch", [], [value("c", [1])])
        nodes.insert(0, helper.make_node("If", ["x"], ["c"], then_branch=branch, else_branch=branch))
    made = model(nodes, [value("x", [1])], [value("y", [1])], initializer=given)
    refused(written(made, tmp_path), "external data", "onnx.save(onnx.load(FILE), OTHER)")


def test_operators_of_others(tmp_path: Path) -> None:
    """Protects the start: an operator that a plug-in would bring is named, and so is one that the file defines."""
    domains = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    nodes = [helper.make_node("Swish", ["x"], ["y"], domain="mine")]
    ends = [value("x", [1])], [value("y", [1])]
    refused(written(model(nodes, *ends, opset_imports=domains), tmp_path), "'Swish' of 'mine'")
    body = [helper.make_node("Identity", ["a"], ["b"])]
    swish = helper.make_function("mine", "Swish", ["a"], ["b"], body, domains[:1])
    made = model(nodes, *ends, opset_imports=domains, functions=[swish])
    refused(written(made, tmp_path), "defines operators of its own", "dynamo=False")


def test_weights_among_the_inputs_become_constant(tmp_path: Path) -> None:
    """Protects old exports and their speed: their weights are not asked for, and the rest stays as it is."""
    file = read_onnx(written(classifier(weights_as_inputs=True), tmp_path))
    assert [one.name for one in file.inputs] == ["input_0"]
    again, plain = onnx.load_from_string(file.content), classifier()
    assert again == plain
    old = classifier(weights_as_inputs=True)
    old.ir_version = 3  # before 4 each initializer had to be an input, and was constant
    assert read_onnx(written(old, tmp_path)).content == old.SerializeToString()


def test_names_that_are_no_text(tmp_path: Path) -> None:
    """Protects from names in another encoding: a line, no traceback."""
    (tmp_path / "latin.onnx").write_bytes(SMALL.replace(b"input_0", b"input_\xe9"))
    refused(tmp_path / "latin.onnx", "names that are no text")


def test_kinds_of_values(tmp_path: Path) -> None:
    """Protects what errors say of inputs: each type by numpy's name, and what is no tensor as unknown."""
    kinds = {"float32": FLOAT, "float16": onnx.TensorProto.FLOAT16, "int64": onnx.TensorProto.INT64}
    inputs = [value(name, [1, None], kind) for name, kind in kinds.items()]
    inputs.append(helper.make_tensor_sequence_value_info("unknown", FLOAT, None))
    made = model([helper.make_node("Identity", ["float32"], ["y"])], inputs, [value("y", [1, None])])
    file = read_onnx(written(made, tmp_path))
    assert [one.dtype for one in file.inputs] == [one.name for one in file.inputs]
    assert str(file.inputs[0]) == "float32: float32 1x?"
    assert str(file.inputs[-1]) == "unknown: unknown of any shape"
