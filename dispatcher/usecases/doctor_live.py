"""Sends one test page by each fax gateway to one's own machine: it costs what a call costs, and is no letter."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.channels.base import Channel, Parcel, Permit, Try
from dispatcher.domain.errors import SettingsError, UserError
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Kind, Verdict
from dispatcher.letters.header_line import FaxHeader, HeaderWords
from dispatcher.letters.trial_page import trial_page

from .checks import Check, Finding

#: Numbers at which a gateway emulates a whole call, without a charge: Sinch's description "Fax API 3.0", 2026-11.
FREE: Mapping[str, str] = {"sinch": "+19898989898"}
#: How often, and how long between, a gateway is asked what became of the page: four minutes are a long call.
QUESTIONS, PAUSE = 24, timedelta(seconds=10)
_SECONDS = 60.0  #: so long the leave to send is good


@dataclass(frozen=True, slots=True)
class Live:
    """What a live test goes by."""

    channels: Mapping[str, Channel]
    to: str  #: one's own fax number, +E.164; '' tries only what is free
    header: FaxHeader | None
    now: Callable[[], datetime]
    wait: Callable[[timedelta], Awaitable[None]]


async def live_pages(given: Live) -> list[Check]:
    """One page by each gateway that is set, one gateway after the other: the same number takes one call at a time."""
    faxes = {name: channel for name, channel in given.channels.items() if channel.kind is Kind.FAX}
    return [await _one(given, name, channel) for name, channel in faxes.items()]


async def _one(given: Live, name: str, channel: Channel) -> Check:
    what, number = f"{name} test page", given.to or FREE.get(name, "")
    if not number:
        return Check(what, Finding.NOTE, "it has no number for tests", "Name a fax machine of your own: --to +41…")
    try:
        parcel = _parcel(given, name, channel, number)
    except (SettingsError, UserError) as fault:
        return Check(what, Finding.WRONG, str(fault), "Correct fax.header")
    began = given.now()
    outcome = await channel.send(parcel, _leave)
    if outcome.verdict is Verdict.ACCEPTED:
        outcome = await _follow(given, channel, parcel, outcome, began)
    return _told(what, number, outcome, given.now() - began)


async def _leave(_: bytes) -> Permit:
    """There is nothing to write down: no letter leaves."""
    return Permit(time.monotonic() + _SECONDS)


async def _follow(given: Live, channel: Channel, parcel: Parcel, taken: Outcome, began: datetime) -> Outcome:
    """What became of it, as far as the gateway tells within the time; else that it was taken."""
    about = Try(parcel.message_id, began, began, address=parcel.address)
    for _ in range(QUESTIONS if channel.abilities.asks else 0):
        await given.wait(PAUSE)
        told = await channel.ask(parcel.attempt_id, taken.ref, about)
        if told.verdict in (Verdict.DELIVERED, Verdict.DEFERRED, Verdict.REFUSED):
            return told
    return taken


def _parcel(given: Live, name: str, channel: Channel, number: str) -> Parcel:
    now = given.now()
    lines = ("TEST PAGE", f"sent by Dispatcher through {name}", f"at {now:%Y-%m-%d %H:%M} UTC, to {number}")
    reference = f"test-{now:%Y%m%d%H%M%S}"
    return Parcel(
        attempt_id=reference,
        delivery_id=reference,
        kind=Kind.FAX,
        address=number,
        recipient_name="Test",
        sender_name="Test",
        sender_address="test@localhost",
        return_path="",
        subject="Test page",
        message_id=f"<{reference}@localhost>",
        date=now,
        document=trial_page(lines, _words(given, channel, number, now)),
        pages=1,
    )


def _words(given: Live, channel: Channel, number: str, now: datetime) -> HeaderWords | None:
    if given.header is None or channel.abilities.prints_header:
        return None
    return given.header.words("Test", number, now)


def _told(what: str, number: str, outcome: Outcome, took: timedelta) -> Check:
    seconds, station = took // timedelta(seconds=1), outcome.facts.get("station_id", "")
    if outcome.verdict is Verdict.DELIVERED:
        machine = f"; the machine calls itself '{station}'" if station else ""
        return Check(what, Finding.GOOD, f"{number} confirmed it after {seconds} s{machine}")
    if outcome.verdict is Verdict.ACCEPTED:
        fix = "Look at the machine, and into the gateway's own list"
        return Check(what, Finding.NOTE, f"taken, and not heard of within {seconds} s", fix)
    found = f"{outcome.verdict} {outcome.cause}: {outcome.detail}"
    return Check(what, Finding.WRONG, found, "Read the gateway's words; correct its settings, or the number")
