"""The daemon's share of the processor."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from pi_classifier.errors import ConfigError
from pi_classifier.system.scheduling import claim
from tests.running import Program

Run = Callable[..., Program]


def threads_at_work(pid: int) -> int:
    """How many threads have used the processor for a tenth of a second and more."""
    ticks = [
        sum(map(int, (task / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[11:13]))
        for task in Path(f"/proc/{pid}/task").iterdir()
    ]
    return sum(used >= os.sysconf("SC_CLK_TCK") / 10 for used in ticks)


@pytest.mark.parametrize("runtime", ["torchscript"])
@pytest.mark.parametrize("threads", [1, 2])
def test_as_many_compute_threads_as_configured(program: Run, threads: int) -> None:
    """Protects the cores that are not the model's: n threads compute, and no library brings a pool of its own.

    Beside them there are the threads of capture, ticker, events and the metrics' server, none of which computes.
    """
    running = program(
        "run", "--source", "synthetic:", "--weights", "untrained", "--metrics-listen", "127.0.0.1:0",
        "--threads", str(threads), "--model", "resnet18",
    )  # fmt: skip
    running.wait_for(lambda: len(running.lines) >= 4, "four lines")
    tasks = len(list(Path(f"/proc/{running.pid}/task").iterdir()))
    assert threads_at_work(running.pid) in (threads, threads + 1), "the model's, and perhaps capture"
    assert tasks <= threads + 4
    running.stop(signal.SIGTERM)


def test_affinity_and_priority(program: Run, tmp_path: Path) -> None:
    """Protects neighbours on the same Pi: the daemon keeps to the processors and the priority that it was given."""
    processor = min(os.sched_getaffinity(0))
    config = tmp_path / "config.toml"
    config.write_text(f'[run]\nnice = 7\ncpus = [{processor}]\n[metrics]\nlisten = ""\n', encoding="utf-8")
    running = program("run", "--config", config, "--source", "synthetic:", "--weights", "untrained")
    running.wait_for_line("fps |")
    for task in Path(f"/proc/{running.pid}/task").iterdir():
        assert os.sched_getaffinity(int(task.name)) == {processor}
        assert os.getpriority(os.PRIO_PROCESS, int(task.name)) == 7


def test_processor_that_is_not_there() -> None:
    """Protects from a typing error: the processors that there are, are named."""
    before = os.sched_getaffinity(0)
    with pytest.raises(ConfigError, match="name some of these"):
        claim(nice=0, cpus=[4000])
    assert os.sched_getaffinity(0) == before
