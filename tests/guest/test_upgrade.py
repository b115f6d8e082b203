"""An upgrade that fails, and the end of an installation. One that succeeds is in test_rollout.py."""

from tests.guest.service import UNIT, Service

INSTALL_SECONDS = 3600.0
UPGRADE = "cd /root/project && PIP_NO_INDEX=1 PIP_FIND_LINKS={} make install"


def test_failed_upgrade_leaves_everything_as_it_was(service: Service) -> None:
    """Protects from half an upgrade: when a step fails, the installed version stays untouched, and nothing new does.

    A running service goes on.
    """
    guest = service.guest
    service.keep_running()
    files = "find /opt/pi-classifier -type f -printf '%p %s %T@\\n' | sort"
    state = (
        f"readlink /opt/pi-classifier/current; ls /tmp; systemctl show --property=MainPID,ActiveState {UNIT}; {files}"
    )
    before = guest.check(state)
    failed = guest.run(UPGRADE.format("/nowhere"), timeout=INSTALL_SECONDS)
    assert failed.returncode != 0
    assert "what was begun is removed" in failed.stdout + failed.stderr
    assert guest.check(state) == before


def test_uninstall_leaves_nothing(service: Service) -> None:
    """Protects the machine: after `make uninstall`, twice, neither files nor unit nor user are left."""
    guest = service.guest
    for _ in range(2):
        guest.check("cd /root/project && make uninstall")
    left = guest.check(
        "find / -xdev -name '*pi-classifier*' -not -path '/root/*' -not -path '/proc/*' -not -path '/srv/*'"
    )
    assert left.strip() == ""
    assert guest.run("getent passwd pi-classifier || getent group pi-classifier").returncode != 0
    assert "could not be found" in guest.run(f"systemctl status {UNIT}").stderr
