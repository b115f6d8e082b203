"""What people usually build to show frames: Flask with a generator for each client, which encodes for itself.

A client waits for the next frame; in many tutorials it encodes the same one again and again.
"""

import logging
import threading
from collections.abc import Iterator

import cv2
from flask import Flask, Response
from werkzeug.serving import make_server

from benchmarks.viewing.case import QUALITY
from pi_classifier.contracts.frame import Pixels

PATH = "/video_feed"


class MotionJpeg:
    """Flask's own server, with a thread a client, as `app.run` starts it."""

    def __init__(self) -> None:
        self._newest: Pixels | None = None
        self._number = 0
        self._arrival = threading.Condition()
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        app = Flask(__name__)
        app.add_url_rule(PATH, view_func=self._video_feed)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def show(self, frame: Pixels) -> None:
        """Show a frame, which nobody writes to any more, to all clients."""
        with self._arrival:
            self._newest = frame
            self._number += 1
            self._arrival.notify_all()

    def _video_feed(self) -> Response:
        return Response(self._parts(), mimetype="multipart/x-mixed-replace; boundary=frame")

    def _parts(self) -> Iterator[bytes]:
        shown = 0
        while True:
            with self._arrival:
                self._arrival.wait_for(lambda: self._number > shown)  # noqa: B023 - called here
                frame, shown = self._newest, self._number
            assert frame is not None  # noqa: S101 - it has a number
            yield b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg_of(frame) + b"\r\n"


def jpeg_of(frame: Pixels) -> bytes:
    """A frame, encoded."""
    _, jpeg = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return jpeg.tobytes()
