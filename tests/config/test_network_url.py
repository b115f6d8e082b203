"""Addresses of network cameras: what is secret in them is taken out, or the whole is refused."""

from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.config.layers import Key, Origin, load
from pi_classifier.config.network_url import Userinfo, host_and_port, server_of, shown, take_userinfo, with_userinfo
from pi_classifier.config.schema import Settings
from pi_classifier.errors import ConfigError

CANARY = "cAnArY4711"
SOURCE = ("camera", 0, "source")
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30)


@given(username=texts, password=texts)
def test_user_name_and_password_survive_whatever_is_in_them(username: str, password: str) -> None:
    """Protects who has '@', ':', '/' or '%' in a password: it is put into the URL so that it can be taken out again."""
    url = with_userinfo("rtsp://camera:8554/a?b=c", Userinfo(username, password))
    assert take_userinfo(url) == ("rtsp://camera:8554/a?b=c", (username, password))


@given(raw=st.text("a:/@#?%b[]", max_size=12))
def test_password_that_was_not_escaped_is_taken_or_refused(raw: str) -> None:
    """Protects what a user pastes: of 'user:PASSWORD@host' no part of the password stays in the URL."""
    try:
        url, userinfo = take_userinfo(f"rtsp://user:{CANARY}{raw}@host/path")
    except ValueError as error:
        url, userinfo = str(error), Userinfo("user", unquote(CANARY + raw))
    assert CANARY not in url
    assert userinfo == ("user", unquote(CANARY + raw))


def test_configured_secrets_are_in_settings_and_nowhere_else() -> None:
    """Protects from a password in check-config and in errors: whichever way it came, it is shown as stars."""
    loaded = load(flags={SOURCE: Origin(f"rtsp://admin:{CANARY}@host/x?pwd={CANARY}", "flag --source")})
    camera = loaded.settings.camera[0]
    assert (camera.username, camera.password) == ("admin", CANARY)
    assert camera.source == f"rtsp://host/x?pwd={CANARY}"
    assert CANARY not in loaded.to_toml()
    assert "password=" not in repr(camera)
    assert 'source = "rtsp://host/x?***"' in loaded.to_toml()


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        ({"source": f"rtsp://u:{CANARY}@host:99999/"}, "address that cannot be read"),
        ({"source": f"rtsp://u:{CANARY}@/x"}, "names no host"),
        ({"source": f"tcp://u:{CANARY}@host"}, "names no port"),
        ({"source": f"rtsp://u:a/{CANARY}@host"}, "%40"),
        ({"source": f"rtsp://u:{CANARY}@host/?p={CANARY}", "username": "v"}, "username"),
        ({"source": f"rtsp://u:{CANARY}@host", "password": CANARY}, "password"),
        ({"password": CANARY, "password_file": "/etc/secret"}, "one of them"),
        ({"password": 300 * CANARY}, "password"),
    ],
)
def test_what_is_wrong_with_a_camera_is_said_without_its_secret(flags: dict[str, str], complaint: str) -> None:
    """Protects secrets in the one line of an error, which ends up in the journal."""
    given: dict[Key, Origin] = {("camera", 0, name): Origin(value, "flag") for name, value in flags.items()}
    with pytest.raises(ConfigError, match=complaint) as refused:
        load(flags=given)
    assert CANARY not in str(refused.value) + repr(refused.value.__cause__)


def test_secret_from_file_and_environment(tmp_path: Path) -> None:
    """Protects every place that a URL may come from, not the command line alone."""
    file = tmp_path / "config.toml"
    file.write_text(f'[[camera]]\nname = "a"\nsource = "rtsp://u:{CANARY}@a/"\n[[camera]]\nname = "b"\n')
    loaded = load(file=file, environment={"PI_CLASSIFIER_CAMERA__1__SOURCE": f"http://v:{CANARY}@b/"})
    assert [camera.source for camera in loaded.settings.camera] == ["rtsp://a/", "http://b/"]
    assert [camera.username for camera in loaded.settings.camera] == ["u", "v"]
    assert CANARY not in loaded.to_toml()


def test_settings_take_no_url_with_a_user_name() -> None:
    """Protects from a way around the layers: what is built without them holds no secret where it would be shown."""
    with pytest.raises(ValueError, match="user name"):
        Settings.model_validate({"camera": [{"source": "rtsp://u:p@host/"}]})


@pytest.mark.parametrize(
    ("url", "address"),
    [("rtsp://h/x", ("h", 554)), ("rtsps://h", ("h", 322)), ("http://[::1]:81/x", ("::1", 81)),
     ("https://h", ("h", 443)), ("tcp://10.0.0.1:9000", ("10.0.0.1", 9000))],
)  # fmt: skip
def test_host_and_port(url: str, address: tuple[str, int]) -> None:
    """Protects cameras on usual ports and on others."""
    assert host_and_port(url) == address


def test_query_is_not_shown() -> None:
    """Protects cameras that want their password in the query."""
    assert shown("http://h/video.cgi?user=a&pwd=b") == "http://h/video.cgi?***"
    assert shown("http://h/video.cgi") == "http://h/video.cgi"
    assert "secret" not in repr(Userinfo("admin", "secret"))


@pytest.mark.parametrize(
    ("url", "server"),
    [
        (f"https://Host/{CANARY}?x={CANARY}#{CANARY}", "https://host"),
        (f"http://[::1]:81/{CANARY}", "http://[::1]:81"),
        (f"https://user:{CANARY}@host:8443/x", "https://host:8443"),
        (f"https://user:a/{CANARY}@host/x", "***"),
        (f"https://host:{CANARY}/x", "***"),
        (CANARY, "***"),
        (f"{CANARY}://{CANARY}", "***"),
        ("", "***"),
    ],
)
def test_server_alone(url: str, server: str) -> None:
    """Protects the path of a webhook, which may be its only secret: of a URL no more than the server is named."""
    assert server_of(url) == server
