"""From exec to the first prediction, and the memory that takes, beside the tutorial's way to the same point.

    python benchmarks/startup.py [--rounds N] [--json]

Every round starts each contender once, in turn, so that a slow hour of the machine hits all alike; the table shows
medians, and ratios within the same rounds.
"""

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

if not __package__:  # run by its path: the package is found from the project's folder
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.shared.child import module_command, with_project
from benchmarks.shared.command_line import Parser, print_result, progress_bar
from benchmarks.shared.markdown import markdown_table
from benchmarks.shared.model_file import write_model
from benchmarks.shared.provenance import Machine
from pi_classifier.config.schema import ModelSettings

IMPORT_TORCH = "import torch; print('ready', flush=True)"
TUTORIAL_STEPS = """
import sys, warnings
warnings.simplefilter("ignore")
import torch, numpy, cv2
import torch._dynamo.utils  # torchvision imports it, and would be spared it by what comes next
import pi_classifier.prepare.torchvision_import  # only for its guard: torchvision's import may need it
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
    process = subprocess.Popen(command, stdout=writing, stderr=subprocess.DEVNULL, env=with_project(os.environ))
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
    rows = [_cells(name, starts, reference) for name, starts in measured.items()]
    where = f"Medians of {len(reference)} alternating rounds on {result['machine']}; `{result['command']}`"
    return "\n".join(
        [*markdown_table(("", "seconds to first prediction", "of the tutorial's", "peak RSS"), rows), "", where]
    )


def _cells(name: str, starts: Sequence[Sequence[float]], reference: Sequence[Sequence[float]]) -> tuple[str, ...]:
    seconds = statistics.median(one[0] for one in starts)
    ratio = statistics.median(one[0] / other[0] for one, other in zip(starts, reference, strict=True))
    memory = statistics.median(one[1] for one in starts)
    return name, f"{seconds:.2f}", f"{ratio:.2f}", f"{memory:.0f} MB"


def main() -> None:
    """Measure and print."""
    parser = Parser(__doc__)
    parser.add_rounds(7, "how often each contender is started")
    parser.add_json()
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, progress_bar() as progress:
        model = write_model(Path(folder), ModelSettings(weights="untrained"))
        run = module_command(
            "pi_classifier", "run", "--source", "synthetic:", "--frames", "1", "--weights", str(model),
            "--metrics-listen", "127.0.0.1:0",
        )  # fmt: skip
        contenders = {
            "`pi-classifier run` from a prepared file": run,
            "tutorial's steps": [sys.executable, "-P", "-c", TUTORIAL_STEPS],
            "`import torch` alone": [sys.executable, "-P", "-c", IMPORT_TORCH],
        }
        measured: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
        for _ in progress.track(range(arguments.rounds), description="starting"):
            for name, words in contenders.items():
                measured[name].append(start(words))
    machine = Machine.here()
    result = {
        "machine": machine.briefly(f"torch {torch.__version__}"),
        "command": machine.command,
        "columns": ["seconds to first prediction", "peak RSS, MB"],
        "contenders": measured,
    }
    print_result(result, table, as_json=arguments.json)


if __name__ == "__main__":
    main()
