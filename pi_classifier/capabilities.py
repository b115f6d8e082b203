"""What is there only where it is switched on: the page, several models, cameras in step, detectors, MQTT, webhooks.

Nothing of it is imported otherwise.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pi_classifier.config.schema import Settings, WebSettings
from pi_classifier.contracts.event import EventQueue
from pi_classifier.contracts.executor import Executor
from pi_classifier.contracts.job import PictureDemand
from pi_classifier.contracts.model import Model
from pi_classifier.contracts.state import Change
from pi_classifier.errors import CannotWrite, ConfigError
from pi_classifier.inference.in_this_thread import InThisThread
from pi_classifier.runtimes.labels import class_id_of
from pi_classifier.sinks.metrics.server import MetricsServer
from pi_classifier.statistics import CameraStatistics

if TYPE_CHECKING:
    from pi_classifier.contracts.group import GroupSink
    from pi_classifier.contracts.request import RequestSource
    from pi_classifier.inference.presence import Presence
    from pi_classifier.inference.synchroniser import Synchroniser
    from pi_classifier.mqtt.publisher import MqttPublisher
    from pi_classifier.web.door import Door
    from pi_classifier.web.server import WebServer
    from pi_classifier.webhooks.hooks import Webhooks

TOLD_OF_GROUPS = ("journal", "mqtt", "webhooks")
"""The queues of events that get those of groups, where what a group says has changed."""


@contextmanager
def web_door(settings: WebSettings) -> Iterator["Door | None"]:
    """The page's port, bound; None where it is turned off, and then nothing of it is imported."""
    if settings.listen is None:
        yield None
        return
    try:
        import pi_classifier.web.server  # noqa: F401 - an error now, not when the model is loaded
        from pi_classifier.web.door import Door
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"web.listen is set, and {error.name} is not installed", remedy="run: pip install 'pi-classifier[web]'"
        ) from None
    if settings.collect:
        from pi_classifier.collecting.folder import make_folder

        try:
            make_folder(Path(settings.collect))
        except CannotWrite as error:
            raise ConfigError(f"web.collect = {error.problem}", remedy=error.remedy) from None
    door = Door.opened(settings, settings.listen)
    with door.listener:
        yield door


class Web(NamedTuple):
    """What there is of the page and the API: nothing, where they are turned off."""

    servers: "list[WebServer]"
    requests: "RequestSource | None"


def live_page(
    settings: Settings,
    door: "Door | None",
    metrics: MetricsServer | None,
    model: Model,
    statistics: Sequence[CameraStatistics],
    picture_demands: Mapping[str, PictureDemand],
    work_available: threading.Event,
) -> Web:
    """The page's server and what it asks, if it is turned on."""
    if door is None:
        return Web([], None)
    from pi_classifier.inference.requests import Requests
    from pi_classifier.sinks.metrics.web import WebMetrics
    from pi_classifier.web.server import WebServer

    requests = Requests(work_available)
    server = WebServer(
        door,
        pictures_shown=settings.web.pictures,
        model=model,
        top_k=settings.model.top_k,
        statistics=statistics,
        picture_demands=picture_demands,
        groups=settings.groups,
        collect=Path(settings.web.collect) if settings.web.collect else None,
        ask=requests.ask,
        observers=[WebMetrics(metrics.registry)] if metrics else [],
    )
    return Web([server], requests)


def mqtt_publisher(
    settings: Settings,
    metrics: MetricsServer | None,
    model: Model,
    picture_demands: Mapping[str, PictureDemand],
) -> "list[MqttPublisher]":
    """Who tells a broker, if one is named; else nobody, and then nothing of it is imported."""
    if not settings.mqtt.host:
        return []
    try:
        from pi_classifier.mqtt.building import build
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"mqtt.host is set, and {error.name} is not installed", remedy="run: pip install 'pi-classifier[mqtt]'"
        ) from None
    from pi_classifier.sinks.metrics.mqtt import MqttMetrics

    mqtt = build(settings, model.metadata, picture_demands)
    if metrics:
        metrics.registry.register(MqttMetrics(mqtt.outbox, mqtt.connection))
    return [mqtt.publisher]


def webhooks(settings: Settings, metrics: MetricsServer | None) -> "list[Webhooks]":
    """Who tells web servers, if any is named; else nobody, and then nothing of it is imported."""
    if not settings.webhook:
        return []
    from pi_classifier.sinks.metrics.webhooks import WebhookMetrics
    from pi_classifier.webhooks.hooks import Webhooks

    hooks = Webhooks.of(settings.webhook)
    if metrics:
        metrics.registry.register(WebhookMetrics(hooks.hooks))
    return [hooks]


def presence(settings: Settings, categories: Sequence[str], on_change: Callable[[Change], None]) -> "Presence":
    """What tells, of a detector's objects, when a watch starts and stops."""
    from pi_classifier.inference.presence import ObjectWatch, Presence

    for watch in settings.watch:
        for label in watch.labels:
            class_id_of(label, categories, f"watch {watch.name}")
    watches = {
        camera.name: [
            ObjectWatch(one.name, frozenset(one.labels), one.zone) for one in settings.watches_of(camera.name)
        ]
        for camera in settings.camera
    }
    return Presence(settings.steadiness, watches=watches, on_change=on_change)


def executor_for(model: Model, workers: int, work_available: threading.Event) -> Executor:
    """Who runs the model: so many workers, or the inference loop."""
    if workers == 1:
        return InThisThread(model.new_predictor())
    from pi_classifier.inference.workers import Workers

    return Workers([model.new_predictor() for _ in range(workers)], work_available)


def cameras_in_step(
    groups: Mapping[str, Sequence[str]],
    metrics: MetricsServer | None,
    queues: Sequence[EventQueue],
    web: Sequence["WebServer"],
) -> "list[Synchroniser]":
    """Who brings the cameras of each group together; nobody where there is none, and then nothing of it is imported."""
    if not groups:
        return []
    from pi_classifier.events.groups import GroupEvents
    from pi_classifier.inference.synchroniser import Synchroniser
    from pi_classifier.sinks.metrics.groups import GroupMetrics

    each = [one.publish for one in queues if one.name == "stdout"]
    changes = [one.publish for one in queues if one.name in TOLD_OF_GROUPS]
    sinks: list[GroupSink] = [GroupEvents(each=each, changes=changes), *web]
    if metrics:
        sinks.append(GroupMetrics(metrics.registry, list(groups)))
    return [Synchroniser(groups, sinks=sinks)]
