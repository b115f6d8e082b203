"""The import law in setup.cfg, broken on purpose in copies of the package: it must not say KEPT to what is wrong."""

import configparser
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("importlinter") is None, reason="import-linter is not installed: make lint"
)
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
VIOLATIONS = {
    "a module that imports one above it": ("statistics.py", "from pi_classifier import daemon", {"floors", "circles"}),
    "a package that imports its neighbour": (
        "inference/ticker.py",
        "from pi_classifier.sinks import lines",
        {"floors"},
    ),
    "a module that has no floor": ("attic.py", "", {"floors"}),
    "a sink that imports another": ("sinks/status.py", "from pi_classifier.sinks import stdout", {"sinks"}),
    "a sink that the law does not know": ("sinks/attic.py", "", {"sinks"}),
    "a source that imports another": ("sources/synthetic.py", "from pi_classifier.sources import files", {"sources"}),
    "events that know who writes them": ("events/monitor.py", "from pi_classifier.events import journal", {"events"}),
    "a decoder that knows another": (
        "detection/yolox.py",
        "from pi_classifier.detection import nanodet",
        {"detection"},
    ),
    "the daemon that learns": ("daemon.py", "from pi_classifier.training import head", {"training"}),
    "a circle of two modules": (
        "sources/v4l2/videodev2.py",
        "from pi_classifier.sources.v4l2 import camera",
        {"circles"},
    ),
    "torch in a sink": ("sinks/stdout.py", "import torch", {"torch"}),
    "torch in capture, within a function": ("capture.py", "def f():\n    import torch.nn", {"torch"}),
    "torch in the other runtime": ("runtimes/litert.py", "import torch", {"torch"}),
    "LiteRT in prepare": ("prepare/tflite.py", "from ai_edge_litert import interpreter", {"litert"}),
    "ONNX Runtime where a file is only read": ("runtimes/onnx/classifier.py", "import onnxruntime", {"onnx"}),
    "ONNX's own library": ("runtimes/onnx/read.py", "import onnx", {"onnx"}),
    "a reader that knows what for": (
        "runtimes/onnx/read.py",
        "from pi_classifier.runtimes.onnx import classifier",
        {"onnx-layers", "circles"},
    ),
    "a FlatBuffers library": ("runtimes/tflite/write.py", "import flatbuffers", {"litert"}),
    "torchvision in the runtime": ("runtimes/torchscript.py", "import torchvision", {"torchvision"}),
    "prometheus_client in events": ("events/dispatch.py", "import prometheus_client", {"prometheus"}),
    "paho in the daemon": ("daemon.py", "from paho.mqtt.client import Client", {"mqtt"}),
    "a message that knows who sends it": (
        "webhooks/envelope.py",
        "from pi_classifier.webhooks import receiver",
        {"webhooks", "circles"},
    ),
    "prometheus_client in the daemon": ("daemon.py", "from prometheus_client import Counter", {"prometheus"}),
    "pydantic in a new module of config": ("config/attic.py", "import pydantic", {"pydantic"}),
    "the terminal in a sink": ("sinks/lines.py", "from rich.console import Console", {"terminal"}),
    "systemd in the daemon": ("daemon.py", "from systemd import daemon", {"systemd"}),
    "the page's server in the daemon": ("daemon.py", "import uvicorn", {"web"}),
}
"""By what is wrong: a module, what is added to it, and the contracts that must be found broken, others perhaps too."""


def contracts() -> dict[str, str]:
    """The full name of each contract in setup.cfg by its short one."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    prefix = "importlinter:contract:"
    return {name.removeprefix(prefix): setup[name]["name"] for name in setup.sections() if name.startswith(prefix)}


def verdict(project: Path) -> tuple[int, dict[str, str], str]:
    """The exit code of `lint-imports` on a copy of the project, KEPT or BROKEN by contract, and all it printed."""
    done = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache", "--no-logo", "--config", "setup.cfg"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    judged = dict(re.findall(r"^(.+?) ?(KEPT|BROKEN)\b", done.stdout, flags=re.MULTILINE))
    return done.returncode, {short: judged.get(name, "") for short, name in contracts().items()}, done.stdout


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[str, str], Path]:
    """Makes a copy of the package and its law, with something added to one module."""

    def copy(module: str = "", addition: str = "") -> Path:
        shutil.copy(ROOT / "setup.cfg", tmp_path)
        shutil.copytree(
            ROOT / "pi_classifier", tmp_path / "pi_classifier", ignore=shutil.ignore_patterns("__pycache__")
        )
        if module:
            with (tmp_path / "pi_classifier" / module).open("a", encoding="utf-8") as file:
                file.write(f"\n{addition}\n")
        return tmp_path

    return copy


def test_package_keeps_the_law(copied: Callable[..., Path]) -> None:
    """Protects the tests below: on the package as it is, every contract is kept and the exit code is 0."""
    code, judged, printed = verdict(copied())
    assert code == 0, printed
    assert judged == dict.fromkeys(contracts(), "KEPT"), printed


@pytest.mark.parametrize("wrong", VIOLATIONS)
def test_violation_is_found_and_named(copied: Callable[..., Path], wrong: str) -> None:
    """Protects the structure: what breaks the law fails `lint-imports`, which names the contract and the module."""
    module, addition, expected = VIOLATIONS[wrong]
    code, judged, printed = verdict(copied(module, addition))
    assert code != 0, printed
    assert expected <= {contract for contract, word in judged.items() if word == "BROKEN"}, printed
    assert Path(module).stem in printed


def test_exception_that_is_needed_no_more_is_an_error(copied: Callable[..., Path]) -> None:
    """Protects the list of exceptions from growing stale: one whose import is gone is refused by name."""
    project = copied()
    report = project / "pi_classifier" / "doctor" / "report.py"
    report.write_text(re.sub(r"^from rich.*\n", "", report.read_text(encoding="utf-8"), flags=re.MULTILINE))
    code, _, printed = verdict(project)
    assert code != 0
    assert "pi_classifier.doctor.report -> rich" in printed


def test_every_contract_is_seen_to_break() -> None:
    """Protects the law from a contract that nobody has ever seen broken."""
    assert set().union(*(broken for _, _, broken in VIOLATIONS.values())) == set(contracts())
