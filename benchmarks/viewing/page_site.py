"""The daemon's pipeline, with its live page and without."""

import gc
import threading
import time

from prometheus_client import CollectorRegistry

from benchmarks.viewing.meter import Meter
from pi_classifier.capture import Capture
from pi_classifier.config.address import ListenAddress
from pi_classifier.config.schema import WebSettings
from pi_classifier.contracts.frame import FrameSource
from pi_classifier.contracts.job import PictureDemand
from pi_classifier.contracts.model import Model, Predictor
from pi_classifier.contracts.prediction import Prediction, Sink
from pi_classifier.inference.in_this_thread import InThisThread
from pi_classifier.inference.pipeline import Pipeline
from pi_classifier.inference.publisher import Publisher
from pi_classifier.inference.requests import Requests
from pi_classifier.inference.steadiness import Steadiness
from pi_classifier.sinks.metrics.web import WebMetrics
from pi_classifier.statistics import CameraStatistics

CAMERA = "camera"
TOP_K = 5


class PageSite:
    """Capture, inference, statistics and page, put together as the daemon does it."""

    def __init__(
        self, model: Model, source: FrameSource, *, predictor: Predictor, steadiness: Steadiness, page: bool
    ) -> None:
        """`predictor`: the model's. `steadiness`: of CAMERA."""
        self._model, self._source = model, source
        self._predictor, self._steadiness = predictor, steadiness
        self._statistics = CameraStatistics(CAMERA, time.monotonic())
        self._work_available, self._shutdown = threading.Event(), threading.Event()
        self._demand = PictureDemand()
        self._requests = Requests(self._work_available) if page else None
        self.port = 0
        self._sinks: list[Sink] = []
        if self._requests:
            self._open_page(self._requests)

    def run(self, meter: Meter) -> None:
        """Classify until the meter is done; whoever looks then may stay."""
        capture = Capture(
            self._source,
            statistics=self._statistics,
            observers=(),
            model=self._model,
            work_available=self._work_available,
            shutdown=self._shutdown,
            picture_demand=self._demand,
        )
        pipeline = Pipeline(
            cameras=[(capture, self._statistics)],
            executor=InThisThread(self._predictor),
            publisher=Publisher(self._steadiness, [*self._sinks, _End(meter)]),
            work_available=self._work_available,
            requests=self._requests,
        )
        gc.freeze()  # as the daemon does
        capture.start()
        pipeline.run(frames=0, stopping=lambda: meter.done, after_turn=lambda: None)
        capture.stop()

    def _open_page(self, requests: Requests) -> None:
        # Without the page the daemon imports nothing of it.
        from pi_classifier.web.door import Door  # noqa: PLC0415
        from pi_classifier.web.server import WebServer  # noqa: PLC0415

        door = Door.opened(WebSettings(), ListenAddress("127.0.0.1", 0))
        server = WebServer(
            door,
            pictures_shown=True,
            model=self._model,
            top_k=TOP_K,
            statistics=[self._statistics],
            picture_demands={CAMERA: self._demand},
            ask=requests.ask,
            observers=[WebMetrics(CollectorRegistry())],
        )
        server.start()
        self.port = door.address.port
        self._sinks.append(server)


class _End:
    """The sink that ends a frame's turn."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def offer(self, prediction: Prediction) -> None:
        """A frame is finished."""
        self._meter.frame(prediction.captured_at)
