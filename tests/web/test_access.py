"""Who may ask: names, origins, tokens."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.web.access import FAILURE_SECONDS, MOST_FAILURES, Access, Verdict
from tests.web.conftest import TOKEN


def basic(password: str) -> str:
    """As curl -u sends it."""
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "[fe80::1]", "192.168.1.7:80", "localhost:8080", "pi", "PI:80", "pi.",
     "pi.local", "cameras.example.org"],
)  # fmt: skip
def test_names_of_this_machine(host: str) -> None:
    """Protects every way to reach the page: addresses, this machine's names, and those that are configured."""
    access = Access(None, {"pi", "pi.local", "cameras.example.org"})
    assert access.judge({"host": host}, "", is_open=False) is Verdict.ALLOWED


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:8080", "pi.evil.example", "localhost.evil.example", "[::1", "127.0.0.1.nip.io"],
)  # fmt: skip
def test_names_of_strangers(host: str) -> None:
    """Protects from DNS rebinding: a name that anybody could have given to this address is refused, even open paths."""
    assert Access(None, {"pi"}).judge({"host": host}, "", is_open=True) is Verdict.WRONG_HOST


@pytest.mark.parametrize(
    ("origin", "verdict"),
    [("http://pi:8080", Verdict.ALLOWED), ("https://PI:8080", Verdict.ALLOWED), ("http://pi", Verdict.WRONG_ORIGIN),
     ("http://evil.example", Verdict.WRONG_ORIGIN), ("null", Verdict.WRONG_ORIGIN), ("", Verdict.WRONG_ORIGIN)],
)  # fmt: skip
def test_pages_of_strangers(origin: str, verdict: Verdict) -> None:
    """Protects from pages elsewhere that have a browser ask here, with its cookie."""
    assert Access(None, {"pi"}).judge({"host": "pi:8080", "origin": origin}, "", is_open=True) is verdict


@pytest.mark.parametrize(
    ("headers", "verdict"),
    [({}, Verdict.NO_TOKEN), ({"authorization": f"Bearer {TOKEN}"}, Verdict.ALLOWED),
     ({"authorization": f"bearer {TOKEN}"}, Verdict.ALLOWED), ({"authorization": basic(TOKEN)}, Verdict.ALLOWED),
     ({"authorization": f"Bearer {TOKEN}x"}, Verdict.NO_TOKEN), ({"authorization": "Bearer"}, Verdict.NO_TOKEN),
     ({"authorization": "Basic ???"}, Verdict.NO_TOKEN), ({"authorization": f"Digest {TOKEN}"}, Verdict.NO_TOKEN),
     ({"authorization": basic("")}, Verdict.NO_TOKEN), ({"cookie": f"pi-classifier={TOKEN}"}, Verdict.NO_TOKEN),
     ({"cookie": f"other=1; pi-classifier={Access(TOKEN, ()).cookie}"}, Verdict.ALLOWED),
     ({"cookie": "pi-classifier=é"}, Verdict.NO_TOKEN)],
)  # fmt: skip
def test_tokens(headers: dict[str, str], verdict: Verdict) -> None:
    """Protects the token: shown as Bearer, as password or as the cookie that follows from it, and in no other way."""
    assert Access(TOKEN, ()).judge({"host": "localhost", **headers}, "", is_open=False) is verdict


def test_guessing_is_slow() -> None:
    """Protects the token from guessing: after five wrong ones even the right one has to wait, for this client alone."""
    now = [0.0]
    access = Access(TOKEN, (), lambda: now[0])
    assert [access.log_in("wrong", "10.0.0.1") for _ in range(MOST_FAILURES)] == [Verdict.NO_TOKEN] * MOST_FAILURES
    assert access.log_in(TOKEN, "10.0.0.1") is Verdict.TOO_MANY_FAILURES
    assert access.log_in(TOKEN, "10.0.0.2") is Verdict.ALLOWED
    now[0] = FAILURE_SECONDS + 1
    assert access.log_in(TOKEN, "10.0.0.1") is Verdict.ALLOWED


@given(headers=st.dictionaries(st.sampled_from(["host", "origin", "authorization", "cookie"]), st.text(max_size=60)))
def test_no_header_is_a_surprise(headers: dict[str, str]) -> None:
    """Protects from headers that nobody thought of: they are judged, never an error, and never let in."""
    access = Access(TOKEN, {"pi"})
    assert access.judge({"host": "pi", **headers}, "", is_open=False) is not Verdict.ALLOWED
