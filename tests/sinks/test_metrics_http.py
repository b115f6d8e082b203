"""Requests and answers as bytes: what prometheus_client's own server promises, and what strangers may send."""

import gzip
import logging
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from itertools import accumulate, pairwise
from wsgiref.types import WSGIEnvironment
from wsgiref.util import setup_testing_defaults

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_wsgi_app
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from pi_classifier.sinks.metrics.http import LARGEST_REQUEST, MetricsPage
from pi_classifier.system.log_limit import LINE_SECONDS, LogLimit

PROMETHEUS = (
    b"GET /metrics HTTP/1.1\r\nHost: pi:9100\r\nUser-Agent: Prometheus/2.53.2\r\n"
    b"Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1\r\n"
    b"Accept-Encoding: gzip\r\nX-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n"
)


def filled_registry() -> CollectorRegistry:
    """One metric of each kind that we serve."""
    registry = CollectorRegistry()
    Gauge("temperature", 'Of the "processor".', ["camera"], registry=registry).labels("front ü\n").set(48.5)
    Counter("frames", "Captured.", registry=registry).inc(3)
    Histogram("age", "Of a frame.", registry=registry).observe(0.2)
    return registry


REGISTRY = filled_registry()


def taken_apart(answer: bytes | None) -> tuple[int, Message, bytes]:
    """Status, headers and body of an answer; fails where it is none, or one of ours that failed."""
    assert answer is not None
    head, _, body = answer.partition(b"\r\n\r\n")
    line, _, headers = head.partition(b"\r\n")
    version, status, phrase = line.split(b" ", 2)
    assert (version, bool(phrase)) == (b"HTTP/1.0", True)
    return int(status), BytesParser().parsebytes(headers + b"\r\n\r\n"), body


def asked(request: bytes, registry: CollectorRegistry = REGISTRY) -> tuple[int, Message, bytes]:
    """What a request is answered with."""
    return taken_apart(MetricsPage(registry).answer(request))


FORMATS = ("application/openmetrics-text", "text/plain", "text/html", "*/*", "", "\xff")
VERSIONS = ("", ";version=1.0.0", "; version=0.0.4", ";version=2.0.0", ";version=a", ";version=1.x", ";version=", ";=")
ESCAPINGS = ("", ";escaping=allow-utf-8", "; escaping=underscores;q=0.3", ";escaping=no")
ACCEPTS = st.lists(st.builds("{}{}{}".format, *map(st.sampled_from, (FORMATS, VERSIONS, ESCAPINGS))), max_size=3).map(
    ",".join
)


@given(
    ACCEPTS,
    st.sampled_from(["", "gzip", "deflate, GZIP;q=0.5", "identity", "gzipped"]),
    st.lists(st.sampled_from(["frames_total", "temperature", "age_sum", "nothing", "%zz", ""]), max_size=2),
    st.sampled_from(["/", "/metrics"]),
)
def test_a_scrape_is_what_prometheus_client_would_serve(
    accept: str, encoding: str, names: list[str], path: str
) -> None:
    """Protects Prometheus and its users: format, version, gzip and `name[]` are those of the library's own server.

    Where that one fails, on a version that is none, the answer is 406.
    """
    environ: WSGIEnvironment = {}
    setup_testing_defaults(environ)
    query = "&".join(f"name[]={name}" for name in names)
    environ |= {"PATH_INFO": path, "QUERY_STRING": query, "HTTP_ACCEPT": accept, "HTTP_ACCEPT_ENCODING": encoding}
    expected: dict[str, str] = {}

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        expected.update({"status": status, **dict(headers)})

    request = f"GET {path}?{query} HTTP/1.1\r\nAccept: {accept}\r\naccept-encoding:{encoding}\r\n\r\n"
    status, headers, body = asked(request.encode("latin-1"))
    try:
        expected_body = b"".join(make_wsgi_app(REGISTRY)(environ, start_response))
    except (TypeError, ValueError):
        assert status == 406
        return
    assert (f"{status} OK", headers["Content-Encoding"]) == (expected["status"], expected.get("Content-Encoding"))
    assert headers["Content-Type"] == expected["Content-Type"].strip()
    assert int(headers["Content-Length"]) == len(body)
    if expected.get("Content-Encoding") == "gzip":
        body, expected_body = gzip.decompress(body), gzip.decompress(expected_body)
    # Which of two metrics that were asked for comes first is left to a set.
    assert sorted(body.splitlines()) == sorted(expected_body.splitlines())


@pytest.mark.parametrize("accept", [f"{kind};version={v}" for kind in FORMATS[:2] for v in ("a", "1.x", "..")])
def test_a_version_that_is_none(accept: str, caplog: pytest.LogCaptureFixture) -> None:
    """Protects the log: an Accept that is not understood is answered 406 with a reason, and is no trouble of ours."""
    status, _, body = asked(f"GET /metrics HTTP/1.1\r\nAccept: {accept}\r\n\r\n".encode())
    assert (status, body[:7]) == (406, b"Accept:")
    assert not caplog.records


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        ("GET /metrics HTTP/1.1", 200),
        ("GET / HTTP/1.0", 200),
        ("GET http://pi:9100/metrics?name[]=age HTTP/1.1", 200),
        ("GET http://pi:9100 HTTP/1.1", 200),
        ("GET /favicon.ico HTTP/1.1", 200),
        ("OPTIONS * HTTP/1.1", 200),
        ("GET /metrics/ HTTP/1.1", 404),
        ("GET /../etc/passwd HTTP/1.1", 404),
        ("GET metrics HTTP/1.1", 404),
        ("POST /metrics HTTP/1.1", 405),
        ("get /metrics HTTP/1.1", 405),
        ("GET /metrics", 400),
        ("GET  /metrics HTTP/1.1", 400),
        ("GET /met rics HTTP/1.1", 400),
        ("GET /metrics HTTP/1.1 ", 400),
        ("GET /metrics HTTP/2.0", 400),
        ("PRI * HTTP/2.0", 400),
        ("", 400),
    ],
)
def test_what_is_asked_decides_the_status(request_line: str, expected: int) -> None:
    """Protects users and their tools: each request has the status that HTTP has for it."""
    assert asked(f"{request_line}\r\nHost: pi\r\n\r\n".encode())[0] == expected


@pytest.mark.parametrize("header", ["no colon", ": no name", " folded: 1", "a b: 1", "A\x00: 1", "A: 1\r1", "Ä: 1"])
def test_headers_that_are_none(header: str) -> None:
    """Protects from guessing: a line that is no header makes the request a bad one."""
    assert asked(f"GET / HTTP/1.1\r\n{header}\r\n\r\n".encode("latin-1"))[0] == 400


def test_head_is_get_without_the_body() -> None:
    """Protects `curl --head`: the status and the headers are those of GET, and no body follows."""
    (status, headers, body), (_, expected, text) = (
        asked(b"%s /metrics HTTP/1.1\r\n\r\n" % method) for method in (b"HEAD", b"GET")
    )
    assert (status, body, headers["Content-Length"]) == (200, b"", str(len(text)))
    assert headers["Content-Type"] == expected["Content-Type"]
    assert asked(b"HEAD /nothing HTTP/1.1\r\n\r\n")[::2] == (404, b"")


@pytest.mark.parametrize("method", [b"OPTIONS", b"PUT"])
def test_allowed_methods_are_told(method: bytes) -> None:
    """Protects whoever asks what is allowed, or does what is not: the answer names the methods."""
    assert asked(method + b" /metrics HTTP/1.1\r\n\r\n")[1]["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(("surplus", "expected"), [(0, 200), (1, 431)])
def test_size_of_a_request_is_bounded(surplus: int, expected: int) -> None:
    """Protects memory, and requests of the largest size that is promised: one byte more is refused."""
    head, tail = b"GET /metrics HTTP/1.1\r\nX: ", b"\r\n\r\n"
    request = head + b"a" * (LARGEST_REQUEST + surplus - len(head) - len(tail)) + tail
    assert asked(request)[0] == expected


@pytest.mark.parametrize(
    ("endless", "expected"), [(b"GET /" + b"a" * LARGEST_REQUEST, 414), (b"GET / HTTP/1.1\n" + b"a:1\n" * 9999, 431)]
)
def test_no_end_in_sight(endless: bytes, expected: int) -> None:
    """Protects memory: a request that has grown too large is answered, not waited for."""
    assert asked(endless)[0] == expected


@given(st.integers(0, len(PROMETHEUS) - 1), st.binary(max_size=100))
def test_a_request_may_come_in_pieces(length: int, body: bytes) -> None:
    """Protects slow networks: half a request is waited for, and what follows a whole one is not looked at."""
    page = MetricsPage(REGISTRY)
    assert page.answer(PROMETHEUS[:length]) is None
    status, headers, text = taken_apart(page.answer(PROMETHEUS + body))
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert gzip.decompress(text).endswith(b"# EOF\n")


class FailingCollector(Collector):
    """Fails until it is mended."""

    mended = False

    def collect(self) -> Iterator[Metric]:
        """Nothing, or a failure."""
        if not self.mended:
            raise RuntimeError("no such sensor")
        return iter(())


def test_a_scrape_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    """Protects the daemon from a bug in a collector: 500 to whoever asks, one traceback however often, and no end."""
    registry, collector = CollectorRegistry(), FailingCollector()
    collector.mended = True  # registering asks for the names
    registry.register(collector)
    collector.mended = False
    page = MetricsPage(registry)
    assert {taken_apart(page.answer(PROMETHEUS))[0] for _ in range(100)} == {500}
    (record,) = caplog.records
    assert (record.levelno, "no such sensor" in caplog.text) == (logging.ERROR, True)
    collector.mended = True
    assert taken_apart(page.answer(PROMETHEUS))[0] == 200


@given(st.lists(st.integers(0, 100), min_size=1, max_size=30))
def test_lines_are_limited_and_tell_how_many_they_stand_for(gaps: list[int]) -> None:
    """Protects the log from a stranger who goes on and on: a line a minute, which counts what was left out."""
    limit, times = LogLimit(), list(accumulate(gaps))
    lines = [(now, told) for now in times if (told := limit.occasions(now))]
    assert lines[0] == (times[0], 1), "the first is told at once"
    assert all(later - earlier >= LINE_SECONDS for (earlier, _), (later, _) in pairwise(lines))
    left_out = len(gaps) - sum(told for _, told in lines)
    assert limit.occasions(times[-1] + LINE_SECONDS) == left_out + 1


@given(st.one_of(st.binary(), st.text().map(lambda text: b"GET / HTTP/1.1\r\nAccept: text/plain" + text.encode())))
def test_any_bytes(received: bytes) -> None:
    """Protects from strangers: bytes that end are answered with 2xx or 4xx, others waited for."""
    page = MetricsPage(REGISTRY)
    answer = page.answer(received)
    assert answer is None or 200 <= taken_apart(answer)[0] < 500
    assert 200 <= taken_apart(page.answer(received + b"\r\n\r\n"))[0] < 500
