"""One line of a mail log, as Postfix writes it through syslog, rsyslog, journald or by itself. It reads no file.

Known are the stamps of RFC 3164 ('Nov 24 15:09:10', without a year or a zone), of RFC 5424 and of rsyslog's files
('2026-11-24T15:09:10.123456+00:00'), and of `journalctl -o short`, `short-iso` and `short-iso-precise`. Whatever does
not look like such a line, from its first byte on, is none: what stands in it may have been put there by a stranger.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

_HEAD = re.compile(
    rb"(?:<\d{1,3}>)?(?:1 )?"
    rb"([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)"
    rb" [^\s\[\]]{1,255} "  # the host
    rb"([A-Za-z0-9_.-]{1,64})/((?:[A-Za-z0-9_.-]{1,64}/)*)([a-z-]{1,64})"  # instance/service/program
    rb"(?:\[(\d{1,10})\]: | (\d{1,10}) \S{1,64} (?:-|\[[^\]]*\]) (?:\xef\xbb\xbf)?)"
    rb"(.*)",
    re.DOTALL,
)
_MONTHS = {name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
#: A stamp without a year may lie so far ahead of the last change of its file, and no further.
_AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LogLine:
    """What stands in a line; `at` is None where its stamp names two instants, as when the clocks go back, or none."""

    at: datetime | None
    instance: str  #: of Postfix: 'postfix', or the name of another one on the same machine
    program: str  #: 'smtpd', 'cleanup', 'qmgr', 'smtp' …
    pid: int
    text: str


def read_line(raw: bytes, written: datetime, zone: tzinfo | None = None) -> LogLine | None:
    """The line, or None where it is none of Postfix's.

    `written` is when its file was last written, which tells the missing year; `zone` that of stamps without one, None
    for this machine's.
    """
    found = _HEAD.fullmatch(raw)
    if found is None:
        return None
    stamp, instance, _, program, pid, other_pid, text = found.groups()
    return LogLine(
        moment(stamp, written, zone),
        instance.decode("ascii"),
        program.decode("ascii"),
        int(pid or other_pid),
        text.decode("utf-8", "backslashreplace"),
    )


def stamp_of(raw: bytes, written: datetime, zone: tzinfo | None = None) -> datetime | None:
    """When a line of Postfix's was written; None for any other line."""
    found = _HEAD.match(raw)
    return moment(found[1], written, zone) if found else None


@lru_cache(maxsize=4096)
def moment(stamp: bytes, written: datetime, zone: tzinfo | None) -> datetime | None:
    """The instant of a stamp, in UTC; None where it is no time, or where the clocks going back make it two."""
    try:
        if stamp[:1].isdigit():
            return _in_utc(datetime.fromisoformat(stamp.decode("ascii").replace(",", ".")), zone)
        return _without_year(stamp, written, zone)
    except (ValueError, OverflowError, OSError):
        return None


def _without_year(stamp: bytes, written: datetime, zone: tzinfo | None) -> datetime | None:
    """The latest such time before the file was last written; 29 February takes the year that has it."""
    month, day = _MONTHS.get(stamp[:3], 0), int(stamp[4:6])
    hour, minute, second = (int(part) for part in stamp[7:].split(b":"))
    for year in range(written.year + 1, written.year - 5, -1):
        try:
            local = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001  # local time of the relay
        except ValueError:
            continue
        if local.replace(tzinfo=UTC) <= written + _AHEAD:
            return _in_utc(local, zone)
    return None


def _in_utc(local: datetime, zone: tzinfo | None) -> datetime | None:
    if local.tzinfo is not None:
        return local.astimezone(UTC)
    first, second = (_place(local.replace(fold=fold), zone) for fold in (0, 1))
    return first if first == second else None


def _place(local: datetime, zone: tzinfo | None) -> datetime:
    """Without a zone, Python takes the machine's own."""
    return (local.replace(tzinfo=zone) if zone else local).astimezone(UTC)
