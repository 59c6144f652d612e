"""Lines of a mail log: every form of stamp, the missing year, the clocks going back, and what is no line."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dispatcher.channels.log_lines import read_line

WRITTEN = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
NOV_24 = datetime(2026, 11, 24, 15, 45, 39, tzinfo=UTC)
TEXT = "95CDA292078: client=unknown[127.0.0.1]"


@pytest.mark.parametrize(
    ("head", "at"),
    [
        (b"Nov 24 15:45:39 relay postfix/smtpd[23361]: ", NOV_24),
        (b"<22>Nov 24 15:45:39 relay postfix/smtpd[23361]: ", NOV_24),
        (b"2026-11-24T15:45:39+00:00 relay postfix/smtpd[23361]: ", NOV_24),
        (b"2026-11-24T16:45:39.000000+01:00 relay postfix/smtpd[23361]: ", NOV_24),
        (b"2026-11-24T16:45:39+0100 relay postfix/smtpd[23361]: ", NOV_24),  # journalctl -o short-iso
        (b"2026-11-24T15:45:39.000000000Z relay postfix/submission/smtpd[23361]: ", NOV_24),
        (b"2026-11-24 15:45:39 relay postfix/smtpd[23361]: ", NOV_24),
        (b"<22>1 2026-11-24T15:45:39.000Z relay.example postfix/smtpd 23361 - - ", NOV_24),
        (b'<22>1 2026-11-24T15:45:39Z relay postfix/smtpd 23361 ID47 [a@1 b="c"] ', NOV_24),
        (b"Feb 29 23:59:59 relay postfix/smtpd[23361]: ", datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)),
        (b"Dec 31 23:59:59 relay postfix/smtpd[23361]: ", datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_every_form_of_stamp_names_its_instant(head: bytes, at: datetime) -> None:
    line = read_line(head + TEXT.encode(), WRITTEN, UTC)
    assert line is not None
    assert (line.at, line.instance, line.program, line.pid, line.text) == (at, "postfix", "smtpd", 23361, TEXT)


def test_a_stamp_without_a_zone_is_local_and_says_nothing_when_the_clocks_went_back() -> None:
    zurich, head = ZoneInfo("Europe/Zurich"), b"Oct 25 0%d:30:00 relay postfix/smtpd[1]: x"
    lines = [read_line(head % hour, WRITTEN, zurich) for hour in (1, 2, 3)]
    assert [line and line.at for line in lines] == [
        datetime(2026, 10, 24, 23, 30, tzinfo=UTC),
        None,  # half past two was twice
        datetime(2026, 10, 25, 2, 30, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\x00\x00Nov 24 15:45:39 relay postfix/smtpd[1]: x",
        b" Nov 24 15:45:39 relay postfix/smtpd[1]: x",
        b"Nov 24 15:45:39 relay postfix/smtpd[1",
        b"Nov 24 15:45:39 relay sshd[1]: postfix/smtpd[1]: x",
        b"Nov 24 15:45:39 relay kernel: x",
        b"2026-11-24T15:45:39Z",
    ],
)
def test_what_is_no_line_of_postfix_is_none(raw: bytes) -> None:
    assert read_line(raw, WRITTEN, UTC) is None


@pytest.mark.parametrize("stamp", [b"Foo 24 15:45:39", b"Nov 31 15:45:39", b"Nov 24 25:45:39", b"2026-13-24T15:45:39Z"])
def test_a_stamp_that_is_no_time_names_no_instant(stamp: bytes) -> None:
    line = read_line(stamp + b" relay postfix/smtpd[1]: x", WRITTEN, UTC)
    assert line is not None
    assert line.at is None


def test_hostile_bytes_stay_text() -> None:
    line = read_line(b"Nov 24 15:45:39 relay postfix/smtpd[1]: \xff\xfe\x00\x1b[31m", WRITTEN, UTC)
    assert line is not None
    assert line.text.startswith("\\xff\\xfe")
