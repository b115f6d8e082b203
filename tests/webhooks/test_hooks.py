"""Events on their way to real web servers."""

import logging
import socket
import threading
import time

import pytest

from pi_classifier.contracts.event import EventKind
from pi_classifier.webhooks.hook import Hook
from pi_classifier.webhooks.hooks import Webhooks
from pi_classifier.webhooks.receiver import Receiver
from tests.running import unused_port
from tests.waiting import eventually
from tests.webhooks.receiving import EVENT, KEY, SECRET, Receiving, Reply, numbered, receiving

standardwebhooks = pytest.importorskip("standardwebhooks", reason="standardwebhooks is not installed")


def hook_to(url: str, name: str = "house") -> Hook:
    """A hook that is not started, and does not wait long."""
    receiver = Receiver(url, KEY, None)
    return Hook(name, receiver, kinds={"started"}, source="/pi-classifier/garden", pauses=(0.01, 0.01, 0.01, 0.01))


def ids(server: Receiving) -> list[str]:
    """Of the messages that a receiver got, in order."""
    return [one.id for one in server.received]


def test_events_come_in_order_and_only_those_of_its_kinds() -> None:
    """Protects receivers: they get what they asked for, as it happened."""
    with receiving() as server:
        hooks = Webhooks([hook_to(server.url)])
        hooks.start()
        for number in range(20):
            hooks.publish(numbered(number))
            hooks.publish(numbered(100 + number)._replace(kind=EventKind.SUMMARY))
        eventually(lambda: hooks.hooks[0].figures().delivered == 20, "delivery")
        hooks.stop()
    assert ids(server) == [numbered(number).id for number in range(20)]


def test_the_same_message_is_sent_again(caplog: pytest.LogCaptureFixture) -> None:
    """Protects receivers from doing a thing twice: each attempt has the id of before and is signed for its own time."""
    caplog.set_level(logging.INFO)
    with receiving() as server:
        for status in (500, 404, 429):
            server.replies.put(Reply(status))
        hooks = Webhooks([hook_to(server.url)])
        hooks.start()
        hooks.publish(EVENT)
        eventually(lambda: hooks.hooks[0].figures().delivered, "delivery")
        figures = hooks.hooks[0].figures()
        hooks.stop()
    assert ids(server) == 4 * [EVENT.id]
    assert len({one.body for one in server.received}) == 1
    for one in server.received:
        assert standardwebhooks.Webhook(SECRET).verify(one.body, dict(one.headers.items()))
    assert (figures.failed_attempts, figures.failed, figures.waiting, figures.up) == (3, 0, 0, True)
    assert caplog.messages == [
        f"webhook house: {server.url.partition('/hook')[0]} {what}"
        for what in (
            "answers 500 (Internal Server Error); trying again",
            "answers 404 (Not Found); trying again",
            "answers 429 (Too Many Requests); trying again",
            "takes events again",
        )
    ]


def test_event_that_is_given_up_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Protects who looks for an event: after five attempts it is given up, counted, and the log says so once."""
    hooks = Webhooks([hook_to(f"http://127.0.0.1:{unused_port()}/cAnArY")])
    hooks.start()
    for number in range(3):
        hooks.publish(numbered(number))
    eventually(lambda: hooks.hooks[0].figures().failed == 3, "end of the attempts")
    figures = hooks.hooks[0].figures()
    hooks.stop()
    assert (figures.failed_attempts, figures.waiting, figures.up) == (15, 0, False)
    said = [message.partition(" http://")[2].partition(" ")[2] for message in caplog.messages]
    assert said == ["Connection refused; trying again", "has not taken 1 event, given up now"]
    assert "cAnArY" not in caplog.text


def test_gone_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    """Protects who has taken a hook away: after 410 nothing comes any more, and the log says so."""
    with receiving() as server:
        server.replies.put(Reply(410))
        hooks = Webhooks([hook_to(server.url)])
        hooks.start()
        hooks.publish(numbered(0))
        eventually(lambda: hooks.hooks[0].figures().failed == 1, "answer")
        hooks.publish(numbered(1))
        assert hooks.hooks[0].figures().failed == 2
        assert hooks.healthy(time.monotonic())
        hooks.stop()
    assert len(server.received) == 1
    assert "answers 410 (Gone); nothing is sent there any more" in caplog.text


def test_a_slow_hook_delays_no_other_nor_who_publishes(caplog: pytest.LogCaptureFixture) -> None:
    """Protects everybody from one receiver that hangs: the other has all events; of too many the oldest are lost."""
    hold = threading.Event()
    with receiving() as slow, receiving() as quick:
        slow.replies.put(Reply(204, hold=hold))
        hooks = Webhooks([hook_to(slow.url, "slow"), hook_to(quick.url, "quick")])
        hooks.start()
        hooks.publish(numbered(0))
        eventually(lambda: slow.received, "request")
        for number in range(1, 1100):
            hooks.publish(numbered(number))
        assert hooks.hooks[0].figures().lost == 100
        assert hooks.hooks[0].figures().waiting == 1000
        eventually(lambda: not hooks.hooks[1].figures().waiting, "delivery to the quick one")
        assert ids(quick)[-1] == numbered(1099).id
        hold.set()
        eventually(lambda: not hooks.hooks[0].figures().waiting, "delivery to the slow one")
        hooks.stop()
    assert ids(slow)[:2] == [numbered(0).id, numbered(101).id]
    assert [message for message in caplog.messages if "the oldest are lost" in message and "slow" in message]


def test_end_with_receivers_that_are_dead(caplog: pytest.LogCaptureFixture) -> None:
    """Protects `systemctl stop`: many receivers that never answer are left behind together, and what waits is told."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        hooks = Webhooks([hook_to(url, f"dead{number}") for number in range(10)])
        hooks.start()
        hooks.publish(EVENT)
        accepted = [silent.accept()[0] for _ in hooks.hooks]
        hooks.stop()
        assert [thread for thread in threading.enumerate() if thread.name.startswith("webhook-dead")]
        for client in accepted:
            client.close()
    assert sum("has not taken 1 event by the end" in message for message in caplog.messages) == 10


def test_what_is_due_at_the_end_is_sent() -> None:
    """Protects the last news: what happened just before the end still goes out, if the receiver is quick."""
    with receiving() as server:
        hooks = Webhooks([hook_to(server.url)])
        hooks.start()
        hooks.publish(EVENT)
        hooks.stop()
        hooks.publish(numbered(1))
        eventually(lambda: server.received, "request")
    assert ids(server) == [EVENT.id]
