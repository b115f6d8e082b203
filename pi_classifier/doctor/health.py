"""How a running daemon is, by its own metrics: for the health check of a container."""

import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException

from prometheus_client.parser import text_string_to_metric_families

from pi_classifier.config.address import ListenAddress
from pi_classifier.errors import ConfigError

ANSWER_SECONDS = 10.0
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Not through a proxy, which containers are often given: it would look for this address on itself."""


@dataclass(frozen=True, slots=True)
class Health:
    """What became of the question."""

    ok: bool
    messages: tuple[str, ...]
    """One a camera; a single one where nobody answers."""


def health(listen: ListenAddress | None, *, within_seconds: float) -> Health:
    """Ask the daemon that serves its metrics at `listen`.

    Healthy is a camera whose last prediction is at most `within_seconds` old, and one that is disconnected: a container
    that is restarted does not plug a camera in.

    Raises:
        ConfigError: metrics are turned off.
    """
    if listen is None:
        raise ConfigError("metrics are turned off, and health is read from them", remedy="set [metrics] listen")
    address = f"http://{listen.to_connect}/metrics"
    try:
        with DIRECTLY.open(address, timeout=ANSWER_SECONDS) as answer:
            text = answer.read().decode(errors="replace")
    except urllib.error.HTTPError:
        text = ""  # somebody is there, and has no metrics
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        return Health(ok=False, messages=(f"nobody answers at {address} ({reason}); is pi-classifier running?",))
    try:
        values = {
            (sample.name.removeprefix("pi_classifier_"), sample.labels.get("camera", "")): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    except ValueError:
        values = {}  # a page of some other kind
    if not any(name == "camera_up" for name, _ in values):
        message = f"no cameras at {address}: the model is still being loaded, or another program has that port"
        return Health(ok=False, messages=(message,))
    return _of_cameras(values, within_seconds)


def _of_cameras(values: Mapping[tuple[str, str], float], within_seconds: float) -> Health:
    """By the values of one scrape, by name and camera."""
    ok, messages = True, []
    for camera in (camera for name, camera in values if name == "camera_up"):
        if not values["camera_up", camera]:
            messages.append(f"{camera}: disconnected, waiting for it")
            continue
        age = time.time() - values.get(("last_prediction_timestamp_seconds", camera), float("-inf"))
        fresh = age <= within_seconds
        last = f"last prediction {age:.1f} s ago" if age < float("inf") else "no prediction yet"
        messages.append(f"{camera}: {last}, {values['frames_per_second', camera]:.1f} fps{'' if fresh else ': stuck'}")
        ok = ok and fresh
    return Health(ok, tuple(messages))
