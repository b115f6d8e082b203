"""benchmarks/cameras.py: what it makes of what it measured, and what the peer's processes share."""

import multiprocessing
import os
import subprocess
import sys
from multiprocessing.connection import Connection

import numpy as np
import pytest

from benchmarks.shared.process_tree import cpu_seconds, process_tree, pss_mb
from benchmarks.streams.newest_frame import NewestFrame
from benchmarks.streams.report import Window, figures, summary, table
from tests.waiting import DEADLINE_SECONDS, eventually

WHERE = {
    "cameras": 2, "size": "640x360", "camera_fps": 15.0, "machine": "here", "load": 0.0, "command": "python",
    "missing": [],
}  # fmt: skip


def row(fps: float, pss: float) -> dict[str, float]:
    """As of one contender in one round."""
    window = Window(began=0.0, ended=1.0, cpu_seconds=0.5, pss_mb=pss, processes=1)
    count = round(fps)
    arrivals = {"front": [(number, number / count) for number in range(count)]}
    return figures(window, arrivals, {"front": {number: number / count - 0.05 for number in range(count)}})


def test_only_the_window_counts() -> None:
    """Protects the figures: frames before and after the window are left out, and an age is from sending to result."""
    window = Window(began=10.0, ended=12.0, cpu_seconds=1.5, pss_mb=300.0, processes=5)
    arrivals = {
        "front": [(0, 9.9), (1, 10.0), (2, 11.0), (3, 12.0)],
        "yard": [(5, 11.5)],
    }
    sent = {"front": {0: 9.0, 1: 9.9, 2: 10.9, 3: 11.9}, "yard": {5: 11.0}}
    one = figures(window, arrivals, sent)
    assert one == pytest.approx(
        {
            "fps": 1.5, "least_camera_fps": 0.5, "most_camera_fps": 1.0, "age_ms_p50": 100.0, "age_ms_p99": 492.0,
            "cpu_ms": 500.0, "cores": 0.75, "pss_mb": 300.0, "processes": 5,
        }
    )  # fmt: skip


def test_ratios_are_those_within_a_round() -> None:
    """Protects the comparison: a slow hour that hits both in one round moves no ratio."""
    result = summary(
        {"loop": [row(40, 100), row(20, 100), row(10, 100)], "processes": [row(20, 300), row(10, 300), row(5, 300)]}
    )
    assert result["contenders"]["loop"]["fps_ratio"] == 1
    assert result["contenders"]["processes"]["fps_ratio"] == 0.5
    text = table(result | WHERE)
    assert "| a process for each model | 1 | 10.0 | 10.0 to 10.0 | 50 / 50 | 50.0 | 0.50 | 300 |  |  |" in text
    assert "a process for each model beside pi-classifier, one model: 0.50 of the rate, 1.00 of the age" in text
    assert "3.00 of the memory" in text


def test_tree_is_a_process_with_all_that_it_started() -> None:
    """Protects the peer's figures, and ours: processor time and memory of children's children count, others' do not."""
    busy = "import sys; x = bytearray(64 << 20); print(flush=True); sys.stdin.read()"
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    with subprocess.Popen(
        [sys.executable, "-c", parent, busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        tree = process_tree(process.pid)
        assert tree[0] == process.pid
        assert len(tree) == 2
        assert set(tree) < set(process_tree(os.getpid()))
        assert cpu_seconds(tree) >= cpu_seconds(tree[1:]) >= 0
        assert pss_mb(tree) > pss_mb(tree[1:]) > 64
        assert pss_mb(tree[:1]) < 64
        process.communicate()


def test_newest_frame_is_taken_once() -> None:
    """Protects the peer from being slower than it has to be: who is late gets the newest frame, and no frame twice."""
    context = multiprocessing.get_context("spawn")
    newest = NewestFrame(context, 32, 16)
    here, there = context.Pipe()
    taker = context.Process(target=take, args=(newest, there), daemon=True)
    try:
        for value in (1, 2):
            newest.write(np.full((16, 32, 3), value, np.uint8))
        taker.start()
        eventually(lambda: here.poll(0.01), "frame that waited")
        assert here.recv() == 2
        newest.write(np.full((16, 32, 3), 3, np.uint8))
        eventually(lambda: here.poll(0.01), "frame that came")
        assert here.recv() == 3
        assert not here.poll()
    finally:
        taker.terminate()
        taker.join(DEADLINE_SECONDS)
        newest.close()


def take(newest: NewestFrame, there: "Connection[int, int]") -> None:
    """Frames, and say what they show."""
    pixels = np.empty((16, 32, 3), np.uint8)
    while True:
        newest.take(pixels)
        there.send(int(pixels.min()))
