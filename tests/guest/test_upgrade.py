"""Another version in the place of an installed one, and none at all."""

from tests.guest.guest import Guest
from tests.guest.service import CONFIG, UNIT, Service

INSTALL_SECONDS = 3600.0
UPGRADE = "cd /root/project && PIP_NO_INDEX=1 PIP_FIND_LINKS={} make install"


def test_upgrade_keeps_configuration_and_cache(service: Service) -> None:
    """Protects an upgrade: the edited configuration and the cache stay, a running service runs the new version."""
    guest = service.guest
    service.keep_running()
    kept = f"cat {CONFIG}; ls -l --time-style=full-iso /var/cache/pi-classifier/*.bundle"
    before, version, process = guest.check(kept), _version(guest), service.property("MainPID")
    guest.check(UPGRADE.format("/srv/wheelhouse"), timeout=INSTALL_SECONDS)
    assert guest.check(kept) == before
    assert _version(guest) != version
    assert guest.check("ls -d /opt/pi-classifier/*/ | wc -l").strip() == "2", "the new version, and `current`"
    assert service.property("ActiveState") == "active"
    assert service.property("MainPID") != process


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


def _version(guest: Guest) -> str:
    return guest.check("readlink /opt/pi-classifier/current")
