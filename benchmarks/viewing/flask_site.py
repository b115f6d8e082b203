"""What people usually build: a loop that draws labels on frames, and Flask with a generator for each client.

It is the loop of many tutorials, with two faults of theirs mended: the model runs once a frame and not once for each
client, and a client waits for the next frame and does not encode the same one again and again.
"""

import logging
import threading
from collections.abc import Iterator

import cv2
from flask import Flask, Response
from werkzeug.serving import make_server

from benchmarks.loops.camera import Camera
from benchmarks.viewing.case import QUALITY
from benchmarks.viewing.meter import Meter
from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.model import Model
from pi_classifier.contracts.prediction import Score

WHITE = (255, 255, 255)
PATH = "/video_feed"


class FlaskSite:
    """Camera, model and labels in one loop; Flask's own server, with a thread a client, as `app.run` starts it."""

    def __init__(self, model: Model, camera: Camera) -> None:
        self._camera = camera
        self._preprocess, self._tensor = model.new_preprocessor(), model.new_tensor()
        self._predictor = model.new_predictor()
        self._newest: Pixels | None = None
        self._number = 0
        self._arrival = threading.Condition()
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        app = Flask(__name__)
        app.add_url_rule(PATH, view_func=self._video_feed)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def run(self, meter: Meter) -> None:
        """Classify until the meter is done; whoever looks then may stay."""
        while not meter.done:
            captured_at, pixels = self._camera.read()
            frame = pixels.copy()  # cv2.VideoCapture.read gives a new array
            self._preprocess(frame, self._tensor)
            _draw(frame, self._predictor.decode(self._predictor.infer(self._tensor)).scores)
            with self._arrival:
                self._newest = frame
                self._number += 1
                self._arrival.notify_all()
            meter.frame(captured_at)

    def _video_feed(self) -> Response:
        return Response(self._parts(), mimetype="multipart/x-mixed-replace; boundary=frame")

    def _parts(self) -> Iterator[bytes]:
        shown = 0
        while True:
            with self._arrival:
                self._arrival.wait_for(lambda: self._number > shown)  # noqa: B023 - called here
                frame, shown = self._newest, self._number
            assert frame is not None  # noqa: S101 - it has a number
            _, jpeg = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            yield b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg.tobytes() + b"\r\n"


def _draw(frame: Pixels, scores: tuple[Score, ...]) -> None:
    for line, score in enumerate(scores, 1):
        text = f"{score.label}: {score.probability:.1%}"
        cv2.putText(frame, text, (10, 20 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.5, WHITE, 1)
