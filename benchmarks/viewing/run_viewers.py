"""Those who look, in a process of their own: they connect, look until a line comes on stdin, and say what they got.

python -m benchmarks.viewing.run_viewers SITE PORT VIEWERS

SITE is `page`, of which a page's WebSocket is read, or `flask`, of which Motion JPEG is.
"""

import http.client
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator

from websockets.sync.client import connect

from benchmarks.viewing.case import Arrivals

CREDIT = json.dumps({"camera": "camera"})
START = b"Content-Type: image/jpeg"
"""Of a part, in Motion JPEG."""
SECONDS = 60.0
"""In which a site answers."""


def frames_of_page(port: int, connected: Callable[[], object]) -> Iterator[int]:
    """Bytes of each message with a frame; after each the next is asked for, as a page does that paints at once."""
    with connect(f"ws://127.0.0.1:{port}/api/v1/live", open_timeout=SECONDS, max_size=None, proxy=None) as page:
        page.recv()  # how things are
        page.send(CREDIT)
        connected()
        for message in page:
            if isinstance(message, bytes):
                yield len(message)
                page.send(CREDIT)


def frames_of_flask(port: int, connected: Callable[[], object]) -> Iterator[int]:
    """Bytes of each part."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    connection.request("GET", "/video_feed")
    connected()
    answer, waiting = connection.getresponse(), b""
    while read := answer.read1(1 << 16):
        # What has been looked through is not looked through again.
        looked_through = max(0, len(waiting) - len(START))
        waiting += read
        while (end := waiting.find(START, max(looked_through, 1))) > 0:
            yield end
            waiting, looked_through = waiting[end:], 0


FRAMES = {"page": frames_of_page, "flask": frames_of_flask}


def look(frames: Iterator[int], seen: Arrivals) -> None:
    """Note what comes."""
    for size in frames:
        seen.append((time.monotonic(), size))


def main() -> None:
    """Look."""
    site, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    connected = threading.Semaphore(0)
    viewers: list[Arrivals] = [[] for _ in range(count)]
    for seen in viewers:
        frames = FRAMES[site](port, connected.release)
        threading.Thread(target=look, args=(frames, seen), daemon=True).start()
    if not all(connected.acquire(timeout=SECONDS) for _ in viewers):
        sys.exit("web: a viewer could not connect")
    print(json.dumps({"viewers": count}), flush=True)
    sys.stdin.readline()
    print(json.dumps({"viewers": viewers}), flush=True)


if __name__ == "__main__":
    main()
