"""The daemon's pipeline before several cameras, put together as the daemon does it."""

import gc
import threading
import time
from collections.abc import Generator

from benchmarks.streams.case import Classified, GroupFigures, Setting
from pi_classifier.capture import Capture, Captures
from pi_classifier.config.schema import CameraSettings, SteadinessSettings
from pi_classifier.contracts.component import Component
from pi_classifier.contracts.executor import Executor
from pi_classifier.contracts.frame import Frame, FrameSource
from pi_classifier.contracts.group import Group
from pi_classifier.contracts.prediction import Prediction
from pi_classifier.inference.in_this_thread import InThisThread
from pi_classifier.inference.pipeline import Pipeline
from pi_classifier.inference.publisher import Publisher
from pi_classifier.inference.steadiness import LabelSteadiness, Steadiness
from pi_classifier.inference.synchroniser import Synchroniser
from pi_classifier.inference.workers import Workers
from pi_classifier.sources.uri import source_for
from pi_classifier.statistics import CameraStatistics
from tests.streams.numbered import number_in


class Loop:
    """Sources by their URLs, a thread each; one loop for all, and one model or several."""

    def __init__(self, setting: Setting) -> None:
        """Raises ConfigError for a source of a kind that there is none of."""
        self._model = setting.model()
        self._workers = setting.workers if setting.contender == "workers" else 1
        self._sources = {
            camera: _Watched(source_for(CameraSettings(name=camera, source=url)))
            for camera, url in setting.urls.items()
        }

    def run(self, classified: Classified, ended: threading.Event) -> list[GroupFigures]:
        """Until `ended` is set."""
        groups = _Groups()
        synchroniser = Synchroniser({"table": list(self._sources)}, sinks=[groups])
        work_available = threading.Event()
        statistics = [CameraStatistics(camera, time.monotonic()) for camera in self._sources]
        captures = [
            Capture(
                self._sources[one.camera],
                statistics=one,
                observers=(synchroniser,),
                model=self._model,
                work_available=work_available,
                shutdown=ended,
            )
            for one in statistics
        ]
        executor = self._executor(work_available)
        pipeline = Pipeline(
            cameras=list(zip(captures, statistics, strict=True)),
            executor=executor,
            publisher=Publisher(self._steadiness(), [_Told(self._sources, classified), synchroniser]),
            work_available=work_available,
        )
        gc.freeze()  # as the daemon does
        components: list[Component] = [executor, Captures(captures, ended)]
        for component in components:
            component.start()
        pipeline.run(frames=0, stopping=ended.is_set, after_turn=synchroniser.check)
        for component in reversed(components):
            component.stop()
        return groups.figures

    def _executor(self, work_available: threading.Event) -> Executor:
        if self._workers == 1:
            return InThisThread(self._model.new_predictor())
        return Workers([self._model.new_predictor() for _ in range(self._workers)], work_available)

    def _steadiness(self) -> Steadiness:
        return LabelSteadiness(
            SteadinessSettings(),
            cameras=list(self._sources),
            categories=self._model.metadata.categories,
            watches={},
            on_change=lambda _change: None,
        )


class _Watched:
    """A source, and the numbers that its frames showed."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self.pace_fps = source.pace_fps
        self.numbers: dict[int, int] = {}
        """By the frame's sequence."""

    def frames(self) -> Generator[Frame, None, None]:
        """As they come."""
        for frame in self._source.frames():
            self.numbers[frame.sequence] = number_in(frame.pixels)
            yield frame


class _Told:
    """The sink that ends a frame's turn."""

    def __init__(self, sources: dict[str, _Watched], classified: Classified) -> None:
        self._sources, self._classified = sources, classified

    def offer(self, prediction: Prediction) -> None:
        """A frame is finished."""
        self._classified(prediction.camera, self._sources[prediction.camera].numbers[prediction.sequence])


class _Groups:
    """Remembers what the groups were like."""

    def __init__(self) -> None:
        self.figures: list[GroupFigures] = []

    def offer_group(self, group: Group) -> None:
        """One more."""
        self.figures.append((group.at, group.skew, group.latency, not group.missing))
