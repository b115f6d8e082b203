"""The Ansible role, played on the guest over ssh. Its installation is the upgrade of one that was made by hand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.guest.rollout import Rollout
from tests.guest.service import CONFIG, UNIT, Service

SECRET = "canary-4711"  # noqa: S105
SECRETS = "/etc/pi-classifier/secrets"
FILE = "/etc/pi-classifier/brought"
DROP_IN = f"/etc/systemd/system/{UNIT}.service.d/secrets.conf"
WANTED: dict[str, Any] = {
    "pi_classifier_settings": {
        "camera": [{"name": "front", "source": "auto"}],
        "model": {"weights": "demo"},
        "mqtt": {"host": "127.0.0.1", "username": "garden", "password_file": "mqtt-password"},
    },
    "pi_classifier_host_settings": {"camera": [{"name": "drawn", "source": "synthetic:", "fps": 0.2}]},
    "pi_classifier_secrets": {"mqtt-password": SECRET},
    "pi_classifier_files": {FILE: "playbook.yml"},
}
STATE = f"readlink /opt/pi-classifier/current; cat {CONFIG} {DROP_IN}; systemctl show --property=MainPID {UNIT}"


@pytest.fixture(scope="module")
def rollout(service: Service, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rollout]:
    """Ansible, and a guest on which somebody has installed the service by hand."""
    guest = service.guest
    service.keep_running()
    yield Rollout(guest, project, tmp_path_factory.mktemp("rollout"))
    guest.check(f"rm -rf {SECRETS} {FILE} {DROP_IN}; systemctl daemon-reload")


def test_upgrade_keeps_configuration_and_cache(service: Service, rollout: Rollout, tmp_path: Path) -> None:
    """Protects an upgrade: the configuration and the cache stay, a running service runs the new version."""
    guest = service.guest
    kept = f"cat {CONFIG}; ls -l --time-style=full-iso /var/cache/pi-classifier/*.bundle"
    before, version, process = guest.check(kept), _version(service), service.property("MainPID")
    own = tmp_path / "config.toml"
    own.write_text(guest.check(f"cat {CONFIG}"))
    played = rollout.play(pi_classifier_config=str(own))
    assert played.status == 0, played.output
    assert guest.check(kept) == before
    assert _version(service) != version
    assert guest.check("ls -d /opt/pi-classifier/*/ | wc -l").strip() == "2", "the new version, and `current`"
    assert guest.check("find /tmp -maxdepth 1 -name '*ansible*'") == ""
    assert service.property("ActiveState") == "active"
    assert service.property("MainPID") != process


def test_machine_becomes_as_it_is_wanted(service: Service, rollout: Rollout) -> None:
    """Protects a roll-out: the service runs with the wanted configuration and its secret, which nobody saw.

    The playbook goes on only when the machine classifies.
    """
    guest = service.guest
    process = service.property("MainPID")
    played = rollout.play(**WANTED)
    assert played.status == 0, played.output
    assert "drawn: last prediction" in played.output
    assert SECRET not in played.output
    assert service.property("MainPID") != process
    assert service.property("ActiveState") == "active"
    assert 'source = "synthetic:"' in guest.check(f"cat {CONFIG}")
    assert guest.check(f"stat --format=%a:%U {FILE}").strip() == "644:root"
    assert guest.check(f"stat --format=%a:%U {SECRETS} {SECRETS}/mqtt-password").split() == ["700:root", "600:root"]
    assert guest.check(f"cat /run/credentials/{UNIT}.service/mqtt-password") == SECRET


def test_second_time_changes_nothing(service: Service, rollout: Rollout) -> None:
    """Protects machines from a restart without a reason: what is as it is wanted stays as it is."""
    before = service.guest.check(STATE)
    played = rollout.play(**WANTED)
    assert (played.status, played.changed) == (0, 0), played.output
    assert service.guest.check(STATE) == before


def test_what_would_change_is_shown_and_not_done(service: Service, rollout: Rollout) -> None:
    """Protects who asks first: --check --diff shows the new configuration, and the machine stays as it is."""
    before = service.guest.check(STATE)
    other = {"pi_classifier_host_settings": {"log": {"format": "json"}}, "pi_classifier_lite": True}
    played = rollout.play("--check", "--diff", **WANTED | other)
    assert played.status == 0, played.output
    assert played.changed > 0
    assert '+format = "json"' in played.output
    assert '+runtime = "litert"' in played.output, "what comes without torch needs no torch"
    assert SECRET not in played.output
    assert service.guest.check(STATE) == before


def test_unfit_configuration_changes_nothing(service: Service, rollout: Rollout) -> None:
    """Protects the fleet from a mistyped key: check-config refuses it on the first machine, which runs on as it was."""
    before = service.guest.check(STATE)
    played = rollout.play(**WANTED | {"pi_classifier_host_settings": {"modle": {"threads": 1}}})
    assert played.status != 0
    assert "did you mean model?" in played.output
    assert service.guest.check(STATE) == before


def test_other_systems_are_refused(service: Service, rollout: Rollout) -> None:
    """Protects machines of another kind: one line says what is needed, and nothing is changed."""
    guest = service.guest
    guest.check("printf 'NAME=\"Fedora Linux\"\\nID=fedora\\nVERSION_ID=41\\n' >/run/os-release")
    guest.check("mount --bind /run/os-release /etc/os-release")
    try:
        played = rollout.play(**WANTED)
    finally:
        guest.check("umount /etc/os-release")
    assert played.status != 0
    assert played.changed == 0
    assert "guest runs Fedora Linux 41 with systemd; pi-classifier needs 64-bit Debian 12" in played.output


def _version(service: Service) -> str:
    return service.guest.check("readlink /opt/pi-classifier/current")
