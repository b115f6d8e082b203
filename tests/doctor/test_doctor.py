"""What the doctor sees, on trees of files as real machines have them, on real processes, and on this machine."""

import configparser
import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from pi_classifier.config.address import ListenAddress
from pi_classifier.config.schema import CameraSettings, ModelSettings, Settings, WebSettings
from pi_classifier.contracts.model import Runtime
from pi_classifier.doctor import hardware, operating_system, packages, runtimes
from pi_classifier.doctor.cameras import cameras, held, sources
from pi_classifier.doctor.configuration import configuration
from pi_classifier.doctor.examination import examine
from pi_classifier.doctor.finding import Finding, State
from pi_classifier.doctor.machine import Machine
from pi_classifier.doctor.model_files import Places, published_weights, weights
from pi_classifier.doctor.own_classes import own_classes
from pi_classifier.doctor.packages import LOAD_TORCH, Attempt, Packages
from pi_classifier.doctor.port import metrics_port
from pi_classifier.doctor.processes import holders
from pi_classifier.doctor.report import Report
from pi_classifier.doctor.service import service
from pi_classifier.prepare.store import ModelStore
from pi_classifier.runtimes.bundle import read_bundle
from pi_classifier.system.soc import Soc
from tests.running import Program
from tests.training.folders import touch

SETUP = Path(__file__).parents[2] / "setup.cfg"
SAMPLES = Path(__file__).parents[1] / "system" / "config_txt"

CORTEX_A72 = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

Revision\t: c03114
Serial\t\t: 100000003a1b2c3d
Model\t\t: Raspberry Pi 4 Model B Rev 1.4
"""
CORTEX_A76 = CORTEX_A72.replace(
    "crc32 cpuid", "aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop"
)
MEMINFO = """\
MemTotal:        {total} kB
MemFree:          123456 kB
MemAvailable:    {available} kB
SwapTotal:        {swap} kB
SwapFree:         {swap} kB
HugePages_Total:       0
"""
USERS = (
    "root:x:0:0:root:/root:/bin/bash\npi:x:1000:1000:,,,:/home/pi:/bin/bash\npi-classifier:x:997:997::/var:/bin/false\n"
)


def plant(root: Path, path: str, content: str) -> None:
    """A file below `root`."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


def pi4(root: Path, *, codename: str = "bookworm", cpuinfo: str = CORTEX_A72) -> Machine:
    """A Raspberry Pi 4 with a 64-bit OS."""
    plant(root, "proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0")
    plant(root, "proc/cpuinfo", cpuinfo)
    plant(root, "proc/meminfo", MEMINFO.format(total=3884372, available=3300000, swap=524272))
    plant(
        root,
        "etc/os-release",
        f'PRETTY_NAME="Debian GNU/Linux 12 ({codename})"\nVERSION_CODENAME={codename}\nID=debian\n',
    )
    plant(root, "etc/rpi-issue", "Raspberry Pi reference 2024-11-19\n")
    plant(root, "etc/passwd", USERS)
    plant(root, "etc/group", "root:x:0:\nvideo:x:44:pi,pi-classifier\n")
    plant(root, "boot/firmware/config.txt", (SAMPLES / "bookworm.txt").read_text())
    plant(root, "lib/ld-linux-aarch64.so.1", "")
    return Machine(root, architecture="aarch64", python_bits=64, user_id=1000, group_ids=frozenset([1000, 44]))


def script(folder: Path, name: str, text: str) -> str:
    """An executable that prints `text`; gives its path."""
    program = folder / name
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n")
    program.chmod(0o755)
    return str(program)


# The machine


def test_stock_pi4_is_fine(tmp_path: Path) -> None:
    """Protects from false alarms: a Raspberry Pi 4 as it comes, with a member of the group video, is all well."""
    machine = pi4(tmp_path)
    checks = (
        operating_system.release, operating_system.word_size, operating_system.python, operating_system.video_group,
        operating_system.boot_configuration, hardware.memory,
    )  # fmt: skip
    findings = [check(machine) for check in checks]
    assert {finding.state for finding in findings} == {State.OK}, findings
    assert not any(finding.remedy for finding in findings)
    assert machine.model == "Raspberry Pi 4 Model B Rev 1.4"


@pytest.mark.parametrize(
    ("codename", "state"),
    [("bookworm", State.OK), ("trixie", State.OK), ("bullseye", State.WARNING), ("noble", State.UNKNOWN)],
)
def test_os_generation(tmp_path: Path, codename: str, state: State) -> None:
    """Protects the word on OS releases: supported, too old, or honestly never tried."""
    finding = operating_system.release(pi4(tmp_path, codename=codename))
    assert (finding.state, bool(finding.remedy)) == (state, state != State.OK)
    assert codename in finding.seen


def test_no_os_release(tmp_path: Path) -> None:
    """Protects from a crash, and from a verdict, where nothing tells the OS."""
    assert operating_system.release(Machine(tmp_path)).state == State.UNKNOWN


def test_64_bit_kernel_with_32_bit_programs(tmp_path: Path) -> None:
    """Protects who is deceived by `uname -m`: the 32-bit Raspberry Pi OS boots a 64-bit kernel."""
    finding = operating_system.word_size(Machine(tmp_path, architecture="aarch64", python_bits=32))
    assert finding.state == State.PROBLEM
    assert "32-bit programs under a 64-bit kernel" in finding.seen
    assert "64-bit Raspberry Pi OS" in finding.remedy


def test_32_bit_python_on_a_64_bit_system(tmp_path: Path) -> None:
    """Protects from advice to write a new card where only the Python is wrong."""
    plant(tmp_path, "lib/ld-linux-aarch64.so.1", "")
    finding = operating_system.word_size(Machine(tmp_path, architecture="aarch64", python_bits=32))
    assert (finding.state, "card" in finding.remedy) == (State.PROBLEM, False)


@pytest.mark.parametrize(("architecture", "bits"), [("armv7l", 32), ("riscv64", 64)])
def test_machines_without_torch(tmp_path: Path, architecture: str, bits: int) -> None:
    """Protects from a long installation that must fail: torch is not published for every machine."""
    finding = operating_system.word_size(Machine(tmp_path, architecture=architecture, python_bits=bits))
    assert (finding.state, architecture in finding.seen) == (State.PROBLEM, True)


def test_python_range_is_that_of_setup_cfg(tmp_path: Path) -> None:
    """Protects the range from drifting apart from what pip is told, and judges both of its ends."""
    oldest, newest = operating_system.PYTHONS
    options = configparser.ConfigParser()
    options.read(SETUP)
    assert options["options"]["python_requires"] == f">=3.{oldest[1]},<3.{newest[1] + 1}"
    judged = {minor: operating_system.python(Machine(tmp_path, python=(3, minor))).state for minor in range(10, 15)}
    assert [minor for minor, state in judged.items() if state == State.OK] == [11, 12, 13]


def test_clock_that_was_never_set() -> None:
    """Protects who wonders why downloads fail: without a network a Raspberry Pi wakes up in the past."""
    assert operating_system.clock(datetime(1970, 1, 1, tzinfo=UTC)).state == State.WARNING
    assert operating_system.clock(datetime(2025, 6, 1, tzinfo=UTC)).state == State.OK


def test_group_video(tmp_path: Path) -> None:
    """Protects the three cases apart: a member, one who must log in again, one who must be added."""
    pi4(tmp_path)

    def judged(user_id: int, *groups: int) -> Finding:
        return operating_system.video_group(Machine(tmp_path, user_id=user_id, group_ids=frozenset(groups)))

    assert judged(1000, 44).state == State.OK
    assert judged(0).state == State.OK
    assert (judged(1000).state, judged(1000).remedy) == (State.WARNING, "log out and in again")
    assert "usermod" in judged(1234).remedy
    (tmp_path / "etc/group").unlink()
    assert judged(1000).state == State.UNKNOWN


def test_stale_boot_configuration(tmp_path: Path) -> None:
    """Protects upgraded cards: `start_x` and `gpu_mem` of the legacy stack are named, with the command that helps."""
    machine = pi4(tmp_path)
    plant(tmp_path, "boot/firmware/config.txt", (SAMPLES / "bookworm-upgraded-crlf.txt").read_text())
    finding = operating_system.boot_configuration(machine)
    assert finding.state == State.PROBLEM
    assert "start_x=1" in finding.seen
    assert "boot-config apply --comment-out" in finding.remedy
    (tmp_path / "boot/firmware/config.txt").write_text("# nothing\n")
    assert operating_system.boot_configuration(machine).state == State.WARNING
    (tmp_path / "boot/firmware/config.txt").unlink()
    assert operating_system.boot_configuration(machine).state == State.UNKNOWN


def test_temperature(tmp_path: Path) -> None:
    """Protects the limit: at 80 degrees the firmware slows down, below it does not."""
    for text, state in (("79900\n", State.OK), ("82000\n", State.WARNING), ("", State.OK)):
        plant(tmp_path, "sys/class/thermal/thermal_zone0/temp", text)
        assert hardware.temperature(Soc(tmp_path)).state == state


@pytest.mark.parametrize(
    ("bits", "state", "word"),
    [
        ("0x0", State.OK, "neither"),
        ("0x50005", State.PROBLEM, "now: under voltage, throttled"),
        ("0x50000", State.WARNING, "since it was booted: under voltage"),
        ("0x80008", State.WARNING, "soft temperature limit"),
    ],
)
def test_power(tmp_path: Path, bits: str, state: State, word: str) -> None:
    """Protects the two causes apart: a weak supply must be mended, heat and the past are worth a look."""
    vcgencmd = script(tmp_path, "vcgencmd", f"throttled={bits}")
    finding = hardware.power(Soc(tmp_path, vcgencmd), pi4(tmp_path))
    assert (finding.state, word in finding.seen) == (state, True), finding
    assert ("supply" in finding.remedy) == ("under voltage" in finding.seen)


def test_power_unreported(tmp_path: Path) -> None:
    """Protects from a clean bill of health by silence: a Raspberry Pi that does not tell is unknown, a PC is not."""
    soc = Soc(tmp_path, "no-such-vcgencmd")
    assert hardware.power(soc, Machine(tmp_path)).state == State.OK
    assert hardware.power(soc, pi4(tmp_path)).state == State.UNKNOWN
    plant(tmp_path, "sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    plant(tmp_path, "sys/class/hwmon/hwmon1/in0_lcrit_alarm", "0\n")
    assert "throttling is reported to the group video alone" in hardware.power(soc, pi4(tmp_path)).seen


@pytest.mark.parametrize(
    ("total", "available", "swap", "state"),
    [
        (3884372, 3300000, 0, State.OK),
        (949000, 200000, 102400, State.WARNING),  # a Raspberry Pi 3 with a desktop
        (430000, 250000, 0, State.PROBLEM),  # a Zero 2 without swap
    ],
)
def test_memory(tmp_path: Path, total: int, available: int, swap: int, state: State) -> None:
    """Protects from a daemon that the kernel kills: too little in the machine, or too little left."""
    plant(tmp_path, "proc/meminfo", MEMINFO.format(total=total, available=available, swap=swap))
    assert hardware.memory(Machine(tmp_path)).state == state


def test_room_on_the_card(tmp_path: Path) -> None:
    """Protects the limits: a full card and one mounted read-only are reported, also where the folder is missing."""

    def statvfs(free_mb: int, flags: int = 0) -> Callable[[Path], os.statvfs_result]:
        return lambda _: os.statvfs_result((4096, 4096, 0, 0, free_mb * 1_000_000 // 4096, 0, 0, 0, flags, 255))

    def judged(card: Callable[[Path], os.statvfs_result]) -> Finding:
        return hardware.room("room", tmp_path / "not/yet", 50, State.PROBLEM, card)

    assert judged(os.statvfs).name == "room"
    assert judged(statvfs(60)).state == State.OK
    assert judged(statvfs(40)).state == State.PROBLEM
    assert "dmesg" in judged(statvfs(60, os.ST_RDONLY)).remedy
    assert str(tmp_path) in judged(statvfs(40)).seen


# Packages


def distribution(folder: Path, name: str, version: str, code: str = "") -> str:
    """A package as pip leaves it, with metadata; gives the folder for the path."""
    plant(folder, f"{name}/__init__.py", code)
    plant(folder, f"{name}-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return str(folder)


WITHOUT_QNNPACK = "class backends:\n class quantized:\n  supported_engines = ['none', 'fbgemm']\nprint('chatter')\n"
SIGILL_AT_IMPORT = "import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n"


def stand_in(folder: Path, version: str, code: str) -> Packages:
    """This environment with another torch before it."""
    return Packages(path=(distribution(folder, "torch", version, code), *filter(None, sys.path)))


def test_torch_that_kills_a_cortex_a72(tmp_path: Path) -> None:
    """Protects a Raspberry Pi 4 with torch 2.10.0: explained, with the pair to take, by a process that lives on."""
    installed = stand_in(tmp_path / "site", "2.10.0", SIGILL_AT_IMPORT)
    attempt = installed.attempt(LOAD_TORCH)
    assert attempt.killed_by == "SIGILL"
    finding = packages.torch(pi4(tmp_path), installed, attempt)
    assert finding.state == State.PROBLEM
    assert finding.seen.startswith("2.10.0 dies of SIGILL")
    assert "atomics of ARMv8.1 (LSE)" in finding.seen
    assert finding.remedy == "'pip install torch==2.9.1 torchvision==0.24.1'"
    assert packages.engine(pi4(tmp_path), "qnnpack", attempt).state == State.UNKNOWN


def test_sigill_with_atomics_is_another_matter(tmp_path: Path) -> None:
    """Protects from a wrong diagnosis: a processor that has the atomics dies of something else."""
    finding = packages.torch(
        pi4(tmp_path, cpuinfo=CORTEX_A76), stand_in(tmp_path / "site", "2.10.0", ""), Attempt("", killed_by="SIGILL")
    )
    assert finding.state == State.PROBLEM
    assert "LSE" not in finding.seen


def test_torch_that_lacks_a_library(tmp_path: Path) -> None:
    """Protects the reason: what the import complained of is reported, not only that it failed."""
    installed = stand_in(tmp_path, "2.9.1", "raise ImportError('libopenblas.so.0: cannot open shared object file')\n")
    finding = packages.torch(Machine(architecture="aarch64"), installed, installed.attempt(LOAD_TORCH))
    assert (finding.state, "libopenblas.so.0" in finding.seen) == (State.PROBLEM, True)


def test_no_torch(tmp_path: Path) -> None:
    """Protects a bare machine: missing packages are findings."""
    bare = Packages(path=(str(tmp_path),))
    missing = Attempt("", error="No module named 'torch'")
    assert packages.torch(Machine(architecture="aarch64"), bare, missing).seen == "not installed"
    assert packages.torchvision(Machine(architecture="aarch64"), bare).state == State.WARNING


def test_torch_without_the_engine(tmp_path: Path) -> None:
    """Protects from a torch that loads and cannot run the model: the engines it has are named."""
    installed = stand_in(tmp_path, "2.9.1", WITHOUT_QNNPACK)
    attempt = installed.attempt(LOAD_TORCH)
    assert packages.torch(Machine(), installed, attempt).state == State.OK
    finding = packages.engine(Machine(), "qnnpack", attempt)
    assert (finding.state, "none, fbgemm" in finding.seen) == (State.PROBLEM, True)


@pytest.mark.parametrize(
    ("torch", "torchvision", "state"),
    [
        ("2.9.1", "0.24.1", State.OK),
        ("2.13.0+cpu", "0.28.0", State.OK),
        ("2.10.0", "0.24.1", State.PROBLEM),
    ],
)
def test_torch_and_torchvision_go_in_pairs(tmp_path: Path, torch: str, torchvision: str, state: State) -> None:
    """Protects from a torchvision of another torch, whose import fails in words that nobody understands."""
    distribution(tmp_path, "torch", torch)
    installed = Packages(path=(distribution(tmp_path, "torchvision", torchvision),))
    assert packages.torchvision(Machine(architecture="aarch64"), installed).state == state


def test_cuda_packages(tmp_path: Path) -> None:
    """Protects a card from gigabytes that nothing uses."""
    installed = Packages(path=(str(tmp_path),))
    assert packages.cuda(Machine(), installed).state == State.OK
    distribution(tmp_path, "nvidia-cudnn-cu13", "9.15.1")
    finding = packages.cuda(Machine(architecture="aarch64"), installed)
    assert (finding.state, "nvidia-cudnn-cu13" in finding.seen) == (State.WARNING, True)


def test_two_opencvs(tmp_path: Path) -> None:
    """Protects from packages of OpenCV that overwrite each other's files."""
    distribution(tmp_path, "opencv-python", "4.12.0")
    installed = Packages(path=(distribution(tmp_path, "opencv-contrib-python-headless", "4.12.0"),))
    assert packages.capture_libraries(installed, Attempt("4.12.0")).state == State.WARNING
    assert packages.capture_libraries(installed, Attempt("", killed_by="SIGILL")).state == State.PROBLEM


def test_advised_pairs_are_those_of_setup_cfg() -> None:
    """Protects the advice from drifting apart from what is installed."""
    pins = SETUP.read_text()
    for architecture, pair in packages.PAIRS.items():
        for requirement in pair.split():
            assert f'{requirement}; platform_machine == "{architecture}"' in pins


# Processes, port, cameras


@contextlib.contextmanager
def holding(*arguments: str | Path) -> Iterator[int]:
    """Another process that holds a file open until the end of its stdin; gives its pid."""
    code = "import sys; file = open(sys.argv[1]); print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield process.pid
        process.communicate()


def test_who_holds_a_file(tmp_path: Path) -> None:
    """Protects the search through /proc: the process that has a path open is found, and is gone when it has ended."""
    device = tmp_path / "video0"
    device.touch()
    with holding(device) as pid:
        found = holders(str(device)).processes
        assert [(process.pid, process.ours) for process in found] == [(pid, False)]
        assert found[0].name.startswith("python")
    assert not holders(str(device)).processes


def process(root: Path, pid: int, name: str, target: str, *arguments: str) -> None:
    """A process as /proc shows it, with one descriptor."""
    plant(root, f"proc/{pid}/comm", f"{name}\n")
    plant(root, f"proc/{pid}/cmdline", "\0".join(arguments) + "\0")
    (root / f"proc/{pid}/fd").mkdir()
    (root / f"proc/{pid}/fd/3").symlink_to(target)


SERVICE = ("/opt/pi-classifier/current/bin/python3", "/opt/pi-classifier/current/bin/pi-classifier", "run")


@pytest.mark.parametrize(
    "arguments", [SERVICE, ("python3", "-m", "pi_classifier", "run"), ("/usr/local/bin/pi-classifier", "run")]
)
def test_our_own_process_is_known(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Protects from advice to stop the service itself, however it was started."""
    process(tmp_path, 1, "systemd", "/dev/null")
    process(tmp_path, 812, "python3", "/dev/video0", *arguments)
    found = holders("/dev/video0", tmp_path)
    assert str(found) == "pi-classifier (process 812)"
    assert found.complete


def test_hidden_processes_are_admitted(tmp_path: Path) -> None:
    """Protects honesty: where /proc hides the processes of others, the search does not claim to be complete."""
    process(tmp_path, 812, "bash", "/dev/null")
    assert not holders("/dev/video0", tmp_path).complete


def test_camera_held_by_another(tmp_path: Path) -> None:
    """Protects the words for a camera in use: by whom, unless that cannot be seen; an idle watcher is no trouble."""
    node, machine = tmp_path / "dev/video0", Machine(tmp_path)
    assert held(node, machine, busy=True)[:2] == (State.WARNING, "in use; by whom, only root may see")
    process(tmp_path, 1, "systemd", "/dev/null")
    assert held(node, machine, busy=False) == (State.OK, "free", "")
    process(tmp_path, 700, "wireplumber", "/dev/video0", "/usr/bin/wireplumber")
    assert held(node, machine, busy=False) == (State.OK, "also open in wireplumber (process 700)", "")
    assert held(node, machine, busy=True)[:2] == (State.PROBLEM, "in use by wireplumber (process 700)")
    process(tmp_path, 812, "pi-classifier", "/dev/video0", *SERVICE)
    assert held(node, machine, busy=True)[0] == State.OK


def test_no_camera(tmp_path: Path) -> None:
    """Protects what is said where nothing is plugged in; the processor's own nodes do not count as cameras."""
    machine = pi4(tmp_path)
    for number, name in ((10, "bcm2835-codec-decode"), (13, "bcm2835-isp-output0")):
        plant(tmp_path, f"dev/video{number}", "")
        plant(tmp_path, f"sys/class/video4linux/video{number}/name", f"{name}\n")
    assert [finding.seen for finding in cameras(machine, list)] == ["none found"]
    plant(tmp_path, "dev/video0", "")
    plant(tmp_path, "sys/class/video4linux/video0/name", "unicam-image\n")
    assert "rpicam-apps-lite" in cameras(machine, list)[0].remedy
    assert cameras(machine, lambda: ["imx708"]) == [Finding("camera csi:0", State.OK, "imx708")]


def test_forbidden_cameras() -> None:
    """Protects who is not in the group video: one finding names all nodes that were refused."""
    with tempfile.TemporaryDirectory() as folder:  # another user must get there, unlike to tmp_path
        root = Path(folder)
        root.chmod(0o755)
        for number in (0, 1):
            plant(root, f"dev/video{number}", "")
            (root / f"dev/video{number}").chmod(0)
        root_user = os.geteuid() == 0
        if root_user:
            os.seteuid(65534)
        try:
            findings = cameras(Machine(root), list)
        finally:
            if root_user:
                os.seteuid(0)
    assert [finding.seen for finding in findings] == ["video0, video1: permission denied"]
    assert "usermod" in findings[0].remedy


def test_node_that_does_not_open(tmp_path: Path) -> None:
    """Protects a node whose driver refuses: the reason is reported, and who has it open if that can be seen."""
    (tmp_path / "dev").mkdir()
    with contextlib.chdir(tmp_path / "dev"), socket.socket(socket.AF_UNIX) as stand_in_device:
        stand_in_device.bind("video3")  # cannot be opened, as a driver's node can refuse to be
    process(tmp_path, 1, "systemd", "/dev/null")
    process(tmp_path, 99, "ffmpeg", "/dev/video3", "ffmpeg", "-i", "secret")
    (finding,) = cameras(Machine(tmp_path), list)
    assert finding.state == State.PROBLEM
    assert finding.seen == "No such device or address; open in ffmpeg (process 99)"


def test_configured_sources(tmp_path: Path) -> None:
    """Protects who named a camera or file that is not there."""
    named = {"gone": "/dev/video999", "lost": str(tmp_path / "no.mp4"), "pattern": "synthetic:", "any": "auto"}
    findings = sources(Settings(camera=tuple(CameraSettings(name=name, source=uri) for name, uri in named.items())))
    assert [(finding.name, finding.state) for finding in findings] == [
        ("source of gone", State.PROBLEM),
        ("source of lost", State.PROBLEM),
        ("source of pattern", State.OK),
    ]
    assert all(finding.remedy for finding in findings if finding.state == State.PROBLEM)


def test_port_held_by_a_real_process(free_port: int) -> None:
    """Protects the search on the real /proc: a listening socket is found with the process behind it."""
    assert metrics_port(ListenAddress.parse(f"0.0.0.0:{free_port}"), Machine()).state == State.OK
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port))
        listener.listen()
        finding = metrics_port(ListenAddress.parse(f"0.0.0.0:{free_port}"), Machine())
    assert finding.state == State.PROBLEM
    assert f"(process {os.getpid()})" in finding.seen
    assert "metrics-listen" in finding.remedy


EVERYWHERE = ListenAddress.parse("0.0.0.0:9100")
HEADING = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
TCP = HEADING + (
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1 0 100 0 0 10 0\n"
    "   1: 0100007F:238C 0100007F:8000 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0 20 4 0 10 -1\n"
)
TCP6 = HEADING + (
    "   0: 00000000000000000000000000000000:238C 00000000000000000000000000000000:0000 0A 00000000:00000000 "
    "00:00000000 00000000   {uid}        0 333 1 0 100 0 0 10 0\n"
)


def test_port_held_by_node_exporter(tmp_path: Path) -> None:
    """Protects the usual clash on 9100: node_exporter listens on every address of IPv6, which takes IPv4's, too."""
    machine = pi4(tmp_path)
    plant(tmp_path, "proc/net/tcp", TCP)
    assert metrics_port(EVERYWHERE, machine).state == State.OK  # a connection is no listener
    plant(tmp_path, "proc/net/tcp6", TCP6.format(uid=110))
    process(tmp_path, 1, "systemd", "/dev/null")
    process(tmp_path, 640, "node_exporter", "socket:[333]", "/usr/bin/prometheus-node-exporter")
    finding = metrics_port(EVERYWHERE, machine)
    assert (finding.state, finding.seen) == (State.PROBLEM, "9100 is held by node_exporter (process 640)")


def test_port_held_by_ourselves(tmp_path: Path) -> None:
    """Protects a running service from being blamed: by its process, or by its user where root alone sees more."""
    machine = pi4(tmp_path)
    plant(tmp_path, "proc/net/tcp6", TCP6.format(uid=997))
    assert metrics_port(EVERYWHERE, machine).state == State.OK
    plant(tmp_path, "proc/net/tcp6", TCP6.format(uid=1000))
    hidden = metrics_port(EVERYWHERE, machine)
    assert (hidden.state, "user 1000" in hidden.seen) == (State.PROBLEM, True)
    assert "sudo" in hidden.remedy
    process(tmp_path, 812, "pi-classifier", "socket:[333]", *SERVICE)
    assert metrics_port(EVERYWHERE, machine).state == State.OK


@pytest.mark.parametrize(
    ("listen", "state"),
    [
        ("127.0.0.1:8080", State.PROBLEM),
        ("0.0.0.0:8080", State.PROBLEM),
        (":8080", State.PROBLEM),
        ("[::]:8080", State.PROBLEM),
        ("localhost:8080", State.PROBLEM),
        ("192.168.1.5:8080", State.OK),
        ("[::1]:8080", State.OK),
        ("127.0.0.1:0", State.OK),
        ("", State.OK),
    ],
)
def test_addresses_that_clash(tmp_path: Path, listen: str, state: State) -> None:
    """Protects from both errors: 127.0.0.1 stands in the way of every address, but not of another one."""
    plant(tmp_path, "proc/net/tcp", TCP)
    assert metrics_port(ListenAddress.parse(listen) if listen else None, pi4(tmp_path)).state == state


# Service, weights, configuration

LOADED = "LoadState=loaded\nUser=pi-classifier\nSupplementaryGroups=video\nMemoryDenyWriteExecute=no\n"


@pytest.mark.parametrize(
    ("properties", "state", "word"),
    [
        (LOADED + "ActiveState=active\nSubState=running\nExecMainStatus=0", State.OK, "running"),
        (LOADED + "ActiveState=failed\nSubState=failed\nExecMainStatus=78", State.PROBLEM, "exit code 78, a config"),
        (LOADED + "ActiveState=activating\nSubState=auto-restart\nExecMainStatus=75", State.PROBLEM, "port is taken"),
        (LOADED + "ActiveState=activating\nSubState=start\nExecMainStatus=0", State.WARNING, "activating"),
        (LOADED + "ActiveState=inactive\nSubState=dead\nExecMainStatus=0", State.WARNING, "not running"),
        ("LoadState=not-found\nActiveState=inactive", State.OK, "not installed"),
        (LOADED.replace("=no", "=yes") + "ActiveState=active", State.PROBLEM, "torch generates code"),
        (LOADED.replace("=pi-c", "=c").replace("video", "") + "ActiveState=active", State.PROBLEM, "group video"),
    ],
)
def test_service(tmp_path: Path, properties: str, state: State, word: str) -> None:
    """Protects the word on the service: runs, failed and why, never started, or hindered by its own unit."""
    finding = service(pi4(tmp_path), script(tmp_path, "systemctl", properties))
    assert (finding.state, word in finding.seen) == (state, True), finding
    assert bool(finding.remedy) == (state != State.OK)


def test_service_without_systemd(tmp_path: Path) -> None:
    """Protects containers: no systemctl is no fault, unless the unit is there."""
    machine = pi4(tmp_path)
    assert service(machine, "no-such-systemctl").state == State.OK
    plant(tmp_path, "etc/systemd/system/pi-classifier.service", "[Unit]\n")
    assert service(machine, "no-such-systemctl").state == State.UNKNOWN


def test_pictures_of_own_classes(tmp_path: Path) -> None:
    """Protects who takes pictures from not knowing what is next: how many there are, what lacks, how to learn them."""
    folder = tmp_path / "things"
    settings = WebSettings(listen=ListenAddress("127.0.0.1", 8080), collect=str(folder))
    assert own_classes(WebSettings()) == []
    (problem,) = own_classes(settings)
    assert (problem.state, str(folder) in problem.seen) == (State.PROBLEM, True)
    touch(folder, *(f"cup/a_{number}.jpg" for number in range(12)))
    (few,) = own_classes(settings)
    assert (few.state, "1 class, 12 pictures" in few.seen, "/collect" in few.remedy) == (State.WARNING, True, True)
    touch(folder, "glass/a_1.jpg")
    assert own_classes(settings)[0].seen.endswith("2 classes, 13 pictures, few of glass")
    touch(folder, *(f"glass/a_{number}.jpg" for number in range(10)))
    (enough,) = own_classes(settings)
    assert (enough.state, f"'pi-classifier train {folder}' learns them" in enough.seen) == (State.OK, True)


URL = "https://example.org/models/mobilenet_v2.pth"


def test_weights(tmp_path: Path, untrained_model_file: Path) -> None:
    """Protects the order in which weights are looked for: prepared, downloaded, neither; damaged is reported."""
    places = Places(ModelStore(tmp_path), tmp_path / "torch")
    default = ModelSettings(activations="quint8")

    def judged(settings: ModelSettings, attempt: Attempt | None = None) -> Finding:
        return weights(settings, places, lambda: attempt or Attempt(URL))

    assert (judged(default).state, URL in judged(default).remedy) == (State.WARNING, True)
    assert judged(default, Attempt("", killed_by="SIGILL")).state == State.PROBLEM
    plant(tmp_path, "torch/mobilenet_v2.pth", "downloaded")
    assert judged(default).state == State.OK
    prepared = shutil.copy(untrained_model_file, places.store.path_for(default, "quint8"))
    assert judged(default).seen == f"prepared: {prepared}"
    assert judged(ModelSettings(weights="untrained")).state == State.WARNING
    assert judged(ModelSettings(weights="demo")).seen == "demo: names drawn scenes alone"
    assert judged(ModelSettings(weights=str(tmp_path / "none.bundle"))).state == State.PROBLEM
    assert judged(ModelSettings(weights=str(untrained_model_file))).state == State.OK
    content = bytearray(Path(prepared).read_bytes())
    content[len(content) // 2] ^= 0xFF
    Path(prepared).write_bytes(content)
    assert (judged(default).state, "damaged" in judged(default).seen) == (State.PROBLEM, True)


@pytest.mark.parametrize("runtime", ["torchscript", "litert"])
def test_bundle_whose_program_is_refused(tmp_path: Path, both_programs: Path, runtime: Runtime) -> None:
    """Protects a start from a foreign program: what `run` would refuse is found, for either runtime, without any."""
    bundle = read_bundle(both_programs)
    crafted = tmp_path / "crafted.bundle"
    crafted.write_bytes(replace(bundle, programs={**bundle.programs, runtime: b"another"}).to_bytes())
    named = ModelSettings(weights=str(crafted), activations="quint8", runtime=runtime)
    finding = weights(named, Places(ModelStore(tmp_path), tmp_path / "torch"), lambda: Attempt(URL))
    assert (finding.state, "prepare" in finding.remedy) == (State.PROBLEM, True)


def test_bundle_for_the_other_runtime(tmp_path: Path, untrained_model_file: Path) -> None:
    """Protects a start on LiteRT: a bundle that was named and lacks its program is found before it is run."""
    places = Places(ModelStore(tmp_path), tmp_path / "torch")
    named = ModelSettings(weights=str(untrained_model_file), activations="quint8", runtime="litert")
    finding = weights(named, places, lambda: Attempt(URL))
    assert (finding.state, "--runtime litert" in finding.remedy) == (State.PROBLEM, True)
    auto = named.model_copy(update={"runtime": "auto"})
    assert weights(auto, places, lambda: Attempt(URL)).state == State.OK


def test_model_of_a_machine_without_torch(tmp_path: Path) -> None:
    """Protects an installation without torch: the remedy for a missing model is another machine."""
    missing = Attempt("", error="No module named 'torch'")
    settings = ModelSettings(runtime="litert", activations="quint8")
    finding = weights(settings, Places(ModelStore(tmp_path), tmp_path / "torch"), lambda: missing)
    assert (finding.state, "on another machine" in finding.remedy) == (State.PROBLEM, True)


@pytest.mark.parametrize(
    ("runtime", "installed", "expected"),
    [
        ("torchscript", [], {"torch": "problem", "torchvision": "warning"}),
        ("litert", [], {"LiteRT": "problem", "torch": "problem"}),
        ("litert", ["ai_edge_litert"], {"LiteRT": "ok"}),
        ("auto", ["ai_edge_litert"], {"LiteRT": "ok"}),
        ("auto", [], {"LiteRT": "ok", "torch": "problem"}),
    ],
)
def test_only_the_runtime_that_is_wanted_is_missed(
    tmp_path: Path, runtime: str, installed: list[str], expected: dict[str, str]
) -> None:
    """Protects small boards from false alarms: what the configuration does not ask for may be absent."""
    for name in installed:
        distribution(tmp_path, name, "2.3.0")
    package = tmp_path / "ai_edge_litert"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text("__version__ = '2.3.0'\n", encoding="utf-8")
    (package / "interpreter.py").touch()
    settings = ModelSettings.model_validate({"runtime": runtime})
    findings = runtimes.runtime(Machine(architecture="aarch64"), Packages(path=(str(tmp_path),)), settings)
    seen = {finding.name: str(finding.state.value) for finding in findings}
    assert expected.items() <= seen.items()
    assert ("torch" in seen) == ("torch" in expected)


def test_model_from_elsewhere(tmp_path: Path) -> None:
    """Protects an ONNX file's start: it is read as `run` reads it, a slow one told, its runtime alone missed."""
    from tests.runtimes.onnx.files import classifier, helper, labels_file, value, written
    from tests.runtimes.onnx.files import model as made

    settings = ModelSettings(weights=str(written(classifier(), tmp_path)), labels=str(labels_file(tmp_path)))
    places = Places(ModelStore(tmp_path), tmp_path / "torch")

    def judged(settings: ModelSettings) -> Finding:
        return weights(settings, places, lambda: Attempt(URL))

    assert judged(settings) == Finding("weights", State.OK, f"{settings.weights}: ONNX, 32x32 pixels, 4 classes")
    unlabelled = judged(settings.model_copy(update={"labels": ""}))
    assert (unlabelled.state, "--labels" in unlabelled.remedy) == (State.PROBLEM, True)
    foreign = judged(ModelSettings(labels=settings.labels))
    assert (foreign.state, "is for an .onnx file alone" in foreign.seen) == (State.PROBLEM, True)
    slow = made(
        [helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"])],
        [value("x", [1, 3, 32, 32])],
        [value("y", [1, 4])],
    )
    written(slow, tmp_path)
    assert (judged(settings).state, "quantised dynamically" in judged(settings).seen) == (State.WARNING, True)
    (finding,) = runtimes.runtime(Machine(architecture="aarch64"), Packages(path=(str(tmp_path),)), settings)
    assert (finding.name, finding.state, "onnxruntime>=1.23" in finding.remedy) == ("ONNX Runtime", State.PROBLEM, True)
    (finding,) = runtimes.runtime(Machine(), Packages(), settings)
    assert finding.state == State.OK, finding


def test_where_weights_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects who asks about the service: its own cache is looked into, not that of the user who asks."""
    monkeypatch.delenv("CACHE_DIRECTORY", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    assert Places.of(Machine(tmp_path)).downloads == tmp_path / "torch/hub/checkpoints"
    plant(tmp_path, "etc/systemd/system/pi-classifier.service", "[Unit]\n")
    assert Places.of(Machine(tmp_path)).store.folder == tmp_path / "var/cache/pi-classifier"
    assert Places.of(Machine(tmp_path)).downloads == tmp_path / "var/cache/pi-classifier/torch/hub/checkpoints"


def test_torchvision_tells_its_weights() -> None:
    """Protects the question to torchvision, which is asked in another process."""
    attempt = Packages().attempt(published_weights("mobilenet_v2"))
    assert attempt.answer.endswith("/mobilenet_v2_qnnpack_37f702c5.pth"), attempt


def test_configuration_that_cannot_be_used(tmp_path: Path) -> None:
    """Protects the other checks: an invalid configuration is a finding with its remedy, and the defaults go on."""
    plant(tmp_path, "config.toml", "[model]\nthread = 2\n")
    finding, settings = configuration(tmp_path / "config.toml")
    assert (finding.state, finding.remedy) == (State.PROBLEM, "did you mean model.threads?")
    assert settings == Settings()
    plant(tmp_path, "config.toml", "[model]\nthreads = 0\n")
    finding, _ = configuration(tmp_path / "config.toml")
    assert (finding.state, "model.threads" in finding.seen, bool(finding.remedy)) == (State.PROBLEM, True, True)


# The report


def test_report_is_fit_to_send() -> None:
    """Protects who sends a report: neither user name nor password leaves in a path, an address or a value."""
    seen = f"{Path.home()}/x rtsp://admin:hunter2@10.0.0.7/stream mqtt.password = hunter2 (from file)"
    (finding,) = Report({}, (Finding("a", State.OK, seen),)).fit_to_send().findings
    assert finding.seen == "~/x rtsp://***@10.0.0.7/stream mqtt.password = *** (from file)"


def test_report_for_people() -> None:
    """Protects the list: aligned markers, the remedy under what is not well, square brackets as they are."""
    output = io.StringIO()
    findings = (Finding("b", State.OK, "fine"), Finding("longer", State.PROBLEM, "set [metrics] listen", "mend it"))
    Report({}, findings).print(Console(file=output, width=40))
    assert output.getvalue().splitlines() == [
        "ok    b       fine",
        "FAIL  longer  set [metrics] listen",
        "              -> mend it",
        "1 to fix, 0 to look at",
    ]


def test_a_check_that_fails_costs_no_other(tmp_path: Path) -> None:
    """Protects the report from one unreadable file: the check says that it could not find out, all others are there."""
    machine = pi4(tmp_path)
    plant(tmp_path, "proc/net/tcp", HEADING + "nonsense\n")
    plant(tmp_path, "etc/group", "video:x:many:\n")
    findings = {
        finding.name: finding
        for finding in examine(None, machine, stand_in(tmp_path / "site", "2.9.1", WITHOUT_QNNPACK)).findings
    }
    assert findings["metrics port"].state == State.UNKNOWN
    assert findings["group video"].state == State.UNKNOWN
    assert findings["operating system"].state == State.OK
    assert len(findings) > 15


def test_doctor_never_imports_torch() -> None:
    """Protects the point of it: a torch that kills whoever imports it must not kill the doctor."""
    code = (
        "import sys; from pi_classifier.doctor.examination import examine; examine(None); print('torch' in sys.modules)"
    )
    assert Packages().attempt(code).answer == "False"


def test_json_on_this_machine(program: Callable[..., Program]) -> None:
    """Protects the bug report: one JSON object with facts and findings, and an exit code that agrees with them."""
    finished = program("doctor", "--json").wait()
    report = json.loads(finished.stdout)
    assert set(report) == {"machine", "findings"}
    assert report["machine"]["packages"]["torch"]
    assert {frozenset(finding) for finding in report["findings"]} == {frozenset(["name", "state", "seen", "remedy"])}
    assert all(finding["remedy"] for finding in report["findings"] if finding["state"] != "ok")
    by_name = {finding["name"]: finding for finding in report["findings"]}
    assert by_name["torch"]["state"] == by_name["quantised engine"]["state"] == "ok"
    problems = [finding for finding in report["findings"] if finding["state"] == "problem"]
    assert finished.returncode == (1 if problems else 0)
    assert socket.gethostname() not in json.dumps(report["machine"])


def test_list_for_a_torch_elsewhere(program: Callable[..., Program], tmp_path: Path) -> None:
    """Protects PYTHONPATH as the way to ask about another torch: one that dies is reported, and the exit code is 1."""
    site = distribution(tmp_path / "site", "torch", "2.10.0", SIGILL_AT_IMPORT)
    finished = program("doctor", environment={"PYTHONPATH": site}).wait()
    (line,) = (line for line in finished.stdout.splitlines() if line.startswith("FAIL  torch  "))
    assert "2.10.0 dies of SIGILL when it is imported" in line
    assert finished.returncode == 1
    assert finished.stderr == ""


def test_broken_configuration_is_a_finding_of_the_command(program: Callable[..., Program], tmp_path: Path) -> None:
    """Protects who cannot start because of the configuration: the doctor examines the rest and exits with 1."""
    plant(tmp_path, "config.toml", "[metrics\n")
    finished = program("doctor", "--json", "--config", tmp_path / "config.toml").wait()
    findings = {finding["name"]: finding["state"] for finding in json.loads(finished.stdout)["findings"]}
    assert (findings["configuration"], finished.returncode) == ("problem", 1)
    assert "metrics port" in findings
