"""One letter over SMTP with an exact commit point: body without the dot, leave to go on, dot, reply.

Until the dot is written, whatever happens, the letter has surely not been sent; after it, only a reply decides.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from aiosmtplib import SMTPResponse

from dispatcher.domain.outcome import Outcome, escape
from dispatcher.domain.words import Cause, Verdict

from . import replies
from .base import CommitPoint
from .relay import Closed, Relay, open_line
from .wire import Broken, Line

#: A relay that let nobody in is tried after the others for this many seconds.
REST = 300.0
_XTEXT = re.compile(r"[^!-*,-<>-~]")  # RFC 3461 section 4: all but '+', '=' and what is not visible ASCII


@dataclass(frozen=True, slots=True)
class Envelope:
    """From whom and to whom, in canonical addr-specs, and what a report about it calls it (ENVID)."""

    sender: str
    recipient: str
    name: str


class _Stopped(Exception):
    """The conversation ended before the dot; carries what that comes to."""

    def __init__(self, outcome: Outcome, *, unheard: bool = False) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome
        self.unheard = unheard  #: the server broke off before it answered MAIL


@dataclass(slots=True)
class _Berth:
    """A relay with its open connections."""

    relay: Relay
    places: asyncio.Semaphore
    idle: list[Line] = field(default_factory=list)
    resting_until: float = float("-inf")


class Submission:
    """Hands letters to relays, in order, over kept connections."""

    def __init__(self, relays: Sequence[Relay], clock: Callable[[], float] = time.monotonic) -> None:
        if not relays:
            raise ValueError("at least one relay is needed")
        self._berths = [_Berth(relay, asyncio.Semaphore(relay.connections)) for relay in relays]
        self._clock = clock

    @property
    def routes(self) -> tuple[str, ...]:
        """The names of the relays, in order."""
        return tuple(berth.relay.name for berth in self._berths)

    async def submit(
        self, envelope: Envelope, message: bytes, commit: CommitPoint, avoid: frozenset[str] = frozenset()
    ) -> Outcome:
        """Try once. `message` is the whole letter, CRLF only; `commit` is called with it just before the dot.

        A relay that lets nobody in, or none of ours, passes the letter on to the next one, but for those in `avoid`;
        when none is left, the outcome is UNSENT. Whatever `commit` raises passes through, and nothing has left then.
        """
        closed: list[tuple[Relay, Closed]] = []
        for berth in self._in_order():
            if berth.relay.name in avoid:
                continue
            try:
                outcome = await self._submit_to(berth, envelope, message, commit)
            except Closed as exc:
                berth.resting_until = self._clock() + REST
                closed.append((berth.relay, exc))
            else:
                return replace(outcome, facts=outcome.facts | _closed_facts(closed), passed=_passed(closed))
        return _all_closed(closed) if closed else _none_open()

    async def probe(self, route: str) -> Outcome:
        """Knock at one relay, or at all in turn until one lets us in: EHLO, TLS, login, QUIT, and no letter."""
        closed: list[tuple[Relay, Closed]] = []
        for berth in self._berths:
            if route in ("", berth.relay.name):
                try:
                    (await open_line(berth.relay)).part()
                except Closed as exc:
                    closed.append((berth.relay, exc))
                else:
                    berth.resting_until = float("-inf")
                    return Outcome(Verdict.ACCEPTED, detail="it let us in", route=berth.relay.name)
        return _all_closed(closed) if closed else _none_open()

    async def aclose(self) -> None:
        """Hang up all idle connections."""
        for berth in self._berths:
            while berth.idle:
                berth.idle.pop().part()

    def _in_order(self) -> list[_Berth]:
        """As configured, but those that rest come last."""
        now = self._clock()
        return sorted(self._berths, key=lambda berth: berth.resting_until > now)

    async def _submit_to(self, berth: _Berth, envelope: Envelope, message: bytes, commit: CommitPoint) -> Outcome:
        async with berth.places:
            while True:
                kept = self._kept_line(berth)
                line = kept or await open_line(berth.relay)
                berth.resting_until = float("-inf")
                try:
                    return await self._use(berth, line, envelope, message, commit)
                except _Stopped as stop:
                    # A server that hung up on an idle connection has not answered this letter: ask again on a new one.
                    if not (kept and stop.unheard):
                        return self._outcome(stop.outcome, line)

    def _kept_line(self, berth: _Berth) -> Line | None:
        while berth.idle:
            line = berth.idle.pop()
            if line.alive and line.in_step and self._clock() - line.idle_since < berth.relay.timeout_idle:
                return line
            line.part()
        return None

    async def _use(self, berth: _Berth, line: Line, envelope: Envelope, message: bytes, commit: CommitPoint) -> Outcome:
        """The letter over this connection, which is kept only after a perfectly clean transaction."""
        try:
            outcome = await self._converse(berth.relay, line, envelope, message, commit)
        except BaseException:  # whatever it is, also a cancellation: nothing more may leave, and nobody may go on here
            line.abort()
            raise
        self._keep_or_part(berth, line, outcome)
        return self._outcome(outcome, line)

    def _keep_or_part(self, berth: _Berth, line: Line, outcome: Outcome) -> None:
        line.letters += 1
        clean = outcome.verdict is Verdict.ACCEPTED and line.alive and line.in_step
        if clean and line.letters < berth.relay.letters:
            line.idle_since = self._clock()
            berth.idle.append(line)
        elif outcome.verdict is Verdict.UNKNOWN:
            line.hang_up()
        else:
            line.part()

    @staticmethod
    def _outcome(outcome: Outcome, line: Line) -> Outcome:
        name, facts = line.facts["relay"], line.facts | outcome.facts
        if outcome.cause is Cause.SMTP_AUTH:
            return replace(outcome, facts=facts, pause_route=name)
        answered = outcome.verdict is Verdict.ACCEPTED or replies.is_answer(outcome)
        return replace(outcome, facts=facts, route=name if answered else "")

    async def _converse(
        self, relay: Relay, line: Line, envelope: Envelope, message: bytes, commit: CommitPoint
    ) -> Outcome:
        early = await _offer(line, envelope, message)
        if early is not None:
            return early
        await _send_body(line, message)
        permit = await commit(message)
        if line.spoke:
            raise await _spoken(line)
        if self._clock() > permit.until:
            raise _Stopped(Outcome(Verdict.UNSENT, Cause.WORKER_LOST, "leave to send had run out before the dot"))
        return await _finish(line, relay.timeout_dot)


async def _offer(line: Line, envelope: Envelope, message: bytes) -> Outcome | None:
    """MAIL, RCPT, DATA. None when the server waits for the body; else what its refusal comes to."""
    unfit = _unfit(line, message)
    if unfit:
        return unfit
    try:
        reply = await line.command(_mail(line, envelope, message))
    except Broken as exc:
        raise _Stopped(replies.out_of_step(str(exc)), unheard=not line.alive) from exc
    if reply.code == 421:
        raise _Stopped(replies.negative(reply.code, reply.message), unheard=True)
    if replies.refuses_us(reply.code, reply.message):
        raise Closed(Cause.SMTP_REFUSED, replies.words(reply.code, reply.message))
    if not replies.positive(reply.code):
        return replies.negative(reply.code, reply.message)
    reply = await _ask(line, _rcpt(line, envelope))
    if not replies.positive(reply.code):
        return replies.negative(reply.code, reply.message, recipient=True)
    reply = await _ask(line, "DATA")
    return None if reply.code == 354 else replies.negative(reply.code, reply.message)


async def _ask(line: Line, command: str) -> SMTPResponse:
    try:
        return await line.command(command)
    except Broken as exc:
        raise _Stopped(replies.out_of_step(str(exc))) from exc


def _unfit(line: Line, message: bytes) -> Outcome | None:
    """What this relay has said in its EHLO that it will not take, before a word about the letter."""
    offered = line.client.esmtp_extensions
    limit = offered.get("size", "")
    if limit.isdecimal() and 0 < int(limit) < len(message):
        detail = f"the letter has {len(message)} bytes, the relay takes {limit}"
        return Outcome(Verdict.REFUSED, Cause.EMAIL_TOO_BIG, detail)
    if not message.isascii() and "8bitmime" not in offered:
        return Outcome(Verdict.REFUSED, Cause.CONTENT_INVALID, "the letter has 8-bit text, the relay takes 7-bit only")
    return None


def _mail(line: Line, envelope: Envelope, message: bytes) -> str:
    offered = line.client.esmtp_extensions
    words = [f"MAIL FROM:<{envelope.sender}>"]
    if "size" in offered:
        words.append(f"SIZE={len(message)}")
    if "8bitmime" in offered and not message.isascii():
        words.append("BODY=8BITMIME")
    if "dsn" in offered:
        words += ["RET=HDRS", f"ENVID={_xtext(envelope.name)}"]
    return " ".join(words)


def _rcpt(line: Line, envelope: Envelope) -> str:
    command = f"RCPT TO:<{envelope.recipient}>"
    if "dsn" not in line.client.esmtp_extensions:
        return command
    return f"{command} NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;{_xtext(envelope.recipient)}"


def _xtext(text: str) -> str:
    return _XTEXT.sub(lambda found: "".join(f"+{byte:02X}" for byte in found[0].encode()), text)


async def _send_body(line: Line, message: bytes) -> None:
    """All but the dot. An early word of the server ends the session, whatever it says."""
    try:
        await line.write_body(message)
    except Broken as exc:
        raise (await _spoken(line) if line.spoke else _Stopped(replies.out_of_step(str(exc)))) from exc
    if line.spoke:
        raise await _spoken(line)


async def _spoken(line: Line) -> _Stopped:
    """What it comes to that the server spoke, or hung up, before the dot."""
    try:
        reply = await line.early_reply()
    except Broken as exc:
        return _Stopped(replies.out_of_step(str(exc)))
    return _Stopped(replies.negative(reply.code, reply.message))


async def _finish(line: Line, timeout_dot: float) -> Outcome:
    """The dot, and what is heard of it."""
    try:
        line.release_dot()
    except Broken as exc:
        raise _Stopped(replies.out_of_step(str(exc))) from exc
    try:
        reply = await line.read(timeout_dot)
    except Broken as exc:
        return _unknown(str(exc))
    return _verdict(reply, line.leftover())


def _verdict(reply: SMTPResponse, leftover: bytes) -> Outcome:
    """Two replies to one dot leave open which one counts, unless the second only says goodbye."""
    text = replies.words(reply.code, reply.message)
    if leftover and not (replies.positive(reply.code) and leftover.startswith((b"221", b"421"))):
        return _unknown(f"{text}; then {escape(leftover, 100)}")
    if replies.positive(reply.code):
        return Outcome(Verdict.ACCEPTED, detail=text, ref=replies.queue_id(reply.message))
    return replies.negative(reply.code, reply.message) if 400 <= reply.code <= 599 else _unknown(text)


def _unknown(detail: str) -> Outcome:
    return Outcome(Verdict.UNKNOWN, Cause.EMAIL_NO_ANSWER_AFTER_DATA, escape(detail))


def _closed_facts(closed: Sequence[tuple[Relay, Closed]]) -> dict[str, str]:
    if not closed:
        return {}
    return {"passed_over": "; ".join(f"{relay.name}: {exc.cause}: {exc.detail}" for relay, exc in closed)}


def _passed(closed: Sequence[tuple[Relay, Closed]]) -> tuple[tuple[str, str, str], ...]:
    return tuple((relay.name, exc.cause.value, exc.detail) for relay, exc in closed)


def _all_closed(closed: Sequence[tuple[Relay, Closed]]) -> Outcome:
    """No relay let us in. The one to be named first is one that will not mend by itself."""
    lasting = (Cause.SMTP_AUTH, Cause.SMTP_TLS, Cause.SMTP_REFUSED)
    relay, worst = min(closed, key=lambda pair: pair[1].cause not in lasting)
    return Outcome(
        Verdict.UNSENT,
        worst.cause,
        f"{relay.name}: {worst.detail}",
        facts=_closed_facts(closed),
        pause_route=relay.name,
        passed=_passed([pair for pair in closed if pair[0] is not relay]),
    )


def _none_open() -> Outcome:
    return Outcome(Verdict.UNSENT, Cause.ROUTE_PAUSED, "every mail server is closed to letters")
