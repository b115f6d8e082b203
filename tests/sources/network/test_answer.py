"""How a camera is asked who is allowed in."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.config.network_url import Userinfo
from pi_classifier.sources.network.answer import authorisation

MUFASA = Userinfo("Mufasa", "Circle of Life")
RFC_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
     ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1")],
)  # fmt: skip
def test_digest_of_the_rfc(monkeypatch: pytest.MonkeyPatch, algorithm: str, response: str) -> None:
    """Protects who has the right password from being told otherwise: the examples of RFC 7616, 3.9.1."""
    monkeypatch.setattr(secrets, "token_hex", lambda _: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
    header = authorisation(RFC_7616.format(algorithm), MUFASA, "GET", "/dir/index.html")
    assert f'response="{response}"' in header
    assert "qop=auth, nc=00000001" in header
    assert 'opaque="FQhe' in header


def test_digest_without_qop() -> None:
    """Protects old cameras, which speak RFC 2069; the digest is that of its errata 749."""
    challenge = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    header = authorisation(challenge, Userinfo("Mufasa", "CircleOfLife"), "GET", "/dir/index.html")
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in header


def test_basic() -> None:
    """Protects cameras that know nothing else: RFC 7617, 2."""
    header = authorisation('Basic realm="WallyWorld"', Userinfo("Aladdin", "open sesame"), "GET", "/")
    assert header == "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"


@given(challenge=st.text(max_size=200), scheme=st.sampled_from(["", "Digest ", "Basic ", "Bearer "]))
def test_any_challenge_gives_one_header_or_none(challenge: str, scheme: str) -> None:
    """Protects from a camera that answers nonsense: no error, and the password itself in no digest."""
    header = authorisation(scheme + challenge, MUFASA, "DESCRIBE", "rtsp://h/")
    assert MUFASA.password not in header
