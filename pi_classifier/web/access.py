"""Who may ask, decided by a request's headers alone. Nothing here does any I/O.

Browsers carry requests for others: a page of a stranger may have them ask here (CSRF), or give this machine's address a
name of its own (DNS rebinding). So a request must name this machine by a name that is known, and where it tells the
page that it comes from, that must be this one.
"""

import base64
import binascii
import hmac
import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Mapping
from enum import Enum, auto
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

COOKIE = "pi-classifier"
MOST_FAILURES = 5
FAILURE_SECONDS = 60.0
"""So many wrong tokens in so long a time may come from one address."""
MOST_ADDRESSES = 1000
"""Whose failures are remembered."""


class Verdict(Enum):
    """What becomes of a request."""

    ALLOWED = auto()
    WRONG_HOST = auto()
    WRONG_ORIGIN = auto()
    NO_TOKEN = auto()
    """None was shown, or one that is wrong."""
    TOO_MANY_FAILURES = auto()


class Access:
    """The rules. For one thread."""

    def __init__(self, token: str | None, names: Collection[str], clock: Callable[[], float] = time.monotonic) -> None:
        """Know what is allowed.

        Args:
            token: what clients show; None: nothing.
            names: of this machine, in lower case, beside its addresses and `localhost`.
            clock: seconds, never backwards.
        """
        self._token = token
        self._names = frozenset(names) | {"localhost"}
        self._clock = clock
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    @property
    def cookie(self) -> str | None:
        """What a browser shows that has logged in: it follows from the token, so that it outlives a restart."""
        return None if self._token is None else hmac.digest(self._token.encode(), COOKIE.encode(), "sha256").hex()

    def judge(self, headers: Mapping[str, str], client: str, *, is_open: bool) -> Verdict:
        """What becomes of a request.

        Args:
            headers: by names in lower case.
            client: the address that it comes from.
            is_open: whether it may be asked without a token.
        """
        host = headers.get("host", "")
        if not self._is_ours(host):
            return Verdict.WRONG_HOST
        origin = headers.get("origin")
        # Without one it comes from no page: a program asks, or a person.
        if origin is not None and (urlsplit(origin).netloc.lower() or None) != host.lower():
            return Verdict.WRONG_ORIGIN
        if is_open or self._token is None or self._has_cookie(headers):
            return Verdict.ALLOWED
        shown = _shown(headers.get("authorization", ""))
        return Verdict.NO_TOKEN if shown is None else self.log_in(shown, client)

    def log_in(self, token: str, client: str) -> Verdict:
        """Whether this is the token."""
        if self._token is None:
            return Verdict.ALLOWED
        failures = self._recent_failures(client)
        if len(failures) >= MOST_FAILURES:
            return Verdict.TOO_MANY_FAILURES
        if hmac.compare_digest(token.encode(), self._token.encode()):
            return Verdict.ALLOWED
        failures.append(self._clock())
        return Verdict.NO_TOKEN

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        if not name:
            return False
        return name.removesuffix(".") in self._names or _is_address(name)

    def _has_cookie(self, headers: Mapping[str, str]) -> bool:
        try:
            shown = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return shown is not None and hmac.compare_digest(shown.value.encode(), (self.cookie or "").encode())

    def _recent_failures(self, client: str) -> deque[float]:
        failures = self._failures.setdefault(client, deque())
        self._failures.move_to_end(client)
        if len(self._failures) > MOST_ADDRESSES:
            self._failures.popitem(last=False)
        while failures and failures[0] < self._clock() - FAILURE_SECONDS:
            failures.popleft()
        return failures


def _is_address(name: str) -> bool:
    """An address is no name that somebody else could have given to this machine."""
    try:
        return bool(ipaddress.ip_address(name.partition("%")[0]))
    except ValueError:
        return False


def _shown(authorization: str) -> str | None:
    """The token out of `Bearer TOKEN`, or the password out of `Basic`, whatever the user's name; None: neither."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None
