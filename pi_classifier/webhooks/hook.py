"""Events on their way to one receiver."""

import logging
import random
import threading
import time
from collections.abc import Callable, Collection, Sequence

from pi_classifier.contracts.delivery import WebhookFigures
from pi_classifier.contracts.event import Event
from pi_classifier.system.log_limit import LogLimit
from pi_classifier.webhooks.answer import Answer
from pi_classifier.webhooks.backlog import Backlog
from pi_classifier.webhooks.envelope import cloud_event
from pi_classifier.webhooks.receiver import Receiver
from pi_classifier.webhooks.schedule import RETRY_SECONDS

HUNG_SECONDS = 60.0
"""A message that takes longer hangs: beyond its bounds is only how long a name server may take."""

logger = logging.getLogger(__name__)


class Hook:
    """Sends events of some kinds to a receiver, on a thread of its own."""

    def __init__(
        self,
        name: str,
        receiver: Receiver,
        *,
        kinds: Collection[str],
        source: str,
        pauses: Sequence[float] = RETRY_SECONDS,
    ) -> None:
        """Nothing is sent yet.

        Args:
            name: of the `[[webhook]]`.
            receiver: who gets them.
            kinds: of the events that it gets.
            source: of the CloudEvents.
            pauses: between attempts, in seconds, each at least.
        """
        self.name = name
        self._receiver = receiver
        self._kinds = frozenset(kinds)
        self._source = source
        self._backlog = Backlog(random.random, pauses=pauses)
        self._changed = threading.Condition()
        """Held for the backlog, and for `_flushed_by`."""
        self._flushed_by: float | None = None
        """Until when what is due may still be sent; None while it is not to end."""
        self._sending_since: float | None = None
        self._told = ""
        self._given_up = LogLimit()
        self._thread = threading.Thread(target=self._run, name=f"webhook-{name}", daemon=True)

    def publish(self, event: Event) -> None:
        """Take an event; neither blocks nor raises. After `ask_to_end` nothing is taken."""
        if event.kind not in self._kinds:
            return
        with self._changed:
            if self._flushed_by is not None:
                return
            room = self._backlog.add(event, time.monotonic())
            first = not room and self._backlog.figures().lost == 1
            self._changed.notify()
        if first:
            self._log(logger.warning, "is too slow for its events; the oldest are lost")

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def ask_to_end(self, flushed_by: float) -> None:
        """Send what is due until then, seconds of `time.monotonic()`, and end."""
        with self._changed:
            self._flushed_by = flushed_by
            self._changed.notify()

    def join(self, seconds: float) -> None:
        """Wait for the end; what hangs is left behind."""
        self._thread.join(seconds)
        if waiting := self.figures().waiting:
            self._log(logger.warning, f"has not taken {waiting} {'event' if waiting == 1 else 'events'} by the end")

    def healthy(self, now: float) -> bool:
        """Whether the thread lives, and no message takes too long."""
        since = self._sending_since
        return self._thread.is_alive() and (since is None or now - since < HUNG_SECONDS)

    def figures(self) -> WebhookFigures:
        """What became of events."""
        with self._changed:
            return self._backlog.figures()

    def _run(self) -> None:
        while (event := self._next()) is not None:
            self._sending_since = time.monotonic()
            try:
                answer = self._receiver.post(event.id, cloud_event(event, self._source))
            except Exception:  # a fault costs one attempt; the thread goes on
                logger.exception("webhook %s: a fault", self.name)
                answer = Answer(0, "was not asked, for a fault of ours")
            self._sending_since = None
            self._answered(answer)

    def _next(self) -> Event | None:
        """What is to be sent now, which is waited for; None at the end."""
        with self._changed:
            while True:
                now, end = time.monotonic(), self._flushed_by
                if (end is None or now < end) and (event := self._backlog.take(now)):
                    return event
                if end is not None:
                    return None
                due = self._backlog.next_due
                self._changed.wait(None if due is None else due - now)

    def _answered(self, answer: Answer) -> None:
        now, again = time.monotonic(), True
        with self._changed:
            if not answer.problem:
                self._backlog.accepted()
            elif answer.is_gone:
                self._backlog.gone()
            else:
                again = self._backlog.refused(now, answer.pause)
        self._tell(answer)
        if not again and (events := self._given_up.occasions(now)):
            self._log(logger.warning, f"has not taken {events} {'event' if events == 1 else 'events'}, given up now")

    def _tell(self, answer: Answer) -> None:
        """Log how the receiver is, unless that is what was logged last: it may be away for days."""
        if answer.problem == self._told:
            return
        self._told = answer.problem
        if answer.is_gone:
            self._log(logger.warning, f"{answer.problem}; nothing is sent there any more until the daemon starts anew")
        elif answer.problem:
            self._log(logger.warning, f"{answer.problem}; trying again")
        else:
            self._log(logger.info, "takes events again")

    def _log(self, log: Callable[..., None], what: str) -> None:
        log("webhook %s: %s %s", self.name, self._receiver, what)
