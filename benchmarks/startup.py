"""From exec to the first prediction, and the memory that takes, beside the tutorial's way to the same point.

    python benchmarks/startup.py [--runtime WHICH] [--rounds N] [--json]

Every round starts each contender once, in turn, so that a slow hour of the machine hits all alike; the table shows
medians, and ratios within the same rounds. The processor time is the whole process's, with its threads and its end.
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

if not __package__:  # run by its path: the package is found from the project's folder
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.shared.child import module_command, with_project
from benchmarks.shared.command_line import Parser, print_result, progress_bar
from benchmarks.shared.markdown import markdown_table
from benchmarks.shared.own_runtimes import NAMES, libraries
from benchmarks.shared.provenance import Machine
from pi_classifier.contracts.model import Runtime

Starts = Sequence[Sequence[float]]
"""Of one contender, a round each: seconds, processor seconds, MB."""
TUTORIAL = "tutorial's steps"

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


def contenders(model_file: Path, runtimes: Sequence[Runtime]) -> dict[str, list[str]]:
    """The commands, by name. `model_file`: a bundle with a program for each of the runtimes."""
    run = module_command(
        "pi_classifier", "run", "--source", "synthetic:", "--frames", "1", "--weights", str(model_file),
        "--metrics-listen", "127.0.0.1:0", "--runtime",
    )  # fmt: skip
    return {
        **{f"`pi-classifier run` on {NAMES[runtime]}": [*run, runtime] for runtime in runtimes},
        TUTORIAL: [sys.executable, "-P", "-c", TUTORIAL_STEPS],
        "`import torch` alone": [sys.executable, "-P", "-c", IMPORT_TORCH],
    }


def prepare(model_file: Path, runtimes: Sequence[Runtime]) -> None:
    """Make the bundle, by a process of its own: a started program's peak memory is never less than its parent's.

    Linux counts what the parent holds at the moment of the start as the program's, so this one imports no runtime.
    """
    which = "both" if len(runtimes) > 1 else runtimes[0]
    command = module_command(
        "pi_classifier", "prepare", "--weights", "untrained", "--runtime", which, "--output", str(model_file)
    )
    made = subprocess.run(command, stdout=subprocess.DEVNULL, env=with_project(os.environ), check=False)
    if made.returncode:
        sys.exit(made.returncode)  # it has said why


def start(command: Sequence[str]) -> tuple[float, float, float]:
    """Start a program; seconds until its first line on stdout, its processor seconds, and its peak memory in MB."""
    started = time.monotonic()
    reading, writing = os.pipe()
    process = subprocess.Popen(command, stdout=writing, stderr=subprocess.DEVNULL, env=with_project(os.environ))
    os.close(writing)
    with open(reading) as stdout:  # noqa: PTH123 - a descriptor, not a path
        line = stdout.readline()
        seconds = time.monotonic() - started
        stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # it has been waited for
    if process.returncode or not line:
        raise RuntimeError(f"{command} failed")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    measured = result["contenders"]
    reference = measured[TUTORIAL]
    rows = [_cells(name, starts, reference) for name, starts in measured.items()]
    where = f"Medians of {len(reference)} alternating rounds on {result['machine']}; `{result['command']}`"
    columns = ("", "seconds to first prediction", "of the tutorial's", "CPU seconds", "of the tutorial's", "peak RSS")
    return "\n".join([*markdown_table(columns, rows), "", where])


def _cells(name: str, starts: Starts, reference: Starts) -> tuple[str, ...]:
    seconds, cpu_seconds, memory = (statistics.median(figures) for figures in zip(*starts, strict=True))
    ratio, cpu_ratio = (
        statistics.median(one[which] / other[which] for one, other in zip(starts, reference, strict=True))
        for which in (0, 1)
    )
    return name, f"{seconds:.2f}", f"{ratio:.2f}", f"{cpu_seconds:.2f}", f"{cpu_ratio:.2f}", f"{memory:.0f} MB"


def main() -> None:
    """Measure and print."""
    parser = Parser(__doc__)
    parser.add_runtime()
    parser.add_rounds(7, "how often each contender is started")
    parser.add_json()
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, progress_bar() as progress:
        model_file = Path(folder) / "untrained.bundle"
        prepare(model_file, arguments.runtimes)
        commands = contenders(model_file, arguments.runtimes)
        measured: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
        for _ in progress.track(range(arguments.rounds), description="starting"):
            for name, command in commands.items():
                measured[name].append(start(command))
    machine = Machine.here()
    result = {
        "machine": machine.briefly(*libraries("torchscript", *arguments.runtimes)),
        "command": machine.command,
        "columns": ["seconds to first prediction", "CPU seconds", "peak RSS, MB"],
        "contenders": measured,
    }
    print_result(result, table, as_json=arguments.json)


if __name__ == "__main__":
    main()
