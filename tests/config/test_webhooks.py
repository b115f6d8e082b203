"""`[[webhook]]`: what can be configured, and that nothing of a URL but its server is shown."""

from pathlib import Path
from typing import get_args

import pytest

from pi_classifier.config.layers import Key, Origin, load
from pi_classifier.config.schema import HookEvent, WebhookSettings
from pi_classifier.contracts.event import CAMERA_EVENTS, STATE_EVENTS, EventKind
from pi_classifier.errors import ConfigError

CANARY = "cAnArY4711"
URL = f"https://host/{CANARY}?token={CANARY}"


def refused(flags: dict[str, object]) -> str:
    """What is said of a webhook that cannot be."""
    given: dict[Key, Origin] = {("webhook", 0, name): Origin(value, "flag") for name, value in flags.items()}
    with pytest.raises(ConfigError) as error:
        load(flags=given)
    assert error.value.__cause__ is None
    return str(error.value)


def test_kinds_are_those_of_events() -> None:
    """Protects the list of kinds from growing stale: it has every kind; states and cameras are the default."""
    assert set(get_args(HookEvent)) == set(EventKind)
    assert set(WebhookSettings().events) == STATE_EVENTS | CAMERA_EVENTS


def test_url_is_in_settings_and_nowhere_else(tmp_path: Path) -> None:
    """Protects who knows the URL from everybody who reads check-config, the journal or a traceback."""
    file = tmp_path / "config.toml"
    file.write_text(f'[[webhook]]\nname = "a"\nurl = "{URL}"\nsecret_file = "s"\n')
    loaded = load(file=file)
    (hook,) = loaded.settings.webhook
    assert hook.url == URL
    assert 'url = "https://host/***"' in loaded.to_toml()
    for shown in (loaded.to_toml(), repr(loaded.settings), loaded.settings.model_dump_json()):
        assert CANARY not in shown
    assert load(environment={"PI_CLASSIFIER_WEBHOOK__URL": URL, "PI_CLASSIFIER_WEBHOOK__SECRET_FILE": "s"})


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        ({"url": f"ftp://host/{CANARY}"}, "no URL of a web server"),
        ({"url": CANARY}, "no URL of a web server"),
        ({"url": f"https://user:{CANARY}@host/"}, "holds a user name"),
        ({"url": f"https://user:a/{CANARY}@host/"}, "as %40"),
        ({"url": f"https:///{CANARY}"}, "names no host"),
        ({"url": f"https://house..example.org/{CANARY}"}, "no name of a machine"),
        ({"url": f"https://{64 * 'a'}.org/{CANARY}"}, "no name of a machine"),
        ({"url": f"https://host:99999/{CANARY}"}, "address that cannot be read"),
        ({"url": f"https://host/a b{CANARY}"}, "has characters"),
        ({"url": f"https://host/\r\nX: {CANARY}"}, "has characters"),
        ({"url": f"https://h\u00f6st/{CANARY}"}, "has characters"),
        ({"url": 1000 * CANARY}, "longer than 4096"),
        ({"url": [CANARY]}, "no text"),
        ({"url": f"http://host/{CANARY}", "ca_file": "ca.pem"}, "not encrypted"),
        ({"url": URL}, "has no secret_file"),
        ({"url": URL, "secret_file": f"whsec_{CANARY}"}, "in the place of a file's name"),
        ({"secret_file": "s"}, "has no url"),
        ({"url": URL, "secret_file": "s", "events": ["start"]}, "did you mean started?"),
        ({"url": URL, "secret_file": "s", "events": []}, "is empty"),
        ({"url": URL, "secret": CANARY}, "did you mean webhook.0.secret_file?"),
    ],
)
def test_what_is_wrong_is_said_without_the_url(flags: dict[str, object], complaint: str) -> None:
    """Protects secrets in the one line of an error, which ends up in the journal."""
    said = refused(flags)
    assert complaint in said
    assert CANARY not in said
    assert "\n" not in said


def test_names_differ(tmp_path: Path) -> None:
    """Protects metrics and log: two hooks are never mistaken for each other."""
    file = tmp_path / "config.toml"
    file.write_text(2 * f'[[webhook]]\nurl = "{URL}"\nsecret_file = "s"\n')
    with pytest.raises(ConfigError, match=r"two webhooks are called 'webhook' .*; give each \[\[webhook\]\] a name"):
        load(file=file)
