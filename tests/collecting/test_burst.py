"""Pictures as they come to lie in a folder of own classes."""

import re
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest

from pi_classifier.collecting.burst import Burst
from pi_classifier.collecting.folder import counts
from pi_classifier.contracts.frame import Pixels
from pi_classifier.errors import CannotWrite, DatasetError
from pi_classifier.training.dataset import read_dataset
from tests.system.unprivileged import unprivileged

NAME = re.compile(r"(\d{8}-\d{6}(?:-\d+)?)_(\d{4})\.jpg")


def picture(seed: int) -> Pixels:
    """Another one for each seed, 48 x 64."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (64, 48), interpolation=cv2.INTER_NEAREST), np.uint8)


def names(folder: Path) -> list[str]:
    """All that is in a folder, hidden or not."""
    return sorted(path.name for path in folder.iterdir())


def test_pictures_are_what_training_reads(tmp_path: Path) -> None:
    """Protects the whole way: pictures are numbered in order, of one session each run, and as the camera gave them."""
    for label in ("cup", "glass", "cup"):
        with Burst(tmp_path / "data", label) as burst:
            for seed in range(12):
                assert burst.save(picture(seed))
    dataset = read_dataset(tmp_path / "data")
    assert dataset.counts() == counts(tmp_path / "data") == {"cup": 24, "glass": 12}
    # Where a second ends in between, a session of the other class may have the same name.
    cups = [item for item in dataset.items if item.class_id == 0]
    assert len({item.session for item in cups}) == 2
    first = [item.path for item in cups if item.session == cups[0].session]
    assert [NAME.fullmatch(path.name)[2] for path in first] == [f"{n:04}" for n in range(1, 13)]  # type: ignore[index]
    read = cv2.imread(str(first[3]))
    assert read is not None
    assert np.abs(read.astype(int) - picture(3)).mean() < 8


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Protects pictures from two runs of one session at once: the one that finds a name taken goes on to the next."""
    with Burst(tmp_path, "cup", session="monday") as one, Burst(tmp_path, "cup", session="monday") as other:
        for seed in range(3):
            one.save(picture(seed))
            other.save(picture(seed))
        assert not set(one.saved) & set(other.saved)
    assert names(tmp_path / "cup") == [f"monday_{number:04}.jpg" for number in range(1, 7)]
    with Burst(tmp_path, "cup", session="monday") as later:
        later.save(picture(9))
        assert later.saved == ["monday_0007.jpg"]


def test_practically_the_same_picture_is_left_out(tmp_path: Path) -> None:
    """Protects a dataset from a camera that stands still: noise makes no new picture, what moves a little does."""
    rng, still = np.random.default_rng(0), np.full((224, 224, 3), 90, np.uint8)

    def seen(left: int) -> Pixels:
        """Something bright, 40 pixels wide, before a noisy ground."""
        pixels = still.astype(float) + rng.normal(0, 10, still.shape)
        pixels[80:140, left : left + 40] += 80
        return np.clip(pixels, 0, 255).astype(np.uint8)

    with Burst(tmp_path, "cup") as burst:
        assert [burst.save(seen(left)) for left in (50, 50, 50, 58, 50, 58, 120)] == [
            True, False, False, True, False, False, True,
        ]  # fmt: skip
        assert (len(burst.saved), burst.similar) == (3, 4)
    with Burst(tmp_path, "cup", keep_similar=True) as burst:
        assert [burst.save(still) for _ in range(3)] == [True] * 3


def test_only_its_own_pictures_are_deleted(tmp_path: Path) -> None:
    """Protects what others wrote: a burst takes back its own pictures, and its folder if that was new and is empty."""
    with Burst(tmp_path, "cup", session="monday") as first:
        first.save(picture(0))
        with Burst(tmp_path, "cup", session="monday") as second:
            second.save(picture(1))
            (tmp_path / "cup" / "notes.txt").touch()
            second.discard()
            second.discard()
        assert names(tmp_path / "cup") == ["monday_0001.jpg", "notes.txt"]
        (tmp_path / "cup" / "monday_0001.jpg").unlink()
        first.discard()
    assert names(tmp_path) == ["cup"]
    with Burst(tmp_path, "glass"):
        pass
    assert names(tmp_path) == ["cup"]


def test_links_lead_nowhere(tmp_path: Path) -> None:
    """Protects other folders: a class that is a link, before or meanwhile, gets no picture, and nor does its target."""
    elsewhere, data = tmp_path / "elsewhere", tmp_path / "data"
    elsewhere.mkdir()
    data.mkdir()
    (data / "cup").symlink_to(elsewhere)
    with pytest.raises(CannotWrite, match="is a link"):
        Burst(data, "cup")
    with Burst(data, "glass") as burst:
        (data / "glass").rename(data / "moved")
        (data / "glass").symlink_to(elsewhere)
        burst.save(picture(0))
        assert names(data / "moved") == burst.saved
    assert names(elsewhere) == []


@pytest.mark.parametrize("label", ["unknown", "../cup", "..", "", " cup", ".cup", "a/b", "a\0b", "a\nb", "é" * 150])
def test_label_that_is_none(tmp_path: Path, label: str) -> None:
    """Protects whoever names a class: what training would refuse is refused first, and no folder is made."""
    with pytest.raises(DatasetError):
        Burst(tmp_path / "data", label)
    assert names(tmp_path) == []


def test_what_training_would_misunderstand_is_refused(tmp_path: Path) -> None:
    """Protects a dataset that has parts or a list of classes: a new class beside them would spoil it."""
    (tmp_path / "parts" / "train" / "cup").mkdir(parents=True)
    (tmp_path / "parts" / "val").mkdir()
    with pytest.raises(DatasetError, match=r"divided into train and val; name .*parts/train"):
        Burst(tmp_path / "parts", "cup")
    (tmp_path / "labels.txt").write_text("glass\n")
    with pytest.raises(DatasetError, match=r"labels\.txt: lacks the class 'cup'; add a line"):
        Burst(tmp_path, "cup")


def test_name_as_macos_spells_it(tmp_path: Path) -> None:
    """Protects from two folders of one class: one that was copied from macOS is gone on with."""
    folder = tmp_path / unicodedata.normalize("NFD", "Café")
    folder.mkdir()
    with Burst(tmp_path, "Café") as burst:
        burst.save(picture(0))
        assert names(folder) == burst.saved


def test_same_second_is_another_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects sessions on a machine whose clock stands still: each run is one of its own nevertheless."""
    monkeypatch.setattr("time.strftime", lambda _: "20261126-151200")
    for _ in range(3):
        with Burst(tmp_path, "cup") as burst:
            burst.save(picture(0))
    assert names(tmp_path / "cup") == [f"20261126-151200{more}_0001.jpg" for more in ("-2", "-3", "")]


def test_room_that_is_left_stays(tmp_path: Path) -> None:
    """Protects the disk: below the room that is to be left no picture is written, and those before it stay."""
    with Burst(tmp_path, "cup") as burst:
        burst.save(picture(0))
        with (
            Burst(tmp_path, "cup", least_free=10**18) as refused,
            pytest.raises(CannotWrite, match=r"MB is free there; make room there; what was saved is kept"),
        ):
            refused.save(picture(1))
        assert names(tmp_path / "cup") == burst.saved


def test_where_nobody_may_write() -> None:
    """Protects from tracebacks: a folder that cannot be written, or made, or is none, is one line that says so."""
    with unprivileged() as folder:
        closed = folder / "closed"
        closed.mkdir()
        (closed / "cup").touch()
        with pytest.raises(CannotWrite, match="cup: is no folder"):
            Burst(closed, "cup")
        closed.chmod(0o555)
        with pytest.raises(CannotWrite, match=r"Permission denied.*ReadWritePaths"):
            Burst(closed, "glass")
        with pytest.raises(CannotWrite, match=r"make the folder .*nowhere first"):
            Burst(folder / "nowhere" / "data", "cup")
        closed.chmod(0o755)
