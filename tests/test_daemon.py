"""`pi-classifier run`, as systemd and people run it: a process, signals, a scrape."""

import array
import ast
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import termios
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pi_classifier.prepare.torchvision_models import ARCHITECTURES
from pi_classifier.sources.synthetic import Synthetic
from tests.conftest import EITHER_RUNTIME, ROOT
from tests.running import Program
from tests.sources.test_files import write_picture, write_video
from tests.waiting import DEADLINE_SECONDS, eventually

Run = Callable[..., Program]
PIPE_FULL = 60_000
"""Bytes: a pipe holds 65,536 (pipe(7)), and what is written last need not fill it to the brim."""
TOTALS = re.compile(
    r"camera done: (\d+) captured = (\d+) classified \+ (\d+) dropped(?: \(.*\))? in ([\d.]+) s, ([\d.]+) fps"
)


@pytest.fixture
def offline(tmp_path: Path) -> dict[str, str]:
    """Variables of a machine without network, and without anything that was fetched or made before."""
    return {
        "https_proxy": "http://127.0.0.1:1",
        "TORCH_HOME": str(tmp_path),
        "CACHE_DIRECTORY": str(tmp_path / "cache"),
    }


def scrape(port: int) -> dict[str, float]:
    """One scrape: samples of the only camera by their name, and by name and reason for drops."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    return {
        sample.name + (f":{sample.labels['reason']}" if "reason" in sample.labels else ""): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def totals(program: Program) -> tuple[int, int, int]:
    """Captured, classified and dropped of the closing line."""
    match = TOTALS.search(program.lines[-1])
    assert match, program.lines
    captured, classified, dropped = map(int, match.groups()[:3])
    assert captured == classified + dropped
    return captured, classified, dropped


@EITHER_RUNTIME
def test_video_is_named_logged_and_scraped(
    program: Run, test_data: Path, real_model_file: Path, free_port: int
) -> None:
    """Protects the main job: a real video of a bottle is called one, in the log and in the metrics, while it runs."""
    running = program(
        "run", "--source", test_data / "videos" / "bottle-detection.mp4", "--weights", real_model_file,
        "--metrics-listen", f"127.0.0.1:{free_port}",
    )  # fmt: skip
    line = running.wait_for_line("water bottle")
    pattern = r"camera [\d.]+ fps \| (water bottle|nothing) for \d+ s \| ([\d.]+% [^,]+, ){4}[\d.]+% .+"
    assert re.fullmatch(pattern, line), line
    samples = scrape(free_port)
    assert samples["pi_classifier_camera_up"] == 1
    assert samples["pi_classifier_frames_per_second"] > 0
    assert samples["pi_classifier_frames_captured_total"] == samples["pi_classifier_frames_classified_total"] + sum(
        value for name, value in samples.items() if name.startswith("pi_classifier_frames_dropped_total")
    )
    assert samples["pi_classifier_top1_class_id"] in range(1000)
    running.stop()
    totals(running)


@EITHER_RUNTIME
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_ends_it_cleanly(program: Run, number: signal.Signals) -> None:
    """Protects `systemctl stop` and Ctrl-C: exit 0, no traceback, a closing line of totals that balances."""
    running = program("run", "--source", "synthetic:", "--weights", "untrained", "--metrics-listen", "")
    running.wait_for_line("fps |")
    running.stop(number)
    result = running.wait()
    assert result.returncode == 0
    assert "Traceback" not in result.stderr
    assert totals(running)[0] > 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_signal_before_the_model_is_there(
    program: Run, free_port: int, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """Protects an impatient Ctrl-C: during start-up a signal has its default action, at once and with no traceback."""
    listen = f"127.0.0.1:{free_port}"
    running = program(
        "run", "--source", "synthetic:", "--weights", "untrained", "--metrics-listen", listen,
        # An import that is broken off leaves its file to the collector; an empty cache makes the start longer.
        environment={"PYTHONWARNINGS": "ignore", "CACHE_DIRECTORY": str(tmp_path)},
    )  # fmt: skip
    running.wait_for(lambda: any("metrics on" in notice for notice in running.notices), "metrics")
    running.stop(number)
    result = running.wait()
    assert result.returncode == code
    assert "Traceback" not in result.stderr


def test_end_waits_for_no_reader(variables: dict[str, str]) -> None:
    """Protects `systemctl stop` where stdout is a pipe that nobody reads: the totals are not worth waiting for."""
    command = [
        sys.executable, "-m", "pi_classifier", "run", "--source", "synthetic:", "--weights", "untrained",
        "--metrics-listen", "", "--top-k", "1000", "--log-format", "json",
    ]  # fmt: skip
    environment = {**variables, "PI_CLASSIFIER_LOG__INTERVAL_SECONDS": "0.1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            eventually(lambda: unread(process.stdout) >= PIPE_FULL, "full pipe")
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE_SECONDS) == 0
        finally:
            process.kill()


def unread(pipe: IO[bytes] | None) -> int:
    """Bytes that wait in a pipe (FIONREAD, ioctl_tty(2))."""
    assert pipe is not None
    size = array.array("i", [0])
    fcntl.ioctl(pipe.fileno(), termios.FIONREAD, size)
    return size[0]


@EITHER_RUNTIME
def test_frames_limit_counts_predictions(program: Run) -> None:
    """Protects `--frames`: so many predictions, then a clean end."""
    running = program(
        "run", "--source", "synthetic:", "--weights", "untrained", "--metrics-listen", "", "--frames", "20"
    )
    assert running.wait().returncode == 0
    assert totals(running)[1] == 20


def test_json_log(program: Run) -> None:
    """Protects programs that read the log: every line of stdout is a JSON object with the documented keys."""
    running = program(
        "run", "--source", "synthetic:", "--weights", "untrained", "--metrics-listen", "", "--log-format", "json"
    )
    running.wait_for_line('"frame_age_seconds": 0')
    running.stop()
    running.wait()
    *lines, last = [json.loads(line) for line in running.lines]
    keys = {"camera", "fps", "frame", "frame_age_seconds", "state", "watches", "predictions", "weights"}
    for line in lines:
        assert "event" in line or set(line) == keys
    assert last["captured"] == last["classified"] + sum(last["dropped"].values())


@EITHER_RUNTIME
def test_video_runs_at_its_own_pace_and_ends(program: Run, tmp_path: Path) -> None:
    """Protects a video in `run`: it plays like a camera, its end is the end, and every frame is accounted for."""
    video = write_video(tmp_path / "video.mp4", 50)
    running = program("run", "--source", video, "--weights", "untrained", "--metrics-listen", "")
    result = running.wait()
    assert result.returncode == 0
    assert totals(running)[0] == 50
    match = TOTALS.search(running.lines[-1])
    assert match
    assert float(match[4]) >= 49 / 25 - 0.1, "50 frames at 25 fps"


def test_machine_without_a_camera_says_so(program: Run, offline: dict[str, str]) -> None:
    """Protects the first try: `auto` without camera and network shows a drawn scene, names it, and says so."""
    if any(Path("/dev").glob("video*")):
        pytest.skip("this machine has a camera, or something like one")
    running = program("run", "--metrics-listen", "", "--frames", "1", environment=offline)
    result = running.wait()
    assert result.returncode == 0
    (warning,) = [line for line in running.notices if "NO CAMERA FOUND" in line]
    assert "a drawn scene" in warning
    assert "plug a camera in" in warning
    assert any("demo weights (a demonstration, which knows drawn scenes alone)" in line for line in running.notices)


@EITHER_RUNTIME
def test_drawn_scene_is_named(program: Run, offline: dict[str, str]) -> None:
    """Protects what a newcomer sees, from pixels to the log: whatever shape is in view is named, on either runtime."""
    running = program(
        "run", "--source", "synthetic:3", "--metrics-listen", "", "--log-format", "json", "--frames", "400",
        environment={**offline, "PI_CLASSIFIER_LOG__INTERVAL_SECONDS": "0.2"},
    )  # fmt: skip
    assert running.wait().returncode == 0
    scene = Synthetic("camera", width=224, height=224, fps=36, seed=3)
    shown = [(line["frame"], line["predictions"][0]["label"]) for line in map(json.loads, running.lines[:-1])
             if line.get("frame") is not None]  # fmt: skip
    assert len({label for _, label in shown}) >= 3
    wrong = [(number, label) for number, label in shown if label != scene.label(number)]
    assert len(wrong) <= len(shown) // 20, wrong


def test_labels_that_are_named_want_their_model(program: Run, offline: dict[str, str]) -> None:
    """Protects a configuration of watches that is tried without a camera: it gets the model that has their labels."""
    named = {"PI_CLASSIFIER_METRICS__LABELS": "water bottle"}
    running = program("run", "--source", "synthetic:", "--metrics-listen", "", environment={**offline, **named})
    assert running.wait().returncode == os.EX_UNAVAILABLE, "the published weights, which are not to be had here"


def test_weights_that_are_named_are_taken_for_a_drawn_scene(program: Run, both_programs: Path) -> None:
    """Protects who tries a model of their own without a camera: only the default gives way to the demonstration."""
    running = program(
        "run", "--source", "synthetic:", "--weights", both_programs, "--metrics-listen", "", "--frames", "1"
    )
    assert running.wait().returncode == 0
    assert not any("demo" in line for line in running.notices)


@EITHER_RUNTIME
def test_two_cameras(program: Run, tmp_path: Path, free_port: int) -> None:
    """Protects several cameras: each has its own lines, statistics and labels."""
    config = tmp_path / "config.toml"
    config.write_text(
        '[[camera]]\nname = "front"\nsource = "synthetic:"\n[[camera]]\nname = "back"\nsource = "synthetic:"\nfps = 5\n'
        f'[model]\nweights = "untrained"\n[metrics]\nlisten = "127.0.0.1:{free_port}"\n',
        encoding="utf-8",
    )
    running = program("run", "--config", config)
    running.wait_for_line("front ")
    running.wait_for_line("back ")
    with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    assert 'frames_classified_total{camera="front"}' in text
    assert 'frames_classified_total{camera="back"}' in text
    running.stop()
    running.wait()
    assert sum(" done: " in line for line in running.lines) == 2


def test_cameras_in_step(program: Run, tmp_path: Path, free_port: int) -> None:
    """Protects groups from end to end: a line for each, with who is there and who is missing, and their metrics."""
    config = tmp_path / "config.toml"
    cameras = {"left": "synthetic:", "right": "synthetic:", "back": "v4l2:/dev/video-none"}
    config.write_text(
        "".join(
            f'[[camera]]\nname = "{name}"\nsource = "{source}"\nfps = 10\ngroup = "table"\n'
            for name, source in cameras.items()
        )
        + f'[log]\nformat = "json"\n[model]\nweights = "untrained"\n[metrics]\nlisten = "127.0.0.1:{free_port}"\n',
        encoding="utf-8",
    )
    running = program("run", "--config", config)

    def groups() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in running.lines if line.startswith("{")]
        return [line for line in lines if line.get("event") == "group"]

    # A camera may miss a group where the machine is busy, or while the cameras are being closed.
    def both() -> list[dict[str, Any]]:
        return [one for one in groups() if list(one["cameras"]) == ["left", "right"]]

    running.wait_for(lambda: len(both()) > 20, "groups")
    with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    running.stop()
    running.wait()
    newest = both()[-1]
    assert (newest["group"], newest["missing"]) == ("table", ["back"])
    assert newest["skew_ms"] < 60
    assert float(text.partition('groups_total{complete="false",group="table"} ')[2].split()[0]) > 0
    assert 'group_skew_seconds_count{group="table"}' in text


def test_groups_that_nobody_has_cost_nothing(variables: dict[str, str]) -> None:
    """Protects who has none: nothing of them is imported."""
    code = (
        "import sys\nimport pi_classifier.cli as cli\ncli._end_at_once = lambda: None\n"
        "cli.app(['run', '--source', 'synthetic:', '--weights', 'untrained', '--frames', '3', '--metrics-listen', ''], "
        "standalone_mode=False)\n"
        "print([name for name in sys.modules if 'group' in name or 'synchroniser' in name])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=variables, cwd=ROOT, capture_output=True, text=True,
        timeout=DEADLINE_SECONDS, check=True,
    )  # fmt: skip
    assert [name for name in ast.literal_eval(done.stdout.splitlines()[-1]) if name.startswith("pi_classifier")] == []


def test_closed_pipe_ends_it(variables: dict[str, str]) -> None:
    """Protects `run | head -1`: it ends by itself, without a traceback."""
    command = (
        f"{sys.executable} -m pi_classifier run --source synthetic: --weights untrained --metrics-listen '' | head -1"
    )
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True, text=True, check=False, timeout=120,
        env=variables,
    )  # fmt: skip
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) == 1
    assert "Error" not in result.stderr


@EITHER_RUNTIME
def test_prepare_then_run(program: Run, tmp_path: Path) -> None:
    """Protects the way to another machine: `prepare --output` writes one file that `run --weights` takes.

    It says what was found equal of the program for LiteRT.
    """
    file = tmp_path / "model.bundle"
    made = program("prepare", "--weights", "untrained", "--runtime", "both", "--output", file).wait()
    assert made.returncode == 0
    assert "LiteRT's logits equal torch's on 12 pictures; of all 655,360 sums" in made.stdout.splitlines()[-1]
    running = program(
        "run", "--weights", file, "--source", "synthetic:", "--frames", "3", "--metrics-listen", "",
        environment={"CACHE_DIRECTORY": str(tmp_path / "empty")},
    )  # fmt: skip
    assert running.wait().returncode == 0
    assert not (tmp_path / "empty").exists(), "nothing had to be prepared"


def test_prepare_only_if_missing(program: Run, tmp_path: Path) -> None:
    """Protects an upgrade: a prepared file that is there already is kept as it is."""
    variables = {"CACHE_DIRECTORY": str(tmp_path)}
    arguments = ("prepare", "--weights", "untrained", "--if-missing")
    assert program(*arguments, environment=variables).wait().returncode == 0
    (file,) = tmp_path.iterdir()
    before = file.stat()
    again = program(*arguments, environment=variables).wait()
    assert again.returncode == 0
    assert "is there already" in again.stdout
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_hub_folder_is_used(program: Run, real_weights: Path, tmp_path: Path) -> None:
    """Protects offline machines: weights in torch's hub folder are taken without asking the network."""
    checkpoints = tmp_path / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / ARCHITECTURES["mobilenet_v2"].weights.url.rpartition("/")[2]).symlink_to(real_weights)
    variables = {"TORCH_HOME": str(tmp_path), "CACHE_DIRECTORY": str(tmp_path / "cache")}
    picture = write_picture(tmp_path / "a.png")
    running = program("classify", picture, "--json", environment=variables)
    assert running.wait().returncode == 0
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["mobilenet_v2-default-qnnpack-quint8-v3.bundle"]


@EITHER_RUNTIME
def test_damaged_cache_is_made_again(program: Run, tmp_path: Path) -> None:
    """Protects from a power cut: a damaged file in the cache is replaced, with a notice, not a reason to stop."""
    variables = {"CACHE_DIRECTORY": str(tmp_path)}
    arguments = ("run", "--weights", "untrained", "--source", "synthetic:", "--frames", "2", "--metrics-listen", "")
    assert program(*arguments, environment=variables).wait().returncode == 0
    (file,) = tmp_path.iterdir()
    good = file.stat().st_size
    os.truncate(file, good // 2)
    result = program(*arguments, environment=variables).wait()
    assert result.returncode == 0
    assert str(file) in result.stderr
    assert abs(file.stat().st_size - good) < 1000
