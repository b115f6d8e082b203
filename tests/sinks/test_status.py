"""The line that `systemctl status` shows."""

from pi_classifier.sinks.status import StatusSink
from pi_classifier.statistics import CameraStatistics
from tests.fakes import prediction_of


def test_all_cameras_share_the_line() -> None:
    """Protects `systemctl status` with two cameras: each report of one shows the other as it last was."""
    lines: list[str] = []
    sink = StatusSink(lines.append, untrained=False)
    front, back = CameraStatistics("front", 0.0), CameraStatistics("back", 0.0)
    sink.offer(prediction_of((0, "tench", 0.5), camera="front"))
    sink.report(front.end_interval(1.0))
    back.camera_failed("lost", "/dev/video2: no such camera; plug it in")
    sink.report(back.end_interval(1.0))
    sink.report(front.end_interval(2.0))
    assert lines == [
        "front 0.0 fps | nothing for 0 s | 50.0% tench",
        "front 0.0 fps | nothing for 0 s | 50.0% tench; "
        "back 0.0 fps | camera disconnected: /dev/video2: no such camera; plug it in",
        "front 0.0 fps | no new frame; back 0.0 fps | camera disconnected: /dev/video2: no such camera; plug it in",
    ]


def test_untrained_weights_are_named() -> None:
    """Protects from believing random labels in `systemctl status`."""
    lines: list[str] = []
    sink = StatusSink(lines.append, untrained=True)
    sink.offer(prediction_of((0, "tench", 0.5)))
    sink.report(CameraStatistics("front", 0.0).end_interval(1.0))
    assert lines == ["front 0.0 fps | UNTRAINED weights, labels mean nothing: nothing for 0 s | 50.0% tench"]


def test_totals_stay_on_the_line() -> None:
    """Protects what is read after the end: the status shows each camera's totals."""
    lines: list[str] = []
    sink = StatusSink(lines.append, untrained=False)
    for name in ("front", "back"):
        statistics = CameraStatistics(name, 0.0)
        statistics.frame_classified()
        sink.finish(statistics.snapshot(), 2.0)
    assert lines[-1] == (
        "front done: 1 captured = 1 classified + 0 dropped in 2.0 s, 0.5 fps; "
        "back done: 1 captured = 1 classified + 0 dropped in 2.0 s, 0.5 fps"
    )
