"""Folders of pictures, as people have them."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.collecting.names import class_name
from pi_classifier.errors import DatasetError
from pi_classifier.runtimes.novelty import UNKNOWN
from pi_classifier.training.dataset import few, read_dataset
from tests.training.folders import touch


def test_classes_are_the_folders_and_sessions_are_in_the_names(tmp_path: Path) -> None:
    """Protects the usual layout: folders by name are classes, and `<session>_<n>` names a session."""
    touch(tmp_path, "b/monday_1.jpg", "b/monday_02.jpg", "a/deep/x.PNG", "b/notes.txt", ".git/y.jpg", "a/.z.jpg")
    dataset = read_dataset(tmp_path)
    assert dataset.classes == ("a", "b")
    assert [(item.path.name, item.class_id, item.session, item.part) for item in dataset.items] == [
        ("x.PNG", 0, "", None),
        ("monday_02.jpg", 1, "monday", None),
        ("monday_1.jpg", 1, "monday", None),
    ]


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_given_parts_are_taken_by_class_name(tmp_path: Path, name: str) -> None:
    """Protects from wrong labels: a part that lacks the first class does not move the others."""
    touch(tmp_path, "train/a/1.jpg", "train/b/1.jpg", "train/c/1.jpg", f"{name}/c/2.jpg", "test/b/3.jpg")
    dataset = read_dataset(tmp_path)
    assert dataset.classes == ("a", "b", "c")
    judging = {(item.path.name, item.class_id, item.part) for item in dataset.items if item.part != "train"}
    assert judging == {("2.jpg", 2, "validation"), ("3.jpg", 1, "test")}


def test_folder_called_train_may_be_a_class(tmp_path: Path) -> None:
    """Protects who tells trains from trams: beside other folders `train` is a class like them."""
    assert read_dataset(touch(tmp_path, "train/1.jpg", "tram/1.jpg")).classes == ("train", "tram")


def test_train_alone_is_no_split(tmp_path: Path) -> None:
    """Protects the judging: where only `train` is given, its pictures are divided."""
    dataset = read_dataset(touch(tmp_path, "train/a/1.jpg", "train/b/1.jpg"))
    assert dataset.classes == ("a", "b")
    assert {item.part for item in dataset.items} == {None}


def test_labels_file_gives_the_order_and_not_the_mapping(tmp_path: Path) -> None:
    """Protects from labels by position: a folder belongs to the line with its name, in whatever form of Unicode."""
    touch(tmp_path, "zebra/1.jpg", unicodedata.normalize("NFD", "Bär") + "/1.jpg")
    (tmp_path / "labels.txt").write_text("zebra\n\nBär\n", encoding="utf-8")
    dataset = read_dataset(tmp_path)
    assert dataset.classes == ("zebra", "Bär")
    assert {item.path.parent.name[0]: item.class_id for item in dataset.items} == {"z": 0, "B": 1}


@pytest.mark.parametrize(
    ("names", "labels", "expected"),
    [
        (["a/1.jpg"], None, "only the class 'a'"),
        (["a.jpg"], None, "no folder of pictures"),
        (["a/1.jpg", "b/1.jpg", "hollow/readme.txt"], None, "'hollow' has no pictures"),
        (["train/a/1.jpg", "train/b/1.jpg", "val/c/1.jpg"], None, "'c' has no pictures to learn from"),
        (["a/1.jpg", "b/1.jpg"], "a\nb\nlost\n", "'lost' has no pictures"),
        (["a/1.jpg", "b/1.jpg"], "a\n", "lacks the class 'b'"),
        (["a/1.jpg", "b/1.jpg"], "a\nb\na\n", "two classes are called 'a'"),
        (["a/1.jpg", "b/1.jpg"], "a/b\nb\n", "has a slash"),
        (["a/1.jpg", "Unknown/1.jpg"], None, "none of the classes"),
        (["a/1.jpg", "b\x07/1.jpg"], None, "cannot be printed"),
    ],
)
def test_what_cannot_be_learnt_is_named(tmp_path: Path, names: list[str], labels: str | None, expected: str) -> None:
    """Protects from a training for nothing: what is wrong with the folder is said first, by name, with code 78."""
    touch(tmp_path, *names)
    if labels is not None:
        (tmp_path / "labels.txt").write_text(labels)
    with pytest.raises(DatasetError, match=expected) as caught:
        read_dataset(tmp_path)
    assert caught.value.exit_code == 78


def test_to_judge_by_less_is_enough(tmp_path: Path) -> None:
    """Protects evaluations: strangers may be in the part `test` alone, and one class is enough, but not none."""
    touch(tmp_path / "parts", "train/a/1.jpg", "train/b/1.jpg", "test/c/1.jpg")
    assert read_dataset(tmp_path / "parts", to_learn=False).classes == ("a", "b", "c")
    assert len(read_dataset(touch(tmp_path / "one", "a/1.jpg"), to_learn=False).items) == 1
    with pytest.raises(DatasetError, match="has no pictures"):
        read_dataset(touch(tmp_path / "none", "a/readme.txt"), to_learn=False)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    """Protects from a traceback for a mistyped path."""
    with pytest.raises(DatasetError, match="nowhere: No such file"):
        read_dataset(tmp_path / "nowhere")


def test_class_of_few_pictures_is_mentioned(tmp_path: Path) -> None:
    """Protects from great expectations: under ten pictures of a class there is a word about it."""
    touch(tmp_path, *(f"many/{number}.jpg" for number in range(10)), *(f"some/{number}.jpg" for number in range(9)))
    assert few(read_dataset(tmp_path)) == ["some: only 9 pictures"]


@given(st.text(max_size=40))
def test_whatever_is_accepted_is_a_sound_label(text: str) -> None:
    """Protects the files and pages that labels get into: they are printable, NFC, and none is the reserved one."""
    try:
        name = class_name(text, Path("DIR"))
    except DatasetError:
        return
    assert name.isprintable()
    assert name == unicodedata.normalize("NFC", name) == name.strip() != ""
    assert name[0] != "."
    assert "/" not in name
    assert name.casefold() != UNKNOWN
    assert class_name(name, Path("DIR")) == name
