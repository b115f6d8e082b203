"""How a running daemon is, by its own metrics: for the health check of a container."""

import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException

from prometheus_client.parser import text_string_to_metric_families

from pi_classifier.config.address import ListenAddress
from pi_classifier.errors import ConfigError, one_line

ANSWER_SECONDS = 10.0
"""For the whole answer."""
LONGEST_ANSWER = 4 << 20
"""Bytes: a hundred times what the daemon serves with a dozen cameras."""
CLOCK_SECONDS = 1.0
"""How far ahead a time may be: of a clock that was just set."""
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Not through a proxy, which containers are often given: it would look for this address on itself."""


@dataclass(frozen=True, slots=True)
class Health:
    """What became of the question."""

    ok: bool
    messages: tuple[str, ...]
    """One a camera; a single one where nobody answers."""


def health(listen: ListenAddress | None, *, within_seconds: float, answer_seconds: float = ANSWER_SECONDS) -> Health:
    """Ask the daemon that serves its metrics at `listen`.

    Healthy is a camera whose last prediction is at most `within_seconds` old, and one that is disconnected: a container
    that is restarted does not plug a camera in. The whole answer may take `answer_seconds`.

    Raises:
        ConfigError: metrics are turned off.
    """
    if listen is None:
        raise ConfigError("metrics are turned off, and health is read from them", remedy="set [metrics] listen")
    address = f"http://{listen.to_connect}/metrics"
    try:
        text = _answer(address, answer_seconds)
    except urllib.error.HTTPError:
        text = ""  # somebody is there, and has no metrics
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        message = one_line(f"nobody answers at {address} ({reason}); is pi-classifier running?")
        return Health(ok=False, messages=(message,))
    values = scraped_values(text)
    if not any(name == "camera_up" for name, _ in values):
        message = f"no cameras at {address}: the model is still being loaded, or another program has that port"
        return Health(ok=False, messages=(message,))
    return _of_cameras(values, within_seconds)


def _answer(address: str, seconds: float) -> str:
    """What is served at an address, the first `LONGEST_ANSWER` bytes of it.

    On a thread of its own, for the library's deadlines are for each read alone: a server that sends a byte now and then
    would never be given up. Raises OSError and HTTPException, and TimeoutError after so many seconds in all.
    """
    answers: queue.Queue[str | Exception] = queue.Queue()

    def ask() -> None:
        try:
            with DIRECTLY.open(address, timeout=seconds) as answer:
                answers.put(answer.read(LONGEST_ANSWER).decode(errors="replace"))
        except (OSError, HTTPException) as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no whole answer within {seconds:g} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def scraped_values(text: str) -> dict[tuple[str, str], float]:
    """The daemon's own samples of a scrape, by name and camera; none where it is a page of some other kind."""
    own = "".join(f"{line}\n" for line in text.splitlines() if line.startswith("pi_classifier_"))
    try:
        return {
            (sample.name.removeprefix("pi_classifier_"), sample.labels.get("camera", "")): sample.value
            for family in text_string_to_metric_families(own)
            for sample in family.samples
        }
    except (ValueError, IndexError, KeyError):
        return {}


def _of_cameras(values: Mapping[tuple[str, str], float], within_seconds: float) -> Health:
    """By the values of one scrape, by name and camera."""
    ok, messages = True, []
    for camera in (camera for name, camera in values if name == "camera_up"):
        if not values["camera_up", camera]:
            messages.append(f"{camera}: disconnected, waiting for it")
            continue
        age = time.time() - values.get(("last_prediction_timestamp_seconds", camera), float("-inf"))
        # A prediction of the future is none: it would be fresh until the clocks agree.
        fresh = -CLOCK_SECONDS <= age <= within_seconds
        last = f"last prediction {age:.1f} s ago" if age < float("inf") else "no prediction yet"
        messages.append(
            f"{camera}: {last}, {values.get(('frames_per_second', camera), 0.0):.1f} fps{'' if fresh else ': stuck'}"
        )
        ok = ok and fresh
    return Health(ok, tuple(messages))
