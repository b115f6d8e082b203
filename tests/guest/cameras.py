"""What the tests do to the guest's cameras, and the project's camera code at work in the guest."""

import json
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pi_classifier import errors
from tests.guest.guest import COMMAND_SECONDS, Guest, GuestError

PROJECT = "/srv/project"
SITE_PACKAGES = "/srv/site-packages"
TEST_DATA = "/srv/test-data"
BUNDLES = "/srv/bundles"
# What a camera test runs is the project's working tree; a test of the installation has no use for this.
PYTHON = f"env PYTHONPATH={PROJECT}:{SITE_PACKAGES} PYTHONDONTWRITEBYTECODE=1 XDG_CACHE_HOME=/var/cache python3"
VIVID = "vivid.0"


class Vivid:
    """The kernel's virtual camera; a webcam unless it was loaded with another input."""

    node = "/dev/video0"

    def __init__(self, guest: Guest, inputs: str = "") -> None:
        """`inputs`: more parameters of the module."""
        self._guest = guest
        self._inputs = inputs
        self.load()

    def load(self) -> None:
        """Load the driver."""
        parameters = f"n_devs=1 node_types=0x1 {self._inputs}"
        self._guest.check(f"modprobe vivid {parameters} && udevadm settle && test -c {self.node}")

    def control(self, name: str, value: int = 1) -> None:
        """Set one of the driver's controls; those called inject_... and disconnect are faults."""
        self._guest.check(f"v4l2-ctl -d {self.node} -c {name}={value}")

    def unplug(self) -> None:
        """The device goes, as from a USB port."""
        self._guest.check(f"echo {VIVID} >/sys/bus/platform/drivers/vivid/unbind && udevadm settle")

    def plug(self) -> None:
        """And comes back, under the first number that is free."""
        self._guest.check(f"echo {VIVID} >/sys/bus/platform/drivers/vivid/bind && udevadm settle")

    def unload(self) -> None:
        """Remove the driver; it must not be in use."""
        self._guest.check("modprobe -r vivid && udevadm settle")


@contextmanager
def webcam(guest: Guest) -> Iterator[Vivid]:
    """A camera like those on USB: it offers a few sizes and rounds what it is asked for."""
    camera = Vivid(guest)
    try:
        yield camera
    finally:
        camera.unload()


@contextmanager
def hdmi_camera(guest: Guest) -> Iterator[Vivid]:
    """A camera that gives any size, 224x224 among them, at 35.9 fps, the rate of the signal at its input."""
    camera = Vivid(guest, "num_inputs=1 input_types=3")
    try:
        timings = "--set-dv-bt-timings=cvt,width=1920,height=1080,fps=36"
        guest.check(f"v4l2-ctl -d {camera.node} -c osd_text_mode=2 && v4l2-ctl -d {camera.node} {timings}")
        yield camera
    finally:
        camera.unload()


class Loopback:
    """A camera that shows what a program feeds it; without a feeder it is none."""

    node = "/dev/video8"

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        guest.check("modprobe v4l2loopback video_nr=8 exclusive_caps=1 card_label=loopback && udevadm settle")

    @contextmanager
    def showing(
        self, picture: str, *, pixel_format: str = "YUYV", width: int = 224, height: int = 224
    ) -> Iterator[None]:
        """Feed it a picture (a file in the guest, or `grey`) at 36 fps while the context lasts."""
        feed = f"{PYTHON} {PROJECT}/tests/guest/feed.py {self.node} {width} {height} 36 {pixel_format} {picture}"
        with self._guest.service("feed", feed):
            self._guest.wait_until(
                f"! systemctl is-active feed || v4l2-ctl -d {self.node} --info | grep 'Video Capture'"
            )
            self._guest.check("systemctl is-active feed || { journalctl --unit=feed; false; }")
            yield

    def unload(self) -> None:
        """Remove the driver."""
        self._guest.check("modprobe -r v4l2loopback && udevadm settle")


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """A frame that the project's code read in the guest; the fields are those of `Frame`, and what became of pixels."""

    camera: str
    sequence: int
    captured_at: float
    read_at: float
    """Seconds of the guest's `time.monotonic()` when the frame had been read."""
    width: int
    height: int
    mean_bgr: tuple[float, float, float]
    digest: str
    """Of the pixels: equal pictures have equal digests."""
    corrupt: bool


class Probe:
    """The project's camera code, running in the guest; its errors are raised here."""

    def __init__(self, guest: Guest, log: Path) -> None:
        """`log` takes what the code writes to stderr."""
        self._log = log
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [*guest.ssh, f"{PYTHON} {PROJECT}/tests/guest/probe.py"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process as process:
            process.terminate()

    def find(self, *, busy: bool = False) -> list[dict[str, Any]]:
        """What `find_cameras` finds, with `busy` those in use as well."""
        found: list[dict[str, Any]] = self.ask("find", busy=busy)
        return found

    def heard(self) -> list[str]:
        """What the code has logged since this was last asked."""
        messages: list[str] = self.ask("heard")
        return messages

    def ask(self, function: str, **arguments: object) -> Any:
        """Call a function of probe.py.

        Raises:
            PiClassifierError: whatever the project's code raised.
            GuestError: it crashed, or hangs.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        stdin.write(json.dumps([function, arguments]).encode() + b"\n")
        stdin.flush()
        if not select.select([stdout], [], [], COMMAND_SECONDS)[0]:
            raise GuestError(f"no answer to {function} {arguments} for {COMMAND_SECONDS:g} s; see {self._log}")
        line = stdout.readline()
        if not line:
            self._process.wait()
            raise GuestError(f"{function} {arguments} ended the probe:\n{self._log.read_text()}")
        answer = json.loads(line)
        if "error" in answer:
            raise getattr(errors, answer["error"])(answer["problem"], remedy=answer["remedy"])
        return answer["result"]


class RemoteCamera:
    """One `V4L2Camera` of the probe."""

    def __init__(
        self, probe: Probe, name: str, node: str, *, width: int = 224, height: int = 224, fps: float = 36
    ) -> None:
        self._probe, self._name = probe, name
        probe.ask("create", name=name, node=node, width=width, height=height, fps=fps)

    def read(self, count: int = 1) -> list[SeenFrame]:
        """The next frames; the camera is opened if it is not."""
        return [SeenFrame(**frame) for frame in self._probe.ask("read", name=self._name, count=count)]

    def release(self) -> None:
        """Close it."""
        self._probe.ask("release", name=self._name)
