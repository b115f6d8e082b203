"""An installation without torch, on a machine from which the whole one has been removed."""

from collections.abc import Iterator

import pytest

from tests.guest.cameras import BUNDLES, TEST_DATA, Loopback
from tests.guest.guest import Guest
from tests.guest.service import UNIT, Service
from tests.guest.test_service import LABEL, PHOTOGRAPH
from tests.training.folders import COLOURS

INSTALL_SECONDS = 3600.0
MODEL = "/var/lib/pi-classifier/model.bundle"
OWN = "/var/lib/pi-classifier/own.bundle"
MEMORY = "400M"
"""What a board with 512 MB can give."""


@pytest.fixture(scope="module")
def small(guest: Guest, installed: None, guest_data: str) -> Iterator[Service]:
    """The service, installed without torch, with a bundle that was made elsewhere and no more memory than that."""
    guest.check("cd /root/project && make uninstall")
    packages = "PIP_NO_INDEX=1 PIP_FIND_LINKS=/srv/wheelhouse"
    printed = guest.check(f"cd /root/project && {packages} make install LITE=1", timeout=INSTALL_SECONDS)
    assert "prepare --runtime litert --output model.bundle" in printed
    limits = f"[Service]\\nMemoryMax={MEMORY}\\nMemorySwapMax=0\\n"
    dropin = f"/etc/systemd/system/{UNIT}.service.d"
    guest.check(f"install -m 644 {BUNDLES}/model.bundle {MODEL}")
    guest.check(f"mkdir -p {dropin} && printf '{limits}' >{dropin}/small.conf && systemctl daemon-reload")
    yield Service(guest, f'runtime = "litert"\nweights = "{MODEL}"')
    guest.check("cd /root/project && make uninstall")


def test_nothing_of_torch_is_installed(small: Service) -> None:
    """Protects small SD cards: neither torch nor torchvision is there, and the configuration takes LiteRT."""
    guest = small.guest
    assert guest.check("find /opt/pi-classifier -maxdepth 6 -name 'torch*'").strip() == ""
    assert 'runtime = "litert"' in guest.check("cat /opt/pi-classifier/current/share/config.toml")
    megabytes = int(guest.check("du -sm /opt/pi-classifier").split()[0])
    print(f"{megabytes} MB installed")
    assert megabytes < 450


def test_service_without_a_bundle_says_what_it_lacks(small: Service) -> None:
    """Protects the first start: it fails once, with the one line that says how to get a model, and is not retried."""
    guest = small.guest
    guest.check("install -m 644 /opt/pi-classifier/current/share/config.toml /etc/pi-classifier/config.toml")
    guest.run(f"systemctl start {UNIT}")
    small.wait_for_property("ActiveState", "failed")
    assert small.property("ExecMainStatus") == "78"
    assert "prepare --runtime litert" in guest.journal(UNIT)
    small.stop()


def test_own_classes_are_named(loopback: Loopback, small: Service) -> None:
    """Protects who learns elsewhere: a bundle of own classes is copied, named in the configuration, and runs."""
    guest = small.guest
    guest.check(f"install -m 644 {BUNDLES}/own.bundle {OWN}")
    # What the camera shows has been scaled otherwise than what was learnt, and colours are too much alike for that.
    own = Service(guest, f'runtime = "litert"\nweights = "{OWN}"\nunknown = false')
    with loopback.showing(f"{BUNDLES}/red.png"), own.watching(loopback.node):
        own.wait_for_entry(EVENT="started", LABEL="red")
        assert own.samples()["top1_class_id"] == sorted(COLOURS).index("red")


def test_photograph_is_named_within_little_memory(loopback: Loopback, small: Service) -> None:
    """Protects boards with 512 MB: the service names a photograph within the memory that they have, without a kill."""
    with loopback.showing(f"{TEST_DATA}/{PHOTOGRAPH}"), small.watching(loopback.node):
        small.wait_for_entry(EVENT="started", LABEL=LABEL)
        samples = small.samples()
        assert samples["top1_class_id"] == 18
        assert small.property("NRestarts") == "0"
        peak = int(small.guest.check(f"cat /sys/fs/cgroup/system.slice/{UNIT}.service/memory.peak")) / 1e6
        print(f"{peak:.0f} MB at most, {samples['process_resident_memory_bytes'] / 1e6:.0f} MB resident")
        assert "oom" not in small.property("Result")
