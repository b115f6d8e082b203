"""What a stranger gets: nothing, on every route; and what everybody gets with each answer."""

import re
import secrets
from pathlib import Path

import httpx
import pytest
from starlette.routing import Route, WebSocketRoute
from websockets.exceptions import InvalidStatus

from pi_classifier.config.address import ListenAddress
from pi_classifier.config.schema import WebSettings
from pi_classifier.errors import ConfigError
from pi_classifier.web.token import token_for
from tests.waiting import eventually
from tests.web.conftest import TOKEN
from tests.web.site import Site

OPEN = {"/": 200, "/collect": 200, "/static/{name}": 404, "/healthz": 204, "/login": 400}
"""What needs no token, with its answer to a request that asks nothing sensible."""
BEYOND = ListenAddress("0.0.0.0", 8080)  # noqa: S104


def asked(route: Route, method: str, client: httpx.Client) -> httpx.Response:
    """One request to a route."""
    path = re.sub(r"\{name\}", "nothing", route.path).replace("{camera}", "front")
    with client.stream(method, path, content=b"{}" if method == "POST" else None) as answer:
        return answer


def test_no_route_is_open(guarded: Site) -> None:
    """Protects from a route that was forgotten: without the token each answers 401, but for those that are known."""
    with guarded.client() as client:
        routes = [route for route in guarded.server.routes if isinstance(route, Route)]
        answers = {
            (route.path, method): asked(route, method, client).status_code
            for route in routes
            for method in (route.methods or set()) - {"HEAD"}
        }
    assert {method for _, method in answers} == {"GET", "POST", "DELETE"}
    assert len(answers) > 15
    assert answers == {(path, method): OPEN.get(path, 401) for path, method in answers}
    assert OPEN.keys() < {path for path, _ in answers}
    (live,) = [route for route in guarded.server.routes if isinstance(route, WebSocketRoute)]
    assert live.path == "/api/v1/live"
    with pytest.raises(InvalidStatus) as refused:
        guarded.live()
    assert refused.value.response.status_code == 401


def test_token_opens(guarded: Site) -> None:
    """Protects who has the token: as Bearer, as password, and as the cookie of a login; also the WebSocket."""
    with guarded.client() as client:
        assert client.get("/api/v1/status", auth=("anybody", TOKEN)).status_code == 200
        assert client.get("/api/v1/status", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        refused = client.post("/login", json={"token": "wrong"})
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        login = client.post("/login", json={"token": TOKEN})
        assert login.status_code == 204
        assert {"HttpOnly", "SameSite=strict"} <= set(login.headers["set-cookie"].split("; "))
        assert TOKEN not in login.headers["set-cookie"]
        assert client.get("/api/v1/status").status_code == 200
        cookie = login.headers["set-cookie"].partition(";")[0]
    with guarded.live(Cookie=cookie) as page:
        assert '"hello"' in str(page.recv())


def test_strangers_pages_and_names_are_refused(site: Site) -> None:
    """Protects from pages elsewhere: another Host or Origin is 403 on HTTP and on the WebSocket."""
    with site.client() as client:
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
            answer = client.get("/api/v1/status", headers=headers)
            assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    with pytest.raises(InvalidStatus) as refused:
        site.live(Origin="http://evil.example")
    assert refused.value.response.status_code == 403


def test_every_answer_is_safe(site: Site) -> None:
    """Protects the page from being framed, sniffed or given scripts of others, and secrets from caches."""
    with site.client() as client:
        for path in ("/", "/api/v1/status", "/healthz", "/nothing"):
            headers = client.get(path).headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == ("no-cache" if path == "/" else "no-store")
            assert "server" not in headers


def test_requests_are_counted_by_pattern(site: Site) -> None:
    """Protects Prometheus from series that strangers name: unknown paths and methods count as `other`."""
    with site.client() as client:
        client.get("/api/v1/cameras/front")
        client.get("/api/v1/cameras/nothing")
        client.get(f"/{secrets.token_hex()}")
        client.request("BREW", "/api/v1/status")
    expected = {
        ("/api/v1/cameras/{camera}", "GET", 200), ("/api/v1/cameras/{camera}", "GET", 404), ("other", "GET", 404),
        ("/api/v1/status", "other", 405),
    }  # fmt: skip
    # They are counted when the client has had its answer.
    eventually(lambda: expected <= set(site.observer.requests), "all of them counted")


def test_what_has_no_end_is_not_timed(site: Site) -> None:
    """Protects the times of requests from those who look for hours; what is refused is an answer like any other."""
    camera = "/api/v1/cameras/{camera}/stream.mjpg"
    with site.client() as client, site.live():
        client.get("/api/v1/cameras/nothing/stream.mjpg")
        for path in ("/api/v1/cameras/front/stream.mjpg", "/api/v1/events"):
            with client.stream("GET", path) as stream:
                next(stream.iter_raw())
    expected = {(camera, 200), ("/api/v1/events", 200), ("/api/v1/live", 101)}
    eventually(lambda: (camera, "GET", 404) in site.observer.requests, "a refusal")
    eventually(lambda: expected <= site.observer.endless, "their ends")
    assert site.observer.endless == expected


def test_beyond_this_machine_a_token_is_needed(token_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects who binds to the network: without a token that is refused, unless it is written out."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(ConfigError, match="can be reached from the network"):
        token_for(WebSettings(), BEYOND)
    assert token_for(WebSettings(auth="none"), BEYOND) is None
    assert token_for(WebSettings(token_file=str(token_file)), BEYOND) == TOKEN
    assert token_for(WebSettings(), ListenAddress("127.0.0.1", 8080)) is None


def test_token_of_the_service(token_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the service: systemd's credential is its token, and one that is configured goes before it."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(token_file.parent))
    credential = token_file.with_name("web-token")
    credential.write_text("another-token-of-systemd")
    credential.chmod(0o400)
    assert token_for(WebSettings(), BEYOND) == "another-token-of-systemd"
    assert token_for(WebSettings(token_file=str(token_file)), BEYOND) == TOKEN


@pytest.mark.parametrize(
    ("content", "mode", "complaint"),
    [(TOKEN, 0o644, "read by others"), (TOKEN, 0o640, "read by others"), ("short", 0o600, "16 ASCII"),
     ("two words of a token", 0o600, "16 ASCII"), ("", 0o600, "16 ASCII"), ("é" * 20, 0o600, "ASCII")],
)  # fmt: skip
def test_unfit_token_is_refused(token_file: Path, content: str, mode: int, complaint: str) -> None:
    """Protects from a secret that is none: one line that names the file, and never what is in it."""
    token_file.write_text(content)
    token_file.chmod(mode)
    with pytest.raises(ConfigError, match=complaint) as refused:
        token_for(WebSettings(token_file=str(token_file)), BEYOND)
    assert str(token_file) in str(refused.value)
    assert not content or content not in str(refused.value)


@pytest.mark.parametrize("name", ["/no/such/file", "nul\0inside", "."])
def test_missing_token_file_is_one_line(name: str) -> None:
    """Protects from tracebacks: a file that cannot be read is named, with the way to make one."""
    with pytest.raises(ConfigError, match="make one"):
        token_for(WebSettings(token_file=name), BEYOND)
