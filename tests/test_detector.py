"""`pi-classifier run` with a detector, as its user runs it."""

import ast
import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.detection.files import seeing
from tests.running import Program
from tests.runtimes.onnx.files import written
from tests.sources.test_files import write_picture
from tests.waiting import DEADLINE_SECONDS

Run = Callable[..., Program]
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def configuration(folder: Path, port: int, source: object, weights: Path, *more: str) -> Path:
    """A file with one camera, a watch and a zone on its right half."""
    file = folder / "config.toml"
    file.write_text(
        f"""
[[camera]]
name = "yard"
source = "file:{source}"
fps = 20
[model]
weights = "{weights}"
[log]
format = "json"
[metrics]
listen = "127.0.0.1:{port}"
labels = ["dog"]
[[watch]]
name = "animal"
labels = ["dog"]
zone = "middle"
[[zone]]
name = "middle"
camera = "yard"
polygon = [[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]]
"""
        + "\n".join(more),
        encoding="utf-8",
    )
    return file


def scraped(port: int, start: str) -> float:
    """The value of the sample that begins so."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        text: str = answer.read().decode()
    return float(next(line for line in text.splitlines() if line.startswith(start)).rpartition(" ")[2])


def test_from_a_picture_to_an_event(program: Run, tmp_path: Path, free_port: int) -> None:
    """Protects the whole way: objects in the line, a watch's event with its zone, both metrics, and the books."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(40):
        write_picture(pictures / f"{number:02}.png", WHITE if number < 30 else BLACK)
    weights = written(seeing(), tmp_path)
    running = program("run", "--config", configuration(tmp_path, free_port, pictures, weights))

    def lines(event: str | None) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in running.lines if line.startswith("{")]
        return [line for line in found if line.get("event") == event]

    running.wait_for(lambda: lines("started"), "the dog")
    (started,) = lines("started")
    assert (started["watch"], started["zone"], started["camera"]) == ("animal", "middle", "yard")
    assert scraped(free_port, 'pi_classifier_detections_total{camera="yard",label="dog"}') > 0
    assert scraped(free_port, 'pi_classifier_watch_active{camera="yard",watch="animal"}') == 1
    result = running.wait()
    assert result.returncode == 0, result.stderr
    assert [one["watch"] for one in lines("stopped")] == ["animal"]
    said = next(line for line in lines(None) if line.get("detections"))
    (found,) = said["detections"]
    assert (found["label"], found["zones"], said["state"]) == ("dog", ["middle"], None)
    # The picture is 60 x 40; the model's object is 20 x 10 in the middle of 64 x 64, which shows it 64 x 43 large.
    assert found["box"] == pytest.approx([20.6, 15.8, 39.4, 25.1], abs=0.2)
    (totals,) = [line for line in lines(None) if "captured" in line]
    assert totals["captured"] == totals["classified"] + sum(totals["dropped"].values()) == 40


def test_what_is_for_detectors_is_refused_of_a_classifier(program: Run, tmp_path: Path, both_programs: Path) -> None:
    """Protects against a zone that nothing looks at: with a classifier it is an error, and not silence."""
    file = configuration(tmp_path, 1, write_picture(tmp_path / "a.png"), both_programs)
    result = program("run", "--config", file).wait()
    assert result.returncode == 78
    assert "a [[zone]] is for a detector; take it away" in result.stderr


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ('[[zone]]\nname = "middle"', "two zones are called 'middle'"),
        ('[[zone]]\nname = "x"\ncamera = "hall"', "a [[zone]] is of the camera 'hall', which there is not"),
        ('[[mask]]\ncamera = "hall"', "a [[mask]] is of the camera 'hall', which there is not"),
        ('[[watch]]\nname = "w"\nlabels = ["dog"]\nzone = "x"', "looks at the zone 'x', which there is not"),
        ('[[object]]\nmin_area = 0.1', "an [[object]] has no label"),
        ('[[object]]\nlabel = "dog"\n[[object]]\nlabel = "dog"', "two [[object]] are of 'dog'"),
        ('[[object]]\nlabel = "dog"\nmin_area = 0.5\nmax_area = 0.1', "has a min_area above its max_area"),
        ('[[object]]\nlabel = "dgo"', "an [[object]]: the model has no class 'dgo'; did you mean 'dog'?"),
        ('[[mask]]\ncamera = "yard"\npolygon = [[0, 0], [1, 1]]', "is no polygon; give 3 to 100 corners"),
        ('[[mask]]\ncamera = "yard"\npolygon = [[0, 0], [1, 1], [2, 0]]', "is no polygon"),
        ('[[mask]]\ncamera = "yard"\npolygon = [[0, 0], [1, 1], [1]]', "is no polygon"),
    ],
)  # fmt: skip
def test_bad_configuration(program: Run, tmp_path: Path, more: str, complaint: str) -> None:
    """Protects the user from guessing: one line says what is wrong, and with what remedy."""
    weights = written(seeing(), tmp_path)
    file = configuration(tmp_path, 1, write_picture(tmp_path / "a.png"), weights, more)
    result = program("run", "--config", file).wait()
    assert result.returncode == 78
    last = result.stderr.splitlines()[-1]
    assert complaint in last
    assert "; " in last
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("size", "side"), [("", 160), ("width = 128\nheight = 128\n", 128)])
def test_cameras_are_asked_for_what_the_detector_takes(program: Run, tmp_path: Path, size: str, side: int) -> None:
    """Protects sharp pictures: not a classifier's size is asked for but the detector's, unless one is configured."""
    file = configuration(tmp_path, 1, "", written(seeing(), tmp_path))
    text = file.read_text(encoding="utf-8").replace('source = "file:"\n', f'source = "synthetic:"\n{size}')
    file.write_text(text.replace('"127.0.0.1:1"', '""') + "\n[detect]\nconfidence = 0.1", encoding="utf-8")
    running = program("run", "--config", file, "--frames", "60")
    assert running.wait().returncode == 0
    said = next(line for line in map(json.loads, running.lines) if line.get("detections"))
    left, _, right, _ = said["detections"][0]["box"]
    assert right - left == pytest.approx(20 / 64 * side, abs=0.2)


def test_nobody_imports_what_he_does_not_use(variables: dict[str, str], tmp_path: Path, both_programs: Path) -> None:
    """Protects the start and small machines: with a detector there is no torch, with a classifier no detection."""
    code = (
        "import sys\nimport pi_classifier.cli as cli\ncli._end_at_once = lambda: None\n"
        "cli.app(['run', '--frames', '3', '--metrics-listen', '', *sys.argv[1:]], standalone_mode=False)\n"
        "print([name for name in sys.modules if name == 'torch' or 'detect' in name or name == 'onnxruntime'])\n"
    )

    def modules(*arguments: object) -> list[str]:
        command = [sys.executable, "-c", code, "--source", "synthetic:", *map(str, arguments)]
        done = subprocess.run(
            command, env=variables, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=True
        )
        names: list[str] = ast.literal_eval(done.stdout.splitlines()[-1])
        return [name for name in names if name.split(".")[0] in ("torch", "onnxruntime", "pi_classifier")]

    detector = modules("--weights", written(seeing(), tmp_path))
    assert "torch" not in detector
    assert {"onnxruntime", "pi_classifier.detection.detector"} <= set(detector)
    assert modules("--weights", both_programs, "--runtime", "litert") == []
