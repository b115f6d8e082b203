"""`train` as its user runs it: what it prints, what it leaves behind, and what it refuses."""

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from pi_classifier.runtimes.bundle import read_bundle
from pi_classifier.training.features import OWN_FOLDER
from tests.running import Program
from tests.training.folders import COLOURS, make, touch

Start = Callable[..., Program]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, whose features are kept from one test to the next."""
    return make(tmp_path_factory.mktemp("data") / "colours", count=12)


def trained(program: Start, data: Path, weights: Path, output: Path, *arguments: str) -> Program:
    """A `train` that has ended."""
    done = program("train", data, "--output", output, "--weights", weights, *arguments)
    assert done.wait().returncode == 0, done.notices
    return done


def test_what_was_trained_classifies(
    program: Start, data: Path, real_weights: Path, tmp_path: Path, free_port: int
) -> None:
    """Protects the whole way: the bundle names new pictures rightly, counts all its classes, and tells its worth."""
    output = tmp_path / "own.bundle"
    lines = trained(program, data, real_weights, output).lines
    assert any(line.startswith("red") and "12 pictures" in line and "of 3 right" in line for line in lines)
    assert any("accuracy: " in line and "with 95 % confidence, 9 pictures" in line for line in lines)
    assert lines[-1].endswith(f"run it: pi-classifier run --weights {output}")

    page = tmp_path / "report.html"
    evaluated = program("evaluate", output, data, "--json", "--report", page)
    assert evaluated.wait().returncode == 0, evaluated.notices
    figures = json.loads(evaluated.lines[0])
    (told,) = [line for line in lines if "accuracy: " in line]
    assert f"accuracy: {figures['accuracy']['share']:.1%} (" in told
    assert figures["accuracy"]["of"] == 9
    assert [one["learnt"] for one in figures["pictures"]] == [6, 12, 27]
    assert "<!doctype html>" in page.read_text()

    others = make(tmp_path / "others", {"red": COLOURS["red"], "blue": COLOURS["blue"]}, count=1)
    classify = program("classify", "--json", "--weights", output, others)
    assert classify.wait().returncode == 0
    best = {Path(one["input"]).parent.name: one["predictions"][0]["label"] for one in map(json.loads, classify.lines)}
    assert best == {"red": "red", "blue": "blue"}

    address = f"127.0.0.1:{free_port}"
    run = program("run", "--weights", output, "--source", "synthetic:", "--metrics-listen", address)
    run.wait_for_line("fps")
    with urllib.request.urlopen(f"http://{address}/metrics") as answer:
        scraped = answer.read().decode()
    for name in (*COLOURS, "unknown"):
        assert f'label_predictions_total{{camera="camera",label="{name}"}}' in scraped
    run.stop()


def test_interruption_leaves_a_usable_model_and_resume_ends_as_if_there_was_none(
    program: Start, data: Path, real_weights: Path, tmp_path: Path
) -> None:
    """Protects Ctrl-C while it learns: code 0, a bundle that works, and --resume gives the very same in the end."""
    first = tmp_path / "first.bundle"
    stopped = program("train", data, "--output", first, "--weights", real_weights, "--epochs", "100000")
    checkpoint = data / OWN_FOLDER / "head.checkpoint"
    checkpoint.unlink(missing_ok=True)
    stopped.wait_for(checkpoint.exists, "checkpoint")
    stopped.stop(signal.SIGINT)
    assert stopped.wait().returncode == 0, stopped.notices
    assert any("stopped after epoch" in line and "--resume" in line for line in stopped.notices)
    done = read_bundle(first).metadata.training
    assert done
    assert 0 < done.epochs < 100_000

    more = str(done.epochs + 50)
    resumed = trained(program, data, real_weights, tmp_path / "resumed.bundle", "--epochs", more, "--resume")
    assert resumed.lines[0] == f"resumed after epoch {done.epochs}"
    trained(program, data, real_weights, tmp_path / "whole.bundle", "--epochs", more)
    one, other = (read_bundle(tmp_path / f"{name}.bundle") for name in ("resumed", "whole"))
    assert one.programs == other.programs


def test_interrupted_finetuning_leaves_a_usable_model(
    program: Start, data: Path, real_weights: Path, tmp_path: Path
) -> None:
    """Protects Ctrl-C in the middle of an epoch: code 0, a bundle of the last whole one, and no process left behind."""
    output, checkpoint = tmp_path / "own.bundle", data / OWN_FOLDER / "finetune.checkpoint"
    arguments = ("--method", "finetune", "--weights", real_weights, "--epochs", "1000")
    stopped = program("train", data, "--output", output, *arguments)
    stopped.wait_for(checkpoint.exists, "checkpoint")
    stopped.stop(signal.SIGINT)
    assert stopped.wait().returncode == 0, stopped.notices
    told = read_bundle(output).metadata.training
    assert told
    assert (told.method, told.base) == ("finetune", real_weights.name)
    assert told.epochs >= 1
    classify = program("classify", "--json", "--weights", output, data / "red")
    assert classify.wait().returncode == 0
    assert json.loads(classify.lines[0])["predictions"][0]["label"] == "red"


def test_killed_features_are_kept(program: Start, real_weights: Path, tmp_path: Path) -> None:
    """Protects Ctrl-C before it learns: what was computed is kept, no half model is there, and it ends with 130."""
    data = make(tmp_path / "data", count=200)
    running = program("train", data, "--output", tmp_path / "own.bundle", "--weights", real_weights)
    running.wait_for(
        lambda: any(file.stat().st_size > 4000 for file in data.glob(f"{OWN_FOLDER}/features-*")), "features"
    )
    running.stop(signal.SIGINT)
    assert running.wait().returncode == 130
    assert any("pictures are kept" in line for line in running.notices)
    assert not (tmp_path / "own.bundle").exists()


def test_doubts_are_spoken(program: Start, real_weights: Path, tmp_path: Path) -> None:
    """Protects from false confidence: few pictures, one session, a skipped file are all named."""
    data = make(tmp_path / "data", {"red": COLOURS["red"]}, count=10)
    (data / "blue").mkdir()
    for number in range(4):
        content = (data / "red" / "p0.png").read_bytes()
        (data / "blue" / f"monday_{number}.png").write_bytes(content)
    (data / "blue" / "cut.png").write_bytes(content[:100])
    done = trained(program, data, real_weights, tmp_path / "own.bundle")
    told = "\n".join(done.notices)
    assert "blue: only 5 pictures" in told
    assert "one session only, or nearly one picture: blue, red; accuracy is optimistic" in told
    assert any(line.startswith("skipped") and "cut.png" in line for line in done.lines)


def test_mistake_in_the_folder_is_told_before_torch_is_imported(tmp_path: Path) -> None:
    """Protects who mistypes at a small machine: what needs no network is looked at first, and takes no seconds."""
    data = touch(tmp_path / "data", "a/1.jpg")
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pi_classifier", "train", data, "--output", tmp_path / "own.bundle"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 78
    assert "only the class 'a'" in told.stderr
    imported = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines()}
    assert "numpy" in imported
    assert "torch" not in imported


@pytest.mark.parametrize(
    ("names", "arguments", "code", "expected"),
    [
        (["a/1.jpg"], [], 78, "only the class 'a'"),
        (["a/1.jpg", "b/x.txt"], [], 78, "'b' has no pictures"),
        (["a/1.jpg", "unknown/1.jpg"], [], 78, "'unknown'"),
        (["a/1.jpg", "b/1.jpg"], ["--output", "nowhere/own.bundle"], 73, "no folder nowhere"),
        (["a/1.jpg", "b/1.jpg"], ["--output", "/etc/passwd"], 73, "is there and no bundle"),
        (["a/1.jpg", "b/1.jpg"], ["--weights", "/etc/passwd"], 78, "/etc/passwd"),
        (["a/1.jpg", "b/1.jpg"], ["--epochs", "0"], 2, "--epochs"),
    ],
)
def test_bad_input_is_one_line_and_its_code(
    program: Start, tmp_path: Path, names: list[str], arguments: list[str], code: int, expected: str
) -> None:
    """Protects whoever mistypes: the one line with the remedy, the documented code, and nothing is written."""
    data = touch(tmp_path / "data", *names)
    done = program("train", data, "--output", tmp_path / "own.bundle", "--weights", "untrained", *arguments)
    assert done.wait().returncode == code
    problem = [line for line in done.notices if "warning" not in line]
    assert len(problem) == 1, done.notices
    assert expected in problem[0]
    assert not (tmp_path / "own.bundle").exists()
