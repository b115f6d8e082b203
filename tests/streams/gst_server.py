"""A real RTSP server, or a raw H.264 one over TCP, whose every frame shows its number; with GStreamer.

    /usr/bin/python3 gst_server.py CONFIG

It is Debian's python3 that has GStreamer's bindings, so this imports nothing of the project. CONFIG is JSON:

    transport         "rtsp", or "tcp" for raw H.264 of the one mount, which begins with a key frame for each client
    port              on 127.0.0.1; 0 for an unused one
    epoch             seconds of CLOCK_MONOTONIC: when every mount's frame 0 was due
    user, password    of RTSP, or null; scheme: "digest" or "basic"
    certificate       a PEM file with certificate and key, for rtsps; or null
    mounts            of each name: codec ("h264", "h265"), width, height, fps, key_frame_seconds, b_frames,
                      phase_seconds (by which its frames are due later), scenes (a file of raw pictures of that size,
                      I420, which are shown in turn beneath the numbers, for scene_frames each), or ""

On stdout it says `ready PORT`, or `missing PACKAGES` and ends. Then, of each frame that is given to an encoder,
`MOUNT NUMBER SECONDS`, of CLOCK_MONOTONIC. An RTSP mount encodes while it has clients, who share it. It ends when its
stdin does.
"""

import json
import math
import random
import sys
import threading
import time
from typing import Any, NoReturn

try:
    import gi

    for name in ("Gst", "GstRtsp", "GstRtspServer"):
        gi.require_version(name, "1.0")
    from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer
except (ImportError, ValueError):
    print("missing gir1.2-gst-rtsp-server-1.0 python3-gi", flush=True)
    sys.exit(0)

BITS, BLOCK, BLOB = 20, 16, 8
"""Of a number, as far as the width goes; pixels a bit; pixels a blob of the picture beneath."""
WHITE, BLACK, GREY = b"\xeb", b"\x10", b"\x80"
MOST_WAITING = 8
"""Frames that an encoder may have before it; further ones are not sent."""
ROLE = "user"
PACKAGES = {
    "appsrc": "gstreamer1.0-plugins-base",
    "tcpserversink": "gstreamer1.0-plugins-base",
    "rtph264pay": "gstreamer1.0-plugins-good",
    "h264parse": "gstreamer1.0-plugins-bad",
    "x265enc": "gstreamer1.0-plugins-bad",
    "x264enc": "gstreamer1.0-plugins-ugly",
}


def numbered(number: int, width: int) -> bytes:
    """One row of a frame that tells its number."""
    bits = b"".join((WHITE if number >> bit & 1 else BLACK) * BLOCK for bit in range(min(BITS, width // BLOCK)))
    return bits + BLACK * (width - len(bits))


class Pictures:
    """Numbers above blobs that move, in I420."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        chance = random.Random(0)  # noqa: S311 - a picture
        blobs = [bytes(chance.randrange(60, 200) for _ in range(-(-width // BLOB))) for _ in range(height // BLOB)]
        rows = [b"".join(bytes((value,)) * BLOB for value in row)[:width] for row in blobs]
        once = b"".join(row * BLOB for row in rows)
        self._blobs = once * (2 + height * width // len(once))
        self._colours = GREY * (2 * ((width + 1) // 2) * ((height + 1) // 2))

    def of(self, number: int) -> bytes:
        """The lowest bit first."""
        top = numbered(number, self._width)
        begin = self._width * (number % self._height)
        return top * BLOCK + self._blobs[begin : begin + self._width * (self._height - BLOCK)] + self._colours


class Scenes:
    """Numbers above real pictures, which take turns."""

    def __init__(self, width: int, height: int, file: str, frames: int) -> None:
        """`frames`: that each is shown for."""
        self._width, self._frames = width, frames
        self._size = width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)
        with open(file, "rb") as stream:  # noqa: PTH123 - as short as can be
            self._pictures = stream.read()

    def of(self, number: int) -> bytes:
        """The lowest bit first."""
        begin = number // self._frames * self._size % len(self._pictures)
        top = numbered(number, self._width)
        return top * BLOCK + self._pictures[begin + len(top) * BLOCK : begin + self._size]


class Camera:
    """One mount: draws a frame when it is due and gives it to whoever encodes at that moment."""

    def __init__(self, name: str, mount: dict[str, Any], epoch: float) -> None:
        self._name, self._fps = name, mount["fps"]
        self._began = epoch + mount["phase_seconds"]
        size = mount["width"], mount["height"]
        self._pictures = Scenes(*size, mount["scenes"], mount["scene_frames"]) if mount["scenes"] else Pictures(*size)
        self._inputs: set[Any] = set()
        threading.Thread(target=self._run, daemon=True).start()

    def feed(self, element: Any) -> None:
        """Give a pipeline's appsrc all frames from now on."""
        self._inputs = {*self._inputs, element}

    def leave(self, element: Any) -> None:
        """No more."""
        self._inputs = self._inputs - {element}

    def _run(self) -> None:
        wait = threading.Event().wait
        number = 0
        while True:
            # What was due while the process was stopped, or had no processor, is left out.
            number = max(number + 1, math.ceil((time.monotonic() - self._began) * self._fps))
            wait(max(0.0, self._began + number / self._fps - time.monotonic()))
            if inputs := [one for one in self._inputs if one.get_property("current-level-buffers") < MOST_WAITING]:
                picture = self._pictures.of(number)
                print(f"{self._name} {number} {time.monotonic():.6f}", flush=True)
                for one in inputs:
                    one.emit("push-buffer", Gst.Buffer.new_wrapped(picture))


def encoder(mount: dict[str, Any]) -> str:
    """The part of a pipeline that makes raw frames a stream of access units."""
    rate = round(mount["fps"] * 1000)
    between = max(1, round(mount["fps"] * mount["key_frame_seconds"]))
    b_frames = mount["b_frames"]
    speed = f"speed-preset=ultrafast bitrate=1000 key-int-max={between}" + " tune=zerolatency" * (not b_frames)
    if mount["codec"] == "h265":
        order = f"keyint={between}:min-keyint={between}:scenecut=0:bframes={b_frames}:b-adapt=0"
        ahead = b_frames and b_frames + 1
        encode = f"x265enc {speed} option-string={order}:pools=none:frame-threads=1:rc-lookahead={ahead} ! h265parse"
    else:
        order = f"bframes={b_frames} b-adapt=false rc-lookahead=0 sync-lookahead=0 option-string=scenecut=0"
        # With nothing said of the profile it would be one without B-frames.
        encode = f"x264enc {speed} threads=1 {order} ! video/x-h264,profile=main ! h264parse"
    return (
        "appsrc name=camera is-live=true do-timestamp=true format=time max-bytes=0 "
        f"caps=video/x-raw,format=I420,width={mount['width']},height={mount['height']},framerate={rate}/1000 "
        f"! {encode} config-interval=-1"
    )


def checked(pipeline: str) -> str:
    """The same, if every element of it is installed; else this ends."""
    named = {part.split()[0] for part in pipeline.strip("( )").split(" ! ")}
    missing = {PACKAGES.get(one, one) for one in named if "/" not in one and not Gst.ElementFactory.find(one)}
    if missing:
        end("missing", *sorted(missing))
    return pipeline


def end(*words: str) -> NoReturn:
    """Say it, and end."""
    print(*words, flush=True)
    sys.exit(0)


def serve_rtsp(config: dict[str, Any], cameras: dict[str, Camera]) -> tuple[int, Any]:
    """Its port, and what has to be kept."""
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(config["port"]))
    if config["user"] or config["certificate"]:
        server.set_auth(authentication(config))
    for name, mount in config["mounts"].items():
        factory = GstRtspServer.RTSPMediaFactory()
        payload = "rtph265pay" if mount["codec"] == "h265" else "rtph264pay"
        factory.set_launch(checked(f"( {encoder(mount)} ! {payload} name=pay0 pt=96 config-interval=-1 )"))
        factory.set_shared(True)
        factory.set_permissions(permissions())
        factory.connect("media-configure", configure, cameras[name])
        server.get_mount_points().add_factory(f"/{name}", factory)
    if not server.attach(None):
        end("refused", str(config["port"]))
    return server.get_bound_port(), server


def configure(_factory: Any, media: Any, camera: Camera) -> None:
    """A first client has come to a mount; when the last one has gone, its pipeline ends."""
    source = media.get_element().get_by_name("camera")
    media.connect("unprepared", lambda _media: camera.leave(source))
    camera.feed(source)


def authentication(config: dict[str, Any]) -> Any:
    """Who may come in: the user, or everybody."""
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, ROLE)
    auth = GstRtspServer.RTSPAuth()
    if config["certificate"]:
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(config["certificate"]))
    if not config["user"]:
        auth.set_default_token(token)
    elif config["scheme"] == "basic":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(config["user"], config["password"]), token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(config["user"], config["password"], token)
    return auth


def permissions() -> Any:
    """What the role may do with a mount."""
    granted = GstRtspServer.RTSPPermissions()
    structure = f"{ROLE}, media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
    granted.add_role_from_structure(Gst.Structure.new_from_string(structure))
    return granted


def serve_tcp(config: dict[str, Any], cameras: dict[str, Camera]) -> tuple[int, Any]:
    """Its port, and what has to be kept."""
    ((name, mount),) = config["mounts"].items()
    sink = "tcpserversink name=sink host=127.0.0.1 sync-method=next-keyframe recover-policy=keyframe sync=false"
    stream = "video/x-h264,stream-format=byte-stream,alignment=au"
    pipeline = Gst.parse_launch(checked(f"{encoder(mount)} ! {stream} ! {sink} port={config['port']}"))
    if pipeline.set_state(Gst.State.PLAYING) == Gst.StateChangeReturn.FAILURE:
        end("refused", str(config["port"]))
    cameras[name].feed(pipeline.get_by_name("camera"))
    return pipeline.get_by_name("sink").get_property("current-port"), pipeline


def main() -> None:
    """Serve until stdin ends."""
    config = json.loads(sys.argv[1])
    Gst.init(None)
    loop = GLib.MainLoop()
    cameras = {name: Camera(name, mount, config["epoch"]) for name, mount in config["mounts"].items()}
    port, _kept = (serve_tcp if config["transport"] == "tcp" else serve_rtsp)(config, cameras)
    print(f"ready {port}", flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    loop.run()


if __name__ == "__main__":
    main()
