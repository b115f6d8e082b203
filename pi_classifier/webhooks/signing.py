"""Signatures by which a receiver knows who sent a message, and when (Standard Webhooks). No input, no output."""

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"
"""Marks a symmetric secret, in the specification."""
SHORTEST, LONGEST = 24, 64
"""Bytes of a secret, by the specification."""


def decoded_secret(text: str) -> bytes:
    """The key that a secret stands for: `whsec_` and base64, with or without the padding.

    Raises:
        ValueError: in words, and without a part of it: it is none.
    """
    if not text.startswith(PREFIX):
        raise ValueError(f"does not begin with {PREFIX}")
    encoded = text.removeprefix(PREFIX).rstrip("=")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"holds no base64 behind {PREFIX}") from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(f"has {len(key)} bytes, not {SHORTEST} to {LONGEST}")
    return key


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """What `webhook-signature` says of a message.

    Args:
        key: shared with the receiver.
        message_id: as in `webhook-id`; the same however often the message is sent.
        timestamp: as in `webhook-timestamp`, of this attempt: seconds since 1970.
        body: what is sent.
    """
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
