"""One guest for all the tests, and what is in it."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from pi_classifier.config.schema import ModelSettings
from pi_classifier.prepare.bundle import prepare
from pi_classifier.prepare.store import write_bundle
from tests.guest.cameras import (
    BUNDLES,
    PROJECT,
    SITE_PACKAGES,
    TEST_DATA,
    Loopback,
    Probe,
    RemoteCamera,
    Vivid,
    hdmi_camera,
    webcam,
)
from tests.guest.guest import THIS_MACHINE, Guest, booted, wait_for
from tests.guest.service import UNIT, Service
from tests.guest.wheelhouse import site_packages, wheelhouse
from tests.training.folders import COLOURS, make, picture

HERE = Path(__file__).parent
WHEELHOUSE = "/srv/wheelhouse"
INSTALLATION = "installation"
INSTALL_SECONDS = 3600.0


@pytest.fixture(scope="session")
def qemu() -> None:
    """What this machine needs to run a guest."""
    if THIS_MACHINE is None or sys.platform != "linux":
        pytest.skip(f"the guest is not made for {sys.platform} on {platform.machine()}")
    for tool, package in ((THIS_MACHINE.qemu, "qemu-system"), ("ssh", "openssh-client"), ("setpriv", "util-linux")):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is missing: apt install {package}")


@pytest.fixture(scope="session")
def packages(qemu: None, project: Path) -> Iterator[Future[dict[str, Path]]]:
    """What the guest installs from and where it sees that, being fetched while its image is built."""
    with ThreadPoolExecutor() as pool:
        yield pool.submit(lambda: {WHEELHOUSE: wheelhouse(project), SITE_PACKAGES: site_packages(project)})


@pytest.fixture(scope="session")
def image(qemu: None) -> Path:
    """The guest's disk and kernel, made on first use."""
    built = subprocess.run([HERE / "build-image.sh"], capture_output=True, text=True, check=False)
    if built.returncode == os.EX_UNAVAILABLE:
        pytest.skip(built.stderr.splitlines()[-1])
    assert built.returncode == 0, built.stderr
    folder = Path(built.stdout.strip())
    version = (folder / "python-version").read_text().strip()
    if version != f"{sys.version_info.major}.{sys.version_info.minor}":
        pytest.skip(f"the guest's Python is {version}, so the packages for it must be fetched by Python {version}")
    return folder


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models as another machine makes them for one without torch; empty without the test data.

    `model.bundle` knows ImageNet, `own.bundle` colours; `red.png` is of one of them.
    """
    folder = tmp_path_factory.mktemp("bundles")
    if data := os.environ.get("PI_CLASSIFIER_TEST_DATA"):
        weights = Path(data) / "weights" / "mobilenet_v2_qnnpack_torchvision.pth"
        write_bundle(folder / "model.bundle", prepare(ModelSettings(weights=str(weights)), runtimes=["litert"]))
        colours = make(tmp_path_factory.mktemp("colours") / "data", count=20)
        train = [sys.executable, "-m", "pi_classifier", "train", str(colours), "--output", str(folder / "own.bundle")]
        subprocess.run([*train, "--weights", str(weights)], check=True, stdout=subprocess.DEVNULL)
        picture(COLOURS["red"], 7).resize((224, 224)).save(folder / "red.png")
    return folder


@pytest.fixture(scope="session")
def guest(
    packages: Future[dict[str, Path]],
    image: Path,
    project: Path,
    bundles: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Guest]:
    """A running guest; its shares are under /srv."""
    shares = {PROJECT: project, BUNDLES: bundles, **packages.result()}
    if data := os.environ.get("PI_CLASSIFIER_TEST_DATA"):
        shares[TEST_DATA] = Path(data).resolve()
    with booted(image, tmp_path_factory.mktemp("guest"), shares) as running:
        # Begun at once: it takes minutes, in which the cameras are tested on the guest's other processor.
        running.check(
            f"cp -r {PROJECT} /root/project && systemd-run --quiet --no-block --unit={INSTALLATION} "
            "--property=Type=oneshot --property=RemainAfterExit=yes --working-directory=/root/project "
            f"--setenv=PIP_NO_INDEX=1 --setenv=PIP_FIND_LINKS={WHEELHOUSE} make install"
        )
        yield running


@pytest.fixture(scope="session")
def guest_data(guest: Guest, test_data: Path) -> str:
    """Where the guest sees `test_data`, the photographs and weights."""
    return TEST_DATA


@pytest.fixture(scope="session")
def installed(guest: Guest) -> None:
    """The project installed in the guest as its README says, with packages from the host instead of the network."""
    state = f"systemctl show --property=ActiveState --value {INSTALLATION}"
    wait_for("the installation", lambda: guest.check(state).strip() != "activating", seconds=INSTALL_SECONDS)
    assert guest.check(state).strip() == "active", guest.journal(INSTALLATION)


@pytest.fixture(scope="session")
def service(guest: Guest, installed: None, guest_data: str) -> Service:
    """The service, installed; a hung one is found out and killed sooner than the unit would."""
    dropin = f"/etc/systemd/system/{UNIT}.service.d"
    guest.check(
        f"mkdir -p {dropin} && printf '[Service]\\nWatchdogSec=20\\nTimeoutAbortSec=2\\n' >{dropin}/test.conf && "
        "systemctl daemon-reload"
    )
    return Service(guest)


@pytest.fixture(scope="session")
def probe(guest: Guest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    """The project's camera code, running in the guest."""
    with Probe(guest, tmp_path_factory.mktemp("probe") / "log") as running:
        yield running


@pytest.fixture
def usb_camera(guest: Guest) -> Iterator[Vivid]:
    """A webcam, plugged in."""
    with webcam(guest) as camera:
        yield camera


@pytest.fixture
def exact_camera(guest: Guest) -> Iterator[Vivid]:
    """A camera that gives exactly what it is asked for."""
    with hdmi_camera(guest) as camera:
        yield camera


@pytest.fixture
def loopback(guest: Guest) -> Iterator[Loopback]:
    """A camera that nobody feeds yet."""
    camera = Loopback(guest)
    yield camera
    camera.unload()


@pytest.fixture
def opener(probe: Probe) -> Iterator[Callable[[str], RemoteCamera]]:
    """Makes cameras of the project's code, by node, and closes them in the end."""
    cameras: list[RemoteCamera] = []
    probe.heard()  # what earlier tests left unheard

    def make(node: str) -> RemoteCamera:
        cameras.append(RemoteCamera(probe, f"camera{len(cameras)}", node))
        return cameras[-1]

    yield make
    for camera in cameras:
        camera.release()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what the guest had to say."""
    report = yield
    guest = getattr(item, "funcargs", {}).get("guest")
    if report.failed and guest:
        report.sections.append(("guest's journal", guest.run("journalctl --no-pager --lines=50", timeout=60).stdout))
        report.sections.append(("guest's console", str(guest.console)))
    return report
