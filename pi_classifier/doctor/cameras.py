"""The cameras of this machine: which can be used, which are refused, and who is in the way."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from pi_classifier.config.network_url import is_network
from pi_classifier.config.schema import CameraSettings, Settings
from pi_classifier.doctor.finding import Finding, State
from pi_classifier.doctor.machine import Machine
from pi_classifier.doctor.processes import Holders, holders
from pi_classifier.errors import PiClassifierError
from pi_classifier.sources.csi.find import csi_cameras
from pi_classifier.sources.uri import source_for
from pi_classifier.sources.v4l2 import videodev2
from pi_classifier.sources.v4l2.camera import NOT_CAMERAS, CameraInfo, find_cameras

CSI_RECEIVERS = ("unicam", "rp1-cfe")
"""Whose nodes are there when a CSI camera was found: they hold raw sensor data."""


def cameras(machine: Machine, csi: Callable[[], list[str]] = csi_cameras) -> list[Finding]:
    """One finding a camera, one of the nodes that are forbidden, and one if nothing was found.

    `csi` lists the models of the CSI cameras.
    """
    folder = machine.root / "dev"
    usable = find_cameras(folder, busy=True)
    findings = [_usable(camera, machine) for camera in usable]
    findings += [Finding(f"camera csi:{number}", State.OK, model) for number, model in enumerate(csi())]
    known = {camera.node for camera in usable}
    nodes = [node for node in sorted(folder.glob("video*")) if node not in known and not _is_internal(node, machine)]
    refusals = {node: reason for node in nodes if (reason := _refusal(node))}
    if forbidden := [node.name for node, reason in refusals.items() if reason == errno.EACCES]:
        remedy = "run 'sudo usermod -aG video $USER', then log out and in again"
        findings.append(Finding("camera", State.PROBLEM, f"{', '.join(forbidden)}: permission denied", remedy))
    for node, reason in refusals.items():
        if reason != errno.EACCES:
            findings.append(_unopened(node, reason, machine))
    return findings or [_none(machine)]


def sources(settings: Settings) -> list[Finding]:
    """What there is to say of each configured camera that names its source."""
    named = [camera for camera in settings.camera if camera.source != "auto"]
    return [finding for camera in named for finding in _source(camera)]


def held(node: Path, machine: Machine, *, busy: bool) -> tuple[State, str, str]:
    """How it stands with a camera that others may have open: state, what to say of it, remedy.

    `busy` is whether somebody streams; to have it open alone does nobody harm.
    """
    found = holders(f"/dev/{node.name}", machine.root)
    who = f"in use by {found}" if busy else f"also open in {found}"
    if any(process.ours for process in found.processes):
        return State.OK, who, ""
    if not busy:
        return State.OK, who if found.processes else "free", ""
    if found.processes:
        return State.PROBLEM, who, "close that program"
    return State.WARNING, f"in use; {_unseen(found)}", "'sudo pi-classifier doctor' may name it; the service is one"


def _source(camera: CameraSettings) -> list[Finding]:
    name = f"source of {camera.name}"
    try:
        source = source_for(camera)
        if is_network(camera.source):
            from pi_classifier.doctor.network_camera import network_camera  # noqa: PLC0415 - of those who have one

            return network_camera(name, source)
    except PiClassifierError as error:
        return [Finding(name, State.PROBLEM, error.problem, error.remedy)]
    return [_local(camera, name)]


def _local(camera: CameraSettings, name: str) -> Finding:
    node = Path(camera.source.removeprefix("v4l2:"))
    if node.is_relative_to("/dev") and not node.exists():
        remedy = "plug it in, or name another: see 'ls /dev/v4l/by-id'"
        return Finding(name, State.PROBLEM, f"{node} is not there", remedy)
    return Finding(name, State.OK, "as configured")


def _usable(camera: CameraInfo, machine: Machine) -> Finding:
    with _opened(camera.node) as descriptor:
        offers = ", ".join(_offer(descriptor, code) for code in camera.pixel_formats)
        busy = videodev2.is_busy(descriptor)
    state, use, remedy = held(camera.node, machine, busy=busy)
    return Finding(f"camera {camera.node.name}", state, f"{camera.card} ({camera.driver}): {offers}; {use}", remedy)


def _unopened(node: Path, reason: int, machine: Machine) -> Finding:
    found = holders(f"/dev/{node.name}", machine.root)
    seen = f"{os.strerror(reason)}; {f'open in {found}' if found.processes else _unseen(found)}"
    return Finding(f"camera {node.name}", State.PROBLEM, seen, "close what uses it; check its plug and power")


def _unseen(found: Holders) -> str:
    return "no process that is seen here has it open" if found.complete else "by whom, only root may see"


def _none(machine: Machine) -> Finding:
    names = machine.root.glob("sys/class/video4linux/video*/name")
    if any(machine.read(name.relative_to(machine.root)).startswith(CSI_RECEIVERS) for name in names):
        seen = "a CSI camera was found by the kernel, and nothing here can drive it"
        return Finding("camera", State.WARNING, seen, "run 'sudo apt install rpicam-apps-lite'")
    remedy = "plug one in; without, 'auto' shows a drawn scene"
    return Finding("camera", State.WARNING, "none found", remedy)


def _is_internal(node: Path, machine: Machine) -> bool:
    """Whether it is a node of the processor's own blocks, of which a Raspberry Pi has a dozen and more."""
    return machine.read(f"sys/class/video4linux/{node.name}/name").startswith(tuple(NOT_CAMERAS))


def _refusal(node: Path) -> int:
    """The error number with which a node cannot be opened; 0 for one that can and is no camera."""
    try:
        with _opened(node):
            return 0
    except OSError as error:
        return error.errno or errno.EIO


@contextlib.contextmanager
def _opened(node: Path) -> Iterator[int]:
    descriptor = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _offer(descriptor: int, code: str) -> str:
    """A pixel format with the largest size that it comes in, and its rate there: `MJPG up to 1920x1080 at 30 fps`."""
    offer = code
    with contextlib.suppress(OSError):  # not every driver tells its sizes, nor its rates
        for width, height in sorted(size.largest for size in videodev2.frame_sizes(descriptor, code))[-1:]:
            offer = f"{code} up to {width}x{height}"
            for fps in sorted(rate.fastest for rate in videodev2.frame_rates(descriptor, code, width, height))[-1:]:
                offer += f" at {fps:.4g} fps"
    return offer
