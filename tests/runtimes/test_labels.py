"""Labels from a file, and from what an exporter wrote into a model."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.errors import ConfigError
from pi_classifier.runtimes.labels import names_in, read_labels

LABEL = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=30)


@given(st.lists(LABEL, min_size=1, max_size=20))
def test_a_label_a_line(tmp_path_factory: pytest.TempPathFactory, labels: list[str]) -> None:
    """Protects what the log says: each label as it stands there, in the order of the lines, in any language."""
    path = tmp_path_factory.getbasetemp() / "labels.txt"
    path.write_text("\n".join(labels), encoding="utf-8")
    assert read_labels(path) == tuple(labels)


def test_as_other_systems_write_it(tmp_path: Path) -> None:
    """Protects files from other systems: a byte order mark, carriage returns, empty lines at the end."""
    (tmp_path / "labels.txt").write_bytes("\ufeffgreat white shark, Carcharodon\r\ncrane\r\ncrane\r\n\r\n".encode())
    assert read_labels(tmp_path / "labels.txt") == ("great white shark, Carcharodon", "crane", "crane")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "line 1 is no label"),
        (b"cat\n\ndog\n", "line 2 is no label"),
        (b"cat\nd\x1bog\n", "line 2 is no label"),
        (b"x" * 201, "line 1 is no label"),
        (b"caf\xe9\n", "no text in UTF-8"),
        (b"cat\n" * 2_000_000, "larger than"),
        (b"\x80\x02}q\x00.", "no text in UTF-8"),
    ],
    ids=["empty", "gap", "control", "long", "latin", "huge", "pickle"],
)
def test_no_labels_file(tmp_path: Path, content: bytes, words: str) -> None:
    """Protects from another file than was meant: one line, with the place in it."""
    path = tmp_path / "labels.txt"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=words) as caught:
        read_labels(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 500


def test_missing_labels_file(tmp_path: Path) -> None:
    """Protects from a typing error in its name."""
    with pytest.raises(ConfigError, match="No such file or directory; name a labels file with --labels"):
        read_labels(tmp_path / "labels.txt")


@given(st.lists(LABEL, min_size=1, max_size=20))
def test_names_of_an_exporter(labels: list[str]) -> None:
    """Protects Ultralytics' exports, which bring their labels along, as a dict or a list in Python."""
    assert names_in({"names": repr(dict(enumerate(labels)))}) == tuple(labels)
    assert names_in({"names": repr(labels)}) == tuple(labels)


@pytest.mark.parametrize(
    "names",
    [
        "", "{", "{1: 'a', 2: 'b'}", "{0: 'a', 'x': 'b'}", "{0: 'a', 1: 2}", "'ab'", "['']", "['a\\x1b']",
        "__import__('os')", "(" * 500,
        "-" * 100_000 + "1", "{[]: 1}", "{0: 'a', None: 'b'}", "9" * 5000, "[" + "'a'," * 2_000_000 + "]",
    ],
    ids=lambda names: names[:20],
)  # fmt: skip
def test_names_that_are_none(names: str) -> None:
    """Protects from what stands there instead: nothing of it is run, and nothing is raised."""
    assert names_in({"names": names}) == ()


def test_backslashes_in_names_say_nothing() -> None:
    """Protects stderr from Python's opinion of somebody else's text."""
    assert names_in({"names": r"['a\d']"}) == (r"a\d",)
