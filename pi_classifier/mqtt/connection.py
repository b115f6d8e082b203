"""A connection to a broker, made again whenever it is lost, over which an outbox is emptied."""

import logging
import random
import selectors
import socket
import ssl
import threading
import time
from contextlib import suppress

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from pi_classifier.mqtt.broker import NO_ANSWER, SESSION_SECONDS, Broker, in_words, set_will
from pi_classifier.mqtt.outbox import Outbox

PAUSE_SECONDS = (1.0, 60.0)
"""Between two attempts, at most: the first time and ever; it doubles from one to the next. Half of it and more is
waited, by chance, so that a fleet does not come back in one moment."""
LASTING_SECONDS = 30.0
"""A connection that lasted so long worked: the next attempt is a first one."""
SUSPICIOUS = 3
"""Connections that were closed soon, one after another, by which time it is no accident."""
SESSION_TAKEN_OVER = 0x8E
REFUSALS = (0x87, 0x90, 0x95, 0x99, 0x9A, 0x9B)
"""Reasons to end a connection that may be a message's: not authorized, topic name invalid, packet too large, payload
format invalid, retain not supported, QoS not supported (MQTT 5, 3.14.2.1)."""
HEAD_BYTES = 16
"""Of a message, at most, before its topic and after it: MQTT 5, 3.3.1 and 3.3.2."""
TURN_SECONDS = 1.0
"""At least so often keep-alives are looked at."""
FLUSH_SECONDS = 0.4
"""How long `stop` lets what waits be sent."""
STOP_SECONDS = 0.5

logger = logging.getLogger(__name__)


class Connection:
    """Sends what is in an outbox to a broker, on a thread of its own. A `Component`.

    Each attempt has a client of its own: what was not acknowledged is in the outbox, and nowhere else. A fault, be it
    in the client, costs the connection and not the thread.
    """

    def __init__(
        self,
        broker: Broker,
        outbox: Outbox,
        *,
        client_id: str,
        will_topic: str,
        pauses: tuple[float, float] = PAUSE_SECONDS,
    ) -> None:
        """Not connected yet.

        Args:
            broker: whom to connect to.
            outbox: what to send.
            client_id: nobody else's: of two with the same the broker keeps the later one.
            will_topic: where the broker says `offline` for who is gone.
            pauses: the shortest and the longest between two attempts, in seconds, at most each.
        """
        self._broker = broker
        self._outbox = outbox
        self._client_id = client_id
        self._will_topic = will_topic
        self._first_pause, self._longest_pause = pauses
        self._thread = self._new_thread()
        self._stopping = threading.Event()
        self._flushed_by = 0.0
        self._waker: socket.socket | None = None
        """What is written to it wakes the thread."""
        self._message_id: int | None = None
        """Of what is on its way."""
        self._largest: int | None = None
        """Bytes of a message that this broker takes, if it says so."""
        self._told = ""
        self._refused_topics: set[str] = set()
        """Those of which it was told that the broker does not take them."""
        self._answered = False
        """Whether the broker has said in this attempt that it lets the client in, or not."""
        self._began = 0.0
        """When this attempt did, in seconds of `time.monotonic()`."""
        self._short = 0
        """Connections that the broker has closed soon, one after another."""
        self.connected = False
        """Whether the broker has let it in."""
        self.connections = 0
        """Times that it did."""
        self.failures = 0
        """Times that it did not, could not be reached, or was lost."""

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def revive(self) -> None:
        """Start another thread in the place of one that has died, as for want of file descriptors."""
        if self._thread.is_alive() or self._thread.ident is None or self._stopping.is_set():
            return
        logger.error("MQTT: the thread that speaks with the broker has died; starting another")
        self.connected = False
        self._thread = self._new_thread()
        self._thread.start()

    def wake(self) -> None:
        """There is something to send. May be called from any thread, and does not block."""
        with suppress(OSError):  # it is full of wakings, or closed
            if self._waker:
                self._waker.send(b"\0")

    def stop(self) -> None:
        """Send what waits, as far as that is quick, and end."""
        self._flushed_by = time.monotonic() + FLUSH_SECONDS
        self._stopping.set()
        self.wake()
        self._thread.join(STOP_SECONDS)

    def healthy(self, now: float) -> bool:  # noqa: ARG002 - a broker that is not there is no fault of the thread's
        """Whether the thread lives."""
        return self._thread.is_alive()

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(target=self._run, name="mqtt", daemon=True)

    def _run(self) -> None:
        woken, self._waker = socket.socketpair()
        with woken, self._waker:
            woken.setblocking(False)
            self._waker.setblocking(False)
            self._attempt_until_stopped(woken)

    def _attempt_until_stopped(self, woken: socket.socket) -> None:
        pause = self._first_pause
        while not self._stopping.is_set():
            self._began = time.monotonic()
            self._attempt(woken)
            self.connected = False
            if time.monotonic() - self._began >= LASTING_SECONDS:
                pause = self._first_pause
            self._stopping.wait(pause * random.uniform(0.5, 1))  # noqa: S311 - no secret
            pause = min(2 * pause, self._longest_pause)

    def _attempt(self, woken: socket.socket) -> None:
        """Connect, and send until the connection is lost or it is time to stop."""
        try:
            client = self._new_client()
            self._broker.connect(client, session_seconds=SESSION_SECONDS)
            self._serve(client, woken)
        except OSError as error:
            self._failed(in_words(error))
        except Exception:  # a fault costs this connection; the thread goes on, and so does what waits
            self.failures += 1
            logger.exception("MQTT: a fault; connecting to %s anew", self._broker)

    def _new_client(self) -> Client:
        self._answered = False
        client = self._broker.client(self._client_id)
        set_will(client, self._will_topic)
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect
        return client

    def _serve(self, client: Client, woken: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(woken, selectors.EVENT_READ)
            connected = client.socket()
            if not isinstance(connected, socket.socket):  # a broker that is asked by WebSockets would have another
                return
            selector.register(connected, selectors.EVENT_READ)
            while client.socket() is not None and not self._may_end(client):
                _wait(selector, connected, client)
                _clear(woken)
                while client.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS and _holds_more(connected):
                    pass
                client.loop_misc()
                self._send(client)
                if client.want_write():
                    client.loop_write()

    def _may_end(self, client: Client) -> bool:
        """Whether it is time to stop and all was sent, or it takes too long. It takes its leave then."""
        if not self._stopping.is_set():
            return False
        if self.connected and not self._outbox.empty and time.monotonic() < self._flushed_by:
            return False
        client.disconnect()
        return True

    def _send(self, client: Client) -> None:
        """The next message, unless the one before is still on its way to the broker."""
        while self.connected and not client.want_write() and (message := self._outbox.next()):
            size = len(message.payload) + len(message.topic.encode()) + HEAD_BYTES
            if self._largest is not None and size > self._largest:
                # It would end the connection, and the next one as well.
                self._refused(self._outbox.refused(), f"{size} bytes are more than the {self._largest} that it allows")
                continue
            sent = client.publish(message.topic, message.payload, qos=message.qos, retain=message.retain)
            if message.qos:
                self._message_id = sent.mid

    def _refused(self, topic: str | None, why: str) -> None:
        """Log it, once a topic."""
        if topic and topic not in self._refused_topics:
            self._refused_topics.add(topic)
            logger.warning("MQTT: %s does not take %s: %s", self._broker, topic, why)

    def _on_connect(
        self, _client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._answered = True
        if reason.is_failure:
            self._failed(f"lets nobody in: {_lower(reason)}")
            return
        self._outbox.renew()
        self._message_id = None
        self._largest = getattr(properties, "MaximumPacketSize", None)
        self.connected = True
        self.connections += 1
        self._told = ""
        logger.info("MQTT: connected to %s", self._broker)

    def _on_publish(
        self, _client: Client, _data: object, message_id: int, reason: ReasonCode, _properties: Properties
    ) -> None:
        if message_id != self._message_id:
            return  # of one that needs no acknowledgement
        self._message_id = None
        if not reason.is_failure:
            self._outbox.acknowledged()
        else:
            self._refused(self._outbox.refused(), f"{_lower(reason)}; let the user write there")

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        was_connected, self.connected = self.connected, False
        if self._stopping.is_set():
            return
        if not was_connected:
            if not self._answered:  # or else it was told why
                self._failed(NO_ANSWER)
            return
        lasted = time.monotonic() - self._began
        self._short = self._short + 1 if lasted < LASTING_SECONDS else 0
        with_reason = flags.is_disconnect_packet_from_server and reason.value != SESSION_TAKEN_OVER
        if with_reason and reason.value in REFUSALS:
            self._refused(self._outbox.ended(), f"{_lower(reason)}; it ends the connection for it")
        if with_reason:
            self._failed(f"ends the connection: {_lower(reason)}")
        elif self._short >= SUSPICIOUS:
            # Mosquitto closes the older one without a word.
            self._failed(f"closes one connection after another: is another client called {self._client_id}?")
        else:
            self._failed("was lost")

    def _failed(self, why: str) -> None:
        self.failures += 1
        self._tell(why if why.endswith("?") else f"{why}; trying again")

    def _tell(self, what: str) -> None:
        """Log it, unless that is what was logged last: a broker may be away for days."""
        if what != self._told:
            self._told = what
            logger.warning("MQTT: %s %s", self._broker, what)


def _clear(woken: socket.socket) -> None:
    with suppress(BlockingIOError):
        while woken.recv(4096):
            pass


def _wait(selector: selectors.BaseSelector, connected: socket.socket, client: Client) -> None:
    """Until there is something to read or to send, or a turn is over."""
    writing = selectors.EVENT_WRITE if client.want_write() else 0
    selector.modify(connected, selectors.EVENT_READ | writing)
    if not _holds_more(connected):
        selector.select(TURN_SECONDS)


def _holds_more(connected: socket.socket) -> bool:
    """Whether TLS has decrypted more than was read, of which the selector knows nothing."""
    return isinstance(connected, ssl.SSLSocket) and connected.fileno() >= 0 and connected.pending() > 0


def _lower(reason: ReasonCode) -> str:
    return str(reason).lower()
