"""The service with two kinds of cameras, one on a plug and one on the network: either goes and comes back by itself."""

import re
import shlex
import time
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT
from tests.guest.cameras import PROJECT, PYTHON, Vivid, webcam
from tests.guest.guest import Guest
from tests.guest.service import UNIT, WEIGHTS, Service

GARDEN, PORT, USERNAME = "garden", 8554, "viewer"
PASSWORD = "cAnArY @:/w#rd%"  # noqa: S105 - of a camera that lives for a minute
CREDENTIAL = "garden-password"
FILE = f"/etc/pi-classifier/{CREDENTIAL}"
DROPIN = f"/etc/systemd/system/{UNIT}.service.d/override.conf"
DOCUMENTED = re.compile(r"^```ini\n(.*LoadCredential=.*?)^```$", re.DOTALL | re.MULTILINE)
CAMERAS = f"""\
[[camera]]
name = "{GARDEN}"
source = "rtsp://127.0.0.1:{PORT}/camera"
username = "{USERNAME}"
password_file = "{CREDENTIAL}"
max_fps = 5
"""


class NetworkCamera:
    """A camera with an address, as a process in the guest."""

    unit = "garden-camera"

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._command = f"{PYTHON} {PROJECT}/tests/guest/rtsp_camera.py {PORT} {USERNAME} {FILE}"

    def start(self) -> None:
        """Turn it on; returns when it listens."""
        self._guest.check(f"systemd-run --quiet --collect --unit={self.unit} -- bash -c {shlex.quote(self._command)}")
        self._guest.wait_until(f"ss --listening --tcp --numeric | grep ':{PORT} '")

    def stop(self) -> None:
        """Pull its plug; what is connected gets an end."""
        self._guest.check(f"systemctl kill --signal=KILL {self.unit}")
        self._guest.wait_until(f"! systemctl is-active {self.unit}")


@pytest.fixture(scope="module")
def garden(service: Service) -> Iterator[NetworkCamera]:
    """The camera on the network, its password handed over as the documents say."""
    guest = service.guest
    documented = DOCUMENTED.search((ROOT / "docs" / "sources.md").read_text(encoding="utf-8"))
    assert documented
    guest.check(f"printf %s {shlex.quote(documented[1])} >{DROPIN} && systemctl daemon-reload")
    guest.check(f"echo {shlex.quote(PASSWORD)} | install -m 600 /dev/stdin {FILE}")
    camera = NetworkCamera(guest)
    camera.start()
    yield camera
    guest.run(f"systemctl kill --signal=KILL {camera.unit}")
    guest.check(f"rm {DROPIN} {FILE} && systemctl daemon-reload")


@pytest.fixture(scope="module")
def front(service: Service, garden: NetworkCamera) -> Iterator[Vivid]:
    """The camera on a plug."""
    with webcam(service.guest) as camera:
        yield camera
        service.stop()


@pytest.fixture(scope="module")
def both(service: Service, garden: NetworkCamera, front: Vivid) -> Service:
    """The service, with a worker for each of them."""
    running = Service(service.guest, f'weights = "{WEIGHTS}"\nworkers = 2')
    running.stop()
    running.configure(source=front.node, fps=5, more=CAMERAS)
    running.start()
    for camera in ("front", GARDEN):
        running.wait_for_sample("camera_up", 1, camera=camera)
    return running


def test_both_are_classified(both: Service) -> None:
    """Protects the sandbox and the password: the service reaches the network and knows the secret that is root's."""
    for camera in ("front", GARDEN):
        both.wait_for_sample("frames_classified_total", 2, camera=camera)
    assert both.guest.check(f"stat --format=%a:%U {FILE}").strip() == "600:root"


def test_camera_on_the_network_goes_and_comes_back(both: Service, garden: NetworkCamera) -> None:
    """Protects the other camera, and who asks which one it was: the loss is told of one, and the other goes on."""
    garden.stop()
    both.wait_for_sample("camera_up", 0, 0, camera=GARDEN)
    assert both.wait_for_entry(EVENT="camera_down", CAMERA=GARDEN)
    before = both.samples()
    both.wait_for_more("frames_classified_total", before, by=2)
    assert both.samples()["camera_up"] == 1
    garden.start()
    started = time.monotonic()
    both.wait_for_sample("camera_up", 1, camera=GARDEN)
    print(f"seen to be back {time.monotonic() - started:.1f} s after it listens")
    assert both.wait_for_entry(EVENT="camera_up", CAMERA=GARDEN)


def test_camera_on_a_plug_goes_and_comes_back(both: Service, front: Vivid) -> None:
    """Protects the other camera, the other way round."""
    front.unplug()
    both.wait_for_sample("camera_up", 0, 0)
    before = both.samples(GARDEN)
    both.wait_for_more("frames_classified_total", before, by=2, camera=GARDEN)
    assert both.samples(GARDEN)["camera_up"] == 1
    front.plug()
    both.wait_for_sample("camera_up", 1)
    assert both.wait_for_entry(EVENT="camera_up", CAMERA="front")


def test_stop_while_the_network_is_silent(both: Service, garden: NetworkCamera) -> None:
    """Protects `systemctl stop`: it waits for no read from a camera that hangs; and no journal has the password."""
    guest = both.guest
    started = time.monotonic()
    guest.check(f"systemctl kill --signal=STOP {garden.unit} && systemctl stop {UNIT}")
    print(f"stopped within {time.monotonic() - started:.1f} s")
    assert both.property("Result") == "success"
    assert both.property("ExecMainStatus") == "0"
    assert f"{GARDEN} done: " in guest.journal(UNIT)
    assert guest.check("journalctl --no-pager --output=export | grep --text --count cAnArY || true").strip() == "0"
