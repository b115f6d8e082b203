"""ONNX files through the whole program: as the documents export them, on photographs beside torch, and refused."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.running import Program
from tests.runtimes.onnx.files import LABELS, classifier, labels_file, written
from tests.sources.test_files import write_picture
from tests.test_bad_input import CONFIG, refused
from tests.waiting import DEADLINE_SECONDS

Run = Callable[..., Program]
PREDICTIONS = 20
"""Photographs that are compared with torch."""
WITHOUT = """\
import sys
sys.modules.update(torch=None, torchvision=None, onnx=None, ai_edge_litert=None)
from pi_classifier.__main__ import main
main()
"""


@pytest.fixture
def without(tmp_path: Path) -> Iterator[Run]:
    """Starts `pi-classifier ARGUMENTS...` where neither torch, nor LiteRT, nor ONNX's own library can be imported."""
    started: list[Program] = []

    def start(*arguments: str | Path) -> Program:
        variables = {"PATH": os.environ["PATH"], "CACHE_DIRECTORY": str(tmp_path), "PYTHONWARNINGS": "error"}
        started.append(Program([sys.executable, "-c", WITHOUT, *map(str, arguments)], variables, DEADLINE_SECONDS))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def small(folder: Path) -> list[str | Path]:
    """The options for a small classifier and its labels."""
    return ["--weights", written(classifier(), folder), "--labels", labels_file(folder)]


def test_run_with_several_workers(without: Run, tmp_path: Path, free_port: int) -> None:
    """Protects the daemon on such a file: two cameras, a worker each, with metrics, a log and totals like any other."""
    (tmp_path / "config.toml").write_text(
        '[[camera]]\nname = "door"\nsource = "synthetic:"\n[[camera]]\nname = "yard"\nsource = "synthetic:"\n'
        f'[model]\nthreads = 2\nworkers = 2\nruntime = "litert"\n[metrics]\nlabels = ["{LABELS[0]}"]\n'
        f'listen = "127.0.0.1:{free_port}"\n[[watch]]\nname = "colour"\nlabels = ["red", "blue"]\n'
    )
    daemon = without("run", "--config", tmp_path / "config.toml", *small(tmp_path))
    daemon.wait_for_line("door ")
    daemon.wait_for_line("yard ")
    with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    for part in ('runtime="onnx"', 'engine="cpu"', 'activations="float32"', 'weights="model.onnx"', 'onnxruntime="'):
        assert part in text
    assert any("model, model.onnx weights, on onnx (cpu, float32)" in line for line in daemon.notices)
    daemon.stop()
    ended = daemon.wait()
    assert ended.returncode == 0, ended
    assert ended.stdout.count(" captured = ") == 2


def test_nothing_else_is_imported(tmp_path: Path) -> None:
    """Protects memory and the start: what could be imported stays out, torch and ONNX's own library above all."""
    options = [str(option) for option in small(tmp_path)]
    unwanted = {"torch", "torchvision", "onnx", "ai_edge_litert", "PIL", "asyncio"}
    code = (
        "import sys; sys.argv[1:] = ['run', '--source', 'synthetic:', '--metrics-listen', '', '--frames', '1',"
        f"*{options}]\n"
        "from pi_classifier import cli\n"
        f"cli._end_at_once = lambda: sys.exit(' '.join({unwanted} & sys.modules.keys()) or 0)\n"
        "cli.main()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def exported(folder: Path) -> None:
    """Run the documents' example, as it stands there."""
    (code,) = re.findall(r"```python\n(import torch\n.*?)```", (ROOT / "docs" / "models.md").read_text(), re.DOTALL)
    # Beside a CPU build of torch, this makes torchvision importable.
    code = f"from pi_classifier.prepare.torchvision_import import quantizable\n{code}"
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=folder,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_the_documents_example(without: Run, tmp_path: Path) -> None:
    """Protects who comes from the course: what the documents export runs, with a labels file, as they say."""
    exported(tmp_path)
    labels = labels_file(tmp_path, [f"class {number}" for number in range(1000)])
    picture = write_picture(tmp_path / "a.png")
    done = without("classify", picture, "--weights", tmp_path / "resnet18.onnx", "--labels", labels, "--json").wait()
    assert done.returncode == 0, done
    assert done.stderr == ""
    predictions = json.loads(done.stdout)["predictions"]
    assert len(predictions) == 5
    assert all(score["label"] == f"class {score['class_id']}" for score in predictions)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_photographs_are_classified_as_by_torch(without: Run, test_data: Path, tmp_path: Path) -> None:
    """Protects what it is all for: a real model names photographs as torch and torchvision's transform do."""
    import torch
    from PIL import Image
    from torchvision.models import mobilenet_v2

    from pi_classifier.prepare.torchvision_models import ARCHITECTURES

    model = mobilenet_v2()
    weights = test_data / "weights" / "mobilenet_v2_imagenet_float_fp16.pth"
    model.load_state_dict(torch.load(weights, weights_only=True))
    model.eval()
    file = tmp_path / "mobilenet_v2.onnx"
    torch.onnx.export(model, (torch.ones((1, 3, 224, 224)),), file, input_names=["input_0"], dynamo=False)
    labels = test_data / "weights" / "imagenet_classes.txt"
    photographs = sorted((test_data / "photos").glob("*.jpg"))[::10][:PREDICTIONS]
    done = without("classify", *photographs, "--weights", file, "--labels", labels, "--json").wait()
    assert done.returncode == 0, done
    assert done.stderr == ""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(photographs) == PREDICTIONS
    transform = ARCHITECTURES["mobilenet_v2"].weights.transforms()
    pictures = torch.stack([transform(Image.open(photograph).convert("RGB")) for photograph in photographs])
    with torch.inference_mode():
        probabilities = model(pictures).softmax(1).numpy()
    for photograph, line, expected in zip(photographs, lines, probabilities, strict=True):
        best = expected.argsort()[::-1][:5]
        assert [score["class_id"] for score in line["predictions"]] == list(best), photograph
        found = [score["probability"] for score in line["predictions"]]
        assert found == pytest.approx(expected[best], abs=1e-4), photograph


@pytest.mark.parametrize("labels", [LABELS, ("red", "unknown", "blue", "grey")], ids=["colours", "unknown"])
def test_evaluate(program: Run, tmp_path: Path, labels: tuple[str, ...]) -> None:
    """Protects who wants to know what such a file is worth: it is judged on pictures as a bundle is.

    A class that is called `unknown` is one like the others there.
    """
    import cv2

    for label, colour in (("red", (0, 0, 255)), ("blue", (255, 0, 0))):
        folder = tmp_path / "pictures" / label
        folder.mkdir(parents=True)
        for number in range(3):
            cv2.imwrite(str(folder / f"one_{number}.png"), np.full((40, 40 + number, 3), colour, np.uint8))
    weights, given = written(classifier(), tmp_path), labels_file(tmp_path, labels)
    done = program("evaluate", weights, tmp_path / "pictures", "--labels", given, "--json").wait()
    assert done.returncode == 0, done
    found = json.loads(done.stdout)
    assert found["accuracy"]["share"] == 1
    assert [one["label"] for one in found["classes"]] == list(labels)
    assert found["unknown"] == {"known": None, "others": None}


@pytest.mark.parametrize("kind", ["text", "cut", "missing", "folder"])
def test_files_that_are_none(program: Run, tmp_path: Path, kind: str) -> None:
    """Protects from what is only called so: one line, the documented code, nothing of it run."""
    weights = tmp_path / "model.onnx"
    words = "damaged or cut short"
    if kind == "text":
        weights.write_text("hello\n")
    elif kind == "cut":
        content = written(classifier(), tmp_path).read_bytes()
        weights.write_bytes(content[: len(content) // 2])
    elif kind == "folder":
        weights.mkdir()
        words = "Is a directory"
    else:
        words = "No such file"
    running = program("run", "--source", "synthetic:", "--metrics-listen", "", "--weights", weights)
    refused(running, CONFIG, str(weights), words)


def test_labels_that_do_not_fit(program: Run, tmp_path: Path) -> None:
    """Protects from another model's labels: the two numbers are said, and a missing file is."""
    weights = written(classifier(), tmp_path)
    run = ("run", "--source", "synthetic:", "--metrics-listen", "", "--weights", weights)
    refused(program(*run, "--labels", labels_file(tmp_path, "abc")), CONFIG, "labels.txt: 3 labels for 4 outputs")
    refused(program(*run, "--labels", tmp_path / "none.txt"), CONFIG, "none.txt: No such file")
    refused(program(*run), CONFIG, "has no labels in it", "--labels")


def test_options_that_do_not_go_together(program: Run, tmp_path: Path) -> None:
    """Protects from silence: a runtime, labels or a preparation that would be passed over are refused."""
    weights = written(classifier(), tmp_path)
    run = ("run", "--source", "synthetic:", "--metrics-listen", "")
    refused(program(*run, "--weights", weights, "--runtime", "torchscript"), CONFIG, "flag --runtime", "ONNX Runtime")
    refused(program(*run, "--weights", "untrained", "--runtime", "onnx"), CONFIG, "for an .onnx file alone")
    refused(program(*run, "--weights", "untrained", "--labels", "labels.txt"), CONFIG, "[model] labels is for an .onnx")
    refused(program("prepare", "--weights", weights), CONFIG, "model.onnx: an .onnx file is run as it is")
    refused(program("evaluate", weights, tmp_path, "--runtime", "litert"), CONFIG, "flag --runtime")


@pytest.mark.parametrize("runtime", ["onnx", "auto"])
def test_runtimes_that_say_the_same(program: Run, tmp_path: Path, runtime: str) -> None:
    """Protects who names it all the same; the environment says litert here, which concerns bundles."""
    picture = write_picture(tmp_path / "a.png")
    done = program("classify", picture, *small(tmp_path), "--runtime", runtime, "--json", "--top-k", "2").wait()
    assert done.returncode == 0, done
    assert len(json.loads(done.stdout)["predictions"]) == 2


def test_mean_and_deviation_of_three_channels(program: Run, tmp_path: Path) -> None:
    """Protects from half a pre-processing, and from one of values to 255, or by which nothing can be divided."""
    for text, words in (
        ("mean = [0.5, 0.5]", "three numbers"),
        ("mean = [123.675, 116.28, 103.53]", "model.mean"),
        ("std = [0.5, 0, 0.5]", "model.std"),
    ):
        (tmp_path / "config.toml").write_text(f"[model]\n{text}\n")
        refused(program("check-config", "--config", tmp_path / "config.toml"), CONFIG, words)
