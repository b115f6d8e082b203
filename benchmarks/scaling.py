"""Ways to scale a camera's frame to the model's input: what each costs, and what it does to the answers.

    python benchmarks/scaling.py --weights STATE_DICT --photos DIR [--json]

DIR holds photographs and a labels.csv with the columns `file` and `class_index`. A camera of each height is made of
them by bicubic enlargement, so every way scales the same picture; the ways take turns, photograph by photograph.
"""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

if not __package__:  # run by its path: the package is found from the project's folder
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.shared.command_line import Parser, print_result, progress_bar
from benchmarks.shared.failure import errors_in_one_line
from benchmarks.shared.markdown import markdown_table
from benchmarks.shared.photographs import SIZE, Photograph, labelled_photographs
from benchmarks.shared.provenance import Machine
from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.model import Model
from pi_classifier.runtimes.preprocess import centre_crop
from pi_classifier.sources.files.picture import read_picture

Scale = Callable[[Pixels], Pixels]
CAMERA_HEIGHTS = (256, 480, 720, 1080)


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


def measure(model: Model, photographs: Sequence[Photograph], height: int) -> dict[str, tuple[float, float]]:
    """Top-1 accuracy and milliseconds a frame of each way, at one height of the camera's picture."""
    preprocess, tensor, predictor = model.new_preprocessor(), model.new_tensor(), model.new_predictor()
    right = dict.fromkeys(WAYS, 0)
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    with progress_bar() as progress:
        for photograph in progress.track(photographs, description=f"{height} lines"):
            pixels = read_picture(photograph.file)
            square = centre_crop(pixels, min(pixels.shape[:2]))
            frame = np.asarray(cv2.resize(square, (height, height), interpolation=cv2.INTER_CUBIC), np.uint8)
            for name, scale in WAYS.items():
                started = time.thread_time()
                scaled = scale(frame)
                seconds[name].append(time.thread_time() - started)
                preprocess(scaled, tensor)
                best = predictor.decode(predictor.infer(tensor)).scores[0]
                right[name] += best.class_id == photograph.class_id
    return {name: (right[name] / len(photographs), statistics.median(seconds[name]) * 1000) for name in WAYS}


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    rows = [
        (height, *(f"{top1:.1%}, {milliseconds:.2f} ms" for top1, milliseconds in ways.values()))
        for height, ways in result["heights"].items()
    ]
    about = f"Top-1 and processor time a frame; {result['photographs']} photographs, {result['machine']}"
    return "\n".join([*markdown_table(("camera's lines", *WAYS), rows), "", f"{about}; `{result['command']}`"])


def main() -> None:
    """Measure and print."""
    parser = Parser(__doc__)
    parser.add_argument("--weights", required=True, metavar="FILE", help="quantised MobileNetV2 state dict")
    parser.add_labelled_photos()
    parser.add_json()
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    photographs = labelled_photographs(arguments.photos)
    # Not before they are needed: torch comes with them, and `--help` shall answer at once.
    from pi_classifier.prepare.bundle import prepare  # noqa: PLC0415
    from pi_classifier.runtimes.torchscript import TorchScriptModel  # noqa: PLC0415

    with errors_in_one_line("scaling"):
        bundle = prepare(ModelSettings(weights=arguments.weights))
    model = TorchScriptModel(bundle, threads="auto", top_k=1)
    machine = Machine.here()
    result = {
        "machine": machine.briefly(f"OpenCV {cv2.__version__}"),
        "command": machine.command,
        "photographs": len(photographs),
        "columns": ["top-1", "processor time, ms a frame"],
        "heights": {str(height): measure(model, photographs, height) for height in CAMERA_HEIGHTS},
    }
    print_result(result, table, as_json=arguments.json)


if __name__ == "__main__":
    main()
