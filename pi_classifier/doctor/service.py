"""The systemd service, where it is installed."""

import shutil
import subprocess

from pi_classifier.doctor.finding import Finding, State
from pi_classifier.doctor.machine import Machine

PROPERTIES = (
    "LoadState", "ActiveState", "SubState", "ExecMainStatus", "User", "SupplementaryGroups", "MemoryDenyWriteExecute",
)  # fmt: skip
MEANING = {
    "69": "no weights, and none to be had",
    "73": "a file cannot be written",
    "75": "the metrics' port is taken",
    "78": "a configuration, model or camera that no restart will fix",
}
"""By exit code, as docs/interface.md lists them."""
JOURNAL = "read 'sudo journalctl -u pi-classifier -n 20'"


def service(machine: Machine, systemctl: str = "systemctl") -> Finding:
    """Whether the service runs, and whether its unit lets torch work."""
    reported = _reported(systemctl)
    if reported.get("LoadState") == "loaded":
        return _hindered(machine, reported) or _state(reported)
    if machine.has_service:
        return Finding("service", State.UNKNOWN, "installed; systemd reports nothing more", "see 'systemctl status'")
    return Finding("service", State.OK, "not installed ('make install' does that)")


def _reported(systemctl: str) -> dict[str, str]:
    """The unit's properties; nothing where systemd does not run this machine."""
    if not shutil.which(systemctl):
        return {}
    answer = subprocess.run(
        [systemctl, "show", "pi-classifier.service", f"--property={','.join(PROPERTIES)}"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return {key: value for key, _, value in (line.partition("=") for line in answer.stdout.splitlines())}


def _hindered(machine: Machine, reported: dict[str, str]) -> Finding | None:
    """What in the unit keeps the daemon from its work."""
    if reported.get("MemoryDenyWriteExecute") == "yes":
        remedy = "take MemoryDenyWriteExecute= out with 'sudo systemctl edit --full pi-classifier', restart it"
        return Finding("service", State.PROBLEM, "MemoryDenyWriteExecute=yes: torch generates code", remedy)
    group, user = machine.group("video"), reported.get("User") or "root"
    members = group[1] if group else frozenset()
    if user != "root" and user not in members and "video" not in reported.get("SupplementaryGroups", "").split():
        remedy = f"run 'sudo usermod -aG video {user}' and 'sudo systemctl restart pi-classifier'"
        return Finding("service", State.PROBLEM, f"its user {user} is not in the group video", remedy)
    return None


def _state(reported: dict[str, str]) -> Finding:
    active, code = reported.get("ActiveState", ""), reported.get("ExecMainStatus", "0")
    reason = f"exit code {code}, {MEANING.get(code, 'a failure that is no expected one')}"
    if active == "active":
        return Finding("service", State.OK, "running")
    if active == "failed":
        remedy = f"{JOURNAL}, fix it, 'sudo systemctl restart pi-classifier'"
        return Finding("service", State.PROBLEM, f"failed: {reason}", remedy)
    if active == "activating" and reported.get("SubState") == "auto-restart":
        return Finding("service", State.PROBLEM, f"is restarted again and again: {reason}", JOURNAL)
    if active == "inactive":
        return Finding("service", State.WARNING, "installed, not running", "run 'sudo systemctl start pi-classifier'")
    return Finding("service", State.WARNING, active or "systemd does not say", "wait a minute and look again")
