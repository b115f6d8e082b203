"""What several tests share: the test data, prepared models, and the program as a process."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import hypothesis
import pytest

from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.model import Runtime
from pi_classifier.prepare.bundle import prepare
from pi_classifier.prepare.store import ModelStore, write_bundle
from pi_classifier.runtimes.bundle import read_bundle
from pi_classifier.runtimes.torchscript import TorchScriptModel
from tests.running import Program, unused_port
from tests.waiting import DEADLINE_SECONDS

# Machines have bad hours: a slow example is no failure.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("patient")

# What a shell runs in the background ignores it, as would every program then that is to be interrupted here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long tests/fuzz looks for what no other test thought of."""
    parser.addoption("--fuzz-seconds", type=float, default=60.0, help="for all fuzzing together (default: %(default)s)")
    parser.addoption("--fuzz-seed", type=int, default=0, help="of the inputs (default: %(default)s)")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real weights, photographs and videos."""
    folder = os.environ.get("PI_CLASSIFIER_TEST_DATA")
    if not folder:
        pytest.skip("PI_CLASSIFIER_TEST_DATA names no folder with weights/, photos/ and videos/")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the working tree, without what git ignores."""
    copy = tmp_path_factory.mktemp("project")
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        stdout=subprocess.PIPE,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if os.path.lexists(ROOT / name):  # a deleted file is still listed
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    return copy


@pytest.fixture(scope="session")
def real_weights(test_data: Path) -> Path:
    """The quantised MobileNetV2 with its published weights, a state dict."""
    return test_data / "weights" / "mobilenet_v2_qnnpack_torchvision.pth"


@pytest.fixture(scope="session")
def real_model_file(real_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the real weights, for either runtime."""
    path = tmp_path_factory.mktemp("real") / "mobilenet_v2.bundle"
    write_bundle(path, prepare(ModelSettings(weights=str(real_weights)), runtimes=("torchscript", "litert")))
    return path


@pytest.fixture(scope="session")
def real_model(real_model_file: Path) -> TorchScriptModel:
    """The real model, loaded."""
    return TorchScriptModel(read_bundle(real_model_file, ("torchscript",)), threads=1, top_k=5)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder in which the model with untrained weights is ready, for tests that need no sense in labels."""
    store = ModelStore(tmp_path_factory.mktemp("cache"))
    settings = ModelSettings(weights="untrained")
    write_bundle(store.path_for(settings, "quint8"), prepare(settings, runtimes=("torchscript", "litert")))
    return store.folder


@pytest.fixture(scope="session")
def both_programs(cache: Path) -> Path:
    """A bundle for either runtime, of random weights, which every machine can make."""
    return ModelStore(cache).path_for(ModelSettings(weights="untrained"), "quint8")


@pytest.fixture(scope="session")
def untrained_model_file(both_programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for TorchScript alone."""
    path = tmp_path_factory.mktemp("torchscript") / both_programs.name
    write_bundle(path, read_bundle(both_programs).only({"torchscript"}))
    return path


@pytest.fixture
def runtime() -> Runtime:
    """What `program` runs on; this one starts in a quarter of the time, and most tests are not about the runtime."""
    return "litert"


EITHER_RUNTIME = pytest.mark.parametrize("runtime", ["torchscript", "litert"])
"""For tests of what each runtime has to do."""


@pytest.fixture
def variables(cache: Path, tmp_path: Path, runtime: Runtime) -> dict[str, str]:
    """The environment of a `pi-classifier` with the prepared cache."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "CACHE_DIRECTORY": str(cache),
        "PI_CLASSIFIER_MODEL__RUNTIME": runtime,
    }


@pytest.fixture
def program(variables: Mapping[str, str]) -> Iterator[Callable[..., Program]]:
    """Starts `pi-classifier ARGUMENTS...` with the prepared cache; whatever still runs at the end is killed."""
    started: list[Program] = []

    def start(*arguments: str | Path, environment: Mapping[str, str] | None = None) -> Program:
        command = [sys.executable, "-m", "pi_classifier", *map(str, arguments)]
        environment = {**variables, "PYTHONWARNINGS": "error", **(environment or {})}
        started.append(Program(command, environment, DEADLINE_SECONDS))
        return started[-1]

    yield start
    for one in started:
        one.kill()


@pytest.fixture
def free_port() -> int:
    """A TCP port that nobody listens on."""
    return unused_port()


SLOW_LAST = (
    "tests/test_import_law.py",
    "tests/test_documents.py",
    "tests/test_daemon.py",
    "tests/offline",
    "tests/prepare",
    "tests/test_bad_input.py",
    "tests/benchmarks",
    "tests/doctor",
    "tests/system",
    "tests/sources/test_csi.py",
    "tests/deploy",
)
"""In this order: a file is one worker's, and with a long one at the end the others would wait for that."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that start processes come last: what is fast fails first."""
    items.sort(key=lambda item: next((n for n, part in enumerate(SLOW_LAST, 1) if item.nodeid.startswith(part)), 0))
