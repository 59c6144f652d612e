"""Signed names that travel outside and come back: return paths of letters, and the signatures of callbacks.

Whoever reads one learns only what we signed; a text that does not verify is simply not ours, and no error.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

#: NIST SP 800-107r1 section 5.3.2 allows an HMAC cut to 32 bits and more; 120 bits fill 24 base32 letters exactly.
_MAC_BYTES = 15
_MIN_KEY = 16
_RETURN_PATH = re.compile(r"r-([a-z0-9]{1,20}\.[0-9]{1,7})-([a-z2-7]{8})-([a-z2-7]{24})")
_BEGINS_AS_ONE = re.compile(r"r-[a-z0-9]{1,20}\.")
_CALLBACK_WINDOW = timedelta(seconds=300)


def sign_return_path(key: bytes, attempt_id: str, expires: datetime) -> str:
    """The local part of an envelope sender that names one try until `expires` (RFC 3834 section 3.3; VERP).

    The try, not the letter: what is heard of an earlier one says nothing of a later one. At most 63 characters, all of
    them letters, digits, hyphens and one dot, and the same whether relays keep the case or not.
    Raises ValueError for a key under 16 bytes, or an id that is no attempt's: 'letters-and-digits.number'.
    """
    stamp = _base32(int(expires.timestamp()).to_bytes(5, "big"))
    local = f"r-{attempt_id}-{stamp}-{_path_mac(key, attempt_id, stamp)}"
    if not _RETURN_PATH.fullmatch(local):
        raise ValueError("an attempt id in a return path is 1 to 20 lower-case letters and digits, a dot, a number")
    return local


def read_return_path(key: bytes, local: str, now: datetime) -> str | None:
    """The attempt that a bounce's local part names; None when it is not ours, was altered, or has expired."""
    found = _RETURN_PATH.fullmatch(local.lower())
    if not found:
        return None
    attempt_id, stamp, mac = found.groups()
    if not hmac.compare_digest(mac, _path_mac(key, attempt_id, stamp)):
        return None
    expires = int.from_bytes(base64.b32decode(stamp.upper()), "big")
    return attempt_id if now.timestamp() < expires else None


def is_return_path(local: str) -> bool:
    """Does it begin as one, whoever made it, and whatever became of its end?"""
    return _BEGINS_AS_ONE.match(local.lower()) is not None


def _path_mac(key: bytes, attempt_id: str, stamp: str) -> str:
    return _base32(_mac(key, b"dispatcher-return-path-v2", attempt_id.encode(), stamp.encode())[:_MAC_BYTES])


def sign_callback(secret: bytes, timestamp: str, body: bytes) -> str:
    """The signature of a callback sent at `timestamp` (Unix seconds as text): 'v1=' and the HMAC-SHA256 in hex."""
    return "v1=" + _mac(secret, b"dispatcher-callback-v1", timestamp.encode(), body).hex()


def verify_callback(
    secret: bytes, timestamp: str, signature: str, body: bytes, now: datetime, window: timedelta = _CALLBACK_WINDOW
) -> bool:
    """Was exactly this body signed with our secret, at most `window` ago or ahead? Compares in constant time."""
    if not re.fullmatch(r"[0-9]{1,11}", timestamp):
        return False
    genuine = hmac.compare_digest(sign_callback(secret, timestamp, body).encode(), signature.encode())
    return genuine and abs(now - datetime.fromtimestamp(int(timestamp), UTC)) <= window


def sign_hint(secret: str, channel: str, attempt_id: str) -> str:
    """The last part of a callback address for one attempt, for providers that sign nothing: only we can make it."""
    key = hashlib.sha256(secret.encode()).digest()
    return f"{attempt_id}.{_mac(key, b'dispatcher-hint-v1', channel.encode(), attempt_id.encode())[:_MAC_BYTES].hex()}"


def verify_hint(secret: str, channel: str, token: str) -> str | None:
    """The attempt that such an address is about; None when we did not make it. Compares in constant time."""
    attempt_id = token.rpartition(".")[0]
    genuine = hmac.compare_digest(sign_hint(secret, channel, attempt_id).encode(), token.encode())
    return attempt_id if attempt_id and genuine else None


def _mac(key: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA256 over the parts, each with its length before it, so that no two lists of parts run into one text."""
    if len(key) < _MIN_KEY:
        raise ValueError(f"a signing key has at least {_MIN_KEY} bytes")
    framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hmac.new(key, framed, hashlib.sha256).digest()


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").lower().rstrip("=")
