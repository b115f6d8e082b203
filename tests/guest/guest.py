"""A Debian machine under QEMU, emulated, and a shell in it."""

import platform
import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

BOOT_SECONDS = 900.0
"""A quiet machine needs 15 s."""
COMMAND_SECONDS = 600.0
"""Deadlines only end what hangs: an emulated processor is slow, and one on a busy machine slower still."""
POLL_SECONDS = 0.5
METRICS_PORT = 9100

Result = TypeVar("Result")


class GuestError(AssertionError):
    """The guest did not boot, or a command in it failed."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What QEMU calls the guest's architecture."""

    qemu: str
    options: tuple[str, ...]
    console: str


MACHINES = {
    # Without AVX, whose instructions QEMU emulates one call each: programs choose others, and hash twice as fast.
    "x86_64": Machine("qemu-system-x86_64", ("-machine", "q35", "-cpu", "Nehalem-v1"), "ttyS0"),
    "aarch64": Machine("qemu-system-aarch64", ("-machine", "virt", "-cpu", "cortex-a72"), "ttyAMA0"),
}
THIS_MACHINE = MACHINES.get(platform.machine())


def wait_for(what: str, condition: Callable[[], Result | None], *, seconds: float = COMMAND_SECONDS) -> Result:
    """The first result of `condition` that is true; asked over and over, until `seconds` have passed."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise GuestError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(POLL_SECONDS)
    return result


class Guest:
    """A running machine."""

    def __init__(self, ssh: tuple[str, ...], metrics_port: int, console: Path) -> None:
        """`ssh` is the command that logs in; `metrics_port` on this host leads to the guest's port 9100."""
        self.ssh = ssh
        self.metrics_port = metrics_port
        self.console = console
        """What the guest printed on its serial line."""

    def run(self, command: str, *, timeout: float = COMMAND_SECONDS) -> subprocess.CompletedProcess[str]:
        """Run a shell command as root, whatever its exit status."""
        return subprocess.run(
            [*self.ssh, command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )

    def check(self, command: str, *, timeout: float = COMMAND_SECONDS) -> str:
        """Run a shell command as root that must succeed, and return what it printed."""
        done = self.run(command, timeout=timeout)
        if done.returncode:
            raise GuestError(f"{command}\nexit status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def wait_until(self, command: str, *, seconds: float = COMMAND_SECONDS) -> None:
        """Wait until a shell command succeeds."""
        wait_for(command, lambda: self.run(command).returncode == 0, seconds=seconds)

    @contextmanager
    def service(self, name: str, command: str) -> Iterator[None]:
        """Run a shell command as a transient service while the context lasts; its output goes to the journal."""
        self.check(f"systemd-run --quiet --unit={name} -- bash -c {shlex.quote(command)}")
        try:
            yield
        finally:
            self.run(f"systemctl stop {name}; systemctl reset-failed {name}")

    def journal(self, unit: str) -> str:
        """What a service has written since it was last started."""
        invocation = self.check(f"systemctl show --property=InvocationID --value {unit}").strip()
        return self.check(f"journalctl --output=cat --no-pager _SYSTEMD_INVOCATION_ID={invocation}")


@contextmanager
def booted(image: Path, folder: Path, shares: Mapping[str, Path]) -> Iterator[Guest]:
    """Boot an image, throwing its changes away in the end.

    Args:
        image: what build-image.sh made.
        folder: an empty one, for the key and the console's log.
        shares: folders of the host by the place where the guest sees them, read-only.

    Raises:
        GuestError: the guest cannot be logged into.
    """
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    key = folder / "share"
    key.mkdir()
    (folder / "key.pub").rename(key / "key.pub")
    (ssh_port, metrics_port), console = _free_ports(), folder / "console.log"
    # One connection carries every command: to shake hands again takes an emulated processor a second.
    ssh = ("ssh", "-F", "none", "-i", str(folder / "key"), "-o", f"ControlPath={folder / 'ssh'}", "-o", "BatchMode=yes",
           "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
           "-o", "ConnectTimeout=30", "-p", str(ssh_port), "root@127.0.0.1")  # fmt: skip
    command = _qemu(image, console, {"testbed": key, **{f"share{n}": path for n, path in enumerate(shares.values())}})
    command += ["-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{ssh_port}-:22,"
                           f"hostfwd=tcp:127.0.0.1:{metrics_port}-:{METRICS_PORT}"]  # fmt: skip
    with (folder / "qemu.log").open("wb") as log:
        # The kernel ends QEMU with us, however we end; a session of its own keeps Ctrl-C to us.
        qemu = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_for(f"login; see {folder}", lambda: _logged_in(ssh, qemu, folder), seconds=BOOT_SECONDS)
        guest = Guest(ssh, metrics_port, console)
        for number, place in enumerate(shares):
            guest.check(
                f"mount --mkdir -t 9p -o trans=virtio,version=9p2000.L,msize=512000,ro,cache=loose "
                f"share{number} {place}"
            )
        yield guest
    finally:
        qemu.terminate()
        qemu.wait()


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def _qemu(image: Path, console: Path, shares: Mapping[str, Path]) -> list[str]:
    assert THIS_MACHINE
    # What comes after "quiet" spares an emulated machine a third of its boot; none of it is under test.
    kernel = (f"root=/dev/vda rw console={THIS_MACHINE.console} net.ifnames=0 panic=-1 systemd.show_status=0 quiet "
              "mitigations=off nokaslr no_timer_check audit=0 apparmor=0")  # fmt: skip
    command = [THIS_MACHINE.qemu, *THIS_MACHINE.options, "-accel", "tcg,thread=multi", "-smp", "2", "-m", "3072",
               "-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none", "-no-reboot",
               "-serial", f"file:{console}", "-device", "virtio-rng-pci",
               "-device", "virtio-net-pci,netdev=net,romfile=",
               "-kernel", str(image / "vmlinuz"), "-initrd", str(image / "initrd.img"), "-append", kernel,
               "-drive", f"file={image / 'rootfs.img'},format=raw,if=none,id=disk,snapshot=on,cache=unsafe",
               "-device", "virtio-blk-pci,drive=disk"]  # fmt: skip
    for tag, folder in shares.items():
        command += ["-fsdev", f"local,id={tag},path={folder},security_model=none,multidevs=remap,readonly=on",
                    "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]  # fmt: skip
    return command


def _logged_in(ssh: tuple[str, ...], qemu: subprocess.Popen[bytes], folder: Path) -> bool:
    """Try to open the connection that carries all others; it goes to the background and ends with the guest."""
    if qemu.poll() is not None:
        raise GuestError(f"QEMU ended: {(folder / 'qemu.log').read_text()}")
    with (folder / "ssh.log").open("wb") as log:
        return subprocess.run([ssh[0], "-fNM", *ssh[1:]], stdout=log, stderr=log, check=False).returncode == 0
