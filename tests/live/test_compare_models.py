"""The table of models, measured for real on the two smallest for a few frames."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from benchmarks.compare_models import table
from tests.conftest import ROOT

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

MODELS = ("shufflenet_v2_x0_5", "mobilenet_v2")
FRAMES, ROUNDS = 4, 2


def compare(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the benchmark to its end."""
    return subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "compare_models.py"), *map(str, arguments)],
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def refusing_proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy that lets nobody through: its address, and what it was asked for."""
    asked: list[str] = []

    class Refusal(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            self.send_error(403)

        def log_message(self, *arguments: object) -> None:
            """Nothing: the test looks at `asked`."""

    with HTTPServer(("127.0.0.1", 0), Refusal) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one run on random weights wrote: result.json, rows.csv and, with matplotlib, plot.png."""
    folder = tmp_path_factory.mktemp("compared")
    plot = ("--plot", folder / "plot.png") if has_matplotlib() else ()
    done = compare(
        "--weights", "untrained", "--models", *MODELS, "--threads", "1", "--frames", str(FRAMES), "--warm-up", "1",
        "--rounds", str(ROUNDS), "--json", "--csv", folder / "rows.csv", *plot,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (folder / "result.json").write_text(done.stdout)
    return folder


@pytest.fixture(scope="module")
def result(folder: Path) -> Any:
    """The JSON of that run."""
    return json.loads((folder / "result.json").read_text())


def has_matplotlib() -> bool:
    """Whether it can be imported where the benchmark runs."""
    return subprocess.run([sys.executable, "-c", "import matplotlib"], capture_output=True, check=False).returncode == 0


def test_json_says_what_was_measured_where(result: dict[str, Any]) -> None:
    """Protects repeatability: a result names its machine, its versions, its command and its settings."""
    assert {"cpu", "architecture", "cores", "load", "python", "torch", "torchvision", "command"} == set(
        result["machine"]
    )
    assert result["machine"]["command"].startswith("python benchmarks/compare_models.py --weights untrained --models")
    assert result["settings"] == {
        "frames": FRAMES, "warm_up": 1, "rounds": ROUNDS, "source": "synthetic:", "weights": "untrained",
    }  # fmt: skip
    assert [row["model"] for row in result["models"]] == list(MODELS)


def test_figures_agree_with_one_another(result: dict[str, Any]) -> None:
    """Protects the table's arithmetic: a frame costs at least its inference, the rate is its inverse, none is lost."""
    for row in result["models"]:
        assert row["total_ms"] >= row["model_ms"] > 0
        assert row["fps"] == pytest.approx(1000 / row["total_ms"])
        assert len(row["fps_by_round"]) == ROUNDS
        assert min(row["fps_by_round"]) <= row["fps"] <= max(row["fps_by_round"])
        assert row["frames"] == FRAMES * ROUNDS, "warm-up does not count"
        assert row["p99_ms"] >= row["total_ms"] * 0.999, "of four frames it is the slowest"
        assert row["threads"] == 1
        assert row["cpu_ms"] > 0
        assert row["rss_mb"] > row["file_mb"] > 1


def test_random_weights_claim_no_accuracy(result: dict[str, Any]) -> None:
    """Protects honesty: what ran on random weights says so in its row, and no accuracy stands beside its speed."""
    for row in result["models"]:
        assert row["weights"] == "untrained"
        assert row["published_top1"] is None
    lines = table(result).splitlines()
    for name in MODELS:
        (line,) = (line for line in lines if line.startswith(f"| {name} |"))
        assert "| random weights |" in line


def test_tutorials_figures_stand_beside_ours(result: dict[str, Any]) -> None:
    """Protects the comparison: each row carries the tutorial's own Raspberry Pi 4 figures and its QNNPACK column."""
    shufflenet, mobilenet = result["models"]
    assert [mobilenet[f"tutorial_{key}"] for key in ("fps", "total_ms", "model_ms")] == [33.7, 29.7, 26.4]
    assert [shufflenet[f"tutorial_{key}"] for key in ("fps", "total_ms", "model_ms")] == [46.7, 21.4, 18.2]
    assert mobilenet["qnnpack_pretrained"] is True
    assert shufflenet["qnnpack_pretrained"] is False


def test_csv_holds_the_same_rows(result: dict[str, Any], folder: Path) -> None:
    """Protects `--csv`: every figure of the JSON, and the machine in each line, so that files can be put together."""
    with (folder / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(MODELS)
    for line, row in zip(rows, result["models"], strict=True):
        expected = row | result["machine"]
        del expected["fps_by_round"]
        assert line == {key: "" if value is None else str(value) for key, value in expected.items()}


def test_plot_is_a_png(folder: Path) -> None:
    """Protects `--plot`: it leaves a PNG, on a machine without a display."""
    if not has_matplotlib():
        pytest.skip("matplotlib is not installed")
    assert (folder / "plot.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_network_that_fails_is_asked_once(tmp_path: Path) -> None:
    """Protects a machine without network: random weights stand in, and not every model waits for a time-out."""
    with refusing_proxy() as (address, asked):
        done = compare(
            "--models", *MODELS, "--threads", "1", "--frames", "1", "--warm-up", "1", "--rounds", "1", "--json",
            TORCH_HOME=str(tmp_path), https_proxy=address, HTTPS_PROXY=address, no_proxy="",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(asked) == 1
    assert "random weights from here on" in done.stderr
    assert [row["weights"] for row in json.loads(done.stdout)["models"]] == ["untrained", "untrained"]


def test_published_weights_state_their_accuracy(real_weights: Path, tmp_path: Path) -> None:
    """Protects `--weights-dir`: a published file by its own name is run, and its accuracy stands in the row."""
    (tmp_path / "mobilenet_v2_qnnpack_37f702c5.pth").symlink_to(real_weights)
    done = compare(
        "--models", "mobilenet_v2", "--weights-dir", tmp_path, "--threads", "1", "--frames", "1", "--warm-up", "1",
        "--rounds", "1", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["models"]
    assert row["weights"] == "default"
    assert row["published_top1"] == row["torchvision_top1"] == pytest.approx(71.658)


def test_source_that_cannot_be_read_is_reported_once(tmp_path: Path) -> None:
    """Protects a mistyped `--source`: one line with the remedy and the exit code of `run`, no traceback."""
    done = compare(
        "--weights", "untrained", "--models", MODELS[0], "--source", tmp_path / "none.mp4", "--frames", "1",
    )  # fmt: skip
    assert done.returncode == os.EX_CONFIG
    (line,) = done.stderr.splitlines()
    assert "none.mp4: does not exist; name a picture" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--models", "resnet19"), "no model 'resnet19'; did you mean 'resnet18'?"),
        (("--threads", "0"), "'0' should be auto or 1 to 256"),
        (("--frames", "none"), "'none' should be 1 or more"),
        (("--csv", "/nowhere/rows.csv"), "there is no such folder"),
    ],
)
def test_mistake_on_the_command_line_is_one_line(arguments: tuple[str, str], message: str) -> None:
    """Protects an hour of measuring: what cannot work is said before, in one line, with exit code 2."""
    done = compare(*arguments)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert message in line
    assert done.stdout == ""


def test_missing_matplotlib_is_reported_before_anything_runs(tmp_path: Path) -> None:
    """Protects `--plot` without its extra: one line that names the package and how to get it, exit code 2."""
    (tmp_path / "matplotlib.py").write_text("raise ImportError('not here')")
    done = compare("--plot", tmp_path / "plot.png", PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "--plot needs matplotlib" in line
    assert "pip install 'matplotlib" in line
