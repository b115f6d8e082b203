"""CSI cameras, through stand-ins that keep to the real ones' options, bytes and words: a test machine has none."""

import importlib
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from pi_classifier.config.schema import CameraSettings
from pi_classifier.errors import CameraAbsent, CameraBusy, CameraLost, CameraUnsupported, CaptureTimeout, ConfigError
from pi_classifier.sources.csi.failure import camera_failure
from pi_classifier.sources.csi.find import csi_camera, csi_cameras
from pi_classifier.sources.csi.picamera2 import Picamera2Camera
from pi_classifier.sources.csi.rpicam import RpicamVid
from pi_classifier.sources.synthetic import Synthetic
from pi_classifier.sources.uri import source_for, sources_for
from pi_classifier.sources.v4l2.camera import find_cameras
from tests.running import Program
from tests.sources import fake_rpicam_vid
from tests.sources.fake_rpicam_vid import COLOURS

FAKES = Path(__file__).parent
WHITE = (255, 255, 255)


def install(folder: Path, behaviour: str, name: str = "rpicam-vid") -> Path:
    """Put a program called rpicam-vid into a folder; returns the file in which it notes its process ids."""
    folder.mkdir(exist_ok=True)
    script = shutil.copy(FAKES / "fake_rpicam_vid.py", folder)
    program = folder / name
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E {script} {shlex.quote(behaviour)} "$@"\n')
    program.chmod(0o755)
    return folder / "pids"


@pytest.fixture
def no_picamera2(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without picamera2, even should this one have it."""
    monkeypatch.setitem(sys.modules, "picamera2", None)


@pytest.fixture
def rpicam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_picamera2: None) -> Callable[[str], Path]:
    """Installs an rpicam-vid that behaves as told; returns the file of its process ids."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return lambda behaviour: install(tmp_path / "bin", behaviour)


@pytest.fixture
def picamera2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The stand-in of picamera2, importable under its name."""
    monkeypatch.delitem(sys.modules, "picamera2", raising=False)
    shutil.copy(FAKES / "fake_picamera2.py", tmp_path / "picamera2.py")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("picamera2")
    sys.modules.pop("picamera2", None)


def camera(number: int = 0, *, width: int = 224, height: int = 224) -> Picamera2Camera | RpicamVid:
    """What `csi:` gives, fast."""
    return csi_camera("front", number, width=width, height=height, fps=200)


def is_gone(pid: int) -> bool:
    """Whether a process has ended; one whose parent has not looked yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def assert_reaped(pids: Path) -> None:
    """No child is left, neither running nor as a zombie of ours."""
    for pid in map(int, pids.read_text(encoding="utf-8").split()):
        assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(("width", "height", "shape"), [(224, 224, (224, 256)), (640, 481, (482, 640))])
def test_colours_and_rows_are_right(
    rpicam: Callable[[str], Path], width: int, height: int, shape: tuple[int, int]
) -> None:
    """Protects from slanted pictures and television's range: each half has its colour to its edges, white is 255."""
    rpicam("well")
    with closing(camera(width=width, height=height).frames()) as frames:
        for colour, frame in zip(COLOURS * 2, frames, strict=False):
            assert frame.pixels.shape == (*shape, 3)
            middle = shape[1] // 2
            assert np.abs(frame.pixels[:, :middle].astype(int) - colour).max() <= 3
            assert np.abs(frame.pixels[:, middle:].astype(int) - WHITE).max() <= 1


def test_child_that_dies_in_the_middle_of_a_frame(rpicam: Callable[[str], Path]) -> None:
    """Protects from a crash of rpicam-vid: its last words are in the error, half a frame is none, and it comes back."""
    pids = rpicam("dies")
    source = camera()
    for start in (0, 3):
        numbers: list[int] = []
        with pytest.raises(CameraLost, match=r"^CSI camera 0: failed to queue request; check its cable") as loss:
            numbers.extend(frame.sequence for frame in source.frames())
        assert "\n" not in str(loss.value)
        assert numbers == list(range(start, start + 3))
    assert_reaped(pids)


def test_no_camera_connected(rpicam: Callable[[str], Path]) -> None:
    """Protects a start before the cable is right: what rpicam-vid says of it, with the remedy, and another attempt."""
    pids = rpicam("absent")
    with pytest.raises(
        CameraLost, match="CSI camera 0: no cameras available; check its cable, and 'pi-classifier boot"
    ):
        next(camera().frames())
    assert csi_cameras() == []
    assert_reaped(pids)


@pytest.mark.parametrize("behaviour", ["hangs", "stubborn"])
def test_silent_child(rpicam: Callable[[str], Path], behaviour: str) -> None:
    """Protects from waiting for ever: a child that stops in the middle of a frame times out, and is put to an end."""
    pids = rpicam(behaviour)
    with closing(camera().frames()) as frames:
        assert [frame.sequence for frame in islice(frames, 3)] == [0, 1, 2]
        with pytest.raises(CaptureTimeout, match="CSI camera 0 sends nothing for 2 s"):
            next(frames)
    assert_reaped(pids)


def test_child_that_is_slow_to_start(rpicam: Callable[[str], Path]) -> None:
    """Protects cameras with many modes, of which libcamera tries each: the first frame may take longer than others."""
    rpicam("slow to start")
    with closing(camera().frames()) as frames:
        assert next(frames).sequence == 0


def test_closing_ends_the_child(rpicam: Callable[[str], Path]) -> None:
    """Protects the camera from being held by a child that nobody listens to, even one that waits for its pipe."""
    pids = rpicam("well")
    with closing(camera().frames()) as frames:
        next(frames)
        assert not is_gone(int(pids.read_text(encoding="utf-8")))
    assert_reaped(pids)


def test_child_has_a_session_of_its_own(rpicam: Callable[[str], Path]) -> None:
    """Protects the totals at the end: Ctrl-C in a terminal reaches us alone, so no camera is lost on the way out."""
    pids = rpicam("well")
    with closing(camera().frames()) as frames:
        next(frames)
        assert os.getsid(int(pids.read_text(encoding="utf-8"))) != os.getsid(0)


def test_older_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_picamera2: None) -> None:
    """Protects a Bookworm that was never upgraded, where the program is called libcamera-vid."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    install(tmp_path / "bin", "well", "libcamera-vid")
    with closing(camera().frames()) as frames:
        assert next(frames).sequence == 0


def test_machine_with_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_picamera2: None) -> None:
    """Protects from retrying what cannot work: it is said before anything starts, with the command that helps."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CameraUnsupported, match="sudo apt install rpicam-apps-lite"):
        source_for(CameraSettings(source="csi:0"))
    assert csi_cameras() == []


def test_program_that_goes_away(rpicam: Callable[[str], Path]) -> None:
    """Protects a daemon during an upgrade of its system: a program that is just being replaced is a lost camera."""
    rpicam("well")
    source = camera()
    assert isinstance(source, RpicamVid)
    path = shutil.which("rpicam-vid")
    assert path is not None
    Path(path).unlink()
    with pytest.raises(CameraLost, match="No such file"):
        next(source.frames())


@pytest.mark.parametrize("uri", ["csi:0", "csi:", "csi", "csi:1"])
def test_uri_names_the_camera(rpicam: Callable[[str], Path], uri: str) -> None:
    """Protects the source URIs: by its number, the first if none is given."""
    rpicam("well")
    assert str(source_for(CameraSettings(source=uri))).startswith(f"CSI camera {1 if '1' in uri else 0} ")


@pytest.mark.parametrize("uri", ["csi:first", "csi:-1", "csi:/dev/video0"])
def test_uri_of_no_number(uri: str) -> None:
    """Protects from a typing error: the refusal names it and the right form."""
    with pytest.raises(ConfigError, match=f"{uri}: .* csi:0"):
        source_for(CameraSettings(source=uri))


def test_auto_takes_a_csi_camera(rpicam: Callable[[str], Path]) -> None:
    """Protects a start without any configuration on a Pi with its own camera, and with none connected."""
    if find_cameras():
        pytest.skip("this machine has a V4L2 camera, which goes first")
    rpicam("well")
    assert csi_cameras() == ["imx708_wide", "imx219"]
    automatic = CameraSettings(source="auto")
    first, second, third = sources_for([automatic] * 3, wait=False)
    assert (str(first), str(second)) == (
        "CSI camera 0 through rpicam-vid, 256x224",
        "CSI camera 1 through rpicam-vid, 256x224",
    )
    assert isinstance(third, Synthetic)
    rpicam("absent")
    assert [type(source) for source in sources_for([automatic], wait=False)] == [Synthetic]


def test_picamera2_is_asked_for_what_is_meant(picamera2: ModuleType) -> None:
    """Protects colours, rate and focus: BGR in memory, a fixed frame duration, continuous autofocus; then closed."""
    picamera2.Picamera2.clock = staticmethod(lambda: time.monotonic_ns() - 20_000_000)
    source = csi_camera("front", 0, width=225, height=224, fps=40)
    with closing(source.frames()) as frames:
        for number, frame in enumerate(islice(frames, 3)):
            assert frame.pixels.shape == (224, 224, 3)
            assert frame.pixels[100, 100].tolist() == [200, 100, number]
            assert time.monotonic() - frame.captured_at >= 0.02
    (opened,) = picamera2.Picamera2.opened
    assert opened.configuration["controls"] == {"FrameDurationLimits": (25000, 25000), "AfMode": 2}
    assert opened.closed
    assert opened.lent == 0


def test_picamera2_on_another_clock(picamera2: ModuleType) -> None:
    """Protects the age of frames: a timestamp that cannot be of our clock is not believed."""
    picamera2.Picamera2.clock = staticmethod(lambda: time.monotonic_ns() + 3_600_000_000_000)
    before = time.monotonic()
    with closing(camera().frames()) as frames:
        assert before <= next(frames).captured_at <= time.monotonic()


def test_picamera2_falls_silent_and_comes_back(picamera2: ModuleType) -> None:
    """Protects recovery: a silent camera is closed and may be opened again, and its numbers go on."""
    picamera2.Picamera2.frames_until_silence = 2
    source = camera()
    numbers: list[int] = []
    for _ in range(2):
        with pytest.raises(CaptureTimeout, match="CSI camera 0 sends nothing"):
            numbers.extend(frame.sequence for frame in source.frames())
    assert numbers == [0, 1, 2, 3]
    assert [opened.closed for opened in picamera2.Picamera2.opened] == [True, True]


def test_picamera2_without_the_camera(picamera2: ModuleType) -> None:
    """Protects from a wrong number, a USB camera in its place, and a camera in use: each is waited for."""
    assert csi_cameras() == ["imx708"]
    with pytest.raises(CameraAbsent, match="CSI camera 1: no such camera"):
        next(camera(1).frames())
    picamera2.Picamera2.busy = True
    with pytest.raises(CameraLost, match="did not complete"):
        next(camera().frames())


def test_picamera2_that_does_not_load(
    rpicam: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects Bookworm, whose picamera2 is built for another NumPy than ours: rpicam-vid takes over."""
    rpicam("well")
    monkeypatch.delitem(sys.modules, "picamera2")
    (tmp_path / "picamera2.py").write_text("raise ValueError('numpy.dtype size changed')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert isinstance(camera(), RpicamVid)


@pytest.mark.parametrize(
    ("behaviour", "number"), [("well", signal.SIGTERM), ("hangs", signal.SIGTERM), ("well", signal.SIGKILL)]
)
def test_daemon_leaves_no_child(
    program: Callable[..., Program], tmp_path: Path, behaviour: str, number: signal.Signals
) -> None:
    """Protects the camera for the next start: stopped or killed, the daemon takes rpicam-vid along."""
    pids = install(tmp_path / "bin", behaviour)
    running = program(
        "run", "--source", "csi:0", "--weights", "untrained", "--metrics-listen", "",
        environment={"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"},
    )  # fmt: skip
    running.wait_for_line("fps | ")
    running.stop(number)
    result = running.wait()
    children = [int(pid) for pid in pids.read_text(encoding="utf-8").split()]
    deadline = time.monotonic() + 60
    while not all(map(is_gone, children)):
        assert time.monotonic() < deadline
    if number == signal.SIGTERM:
        assert result.returncode == 0
        assert "Traceback" not in result.stderr
        assert " captured = " in result.stdout


def test_stand_in_knows_the_real_range() -> None:
    """Protects these tests: the stand-in's colours are JPEG's, white at 255 and not at television's 235."""
    assert fake_rpicam_vid.jpeg_ycbcr(*WHITE) == (255, 128, 128)
    assert fake_rpicam_vid.jpeg_ycbcr(0, 0, 0) == (0, 128, 128)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("no cameras available", CameraAbsent),
        ("failed to acquire camera: Device or resource busy", CameraBusy),
        ("Pipeline handler in use by another process", CameraBusy),
        ("Camera __init__ sequence did not complete.", CameraBusy),
        ("failed to queue request", CameraLost),
    ],
)
def test_kind_of_failure_is_read_from_the_message(message: str, kind: type[CameraLost]) -> None:
    """Protects the journal: a camera that is absent, then in use, then fails, is news each time."""
    failure = camera_failure("CSI camera 0", message)
    assert type(failure) is kind
    assert failure.problem == f"CSI camera 0: {message}"
