"""Ways to scale a camera's frame to the model's input: what each costs, and what it does to the answers.

    python benchmarks/scaling.py --weights STATE_DICT --photos DIR [--json]

DIR holds photographs and a labels.csv with the columns `file` and `class_index`. A camera of each height is made of
them by bicubic enlargement, so every way scales the same picture; the ways take turns, photograph by photograph.
"""

import argparse
import csv
import io
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from process_figures import command, machine
from rich.console import Console
from rich.progress import track

from pi_classifier.model import Model
from pi_classifier.prepare import prepare
from pi_classifier.preprocess import Preprocessor, centre_crop
from pi_classifier.ranking import Ranking
from pi_classifier.settings import ModelSettings
from pi_classifier.sources.files import read_picture

Pixels = NDArray[np.uint8]
Scale = Callable[[Pixels], Pixels]
CAMERA_HEIGHTS = (256, 480, 720, 1080)
SIZE = 224


def resized(pixels: Pixels, interpolation: int) -> Pixels:
    """Scaled to the model's size by one of OpenCV's filters."""
    return np.asarray(cv2.resize(pixels, (SIZE, SIZE), interpolation=interpolation), np.uint8)


def decimated(pixels: Pixels) -> Pixels:
    """Every n-th pixel of every n-th row, as far as that goes, then a bilinear filter for the rest."""
    step = max(1, pixels.shape[0] // SIZE)
    return resized(np.ascontiguousarray(pixels[::step, ::step]), cv2.INTER_LINEAR)


WAYS: dict[str, Scale] = {
    "area": lambda pixels: resized(pixels, cv2.INTER_AREA),
    "linear": lambda pixels: resized(pixels, cv2.INTER_LINEAR),
    "decimation, then linear": decimated,
    "nearest": lambda pixels: resized(pixels, cv2.INTER_NEAREST),
}


def measure(model: Model, photos: list[tuple[Path, int]], height: int) -> dict[str, tuple[float, float]]:
    """Top-1 accuracy and milliseconds a frame of each way, at one height of the camera's picture."""
    preprocess, model_input = Preprocessor(model.input_table, SIZE), np.empty((SIZE, SIZE, 3), np.uint8)
    rank = Ranking(model.card.categories, 1)
    right = dict.fromkeys(WAYS, 0)
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    for path, class_id in track(photos, description=f"{height} lines", console=Console(stderr=True)):
        pixels = read_picture(path)
        square = centre_crop(pixels, min(pixels.shape[:2]))
        frame = np.asarray(cv2.resize(square, (height, height), interpolation=cv2.INTER_CUBIC), np.uint8)
        for name, scale in WAYS.items():
            started = time.thread_time()
            scaled = scale(frame)
            seconds[name].append(time.thread_time() - started)
            preprocess(scaled, model_input)
            right[name] += rank(model(model_input))[0].class_id == class_id
    return {name: (right[name] / len(photos), statistics.median(seconds[name]) * 1000) for name in WAYS}


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    lines = [f"| camera's lines | {' | '.join(WAYS)} |", "|---|" + "---|" * len(WAYS)]
    for height, ways in result["heights"].items():
        lines.append(f"| {height} | " + " | ".join(f"{top1:.1%}, {ms:.2f} ms" for top1, ms in ways.values()) + " |")
    about = f"Top-1 and processor time a frame; {result['photographs']} photographs, {result['machine']}"
    return "\n".join([*lines, "", f"{about}; `{result['command']}`"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True, metavar="FILE", help="quantised MobileNetV2 state dict")
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR", help="photographs with a labels.csv")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    with (arguments.photos / "labels.csv").open(newline="", encoding="utf-8") as file:
        photos = [(arguments.photos / row["file"], int(row["class_index"])) for row in csv.DictReader(file)]
    model = Model(io.BytesIO(prepare(ModelSettings(weights=arguments.weights))), threads="auto")
    result = {
        "machine": f"{machine()}, OpenCV {cv2.__version__}",
        "command": command(),
        "photographs": len(photos),
        "columns": ["top-1", "processor time, ms a frame"],
        "heights": {str(height): measure(model, photos, height) for height in CAMERA_HEIGHTS},
    }
    print(json.dumps(result, indent=2) if arguments.json else table(result))


if __name__ == "__main__":
    main()
