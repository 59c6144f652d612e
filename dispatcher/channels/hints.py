"""When a far end says how long to wait before the next try: read out of its words, and of nothing else."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime

#: 'try again in 300 seconds', 'greylisted for 5 minutes', 'please come back in 00:05:00', 'retry after 2h'.
_WAIT = re.compile(
    r"\b(?:in|after|for|wait|within)\s+(?:(\d{1,2}):(\d{2}):(\d{2})\b|(\d{1,6})\s*"
    r"(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)\b)",
    re.IGNORECASE,
)
#: Without one of these a number and a unit speak of something else: a limit, a size, how long somebody is away.
_AGAIN = re.compile(r"again|retry|retries|come back|gr[ea]y-?list|later|\bwait\b|slow down", re.IGNORECASE)
_UNITS = {"s": 1, "m": 60, "h": 3600}


def asked_wait(text: str) -> float:
    """Seconds that a reply asks us to wait; 0 where it does not say."""
    found = _WAIT.search(text) if _AGAIN.search(text) else None
    if found is None:
        return 0.0
    hours, minutes, seconds, count, unit = found.groups()
    if count is None:
        return float(int(hours) * 3600 + int(minutes) * 60 + int(seconds))
    return float(int(count) * _UNITS[unit[0].lower()])


def retry_after(value: str, now: datetime) -> float:
    """Seconds of an HTTP Retry-After header (RFC 9110 section 10.2.3): seconds or a date. 0 where it is neither."""
    if value.strip().isdecimal():
        return float(value)
    try:
        return max((parsedate_to_datetime(value) - now).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return 0.0
