"""What a try came to, what was heard of it later, and which signal that is for its delivery."""

from __future__ import annotations

from dataclasses import dataclass, field

from .words import Cause, Signal, Verdict


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a try, or a question about a try, came to. Never an exception."""

    verdict: Verdict
    cause: Cause = Cause.NONE
    detail: str = ""  #: the far end's own words, escaped, at most 512 characters
    ref: str = ""  #: the far end's name for it (queue id, fax id)
    pages: int | None = None  #: pages the far end confirmed; None where it does not say
    facts: dict[str, str] = field(default_factory=dict)  #: route, peer, TLS, station id … as seen
    pause_route: str = ""  #: name of a route (relay, gateway) that is unfit for every letter, not just this one
    again_after: float = 0.0  #: seconds that the far end asked us to wait; 0: it did not
    route: str = ""  #: name of the route that answered about this letter: it is fit
    passed: tuple[tuple[str, str, str], ...] = ()  #: (route, cause, words) of others that let nobody in before


@dataclass(frozen=True, slots=True)
class Report:
    """An Outcome that came later, and about which attempt (by our own name for it)."""

    attempt_id: str
    event_id: str  #: the provider's name of this event, or a digest of it; a report is taken once
    outcome: Outcome
    raw: bytes = b""  #: as received


def broken_off(confirmed: int | None, pages: int) -> tuple[Verdict, Cause]:
    """What a call comes to that broke off when so many of its pages were confirmed; None: nobody says how many.

    Seen on a real line (HylaFAX 6.0.7 and two modems): where a page's confirmation is lost, the far machine may have
    printed one page more than are counted. So with at most one page missing nobody knows; with more, part is there.
    """
    if confirmed is None:
        return Verdict.UNKNOWN, Cause.FAX_PAGES_UNKNOWN
    if confirmed >= pages - 1:
        return Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE
    return Verdict.DEFERRED, Cause.FAX_PARTIAL if confirmed else Cause.FAX_NO_CARRIER_MID_PAGE


_SIGNALS = {
    Verdict.DELIVERED: Signal.CONFIRM,
    Verdict.ACCEPTED: Signal.ACCEPT,
    Verdict.DEFERRED: Signal.DEFER,
    Verdict.REFUSED: Signal.REFUSE,
    Verdict.UNKNOWN: Signal.DOUBT,
    Verdict.UNSENT: Signal.REQUEUE,
}


def signal_for(verdict: Verdict, tries_left: int, *, knowingly: bool = False) -> Signal:
    """The signal of a verdict. Only a DEFERRED one depends on how many tries are left.

    `knowingly`: an earlier try may have arrived. That this one did not says nothing of that one: it stays in doubt.
    """
    signal = _SIGNALS[verdict]
    if verdict is Verdict.DEFERRED:
        signal = Signal.DEFER if tries_left > 0 else Signal.EXHAUST
    return Signal.DOUBT if knowingly and signal in (Signal.EXHAUST, Signal.REFUSE) else signal


def escape(text: str | bytes, limit: int = 512) -> str:
    """A far end's words made safe to keep and to show: control characters escaped, cut at `limit`."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"
