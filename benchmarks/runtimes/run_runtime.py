"""One runtime in a process of its own, for `peers`: frames come on stdin, an answer to each goes to stdout.

python -m benchmarks.runtimes.run_runtime RUNTIME MODEL THREADS < frames > answers

RUNTIME is one of `adapters.RUNTIMES`. A frame is 224 x 224 x 3 bytes, BGR, as from a camera; an answer is a line of
JSON. The first line says whether the runtime is there at all.
"""

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from benchmarks.runtimes.adapters import RUNTIMES, Refused, Runtime
from benchmarks.runtimes.runtime_figures import NOT_INSTALLED, Answer
from benchmarks.shared.photographs import SIZE
from benchmarks.shared.process_figures import process_figures


def serve(runtime: Runtime) -> None:
    """Answer frames until there are no more."""
    cpu_before, reading_before = time.process_time(), time.thread_time()
    while frame := sys.stdin.buffer.read(SIZE * SIZE * 3):
        pixels = np.frombuffer(frame, np.uint8).reshape(SIZE, SIZE, 3)
        reading = time.thread_time() - reading_before
        started = time.perf_counter()
        runtime.preprocess(pixels)
        ready = time.perf_counter()
        scores = runtime.infer()
        done, cpu = time.perf_counter(), time.process_time() - cpu_before - reading
        # The first of equal scores: ties go to the lower class id in every runtime.
        best, memory = int(scores.argmax()), process_figures(os.getpid()).rss_mb
        answer = Answer(1e3 * (ready - started), 1e3 * (done - ready), 1e3 * cpu, best, memory)
        print(json.dumps(asdict(answer)), flush=True)
        cpu_before, reading_before = time.process_time(), time.thread_time()


def main() -> None:
    """Load, say so, serve."""
    name, model, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    cv2.setNumThreads(threads)
    try:
        runtime = RUNTIMES[name](model, threads)
    except ModuleNotFoundError:
        print(json.dumps({"problem": NOT_INSTALLED}))
    except Refused as why:
        print(json.dumps({"problem": f"refused: {why}"}))
    else:
        print(json.dumps({"version": runtime.version}), flush=True)
        serve(runtime)


if __name__ == "__main__":
    main()
