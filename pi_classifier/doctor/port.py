"""Who listens where the metrics are to be served."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from pi_classifier.config.address import ListenAddress
from pi_classifier.doctor.finding import Finding, State
from pi_classifier.doctor.machine import SERVICE_USER, Machine
from pi_classifier.doctor.processes import holders

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
LISTENING = "0A"
"""TCP_LISTEN as /proc/net/tcp spells it (proc(5))."""
OTHER_PORT = "set [metrics] listen (or --metrics-listen) to another port, or stop that program"


@dataclass(frozen=True, slots=True)
class Listener:
    """A TCP socket that waits for connections."""

    address: Address
    port: int
    user_id: int
    inode: int


def metrics_port(listen: ListenAddress | None, machine: Machine) -> Finding:
    """Whether the metrics' port is free, or held by pi-classifier itself; None: they are turned off."""
    name = "metrics port"
    if listen is None or listen.port == 0:
        return Finding(name, State.OK, "any that is free" if listen else "metrics are turned off")
    for listener in _listeners(machine):
        if listener.port == listen.port and _clash(listen.ip, listener.address):
            return _held(name, listener, machine)
    return Finding(name, State.OK, f"{listen.port} is free")


def _held(name: str, listener: Listener, machine: Machine) -> Finding:
    found = holders(f"socket:[{listener.inode}]", machine.root)
    if any(process.ours for process in found.processes):
        return Finding(name, State.OK, f"{listener.port} is held by {found}")
    if found.processes:
        return Finding(name, State.PROBLEM, f"{listener.port} is held by {found}", OTHER_PORT)
    user = machine.user_name(listener.user_id)
    if user == SERVICE_USER:
        return Finding(name, State.OK, f"{listener.port} is held by the service's own user")
    if found.complete:
        # Every process was looked into: a socket of the kernel's, or one that is handed out by another container.
        return Finding(name, State.PROBLEM, f"{listener.port} is held by no process that is seen here", OTHER_PORT)
    seen = f"{listener.port} is held by a process of user {listener.user_id}, which only that user and root may see"
    return Finding(name, State.PROBLEM, seen, f"'sudo pi-classifier doctor' names it; {OTHER_PORT}")


def _listeners(machine: Machine) -> Iterator[Listener]:
    for table in ("proc/net/tcp", "proc/net/tcp6"):
        for line in machine.read(table).splitlines()[1:]:
            words = line.split()
            if words[3] == LISTENING:
                address, _, port = words[1].partition(":")
                yield Listener(_unpacked(address), int(port, 16), int(words[7]), int(words[9]))


def _unpacked(digits: str) -> Address:
    """The kernel prints addresses as 32-bit words in the machine's order, which is little-endian."""
    packed = bytes.fromhex(digits)
    return ipaddress.ip_address(b"".join(packed[i : i + 4][::-1] for i in range(0, len(packed), 4)))


def _clash(wanted: Address | None, other: Address) -> bool:
    """Whether two listeners on the same port are in each other's way."""
    return wanted is None or wanted == other or _covers(wanted, other) or _covers(other, wanted)


def _covers(wide: Address, narrow: Address) -> bool:
    # `::` stands for IPv4, too.
    return wide.is_unspecified and (wide.version == 6 or narrow.version == 4)
