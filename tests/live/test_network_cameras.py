"""The daemon before real network cameras: through their loss and return, and with their secrets kept."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from itertools import islice, pairwise
from pathlib import Path
from typing import Literal

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from pi_classifier.capture import Capture, Captures
from pi_classifier.config.network_url import Userinfo
from pi_classifier.sources.network.camera import NetworkCamera
from pi_classifier.statistics import CameraStatistics
from tests.conftest import ROOT
from tests.fakes import CollectingObserver, FakeModel
from tests.running import Program, unused_port
from tests.streams.fake_rtsp import FakeRtsp
from tests.streams.faults import Fault
from tests.streams.gst_process import Mount
from tests.streams.numbered import number_in
from tests.streams.servers import Credentials, RtspServer, certificate_in
from tests.waiting import DEADLINE_SECONDS, eventually

Run = Callable[..., Program]
CANARY = "cAnArY @:/w#rd%"
LONGEST_RETRY_SECONDS = 2.0


def events(program: Program, kind: str, camera: str) -> list[dict[str, object]]:
    """Those of a kind and camera that it has told so far."""
    lines = [json.loads(line) for line in program.lines if line.startswith("{")]
    return [line for line in lines if line.get("event") == kind and line["camera"] == camera]


def scraped(port: int) -> str:
    """What Prometheus would get."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=DEADLINE_SECONDS) as answer:
        text: str = answer.read().decode()
    return text


def cameras_up(metrics: str) -> float:
    """How many deliver frames."""
    samples = [sample for family in text_string_to_metric_families(metrics) for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == "pi_classifier_camera_up")


def told(program: Program, kind: str, camera: str) -> None:
    """Waits for it."""
    program.wait_for(lambda: events(program, kind, camera), f"{kind} of {camera}")


def written(folder: Path, cameras: str) -> Path:
    """A configuration."""
    file = folder / "config.toml"
    file.write_text(cameras)
    return file


def test_loss_and_return_of_two_kinds(program: Run, tmp_path: Path) -> None:
    """Protects who leaves it running: a killed camera and a silent one are told and come back; a third goes on."""
    with RtspServer() as killed, RtspServer({"camera": Mount(codec="h265")}) as frozen:
        config = written(
            tmp_path,
            f'[[camera]]\nname = "killed"\nsource = "{killed.url()}"\n'
            f'[[camera]]\nname = "frozen"\nsource = "{frozen.url()}"\n'
            '[[camera]]\nname = "steady"\nsource = "synthetic:"\nfps = 5\n[log]\nformat = "json"\n',
        )
        running = program("run", "--config", config, "--weights", "untrained", "--metrics-listen", "")
        running.wait_for(
            lambda: {json.loads(line)["camera"] for line in running.lines if "fps" in line}
            >= {"killed", "frozen", "steady"},
            "predictions of each",
        )
        killed.kill()
        frozen.freeze()
        for camera, reason in (("killed", "closed the connection"), ("frozen", "sends no picture")):
            told(running, "camera_down", camera)
            assert reason in str(events(running, "camera_down", camera)[0]["error"])
        killed.restart()
        frozen.thaw()
        for camera in ("killed", "frozen"):
            told(running, "camera_up", camera)
        assert not events(running, "camera_down", "steady")
        frozen.freeze()
        seconds = running.stop(signal.SIGTERM)
        result = running.wait()
    assert result.returncode == 0
    assert seconds < 5, "a read that blocks is left behind"
    assert "Traceback" not in result.stderr
    assert all("captured" in line or "event" in line or "fps" in line for line in running.lines)


def test_secrets_are_in_no_output(program: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Protects passwords of cameras: whatever this program says, anywhere, and however the camera fails."""
    password, port, web = tmp_path / "password", unused_port(), unused_port()
    password.touch(0o600)
    password.write_text(f"{CANARY}\n")
    with RtspServer({"camera": Mount()}, Credentials("admin", CANARY)) as server, FakeRtsp(Fault.NOT_FOUND) as absent:
        config = written(
            tmp_path,
            f'[[camera]]\nname = "file"\nsource = "{server.url()}"\nusername = "admin"\npassword_file = "{password}"\n'
            f'[[camera]]\nname = "url"\nsource = "{server.url("camera", "admin", CANARY)}"\n'
            f'[[camera]]\nname = "wrong"\nsource = "{server.url("camera", "admin", "cAnArY2")}"\n'
            f'[[camera]]\nname = "absent"\nsource = "{absent.url("admin", CANARY)}?pwd=cAnArY3"\n'
            f'[[camera]]\nname = "nobody"\nsource = "rtsp://admin:cAnArY4@127.0.0.1:{unused_port()}/"\n'
            f'[log]\nformat = "json"\n[web]\nlisten = "127.0.0.1:{web}"\n',
        )
        listen = f"127.0.0.1:{port}"
        running = program("run", "--config", config, "--weights", "untrained", "--metrics-listen", listen)
        for camera in ("wrong", "absent", "nobody"):
            told(running, "camera_down", camera)
        eventually(lambda: cameras_up(scraped(port)) == 2, "the two that know their password")
        said = [scraped(port)]
        with httpx.Client(base_url=f"http://127.0.0.1:{web}") as client:
            said += [client.get(path).text for path in ("/api/v1/status", "/api/v1/cameras/wrong", "/")]
        for command in (["check-config"], ["doctor", "--json"]):
            process = subprocess.run(
                [sys.executable, "-m", "pi_classifier", *command, "--config", config],
                env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
            )  # fmt: skip
            said += [process.stdout, process.stderr]
        assert "refuses the user name" in said[-2]
        running.stop()
        result = running.wait()
    said += [*running.lines, *running.notices, result.stdout, result.stderr, *capfd.readouterr()]
    assert not [text for text in said if "cAnArY" in text or "w%23rd" in text]
    assert any("404" in text for text in said)


def test_cameras_that_come_back_make_no_storm() -> None:
    """Protects a switch that restarts with four cameras behind it: attempts are spread, and none is late for long."""
    shutdown, work_available = threading.Event(), threading.Event()
    faulty = [FakeRtsp(Fault.UNAVAILABLE) for _ in range(4)]
    statistics = [CameraStatistics(f"camera{number}", 0.0) for number in range(4)]
    captures = Captures(
        [
            Capture(
                NetworkCamera(one.camera, camera.url(), userinfo=Userinfo("a", "b")), statistics=one,
                observers=[CollectingObserver()], model=FakeModel(), work_available=work_available, shutdown=shutdown,
            )
            for camera, one in zip(faulty, statistics, strict=True)
        ],
        shutdown,
    )  # fmt: skip
    captures.start()
    try:
        eventually(lambda: all(one.snapshot().errors["lost"] >= 7 for one in statistics), "attempts")
        arrivals = [attempts(camera.arrivals) for camera in faulty]
        gaps = [b - a for one in arrivals for a, b in pairwise(one[3:])]
        assert len({round(gap, 2) for gap in gaps}) > 3, "no two wait for as long"
        assert min(gaps) > LONGEST_RETRY_SECONDS / 4
        for camera in faulty:
            camera.fault = Fault.NONE
        returned = time.monotonic()
        eventually(lambda: all(one.snapshot().up for one in statistics), "their return")
        print(f"all back within {time.monotonic() - returned:.1f} s")
    finally:
        captures.stop()
        for camera in faulty:
            camera.__exit__()
    assert time.monotonic() - returned < DEADLINE_SECONDS


def attempts(arrivals: list[float]) -> list[float]:
    """The beginnings of bursts of connections: an attempt makes some, all at once."""
    return [at for number, at in enumerate(arrivals) if not number or at - arrivals[number - 1] > 0.1]


@pytest.mark.parametrize(("transport", "codec"), [("udp", "h264"), ("tcp", "h265")])
def test_every_way_that_rtsp_comes(transport: Literal["tcp", "udp"], codec: Literal["h264", "h265"]) -> None:
    """Protects cameras of each kind, with a digest: frames are those that were sent, none twice."""
    with RtspServer({"camera": Mount(codec=codec)}, Credentials("admin", CANARY)) as server:
        source = NetworkCamera("front", server.url(), userinfo=Userinfo("admin", CANARY), transport=transport)
        with closing(source.frames()) as frames:
            seen = [(number_in(frame.pixels), frame.captured_at) for frame in islice(frames, 20)]
        sent = server.sent("camera")
    assert [number for number, _ in seen] == sorted({number for number, _ in seen})
    assert all(captured_at > sent[number] for number, captured_at in seen)


def test_rtsps(tmp_path: Path) -> None:
    """Protects cameras that speak TLS, with a certificate that they have signed themselves."""
    with (
        RtspServer(certificate=certificate_in(tmp_path)) as server,
        closing(NetworkCamera("front", server.url()).frames()) as frames,
    ):
        assert len(list(islice(frames, 10))) == 10
