"""benchmarks/steadiness.py: the rules that it compares, what it counts, and its film."""

import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from itertools import islice, pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.shared.photographs import LABELS, Photograph
from benchmarks.stability.classified import Classified, likelihood
from benchmarks.stability.figures import (
    Scene,
    Showing,
    Shown,
    changes_a_minute,
    false_starts,
    nameable,
    on_films,
    spread,
)
from benchmarks.stability.film import SIZE, Film, photographs_needed, streak
from benchmarks.stability.report import table
from benchmarks.stability.rules import OURS, RAW, RULES
from benchmarks.steadiness import main
from pi_classifier.errors import CannotWrite, InputError
from tests.conftest import ROOT
from tests.waiting import DEADLINE_SECONDS

SCRIPT = ROOT / "benchmarks" / "steadiness.py"
CLASSES = 4
UNBROKEN, FRIGATE, JETSON, RPICAM, IMX500 = [name for name in RULES if name not in (RAW, OURS)]


def shown(name: str, frames: Sequence[Sequence[float]], fps: float = 10.0) -> list[int | None]:
    """What a rule shows with frames of these probabilities."""
    rule = RULES[name](CLASSES)
    return [rule(number / fps, np.array(frame, np.float32)) for number, frame in enumerate(frames)]


def sure(class_id: int, probability: float = 0.9) -> list[float]:
    """Of one class so much, and the rest of all others together."""
    rest = (1 - probability) / (CLASSES - 1)
    return [probability if one == class_id else rest for one in range(CLASSES)]


def test_raw_top_1_follows_every_frame() -> None:
    """Protects the yardstick: what is best in a frame is shown with it, however unsure."""
    assert shown(RAW, [sure(1), sure(2, 0.3), sure(1)]) == [1, 2, 1]


def test_three_seconds_must_be_unbroken() -> None:
    """Protects this rule: one other frame begins the three seconds anew, and what is shown stays until then."""
    assert shown(UNBROKEN, [sure(1)] * 4, fps=1) == [None, None, None, 1]
    assert shown(UNBROKEN, [sure(1), sure(1), sure(2), sure(1), sure(1), sure(1), sure(1)], fps=1)[-2:] == [None, 1]
    assert shown(UNBROKEN, [*[sure(1)] * 4, *[sure(2)] * 3], fps=1)[-1] == 1


def test_frigate_takes_three_sure_verdicts_in_a_row() -> None:
    """Protects Frigate's rule: half a second apart, 0.8 or more, unsure ones skipped, and never nothing again."""
    assert shown(FRIGATE, [sure(1)] * 14).index(1) == 12
    assert shown(FRIGATE, [sure(1, 0.79)] * 40) == [None] * 40
    # Verdicts fall on frames 0, 6 and 12, of which the second is not sure enough: the row goes on with the fourth.
    assert shown(FRIGATE, [sure(1, 0.7 if number == 6 else 0.9) for number in range(20)]).index(1) == 18
    assert shown(FRIGATE, [sure(2 if number == 6 else 1) for number in range(20)]) == [None] * 20
    assert shown(FRIGATE, [*[sure(1)] * 14, *[sure(1, 0.25)] * 40])[-1] == 1


def test_jetson_smoothing_is_slower_at_fewer_frames() -> None:
    """Protects jetson-inference's rule: the first frame counts whole, another takes as many frames at any rate."""
    frames = [*[sure(1)] * 20, *[sure(2)] * 20]
    assert shown(JETSON, frames) == shown(JETSON, frames, fps=1)
    assert shown(JETSON, frames).index(2) == 30  # (14/15)**n falls below one half with the eleventh
    assert shown(JETSON, [[0.005] * CLASSES]) == [None]


def test_rpicam_enters_higher_than_it_stays() -> None:
    """Protects rpicam-apps' rule: 0.15 is shown only where 0.2 was, and not after it fell below 0.1."""
    high, middle, low = [[share, 0.0, 0.0, 0.0] for share in (0.25, 0.15, 0.05)]
    assert shown(RPICAM, [middle, high, middle, low, middle]) == [None, 0, 0, None, None]


def test_imx500_hides_two_frames_and_keeps_five() -> None:
    """Protects the IMX500's filter: what is new beside something known waits, what is gone is shown for a while."""
    nothing = [0.25] * CLASSES
    assert shown(IMX500, [sure(1), *[nothing] * 6]) == [1, 1, 1, 1, 1, None, None]
    assert shown(IMX500, [sure(1), sure(2), sure(2), sure(2)]) == [1, 1, 1, 2]
    # One frame of another is never shown: it has to be seen three times running.
    assert shown(IMX500, [sure(1), sure(2), sure(1), sure(2), sure(1)]) == [1] * 5


def test_ours_is_the_products() -> None:
    """Protects the comparison: ours is what the daemon runs, so it takes no single frame and forgets what is gone."""
    showed = shown(OURS, [*[sure(1)] * 20, sure(2), *[sure(1)] * 5, *[[0.25] * CLASSES] * 20])
    assert showed[0] is None
    assert showed[19:26] == [1] * 7
    assert showed[-1] is None


SCENES = [Scene(0, 2, 7), Scene(2, 4, None), Scene(4, 6, 8)]
SEEN: list[int | None] = [None, 7, 5, 7, 7, None, 5, 5, None, 8, 8, 8]
"""Two frames a second."""


def at_2_fps(classes: Sequence[int | None]) -> list[Shown]:
    """As of a rule that showed these."""
    return [Shown(number / 2, class_id) for number, class_id in enumerate(classes)]


def test_figures_of_a_small_film() -> None:
    """Protects every figure of the table, on a film that can be counted on one's fingers."""
    seen = at_2_fps(SEEN)
    assert changes_a_minute(seen, 6) == 70  # 7, 5, 7, none, 5, none, 8
    assert changes_a_minute(at_2_fps([7, 7]), 1) == 60
    assert changes_a_minute(at_2_fps([None, None]), 1) == 0
    # Of its four frames 7 has two, which is not more than half; 8 has three.
    assert nameable(seen, SCENES) == [SCENES[2]]
    assert false_starts(seen, SCENES, 6) == 2
    ours = Showing(seen, SCENES, [SCENES[0], SCENES[2]], 6)
    nothing = Showing(at_2_fps([None] * 12), SCENES, SCENES[:1], 6)
    assert on_films([ours]) == {
        "changes_a_minute": 70, "named": 2, "false_starts": 2, "delay_p50_s": 0.5, "delay_p90_s": 0.5
    }  # fmt: skip
    assert on_films([nothing]) == {"changes_a_minute": 0, "named": 0, "false_starts": 0}
    assert on_films([ours, nothing, ours]) == on_films([ours]) | {
        "changes_a_minute": pytest.approx(140 / 3), "named": 4, "false_starts": 4
    }  # fmt: skip


def test_label_that_comes_late_is_false() -> None:
    """Protects the count of false starts: one that was true as it began may outstay; one that comes late was not."""
    assert false_starts(at_2_fps([None, 7, 7, 7, 7, 7, None, None, 8, 8, 8, 8]), SCENES, 6) == 0
    assert false_starts(at_2_fps([None, None, None, None, 7, 7, None, None, 8, 8, 8, 8]), SCENES, 6) == 1


def test_likelihood_is_of_the_scene_alone() -> None:
    """Protects what is said of unnamed photographs: the mean of their own class, over their own frames."""
    probabilities = np.array([[0.1, 0.9], [0.2, 0.8], [0.4, 0.6], [1.0, 0.0]], np.float32)
    assert likelihood(Classified(2.0, probabilities, []), Scene(0.5, 1.5, 0)) == pytest.approx(0.3)


def test_spread_is_of_the_least() -> None:
    """Protects what is said of the rates: how far they lie apart, nothing where all are nothing."""
    assert spread([30.0, 33.0, 31.0]) == pytest.approx(0.1)
    assert spread([0.0, 0.0]) == 0
    assert spread([0.0, 1.0]) == float("inf")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photographs, of a class each."""
    random = np.random.default_rng(1)
    rows = [(f"{class_id}.png", class_id) for class_id in (3, 1, 2)]
    for name, _ in rows:
        coarse = random.integers(0, 256, (6, 8, 3), np.uint8)
        cv2.imwrite(str(tmp_path / name), cv2.resize(coarse, (320, 256), interpolation=cv2.INTER_CUBIC))
    with (tmp_path / LABELS).open("w", newline="", encoding="utf-8") as labels:
        csv.writer(labels).writerows([("file", "class_index"), *rows])
    return tmp_path


def test_film_is_the_same_for_the_same_seed(folder: Path) -> None:
    """Protects repeatable figures: a seed makes one film, at every showing, and another seed another film."""
    # Of one photograph, so that it is the hand that makes the difference.
    first, again, other = (Film([Photograph(folder / "1.png", 1)], seconds=2, seed=seed) for seed in (1, 1, 2))
    assert first.scenes == again.scenes
    for one, two, three in islice(zip(first.frames(), again.frames(), other.frames(), strict=False), 5):
        assert one.shape == (SIZE, SIZE, 3)
        assert np.array_equal(one, two)
        assert not np.array_equal(one, three)
    assert np.array_equal(next(first.frames()), next(again.frames()))


def test_film_is_cut_as_promised(folder: Path) -> None:
    """Protects the truth: 64 scenes without a gap, 45 of them photographs of a class each, never two walls in a row."""
    photographs = [Photograph(folder / "1.png", class_id) for class_id in range(200)]
    scenes = Film(photographs, seconds=128, seed=1).scenes
    shown_ids = [scene.class_id for scene in scenes]
    assert len(scenes) == 64
    assert photographs_needed(128) == len(set(shown_ids) - {None}) == 64 - shown_ids.count(None) == 45
    assert all(one.end == other.begin for one, other in pairwise(scenes))
    assert (scenes[0].begin, scenes[-1].end) == (0, 128)
    assert all(one != other for one, other in pairwise(shown_ids))
    assert scenes == Film(photographs, seconds=128, seed=1).scenes != Film(photographs, seconds=128, seed=2).scenes


def test_blur_keeps_the_brightness() -> None:
    """Protects the film from jerks that darken: a streak of any length and angle sums to one."""
    for length in (8, 15, 24):
        for angle in (0.0, 33.0, 90.0, 179.0):
            assert streak(length, angle).sum() == pytest.approx(1)


def test_short_run(folder: Path, both_programs: Path, tmp_path: Path) -> None:
    """Protects the program: model, film, rules, another video and the table, end to end."""
    film = tmp_path / "film.avi"
    ended = subprocess.run(
        [sys.executable, SCRIPT, "--weights", both_programs, "--photos", folder, "--seconds", "2",
         "--films", "2", "--film", film, "--json"],
        capture_output=True, text=True, check=True, timeout=DEADLINE_SECONDS,
    )  # fmt: skip
    result = json.loads(ended.stdout)
    assert result["rules"].keys() == RULES.keys()
    assert list(result["rules"][OURS]["film"]) == ["30", "15", "10", "5", "3"]
    assert (result["photographs"], result["walls"], result["true_changes_a_minute"]) == (2, 0, 30)
    assert 0 < result["cost"]["update_us"] < result["cost"]["inference_us"]
    assert f"| {OURS} |" in table(result)
    assert cv2.VideoCapture(str(film)).get(cv2.CAP_PROP_FRAME_COUNT) == 60


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--seconds", "3"], "even"),
        (["--seconds", "20"], "photographs of 7"),
        (["--seed", "-1"], "0 or more"),
        (["--seconds", "2", "--videos", "missing.mp4"], "missing.mp4"),
        (["--seconds", "2", "--videos", "one/film.mp4", "other/film.avi"], "two videos are called film"),
    ],
)
def test_bad_option_is_one_line(
    folder: Path, words: list[str], complaint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects from tracebacks: what cannot be done is said in a line, before a model is opened."""
    monkeypatch.setattr(sys, "argv", ["steadiness.py", "--weights", "none", "--photos", str(folder), *words])
    with pytest.raises(SystemExit):
        main()
    (line,) = capsys.readouterr().err.splitlines()
    assert complaint in line


def test_film_that_cannot_be_kept_is_refused(folder: Path) -> None:
    """Protects from a film that is not there: a format that is none is refused, and so is a missing photograph."""
    film = Film([Photograph(folder / "1.png", 1)], seconds=2, seed=1)
    with pytest.raises(CannotWrite, match=r"film\.nothing"):
        film.write(folder / "film.nothing")
    with pytest.raises(InputError, match="missing"):
        Film([Photograph(folder / "missing.png", 1)], seconds=2, seed=1).write(folder / "film.avi")
