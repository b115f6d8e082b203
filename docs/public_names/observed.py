"""Names that show only in what the program puts out: metrics, lines of JSON, events. So they are put out here."""

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stdout

import numpy as np
from prometheus_client import CollectorRegistry, Metric

from pi_classifier import __version__
from pi_classifier.contracts.detection import Detection, DetectorMetadata
from pi_classifier.contracts.event import Event, EventKind
from pi_classifier.contracts.group import Group, Member
from pi_classifier.contracts.model import ModelMetadata
from pi_classifier.contracts.prediction import Prediction, Result, Score, Timings
from pi_classifier.contracts.state import Change, State, Steady, WatchState
from pi_classifier.errors import CameraAbsent, CaptureTimeout, InputError
from pi_classifier.events.groups import GroupEvents
from pi_classifier.events.journal import entry_fields, message
from pi_classifier.events.monitor import EventMonitor
from pi_classifier.mqtt.broker import Broker
from pi_classifier.mqtt.connection import Connection
from pi_classifier.mqtt.outbox import Outbox
from pi_classifier.offline import detect
from pi_classifier.offline.classify import JsonReport
from pi_classifier.sinks.metrics.at_scrape import build_versions
from pi_classifier.sinks.metrics.groups import GroupMetrics
from pi_classifier.sinks.metrics.mqtt import MqttMetrics
from pi_classifier.sinks.metrics.sink import MetricsSink
from pi_classifier.sinks.metrics.web import WebMetrics
from pi_classifier.sinks.metrics.webhooks import WebhookMetrics
from pi_classifier.sinks.stdout import StdoutSink
from pi_classifier.statistics import CameraStatistics
from pi_classifier.system.soc import CONDITIONS
from pi_classifier.webhooks.hook import Hook
from pi_classifier.webhooks.receiver import Receiver
from public_names.markdown import block, code, table

SCORES = (Score(898, "water bottle", 0.621), Score(737, "pop bottle", 0.09))
STEADY = Steady(State("water bottle", 898, 0.618, 0.5), (WatchState("bottle", True, 0.701, 0.5),))
PREDICTION = Prediction(
    "front",
    41,
    12.5,
    Result(np.zeros(1000, np.float32), SCORES),
    Timings(0.001, 0.0005, 0.02, 0.0001, 0.0001, 0.0255),
    STEADY,
)
DOG = Detection("dog", 16, 0.912345, (12.25, 40.0, 310.5, 239.75), ("lawn",))
WITH_OBJECTS = PREDICTION._replace(
    result=Result(np.zeros(80, np.float32), (Score(16, "dog", 0.912345),), (DOG,)),
    steady=Steady(None, (WatchState("animal", True, 0.874, 0.5),)),
)
DETECTOR = DetectorMetadata("yolox_nano", "yolox_nano.onnx", "c0ffee", "cpu", "yolox", 416, 416, ("dog",))
GROUP = Group(
    "table",
    7,
    12.5,
    0.0667,
    0.0861,
    (Member(PREDICTION._replace(camera="left"), 0.0), Member(PREDICTION._replace(camera="right"), -0.0312)),
    ("back",),
)
NOBODY = Broker("broker", 1883, None, "", "")
EXAMPLE_ID = "0b816d21e6a64fb1a3a06515b667278f"
STARTED: dict[str, str | float] = {
    "label": "water bottle",
    "class_id": 898,
    "probability": 0.501,
    "reason": "probability",
}
IN_A_ZONE: dict[str, str | float] = {
    "watch": "animal",
    "zone": "lawn",
    "probability": 0.512,
    "reason": "probability",
}
ABSENT = CameraAbsent("/dev/video0: no such device", remedy="check its plug and power")
METADATA = ModelMetadata(
    name="mobilenet_v2",
    weights="default",
    weights_sha256="c0ffee",
    engine="qnnpack",
    activations="quint8",
    input_size=224,
    resize_size=256,
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    scale=1.0,
    zero_point=0,
    categories=("tench",),
    torch_version="2",
)
MEANING = {
    "camera": "its name",
    "captured": "frames",
    "classified": "frames",
    "dropped": "frames by reason, reasons without any left out",
    "class_id": "index into the model's categories",
    "cameras": "of a group: each that has a frame of its moment, by name",
    "cameras.*.frame": "its number",
    "cameras.*.label": "of the best class of that frame",
    "cameras.*.offset_ms": "from the group's moment to the capture of that frame, in milliseconds",
    "cameras.*.probability": "of that class, 0 to 1",
    "cameras.*.state_label": "what holds still; empty for nothing",
    "event": "its kind",
    "group": "its name",
    "latency_ms": "from the group's moment until it was complete, or was waited for no longer",
    "missing": "the other cameras of the group",
    "skew_ms": "from the group's first frame to its last",
    "id": "this event's alone",
    "label": "what began or ended; of a watch `watch` stands there, with its name",
    "probability": "smoothed, 0 to 1",
    "reason": "`probability`, or `camera` where that was lost",
    "state": "what holds still; null without a new frame, and of a detector",
    "state.class_id": "index into the model's categories; null for nothing",
    "state.label": "of the class; null for nothing",
    "state.probability": "smoothed, 0 to 1",
    "state.seconds": "for how long",
    "time": "UTC, ISO 8601",
    "watches": "each `[[watch]]`",
    "watches[].active": "whether the camera shows any of its classes",
    "watches[].name": "its name",
    "watches[].probability": "of all of its classes, smoothed, 0 to 1",
    "watches[].seconds": "for how long",
    "error": "what is wrong, with the remedy; of a camera only while it is disconnected",
    "fps": "frames classified a second: over the last interval, in the totals over the whole run",
    "frame": "its number, counted from 0; null without a new frame",
    "frame_age_seconds": "from capture to prediction; null without a new frame",
    "input": "as it was given, or as it was found in a folder",
    "detections": "of a detector: objects, best first",
    "detections[].class_id": "index into the detector's labels",
    "detections[].label": "of the class",
    "detections[].confidence": "0 to 1",
    "detections[].box": "left, top, right, bottom in pixels of the picture, from its outer edges",
    "detections[].zones": "names of the zones that it is in; else the key is not there",
    "watch": "its name",
    "zone": "that the watch looks at; else the key is not there",
    "predictions": "the best classes, best first",
    "predictions[].class_id": "index into the model's categories",
    "predictions[].label": "of the class",
    "predictions[].probability": "0 to 1",
    "seconds": "of the whole run",
    "weights": "`untrained`: the labels mean nothing; else the key is not there",
}
JSON_TYPES = {
    "bool": "boolean",
    "dict": "object",
    "float": "number",
    "int": "integer",
    "list": "array",
    "str": "string",
}


def statistics() -> CameraStatistics:
    """Of a camera that has known every fate of a frame and every kind of failure."""
    statistics = CameraStatistics("front", 0.0)
    for error in (ABSENT, CaptureTimeout("/dev/video0: no frames", remedy="check its cable")):
        statistics.camera_failed(error.kind, str(error))
        statistics.frame_arrived(0.5)
    for _ in range(36):
        statistics.frame_classified()
    for reason in ("stale", "corrupt", "shutdown"):
        statistics.frame_dropped(reason)
    return statistics


def metrics() -> str:
    """Every metric of a real registry, on a machine that tells everything."""
    registry = CollectorRegistry()
    sink = MetricsSink(
        registry,
        statistics=[statistics()],
        requested_fps={"front": 36.0},
        steady=lambda: {"front": STEADY},
        runtime="torchscript",
        metadata=METADATA,
        labels=("water bottle",),
        versions=build_versions(__version__, {"torch": "2"}, "5"),
        temperature=lambda: 48.3,
        throttled=lambda: {(condition, when): False for condition in CONDITIONS for when in ("now", "since_boot")},
    )
    sink.offer(PREDICTION)
    web = WebMetrics(registry)
    web.request_answered("/api/v1/status", "GET", 200, 0.001)
    web.frame_sent("front", "live", 8000)
    GroupMetrics(registry, [GROUP.name]).offer_group(GROUP)
    outbox = Outbox()
    registry.register(MqttMetrics(outbox, Connection(NOBODY, outbox, client_id="", will_topic="")))
    registry.register(WebhookMetrics([Hook("house", Receiver("https://example.org/", b"", None), kinds=(), source="")]))
    families = sorted([*registry.collect(), *_of_detectors()], key=lambda family: family.name)
    rows = [(code(_exposed(family)), family.type, _labels(family), family.documentation) for family in families]
    return table(("metric", "type", "labels", "meaning"), rows)


def _of_detectors() -> list[Metric]:
    """What they have in the place of another."""
    registry = CollectorRegistry()
    sink = MetricsSink(
        registry,
        statistics=[statistics()],
        requested_fps={},
        steady=dict,
        runtime="onnx",
        metadata=DETECTOR,
        labels=("dog",),
        versions={},
        temperature=lambda: None,
        throttled=dict,
    )
    sink.offer(PREDICTION._replace(result=PREDICTION.result._replace(detections=(DOG,))))
    return [family for family in registry.collect() if family.name == "pi_classifier_detections"]


def _exposed(family: Metric) -> str:
    """The name to query, of a histogram without its suffixes."""
    return family.name if family.type == "histogram" else family.samples[0].name


def _labels(family: Metric) -> str:
    """Names, with the values where there are only a few."""
    values: dict[str, list[str]] = {}
    for sample in family.samples:
        for name, value in sample.labels.items():
            if name != "le" and value not in values.setdefault(name, []):
                values[name].append(value)
    return "; ".join(f"`{name}`: {code(*known)}" if len(known) > 1 and name != "label" else code(name)
                     for name, known in values.items())  # fmt: skip


def log_lines() -> str:
    """`run --log-format json`."""
    stream = io.StringIO()
    sink, untrained = (
        StdoutSink(stream=stream, log_format="json", untrained=untrained, on_closed=stream.close)
        for untrained in (False, True)
    )
    front = statistics()
    sink.offer(PREDICTION)
    sink.report(front.end_interval(1.0))
    untrained.offer(PREDICTION)
    untrained.report(front.snapshot())
    sink.offer(WITH_OBJECTS)
    sink.report(front.end_interval(1.5))
    sink.notify(Event(EventKind.STARTED, "front", 1767225600.25, EXAMPLE_ID, STARTED))
    sink.notify(Event(EventKind.STARTED, "front", 1767225600.25, EXAMPLE_ID, IN_A_ZONE))
    sink.notify(group_event()._replace(at=1767225600.5, id=EXAMPLE_ID))
    front.camera_failed(ABSENT.kind, str(ABSENT))
    sink.report(front.end_interval(2.0))
    sink.finish(front.snapshot(), 2.0)
    titles = ("camera delivers", "untrained weights", "a detector", "an event", "a watch's event", "a group",
              "camera disconnected", "totals at the end")  # fmt: skip
    return _lines(titles, stream.getvalue())


def classify_lines() -> str:
    """`classify --json`."""
    with redirect_stdout(io.StringIO()) as stream:
        JsonReport(untrained=False).seen("clip.mp4", 7, SCORES)
        JsonReport(untrained=False).failed("empty.jpg", InputError("empty.jpg: not a picture", remedy="give another"))
        JsonReport(untrained=True).seen("tench.jpg", 0, SCORES)
    return _lines(("a frame", "an input that cannot be read", "untrained weights"), stream.getvalue())


def detect_lines() -> str:
    """The same of a detector."""
    with redirect_stdout(io.StringIO()) as stream:
        detect.JsonReport().seen("yard.jpg", 0, (DOG._replace(zones=()),))
        detect.JsonReport().failed("empty.jpg", InputError("empty.jpg: not a picture", remedy="give another"))
    return _lines(("a frame", "an input that cannot be read"), stream.getvalue())


def _lines(titles: Iterable[str], text: str) -> str:
    """The lines themselves, and every key that is in any of them: its types, and the lines that have it."""
    types: dict[str, list[str]] = {}
    places: dict[str, list[str]] = {}
    lines = dict(zip(titles, text.splitlines(), strict=True))
    for title, line in lines.items():
        for key, kind in _keys(json.loads(line)):
            types.setdefault(key, [])
            types[key] += [kind] * (kind not in types[key])
            places.setdefault(key, [])
            places[key] += [title] * (title not in places[key])
    for titles_of_key in places.values():
        if len(titles_of_key) == len(lines):
            titles_of_key[:] = ["all"]
    rows = [(code(key), " or ".join(types[key]), ", ".join(places[key]), MEANING[key]) for key in types]
    return block(lines.values(), "json") + "\n" + table(("key", "type", "in the line of", "meaning"), rows)


def _keys(line: Mapping[str, object], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in line.items():
        yield above + key, "null" if value is None else JSON_TYPES[type(value).__name__]
        for item in value[:1] if isinstance(value, list) and key not in ("missing", "box", "zones") else ():
            yield from _keys(item, f"{above}{key}[].")
        if isinstance(value, dict) and key == "state":
            yield from _keys(value, f"{above}{key}.")
        if isinstance(value, dict) and key == "cameras":
            for member in value.values():
                yield from _keys(member, f"{above}{key}.*.")


def group_event() -> Event:
    """That of a group."""
    events: list[Event] = []
    GroupEvents(each=[events.append], changes=[]).offer_group(GROUP)
    return events[0]


def events() -> str:
    """Every kind of event, as it is published and as the journal writes it."""
    seen: list[Event] = []
    now = 0.0
    monitor = EventMonitor([seen.append], summary_seconds=60, clock=lambda: now)
    front = statistics()
    monitor.camera_down("front", ABSENT)
    monitor.camera_up("front")
    for started in (True, False):
        monitor.changed(Change("front", started, "water bottle", 898, None, 0.501, now, "probability"))
    monitor.report(front.end_interval(1.0))
    now = 60.0
    monitor.report(front.end_interval(2.0))
    monitor.finish(front.snapshot(), 60.0)
    by_kind = {event.kind: event for event in [*seen, group_event()]}
    rows = []
    for kind in EventKind:
        event = by_kind[kind]
        kinds = ", ".join(f"`{name}` ({JSON_TYPES[type(value).__name__]})" for name, value in event.fields.items())
        rows.append((code(kind), kinds, code(*entry_fields(event)), message(event)))
    return table(("kind", "fields", "fields of the journal's entry", "its text"), rows)
