"""HOST:PORT."""

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.config.address import ListenAddress

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z0-9]{1,10}){0,3}", fullmatch=True)
FORM = "is no HOST:PORT"
HOST = "has a host that is neither a name nor an address"
HOSTS = st.one_of(st.just(""), NAMES, st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str))


@given(st.builds(ListenAddress, host=HOSTS, port=st.integers(0, 65535)))
def test_what_it_prints_it_reads(address: ListenAddress) -> None:
    """Protects `check-config`, which prints what the next start reads: names, IPv4, IPv6, and no host at all."""
    assert ListenAddress.parse(str(address)) == address


@given(st.text())
def test_any_text_is_an_address_or_refused_in_words(text: str) -> None:
    """Protects from tracebacks: whatever was written, it is an address in range, or words say what is wrong."""
    try:
        address = ListenAddress.parse(text)
    except ValueError as refusal:
        assert str(refusal).partition(" ")[0] in ("is", "has")  # noqa: PT017 - either outcome is right
        return
    assert 0 <= address.port <= 65535


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("0.0.0.0:9100", "0.0.0.0", 9100),  # noqa: S104 - compared, not bound
        ("127.0.0.1:0", "127.0.0.1", 0),
        (":9100", "", 9100),
        ("[::1]:9100", "::1", 9100),
        ("raspberrypi.local:65535", "raspberrypi.local", 65535),
        ("raspberrypi.local.:80", "raspberrypi.local.", 80),
        (f"{'a' * 63}.local:80", f"{'a' * 63}.local", 80),
    ],
)
def test_forms_of_an_address(text: str, host: str, port: int) -> None:
    """Protects each documented form: what stands before the last colon is the host, brackets are IPv6's."""
    assert ListenAddress.parse(text) == ListenAddress(host, port)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", FORM),
        ("9100", FORM),
        ("localhost", FORM),
        ("localhost:", FORM),
        ("localhost:http", FORM),
        ("localhost:-1", FORM),
        ("localhost:9100 ", FORM),
        ("localhost:123456", FORM),
        ("::1", FORM),
        ("::1:9100", FORM),
        ("[127.0.0.1:9100", FORM),
        ("[localhost]:9100", FORM),
        ("http://localhost:9100", FORM),
        (" :9100", FORM),
        ("localhost:\u0669", FORM),
        ("localhost:65536", "has a port over 65535"),
        ("local..host:9100", HOST),
        (".localhost:9100", HOST),
        (f"{'a' * 64}.local:9100", HOST),
        (f"{'a.' * 127}a:9100", HOST),
        ("raspberryp\u00ed:9100", HOST),
    ],
)
def test_refusals_are_in_words(text: str, words: str) -> None:
    """Protects the user from guessing: the refusal says what is wrong."""
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        ListenAddress.parse(text)


@pytest.mark.parametrize(
    ("listens", "connects"),
    [
        ("0.0.0.0:9100", "127.0.0.1:9100"),
        (":9100", "127.0.0.1:9100"),
        ("[::]:9100", "[::1]:9100"),
        ("192.0.2.7:9100", "192.0.2.7:9100"),
        ("raspberrypi.local:80", "raspberrypi.local:80"),
    ],
)
def test_address_to_connect_to(listens: str, connects: str) -> None:
    """Protects `health`: who listens on every address is asked on this machine's own, anyone else where it listens."""
    assert ListenAddress.parse(listens).to_connect == ListenAddress.parse(connects)


@given(st.ip_addresses(), st.integers(0, 65535))
def test_address_as_a_number(ip: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> None:
    """Protects `doctor`, which compares addresses with those of the kernel: an address is one, a name is none."""
    assert ListenAddress(str(ip), port).ip == ip
    assert ListenAddress(f"host-{port}", port).ip is None
    assert ListenAddress("", port).ip == ipaddress.ip_address("0.0.0.0")  # noqa: S104 - compared, not bound
