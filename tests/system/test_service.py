"""The service as its user has it: installed by the project's own installer, run by a real systemd, on real cameras."""

import json
import shlex
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.system.cameras import TEST_DATA, Loopback, Vivid, webcam
from tests.system.guest import Guest, GuestError, wait_for

UNIT = "pi-classifier"
CONFIG = "/etc/pi-classifier/config.toml"
PHOTOGRAPH, LABEL = "photos/018_magpie.jpg", "magpie"
WEIGHTS = f"{TEST_DATA}/weights/mobilenet_v2_qnnpack_torchvision.pth"
INSTALL_SECONDS = 3600.0


class Service:
    """The installed service."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    def configure(self, *, source: str, fps: float = 36, more: str = "") -> None:
        """Write the configuration: one camera, the real weights; journal entries come quickly."""
        text = (
            f'[[camera]]\nname = "front"\nsource = "{source}"\nfps = {fps}\n[model]\nweights = "{WEIGHTS}"\n'
            f"[log]\nlabel_hold_seconds = 0\nsummary_seconds = 5\n{more}"
        )
        self.guest.check(f"printf %s {shlex.quote(text)} >{CONFIG}")

    def start(self) -> None:
        """Start it; returns when it is ready."""
        self.guest.check(f"systemctl start {UNIT}")

    def stop(self) -> None:
        """Stop it and forget how it ended."""
        self.guest.run(f"systemctl stop {UNIT}; systemctl reset-failed {UNIT}")

    def property(self, name: str) -> str:
        """A property of the unit, as systemd tells it."""
        return self.guest.check(f"systemctl show --property={name} --value {UNIT}").strip()

    def wait_for_property(self, name: str, value: str) -> None:
        """Wait until a property of the unit is what it should be."""
        wait_for(f"{name}={value} of {UNIT}", lambda: self.property(name) == value)

    def wait_for_entry(self, **fields: str) -> dict[str, Any]:
        """Wait for a journal entry of this start of the service that has all the fields."""

        def find() -> dict[str, Any] | None:
            lines = self.guest.check(
                f"journalctl --output=json --no-pager _SYSTEMD_INVOCATION_ID={self.property('InvocationID')}"
            ).splitlines()
            entries: list[dict[str, Any]] = [json.loads(line) for line in lines]
            return next((entry for entry in entries if fields.items() <= entry.items()), None)

        return wait_for(f"journal entry with {fields}", find)

    def samples(self) -> dict[str, float]:
        """One scrape from the host, by name and by what tells samples of one name apart."""
        address = f"http://127.0.0.1:{self.guest.metrics_port}/metrics"
        with urllib.request.urlopen(address, timeout=120) as answer:
            text = answer.read().decode()
        return {
            ":".join([sample.name.removeprefix("pi_classifier_"), *_distinction(sample.labels)]): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def wait_for_sample(self, name: str, at_least: float, at_most: float = float("inf")) -> None:
        """Wait until a scrape from the host shows a sample within bounds."""

        def shown() -> bool:
            try:
                return at_least <= self.samples().get(name, float("nan")) <= at_most
            except (urllib.error.URLError, ConnectionError):
                return False  # it may just be starting

        wait_for(f"{name} from {at_least} to {at_most}", shown)


def _distinction(labels: dict[str, str]) -> list[str]:
    return [labels[key] for key in ("reason", "kind") if key in labels]


@pytest.fixture(scope="module")
def installation(guest: Guest, installed: None, guest_data: str) -> Service:
    """The service, installed; hung services are found out sooner than the unit would."""
    guest.check(
        f"mkdir -p /etc/systemd/system/{UNIT}.service.d && "
        f"printf '[Service]\\nWatchdogSec=20\\n' >/etc/systemd/system/{UNIT}.service.d/test.conf && "
        "systemctl daemon-reload"
    )
    return Service(guest)


@pytest.fixture
def service(installation: Service) -> Iterator[Service]:
    """The installed service, stopped before and after.

    A test names its camera first: then the service has let go of it when its driver is removed.
    """
    installation.stop()
    yield installation
    installation.stop()


def test_unit_is_valid_and_safe(service: Service) -> None:
    """Protects the sandbox: systemd finds nothing wrong with the unit and rates its exposure 2.0 or better."""
    guest = service.guest
    assert guest.check(f"systemd-analyze verify --man=no {UNIT}.service 2>&1").strip() == ""
    rating = guest.run(f"systemd-analyze security --no-pager --threshold=20 {UNIT}")
    print(rating.stdout.splitlines()[-1])
    assert rating.returncode == 0, rating.stdout


def test_photograph_is_named_in_journal_and_metrics(loopback: Loopback, service: Service) -> None:
    """Protects the product: a camera shows a photograph, and its name stands in the journal and in the metrics."""
    service.configure(source=loopback.node)
    with loopback.showing(f"{TEST_DATA}/{PHOTOGRAPH}"):
        service.start()
        assert service.property("ActiveState") == "active"
        entry = service.wait_for_entry(EVENT="label", LABEL=LABEL)
        assert entry["CAMERA"] == "front"
        assert float(entry["FPS"]) >= 0
        assert float(entry["PROBABILITY"]) > 0.5
        service.wait_for_entry(EVENT="summary", CAMERA="front")
        assert "224x224" in service.guest.journal(UNIT)
        samples = service.samples()
        assert samples["top1_class_id"] == 18
        assert samples["camera_up"] == 1
        assert samples["frames_captured_total"] == samples["frames_classified_total"] + sum(
            value for name, value in samples.items() if name.startswith("frames_dropped_total")
        )
        # A second without a prediction, which an emulated processor has, says so instead.
        wait_for("the label in the status", lambda: LABEL in service.property("StatusText"))
    print(f"frame age sum {samples['frame_age_seconds_sum']:.1f} s of {samples['frames_classified_total']:.0f} frames")


def test_camera_that_rounds_the_size(usb_camera: Vivid, service: Service) -> None:
    """Protects USB cameras: 224x224 is asked, 320x180 is got and told once, and frames are classified."""
    service.configure(source=usb_camera.node)
    service.start()
    service.wait_for_sample("frames_classified_total", at_least=3)
    told = [line for line in service.guest.journal(UNIT).splitlines() if "gives 320x180" in line]
    assert len(told) == 1


def test_disconnected_camera_comes_back(usb_camera: Vivid, service: Service) -> None:
    """Protects from a loose plug: the loss is counted, the camera reopened, the service never restarted."""
    service.configure(source=usb_camera.node)
    service.start()
    service.wait_for_sample("camera_up", 1)
    usb_camera.control("disconnect")
    started = time.monotonic()
    service.wait_for_sample("capture_errors_total:lost", at_least=1)
    service.wait_for_sample("camera_reconnects_total", at_least=1)
    service.wait_for_sample("camera_up", 1)
    print(f"seen to be back {time.monotonic() - started:.1f} s after the disconnection")
    service.wait_for_entry(EVENT="camera_down", CAMERA="front")
    service.wait_for_entry(EVENT="camera_up", CAMERA="front")
    assert service.property("NRestarts") == "0"


def test_driver_removed_and_loaded_again(service: Service) -> None:
    """Protects from an unplugged camera: camera_up is 0 while it is away and 1 when it is back, without a restart."""
    service.configure(source="/dev/video0")
    with webcam(service.guest) as camera:
        service.start()
        service.wait_for_sample("camera_up", 1)
        camera.unplug()
        service.wait_for_sample("camera_up", 0, at_most=0)
        wait_for("the loss in the status", lambda: "camera away" in service.property("StatusText"))
    with webcam(service.guest):
        started = time.monotonic()
        service.wait_for_sample("camera_up", 1)
        print(f"seen to be back {time.monotonic() - started:.1f} s after it was plugged in")
        assert service.property("NRestarts") == "0"
        service.stop()


@pytest.mark.parametrize("fault", ["inject_fatal_streaming_error", "inject_vidioc_qbuf_error"])
def test_streaming_errors(usb_camera: Vivid, service: Service, fault: str) -> None:
    """Protects from a driver that gives up: the camera is opened again and goes on."""
    service.configure(source=usb_camera.node)
    service.start()
    service.wait_for_sample("camera_up", 1)
    usb_camera.control(fault)
    service.wait_for_sample("camera_reconnects_total", at_least=1)
    before = service.samples()["frames_classified_total"]
    service.wait_for_sample("frames_classified_total", at_least=before + 3)
    assert service.property("NRestarts") == "0"


def test_damaged_frames_are_dropped(usb_camera: Vivid, service: Service) -> None:
    """Protects from naming damaged pictures: what the driver marks as such is counted as corrupt."""
    service.configure(source=usb_camera.node)
    service.start()
    service.wait_for_sample("camera_up", 1)
    for _ in range(3):
        usb_camera.control("inject_v4l2_buf_flag_error")
    service.wait_for_sample("frames_dropped_total:corrupt", at_least=1)


def test_camera_absent_at_boot(service: Service) -> None:
    """Protects a boot without a camera: the service is active and says what it waits for, then finds the camera."""
    service.configure(source="/dev/video0")
    service.start()
    assert service.property("ActiveState") == "active"
    wait_for("status", lambda: "camera away" in service.property("StatusText"))
    assert service.samples()["camera_up"] == 0
    with webcam(service.guest):
        service.wait_for_sample("camera_up", 1)
        assert service.property("NRestarts") == "0"
        service.stop()


def test_hung_service_is_restarted(service: Service) -> None:
    """Protects from a daemon that hangs: without progress the watchdog kills it, and it is started again."""
    service.configure(source="synthetic:")
    service.start()
    service.guest.check(f"systemctl kill --signal=STOP {UNIT}")
    service.wait_for_property("NRestarts", "1")
    assert "Watchdog timeout" in service.guest.check(f"journalctl --no-pager --unit={UNIT}")
    service.wait_for_property("ActiveState", "active")


def test_killed_service_is_restarted(service: Service) -> None:
    """Protects from a crash: the service is back by itself."""
    service.configure(source="synthetic:")
    service.start()
    service.guest.check(f"systemctl kill --signal=KILL {UNIT}")
    service.wait_for_property("NRestarts", "1")
    service.wait_for_property("ActiveState", "active")


def test_bad_configuration_is_not_retried(service: Service) -> None:
    """Protects from a restart loop: what only a person can mend ends with exit 78, one line, and no restart."""
    service.configure(source="synthetic:", more="[modle]\nthreads = 1\n")
    with pytest.raises(GuestError):
        service.start()
    service.wait_for_property("ActiveState", "failed")
    assert service.property("ExecMainStatus") == "78"
    assert service.property("NRestarts") == "0"
    assert "did you mean model?" in service.guest.journal(UNIT)


def test_port_taken(service: Service) -> None:
    """Protects from node_exporter on the same port: exit 75 and who it may be; once the port is free, it starts."""
    service.configure(source="synthetic:")
    listener = "python3 -m http.server 9100"
    with service.guest.service("squatter", listener):
        service.guest.wait_until("curl --silent http://localhost:9100/")
        service.guest.run(f"systemctl start --no-block {UNIT}")
        wait_for("a restart", lambda: int(service.property("NRestarts")) >= 1)
        assert service.property("ExecMainStatus") in ("75", "0")  # 0: the next attempt has just begun
        assert "node_exporter" in service.guest.check(f"journalctl --no-pager --unit={UNIT}")
    service.wait_for_property("ActiveState", "active")


def test_stop_is_clean(usb_camera: Vivid, service: Service) -> None:
    """Protects `systemctl stop`: no kill is needed, the books are closed and the totals told."""
    service.configure(source=usb_camera.node)
    service.start()
    service.wait_for_sample("frames_classified_total", at_least=1)
    invocation = service.property("InvocationID")
    started = time.monotonic()
    service.guest.check(f"systemctl stop {UNIT}")
    print(f"stopped within {time.monotonic() - started:.1f} s")
    assert service.property("Result") == "success"
    assert service.property("ExecMainStatus") == "0"
    journal = service.guest.check(f"journalctl --output=cat --no-pager _SYSTEMD_INVOCATION_ID={invocation}")
    assert "front done: " in journal


def test_upgrade_keeps_configuration_and_cache(service: Service) -> None:
    """Protects an upgrade: the edited configuration and the cache stay, a running service runs the new version."""
    guest = service.guest
    service.configure(source="synthetic:", fps=0.2)  # it shall run, and leave the processor to the installer
    service.start()
    before = guest.check(f"cat {CONFIG}; ls -l --time-style=full-iso /var/cache/pi-classifier/*.pt")
    version = guest.check("readlink /opt/pi-classifier/current")
    guest.check(
        "cd /root/project && PIP_NO_INDEX=1 PIP_FIND_LINKS=/srv/wheelhouse make install", timeout=INSTALL_SECONDS
    )
    assert guest.check(f"cat {CONFIG}; ls -l --time-style=full-iso /var/cache/pi-classifier/*.pt") == before
    assert guest.check("readlink /opt/pi-classifier/current") != version
    assert guest.check("ls -d /opt/pi-classifier/*/ | wc -l").strip() == "2", "the new version, and `current`"
    assert service.property("ActiveState") == "active"


def test_failed_upgrade_leaves_everything_as_it_was(service: Service) -> None:
    """Protects from half an upgrade: when a step fails, the installed version stays, and nothing new does."""
    guest = service.guest
    before = guest.check("ls /opt/pi-classifier; readlink /opt/pi-classifier/current; ls /tmp")
    failed = guest.run(
        "cd /root/project && PIP_NO_INDEX=1 PIP_FIND_LINKS=/nowhere make install", timeout=INSTALL_SECONDS
    )
    assert failed.returncode != 0
    assert "what was begun is removed again" in failed.stdout + failed.stderr
    assert guest.check("ls /opt/pi-classifier; readlink /opt/pi-classifier/current; ls /tmp") == before
    service.configure(source="synthetic:")
    service.start()


def test_uninstall_leaves_nothing(installation: Service) -> None:
    """Protects the machine: after `make uninstall`, twice, neither files nor unit nor user are left."""
    guest = installation.guest
    for _ in range(2):
        guest.check("cd /root/project && make uninstall")
    left = guest.check(
        "find / -xdev -name '*pi-classifier*' -not -path '/root/*' -not -path '/proc/*' -not -path '/srv/*'"
    )
    assert left.strip() == ""
    assert guest.run("getent passwd pi-classifier || getent group pi-classifier").returncode != 0
    assert "could not be found" in guest.run(f"systemctl status {UNIT}").stderr
