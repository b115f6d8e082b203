"""From exec to the first prediction, and the memory that takes, beside the tutorial's way to the same point.

    python benchmarks/startup.py [--rounds N] [--json]

Every round starts each contender once, in turn, so that a slow hour of the machine hits all alike; the table shows
medians, and ratios within the same rounds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from process_figures import command, machine
from rich.console import Console
from rich.progress import track

from pi_classifier.model_store import write_prepared
from pi_classifier.prepare import prepare
from pi_classifier.settings import ModelSettings

IMPORT_TORCH = "import torch; print('ready', flush=True)"
TUTORIAL = """
import sys, warnings
warnings.simplefilter("ignore")
import torch, numpy, cv2
import torch._dynamo.utils  # torchvision imports it, and would be spared it by what comes next
from pi_classifier import prepare  # only for its guard: torchvision's import may need it
from torchvision import models, transforms
torch.backends.quantized.engine = "qnnpack"
net = torch.jit.script(models.quantization.mobilenet_v2(weights=None, quantize=True).eval())
normalise = transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
preprocess = transforms.Compose([transforms.ToTensor(), normalise])
with torch.no_grad():
    net(preprocess(numpy.zeros((224, 224, 3), numpy.uint8)).unsqueeze(0))
print("ready", flush=True)
"""
"""The tutorial's steps up to its first prediction, on a black frame instead of a camera's, with random weights."""


def start(command: Sequence[str]) -> tuple[float, float]:
    """Start a program; seconds until its first line on stdout, and its peak resident memory in MB."""
    started = time.monotonic()
    reading, writing = os.pipe()
    process = subprocess.Popen(command, stdout=writing, stderr=subprocess.DEVNULL)
    os.close(writing)
    with open(reading) as stdout:  # noqa: PTH123 - a descriptor, not a path
        line = stdout.readline()
        seconds = time.monotonic() - started
        stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status or not line:
        raise RuntimeError(f"{command} failed")
    return seconds, usage.ru_maxrss / 1024


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    measured = result["contenders"]
    reference = measured["tutorial's steps"]
    lines = ["| | seconds to first prediction | of the tutorial's | peak RSS |", "|---|---|---|---|"]
    for name, rows in measured.items():
        seconds = statistics.median(row[0] for row in rows)
        ratio = statistics.median(row[0] / other[0] for row, other in zip(rows, reference, strict=True))
        memory = statistics.median(row[1] for row in rows)
        lines.append(f"| {name} | {seconds:.2f} | {ratio:.2f} | {memory:.0f} MB |")
    return "\n".join(
        [*lines, "", f"Medians of {len(reference)} alternating rounds on {result['machine']}; `{result['command']}`"]
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="how often each contender is started (default: 7)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.pt"
        write_prepared(model, prepare(ModelSettings(weights="untrained")))
        run = [sys.executable, "-m", "pi_classifier", "run", "--source", "synthetic:", "--frames", "1",
               "--weights", str(model), "--metrics-listen", "127.0.0.1:0"]  # fmt: skip
        contenders = {
            "`pi-classifier run` from a prepared file": run,
            "tutorial's steps": [sys.executable, "-c", TUTORIAL],
            "`import torch` alone": [sys.executable, "-c", IMPORT_TORCH],
        }
        measured: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
        for _ in track(range(arguments.rounds), description="starting", console=Console(stderr=True)):
            for name, words in contenders.items():
                measured[name].append(start(words))
    result = {
        "machine": f"{machine()}, torch {torch.__version__}",
        "command": command(),
        "columns": ["seconds to first prediction", "peak RSS, MB"],
        "contenders": measured,
    }
    print(json.dumps(result, indent=2) if arguments.json else table(result))


if __name__ == "__main__":
    main()
