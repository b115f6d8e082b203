"""The installed service, as whoever operates it sees it: systemctl, the journal, and a scrape from another machine."""

import json
import shlex
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.guest.cameras import TEST_DATA
from tests.guest.guest import Guest, wait_for

UNIT = "pi-classifier"
CONFIG = "/etc/pi-classifier/config.toml"
CAMERA = "front"
"""The one that is always there."""
WEIGHTS = f"{TEST_DATA}/weights/mobilenet_v2_qnnpack_torchvision.pth"


class Service:
    """The installed service."""

    def __init__(self, guest: Guest, model: str = f'weights = "{WEIGHTS}"') -> None:
        """`model`: the lines below `[model]` of its configuration."""
        self.guest = guest
        self._model = model

    def configure(self, *, source: str, fps: float = 36, more: str = "") -> None:
        """Write the configuration: one camera, the model; journal entries come quickly."""
        text = (
            f'[[camera]]\nname = "{CAMERA}"\nsource = "{source}"\nfps = {fps}\n[model]\n{self._model}\n'
            f"[log]\nsummary_seconds = 5\n{more}"
        )
        self.guest.check(f"printf %s {shlex.quote(text)} >{CONFIG}")

    def start(self) -> None:
        """Start it; returns when it is ready."""
        self.guest.check(f"systemctl start {UNIT}")

    def stop(self) -> None:
        """Stop it and forget how it ended."""
        self.guest.run(f"systemctl stop {UNIT}; systemctl reset-failed {UNIT}")

    @contextmanager
    def watching(self, source: str) -> Iterator[None]:
        """Have it run on one camera while the context lasts; then it has let go of it: the driver can be removed."""
        self.stop()
        self.configure(source=source)
        self.start()
        try:
            yield
        finally:
            self.stop()

    def keep_running(self) -> None:
        """Have it run on the drawn scene, slowly: what happens to it shall have the processor.

        It is not started if it does so already: a start takes an emulated processor half a minute.
        """
        before = self.guest.check(f"cat {CONFIG}")
        self.configure(source="synthetic:", fps=0.2)
        if self.guest.check(f"cat {CONFIG}") != before or self.property("ActiveState") != "active":
            self.stop()
            self.start()

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

    def samples(self, camera: str = CAMERA) -> dict[str, float]:
        """One scrape from the host, by name and by what tells samples of one name apart; none of other cameras."""
        address = f"http://127.0.0.1:{self.guest.metrics_port}/metrics"
        with urllib.request.urlopen(address, timeout=120) as answer:
            text = answer.read().decode()
        return {
            ":".join([sample.name.removeprefix("pi_classifier_"), *_distinction(sample.labels)]): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.labels.get("camera", camera) == camera
        }

    def wait_for_sample(
        self, name: str, at_least: float, at_most: float = float("inf"), *, camera: str = CAMERA
    ) -> None:
        """Wait until a scrape from the host shows a sample within bounds."""

        def shown() -> bool:
            try:
                return at_least <= self.samples(camera).get(name, float("nan")) <= at_most
            except (urllib.error.URLError, ConnectionError):
                return False  # it may just be starting

        wait_for(f"{name} of {camera} from {at_least} to {at_most}", shown)

    def wait_for_more(self, name: str, before: dict[str, float], *, by: float = 1, camera: str = CAMERA) -> None:
        """Wait until a counter has risen since an earlier scrape."""
        self.wait_for_sample(name, at_least=before.get(name, 0) + by, camera=camera)


def _distinction(labels: dict[str, str]) -> list[str]:
    return [labels[key] for key in ("reason", "kind") if key in labels]
