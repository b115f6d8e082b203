"""What is kept of pictures, and what is computed anew."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pi_classifier.config.schema import ModelSettings
from pi_classifier.errors import CannotWrite, DatasetError
from pi_classifier.prepare.trunk import Trunk
from pi_classifier.runtimes.novelty import Features
from pi_classifier.training.dataset import read_dataset
from pi_classifier.training.features import OWN_FOLDER, FeatureCache, base_digest, extracted, extractor
from pi_classifier.training.pictures import Pictures, gathered
from tests.training.folders import COLOURS, make, picture

SIZE = 3


class Counting:
    """Features of a file: its length, three times; and how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, path: Path) -> Features:
        """As `Extract`."""
        self.asked.append(path.name)
        return np.full(SIZE, path.stat().st_size, np.uint8)


def files(folder: Path, count: int) -> list[Path]:
    """Files of different lengths."""
    paths = [folder / f"{number}.jpg" for number in range(1, count + 1)]
    for number, path in enumerate(paths, 1):
        path.write_bytes(b"x" * number)
    return paths


def values(folder: Path, paths: list[Path], extract: Counting, base: str = "0" * 64) -> list[int]:
    """The first feature of each file, through a cache of its own."""
    with FeatureCache(folder, base, SIZE) as cache:
        found = [one.features for one in extracted(paths, cache, extract)]
    return [int(one[0]) for one in found if one is not None]


def test_added_pictures_cost_only_their_own(tmp_path: Path) -> None:
    """Protects the minutes of a Raspberry Pi: known pictures, moved ones too, are not computed again."""
    paths, extract = files(tmp_path, 4), Counting()
    assert values(tmp_path, paths[:3], extract) == [1, 2, 3]
    paths[0] = paths[0].rename(tmp_path / "renamed.jpg")
    assert values(tmp_path, paths, extract) == [1, 2, 3, 4]
    assert extract.asked == ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]


def test_another_base_or_another_content_is_computed(tmp_path: Path) -> None:
    """Protects from features of another network, and from those of a picture that was replaced."""
    paths, extract = files(tmp_path, 2), Counting()
    values(tmp_path, paths, extract)
    assert values(tmp_path, paths, extract, base="1" * 64) == [1, 2]
    paths[0].write_bytes(b"y" * 9)
    assert values(tmp_path, paths, extract) == [9, 2]
    assert extract.asked == ["1.jpg", "2.jpg"] * 2 + ["1.jpg"]


@pytest.mark.parametrize("cut", [1, 20, 40])
def test_killed_run_loses_nothing_that_was_finished(tmp_path: Path, cut: int) -> None:
    """Protects what was computed: a record that is cut short costs itself alone, and the file is sound afterwards."""
    paths, extract = files(tmp_path, 4), Counting()
    values(tmp_path, paths[:3], extract)
    (file,) = (tmp_path / OWN_FOLDER).iterdir()
    record = file.stat().st_size // 3
    file.write_bytes(file.read_bytes()[: 3 * record - min(cut, record)])
    assert values(tmp_path, paths, extract) == [1, 2, 3, 4]
    assert values(tmp_path, paths, extract) == [1, 2, 3, 4]
    assert extract.asked == ["1.jpg", "2.jpg", "3.jpg", "3.jpg", "4.jpg"]
    assert file.stat().st_size == 4 * record


def test_damaged_record_is_computed_again(tmp_path: Path) -> None:
    """Protects from features that a failing card made up: a record is held against its checksum."""
    paths, extract = files(tmp_path, 2), Counting()
    values(tmp_path, paths, extract)
    (file,) = (tmp_path / OWN_FOLDER).iterdir()
    content = bytearray(file.read_bytes())
    content[33] ^= 1
    file.write_bytes(content)
    assert values(tmp_path, paths, extract) == [1, 2]


def test_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """Protects read-only folders from a traceback."""
    (tmp_path / OWN_FOLDER).write_text("no folder")
    with pytest.raises(CannotWrite, match="cannot be written"):
        FeatureCache(tmp_path, "0" * 64, SIZE)


@pytest.fixture(scope="module")
def trunk() -> Trunk:
    """A network of random weights."""
    return Trunk(ModelSettings(weights="untrained"), progress=False)


def read(folder: Path, trunk: Trunk) -> Pictures:
    """A folder, with features."""
    dataset = read_dataset(folder)
    with FeatureCache(folder, base_digest(trunk.metadata), trunk.size) as cache:
        return gathered(dataset, extracted([item.path for item in dataset.items], cache, extractor(trunk)))


def test_corrupt_picture_is_skipped_and_listed(tmp_path: Path, trunk: Trunk) -> None:
    """Protects a training from one bad file: it is left out with its name, and the others keep their classes."""
    make(tmp_path, count=2)
    whole = (tmp_path / "green" / "p0.png").read_bytes()
    (tmp_path / "green" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "blue" / "text.jpg").write_text("no picture")
    Image.new("RGB", (70_000, 1)).save(tmp_path / "blue" / "long.png")
    pictures = read(tmp_path, trunk)
    assert sorted(problem.problem.split(":")[0].rpartition("/")[2] for problem in pictures.skipped) == [
        "cut.png",
        "long.png",
        "text.jpg",
    ]
    assert pictures.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert pictures.features.shape == (6, trunk.size)
    shutil.rmtree(tmp_path / OWN_FOLDER)
    assert np.array_equal(read(tmp_path, trunk).features, pictures.features)


def test_class_of_corrupt_pictures_alone_is_named(tmp_path: Path, trunk: Trunk) -> None:
    """Protects from a class that nothing was learnt of."""
    make(tmp_path, {"red": COLOURS["red"], "blue": COLOURS["blue"]}, count=1)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "text.jpg").write_text("no picture")
    with pytest.raises(DatasetError, match=r"'broken' has no pictures .*; skipped .*text\.jpg: "):
        read(tmp_path, trunk)


def test_digest_is_that_of_pictures_and_classes(tmp_path: Path, trunk: Trunk) -> None:
    """Protects --resume from going on with other pictures: any change gives another digest, and none gives the same."""
    make(tmp_path, count=2)
    digests = [read(tmp_path, trunk).digest, read(tmp_path, trunk).digest]
    picture((1, 2, 3), 7).save(tmp_path / "red" / "p0.png")
    digests.append(read(tmp_path, trunk).digest)
    (tmp_path / "red" / "p1.png").rename(tmp_path / "blue" / "moved.png")
    digests.append(read(tmp_path, trunk).digest)
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
