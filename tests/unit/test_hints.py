"""How long a far end asks us to wait: real sentences of real servers, and sentences that only look like it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dispatcher.channels import replies
from dispatcher.channels.hints import asked_wait, retry_after

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("4.7.1 Greylisting in action, please come back in 00:05:00", 300),
        ("4.2.0 <a@x.example>: Recipient address rejected: Greylisted for 5 minutes", 300),
        ("4.7.0 Try again in 300 seconds", 300),
        ("4.7.1 Too many messages; please retry after 120s", 120),
        ("4.7.1 please wait 600 seconds before retrying", 600),
        ("4.3.2 Service is down, try again in 2 hours", 7200),
        ("4.7.1 Greylisted, come back in 1 min", 60),
    ],
)
def test_a_wait_is_read_out_of_the_servers_words(text: str, seconds: float) -> None:
    assert asked_wait(text) == seconds
    assert replies.negative(451, text).again_after == seconds


@pytest.mark.parametrize(
    "text",
    [
        "4.7.1 try again later",
        "4.2.2 over quota: mailbox is full for 3 days",
        "4.5.3 too many recipients, limit is 100",
        "4.3.4 message too big in 30 MB",
        "4.7.1 Greylisted, see http://postgrey.example/help/300",
        "",
    ],
)
def test_other_numbers_are_no_wait(text: str) -> None:
    assert asked_wait(text) == 0


def test_a_refusal_for_good_asks_for_no_wait() -> None:
    assert replies.negative(550, "5.7.1 try again in 5 minutes").again_after == 0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("Tue, 24 Nov 2026 12:02:00 GMT", 120),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0),
        ("soon", 0),
        ("", 0),
        ("-5", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float) -> None:
    assert retry_after(value, NOW) == seconds
