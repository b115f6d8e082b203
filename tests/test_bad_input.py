"""Bad input: one clear line, the documented exit code, no traceback."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pi_classifier.runtimes.bundle import read_bundle
from tests.conftest import EITHER_RUNTIME
from tests.running import Program
from tests.runtimes.program.archives import archived, code_name, members
from tests.sources.test_files import write_picture, write_video

Run = Callable[..., Program]
CONFIG, UNAVAILABLE, CANNOT_WRITE, PORT_TAKEN = 78, 69, 73, 75


def refused(program: Program, code: int, *words: str) -> None:
    """The program must end with `code` and a single line of complaint that has all the words."""
    result = program.wait()
    complaints = [line for line in result.stderr.splitlines() if not line.startswith("pi-classifier: preparing")]
    complaints = [line for line in complaints if "metrics on" not in line and "camera: " not in line]
    complaints = [line for line in complaints if " weights, on " not in line]
    complaints = [line for line in complaints if not line.startswith("Downloading: ")]
    assert result.returncode == code, result.stderr
    assert len(complaints) == 1, result.stderr
    for word in words:
        assert word in complaints[0]


@pytest.mark.parametrize("source", ["nowhere.mp4", "file:nowhere", "/nowhere/at/all"])
def test_missing_source(program: Run, source: str) -> None:
    """Protects from a typing error in the source."""
    refused(program("run", "--source", source, "--metrics-listen", ""), CONFIG, source, "does not exist")


def test_source_that_is_no_picture(program: Run, tmp_path: Path) -> None:
    """Protects from a file that is neither picture nor video."""
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    refused(program("run", "--source", tmp_path / "notes.txt", "--metrics-listen", ""), CONFIG, "notes.txt")


def test_truncated_picture_as_source(program: Run, tmp_path: Path) -> None:
    """Protects from half a picture: the run ends with the reason, its totals printed."""
    picture = write_picture(tmp_path / "half.png", size=(500, 500))
    os.truncate(picture, picture.stat().st_size // 2)
    running = program("run", "--source", picture, "--weights", "untrained", "--metrics-listen", "")
    refused(running, CONFIG, "half.png", "truncated")
    assert "0 captured" in running.lines[-1]


def test_video_cut_in_the_middle(program: Run, tmp_path: Path) -> None:
    """Protects from half a video: what was there is classified and counted, then the reason."""
    video = write_video(tmp_path / "half.avi", 60)
    os.truncate(video, video.stat().st_size // 2)
    running = program("run", "--source", video, "--weights", "untrained", "--metrics-listen", "")
    refused(running, CONFIG, "half.avi", "ends before its time, after ", "cut short")
    assert " captured = " in running.lines[-1]
    assert "done: 0 captured" not in running.lines[-1]


@pytest.mark.parametrize("node", ["/dev/null", "v4l2:/dev/zero"])
def test_node_that_is_no_camera(program: Run, node: str) -> None:
    """Protects from a device that is no camera."""
    running = program("run", "--source", node, "--weights", "untrained", "--metrics-listen", "")
    refused(running, CONFIG, "is no camera")


@EITHER_RUNTIME
@pytest.mark.parametrize("kind", ["text", "cut", "pickle", "missing"])
def test_weights_that_are_none(program: Run, tmp_path: Path, kind: str, untrained_model_file: Path) -> None:
    """Protects from weights that cannot be: other files, half a file, none at all."""
    weights = tmp_path / "weights.pth"
    if kind == "text":
        weights.write_text("hello", encoding="utf-8")
    elif kind == "cut":
        weights.write_bytes(untrained_model_file.read_bytes()[:100_000])
    elif kind == "pickle":
        weights.write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
    running = program("run", "--source", "synthetic:", "--weights", weights, "--metrics-listen", "")
    refused(running, CONFIG, str(weights))
    assert not Path("pwned").exists()


@pytest.mark.parametrize("runtime", ["torchscript"])
@pytest.mark.parametrize("command", ["run --metrics-listen= --source synthetic:", "classify"])
def test_bundle_with_a_program_of_its_own(
    program: Run, tmp_path: Path, command: str, untrained_model_file: Path
) -> None:
    """Protects files from a crafted model: its program is refused before anything of it is run."""
    bundle, target = read_bundle(untrained_model_file), tmp_path / "overwritten"
    files = members(bundle.program("torchscript"))
    name, first = code_name(files), b"    _0 = "
    files[name] = files[name].replace(first, f'    torch.save(x, "{target}")\n'.encode() + first, 1)
    crafted = tmp_path / "crafted.bundle"
    crafted.write_bytes(replace(bundle, programs={"torchscript": archived(files)}).to_bytes())
    arguments = [write_picture(tmp_path / "picture.png")] if command == "classify" else []
    refused(program(*command.split(), "--weights", crafted, *arguments), CONFIG, str(crafted), "it calls torch.save")
    assert not target.exists()


def test_no_weights_to_be_had(program: Run, tmp_path: Path) -> None:
    """Protects offline machines: the line names the URL, the place to copy to, --weights, and what can be tried."""
    variables = {
        "TORCH_HOME": str(tmp_path), "CACHE_DIRECTORY": str(tmp_path / "cache"), "https_proxy": "http://127.0.0.1:1",
    }  # fmt: skip
    running = program(
        "run", "--source", write_picture(tmp_path / "a.png"), "--metrics-listen", "", environment=variables
    )
    refused(running, UNAVAILABLE, "https://", str(tmp_path / "hub" / "checkpoints"), "--weights", "--weights demo")
    assert running.lines == [], "stdout belongs to the log"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--top-k", "0"], "model.top_k"),
        (["--threads", "lots"], "model.threads"),
        (["--threads", "0"], "model.threads"),
        (["--model", "mobilnet"], "model.name"),
        (["--log-format", "xml"], "log.format"),
        (["--metrics-listen", "9100"], "metrics.listen"),
        (["--frames", "-1"], "run.frames"),
        (["--config", "/nowhere.toml"], "/nowhere.toml"),
    ],
)
def test_flags_out_of_range(program: Run, arguments: list[str], word: str) -> None:
    """Protects flags: a wrong value is named with its key, its flag and what it should be."""
    refused(program("check-config", *arguments), CONFIG, word)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[model]\nthrads = 3", "did you mean model.threads?"),
        ("[model]\nthreads = []", "model.threads"),
        ("[[camera]]\nname = 'a'\n[[camera]]\nname = 'a'", "two cameras are called 'a'"),
        ("[model", "not valid TOML"),
    ],
)
def test_bad_file(program: Run, tmp_path: Path, text: str, word: str) -> None:
    """Protects the configuration file: `run` refuses it as `check-config` does."""
    config = tmp_path / "config.toml"
    config.write_text(text, encoding="utf-8")
    refused(program("run", "--config", config), CONFIG, word, *([str(config)] if "two" not in word else []))


def test_unknown_environment_variable(program: Run) -> None:
    """Protects units and containers from a misspelt variable."""
    running = program("run", environment={"PI_CLASSIFIER_MODEL__TOPK": "3"})
    refused(running, CONFIG, "PI_CLASSIFIER_MODEL__TOPK", "did you mean model.top_k?")


def test_unknown_label(program: Run, tmp_path: Path) -> None:
    """Protects the counted labels: a class that the model does not have is refused with its nearest neighbour."""
    config = tmp_path / "config.toml"
    config.write_text('[metrics]\nlisten = "127.0.0.1:0"\nlabels = ["water botle"]\n', encoding="utf-8")
    running = program("run", "--config", config, "--weights", "untrained", "--source", "synthetic:")
    refused(running, CONFIG, "'water botle'", "did you mean 'water bottle'?")


def test_port_taken(program: Run) -> None:
    """Protects from a silent second daemon: exit 75, who usually holds the port, which key to change."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        running = program("run", "--source", "synthetic:", "--metrics-listen", f"127.0.0.1:{port}")
        refused(running, PORT_TAKEN, "node_exporter", "listen")


def test_cache_that_takes_no_file(program: Run, tmp_path: Path) -> None:
    """Protects read-only systems: `run` goes on from memory and says so, `prepare` ends with exit 73."""
    (tmp_path / "occupied").write_text("", encoding="utf-8")
    variables = {"CACHE_DIRECTORY": str(tmp_path / "occupied" / "cache")}
    running = program("prepare", "--weights", "untrained", environment=variables)
    refused(running, CANNOT_WRITE, "CACHE_DIRECTORY")
    running = program(
        "run", "--weights", "untrained", "--source", "synthetic:", "--frames", "2", "--metrics-listen", "",
        environment=variables,
    )  # fmt: skip
    refused(running, 0, "running from memory")


def test_no_space_in_the_cache(program: Run) -> None:
    """Protects full SD cards: a cache without space is reported with its reason, and nothing half-written stays."""
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, check=False
        )
        if mounted.returncode:
            pytest.skip("a file system of 64 KB needs the right to mount one")
        try:
            running = program("prepare", "--weights", "untrained", environment={"CACHE_DIRECTORY": folder})
            refused(running, CANNOT_WRITE, "No space left on device", "CACHE_DIRECTORY")
            assert list(Path(folder).iterdir()) == []
        finally:
            subprocess.run(["umount", folder], check=True)


def test_usage_error_has_its_code(program: Run) -> None:
    """Protects scripts: an unknown option is a usage error, exit 2, with the help to ask for."""
    result = program("run", "--sorce", "x").wait()
    assert result.returncode == 2
    assert "No such option" in result.stderr
    assert "Traceback" not in result.stderr


def test_help_needs_no_torch() -> None:
    """Protects a machine whose torch cannot be loaded: help and check-config work all the same."""
    code = (
        "import sys; sys.modules['torch'] = None; sys.argv[1:] = [{}]; from pi_classifier.__main__ import main; main()"
    )
    for arguments in ("'--help'", "'check-config'", "'run', '--help'"):
        result = subprocess.run(
            [sys.executable, "-c", code.format(arguments)], capture_output=True, text=True, check=False, timeout=120
        )
        assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = " + "[" * 20_000, ("nested too deeply",)),
        ("[log]\nsummary_seconds = inf", ("log.summary_seconds", "finite")),
        ("[log]\nsummary_seconds = nan", ("log.summary_seconds", "finite")),
        ("[run]\ncpus = [-1]", ("run.cpus", "less than 0")),
        ("[run]\ncpus = [99999999999]", ("run.cpus", "more than 1023")),
        ('[model]\nweights = "a\\u0000b"', ("model.weights", "NUL")),
        ('[[camera]]\nsource = "a\\u0000b"', ("camera.0.source", "NUL")),
    ],
)
def test_values_that_the_system_would_refuse(program: Run, tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    """Protects from a traceback of the kernel's making: what it cannot take is refused when it is read."""
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    refused(program("check-config", "--config", tmp_path / "config.toml"), CONFIG, *words)


@pytest.mark.parametrize("place", ["fifo", "/dev/zero"])
def test_what_has_no_end_is_not_read(program: Run, tmp_path: Path, place: str) -> None:
    """Protects from waiting for ever: a FIFO or a device in the place of a file is refused, not opened."""
    os.mkfifo(tmp_path / "fifo")
    file = tmp_path / place
    refused(program("check-config", "--config", file), CONFIG, "no regular file")
    refused(program("run", "--source", f"file:{file}", "--metrics-listen", ""), CONFIG, "no regular file")
    result = program("classify", file).wait()
    assert result.returncode == 1
    assert "no regular file" in result.stderr


@pytest.mark.parametrize("length", [300, 5000])
def test_names_that_are_too_long(program: Run, length: int) -> None:
    """Protects from a traceback: a name that no file system takes is a name that is wrong."""
    name = "a" * length
    refused(program("run", "--source", name, "--metrics-listen", ""), CONFIG, "aaa")
    refused(program("run", "--source", "synthetic:", "--weights", name, "--metrics-listen", ""), CONFIG, "aaa")
