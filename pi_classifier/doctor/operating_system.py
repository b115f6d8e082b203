"""The operating system: generation, word size, Python, clock, the user's groups, the boot configuration."""

from datetime import UTC, datetime

from pi_classifier.doctor.finding import Finding, State
from pi_classifier.doctor.machine import Machine
from pi_classifier.errors import ConfigError
from pi_classifier.system import config_txt

SUPPORTED = ("bookworm", "trixie")
TOO_OLD = ("stretch", "buster", "bullseye")
PYTHONS = ((3, 11), (3, 13))
"""The oldest and the newest that setup.cfg admits."""
WRITE_CARD = "write the 64-bit Raspberry Pi OS, bookworm or trixie, to the card"
EARLIEST = datetime(2024, 1, 1, tzinfo=UTC)
"""No clock that was ever set shows an earlier time."""


def release(machine: Machine) -> Finding:
    """Whether this generation of the OS is one that it is made for."""
    name = "operating system"
    codename = machine.os_release.get("VERSION_CODENAME", "")
    seen = machine.os_release.get("PRETTY_NAME", codename)
    if (machine.root / "etc/rpi-issue").exists():
        seen += ", Raspberry Pi OS"
    if codename in SUPPORTED:
        return Finding(name, State.OK, seen)
    if codename in TOO_OLD:
        return Finding(name, State.WARNING, f"{seen}: older than the Python and the cameras it needs", WRITE_CARD)
    return Finding(name, State.UNKNOWN, f"{seen or 'no /etc/os-release'}: never tried", f"if it fails, {WRITE_CARD}")


def word_size(machine: Machine) -> Finding:
    """Whether kernel and programs are both 64-bit: there is no torch for 32-bit ones."""
    name, kernel = "64-bit", machine.architecture
    if machine.python_bits == 64:
        if kernel in ("aarch64", "x86_64"):
            return Finding(name, State.OK, f"kernel {kernel}, 64-bit programs")
        return Finding(
            name, State.PROBLEM, f"{kernel}: no torch is published for it", "take a machine that is aarch64 or x86-64"
        )
    if (machine.root / "lib/ld-linux-aarch64.so.1").exists():
        remedy = "recreate the environment with the system's own python3"
        return Finding(name, State.PROBLEM, "a 32-bit Python on a 64-bit system: there is no torch for it", remedy)
    # What a Raspberry Pi 4 boots by default from a card with the 32-bit OS; 'uname -m' then deceives.
    half = "32-bit programs under a 64-bit kernel" if kernel in ("aarch64", "x86_64") else f"32-bit ({kernel})"
    return Finding(name, State.PROBLEM, f"{half}: there is no torch for them", WRITE_CARD)


def python(machine: Machine) -> Finding:
    """Whether this Python is one that torch's TorchScript runs on."""
    oldest, newest = (".".join(map(str, version)) for version in PYTHONS)
    seen = ".".join(map(str, machine.python))
    if PYTHONS[0] <= machine.python <= PYTHONS[1]:
        return Finding("Python", State.OK, seen)
    remedy = f"recreate the environment with Python {oldest} to {newest}: 'make clean run PYTHON=python{newest}'"
    return Finding("Python", State.PROBLEM, f"{seen}, where {oldest} to {newest} is needed", remedy)


def clock(now: datetime) -> Finding:
    """Whether the time was ever set: a Raspberry Pi before the 5 has no clock that runs without power."""
    if now >= EARLIEST:
        return Finding("clock", State.OK, f"{now:%Y-%m-%d}")
    remedy = "connect to a network and run 'sudo timedatectl set-ntp true'; downloads fail until then"
    return Finding("clock", State.WARNING, f"shows {now:%Y-%m-%d}: it was not set since power came", remedy)


def video_group(machine: Machine) -> Finding:
    """Whether this user may open cameras and ask the firmware."""
    name = "group video"
    group = machine.group("video")
    if machine.user_id == 0:
        return Finding(name, State.OK, "root needs no group")
    if group is None:
        return Finding(name, State.UNKNOWN, "no such group", "see with 'ls -l /dev/video*' who may open a camera")
    number, members = group
    if number in machine.group_ids:
        return Finding(name, State.OK, "this user is in it")
    if machine.user_name(machine.user_id) in members:
        return Finding(name, State.WARNING, "this user was added, this session began before", "log out and in again")
    remedy = "run 'sudo usermod -aG video $USER', then log out and in again"
    return Finding(name, State.WARNING, "this user is not in it: cameras and throttling may be forbidden", remedy)


def boot_configuration(machine: Machine) -> Finding:
    """Whether config.txt lets the camera work."""
    name = "boot configuration"
    if not machine.is_raspberry_pi:
        return Finding(name, State.OK, "no Raspberry Pi, nothing to look at")
    try:
        status = config_txt.status(machine.root)
    except ConfigError as error:
        return Finding(name, State.UNKNOWN, error.problem, error.remedy)
    if status.stale:
        seen = f"of the legacy camera stack, which ended with bullseye: {', '.join(map(str, status.stale))}"
        return Finding(name, State.PROBLEM, seen, "run 'sudo pi-classifier boot-config apply --comment-out', reboot")
    if status.missing:
        seen = f"a CSI camera is not found without {', '.join(status.missing)}; a USB camera is"
        return Finding(name, State.WARNING, seen, "run 'sudo pi-classifier boot-config apply', reboot")
    return Finding(name, State.OK, f"{status.sensor or ', '.join(status.wanted)}: fine as it is")
