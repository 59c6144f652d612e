"""A matrix of faults at every point of the SMTP conversation. What we say is held against what the server truly took.

Taken by the server: accepted or unknown, never anything that leads to another try. Dot not released: never unknown.

Every case runs in clear, after STARTTLS and over TLS, with letters of 64 bytes and of 8 MB, many at once; what was
misclassified is told in one table. Of the large letters a fixed part runs always, all of them with `pytest --long`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
import trustme
from farend.conversation import END, LARGE, SMALL, letter, the_network_has_passed_it_on
from farend.rogue import DROP, FREEZE, RESET, STALL, Act, Rogue, Script, accept_then, at, raw, say

from dispatcher.channels.base import Permit
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Cause, Verdict

UNSENT, DEFERRED, REFUSED = Verdict.UNSENT, Verdict.DEFERRED, Verdict.REFUSED
ACCEPTED, UNKNOWN = Verdict.ACCEPTED, Verdict.UNKNOWN


@dataclass(frozen=True)
class Fault:
    """One case: how the server behaves, and what we have to say of it."""

    name: str
    script: Script
    verdict: Verdict
    cause: Cause = Cause.SMTP_PEER
    large: bool = False  #: only where the letter fits into no buffer on the way

    @property
    def step(self) -> str:
        return next(iter(self.script), "")

    def waits(self, size: str) -> dict[str, float]:
        """Seconds that we wait for the server: few where it is going to be silent, many where a slow machine may be.

        Of a large letter the server is still reading when we have written the dot.
        """
        usual = {"timeout_connect": 60.0, "timeout_reply": 60.0, "timeout_dot": 60.0}
        act = next((act for act in self.script.values() if isinstance(act, Act)), Act())
        torn = bool(act.say) and (len(act.say) > 100 or not act.say[-1].endswith(b"\r\n"))
        if not torn and act.then not in ("stall", "freeze"):
            return usual
        short = {"connect": {"timeout_connect": 1.0}, "dot": {"timeout_dot": 0.5 if size == "64 B" else 5.0}}
        return usual | short.get(self.step, {"timeout_reply": 2.0 if size == "64 B" else 5.0})


def fault(name: str, step: str, act: Act, verdict: Verdict, cause: Cause = Cause.SMTP_PEER) -> Fault:
    return Fault(name, {step: act}, verdict, cause)


BEFORE_THE_LETTER = [
    fault("drop at connect", "connect", DROP, UNSENT, Cause.SMTP_CONNECT),
    fault("reset at connect", "connect", RESET, UNSENT, Cause.SMTP_CONNECT),
    fault("silence at connect", "connect", STALL, UNSENT, Cause.SMTP_CONNECT),
    fault("421 at connect", "connect", say("421 4.3.2 too busy", then="drop"), UNSENT, Cause.SMTP_BUSY),
    fault("554 at connect", "connect", say("554 no service"), UNSENT, Cause.SMTP_CONNECT),
    fault("not SMTP at connect", "connect", say("HTTP/1.1 400 Bad Request"), UNSENT),
    fault("endless greeting", "connect", raw(b"220-x\r\n" * 8000), UNSENT),
    fault("greeting without end", "connect", raw(b"220", b" ro", b"gue"), UNSENT, Cause.SMTP_CONNECT),
    fault("drop at EHLO", "ehlo", DROP, UNSENT),
    fault("silence at EHLO", "ehlo", STALL, UNSENT),
    fault("500 at EHLO", "ehlo", say("500 what"), UNSENT),
    fault("451 at EHLO", "ehlo", say("451 later"), UNSENT, Cause.SMTP_BUSY),
]


def _policy(step: str) -> Fault:
    """Before a recipient was named, it speaks of us: no letter's fault."""
    verdict, cause = (UNSENT, Cause.SMTP_REFUSED) if step == "mail" else (REFUSED, Cause.EMAIL_BLOCKED)
    return fault(f"550 5.7.1 at {step}", step, say("550 5.7.1 not from you"), verdict, cause)


def _at_command(step: str) -> list[Fault]:
    """The same faults at MAIL, RCPT and DATA."""
    return [
        fault(f"drop at {step}", step, DROP, DEFERRED),
        fault(f"reset at {step}", step, RESET, DEFERRED),
        fault(f"silence at {step}", step, STALL, DEFERRED),
        fault(f"garbage at {step}", step, say("hello there"), DEFERRED),
        fault(f"8-bit garbage at {step}", step, raw(b"\xff\xfe\x00\r\n"), DEFERRED),
        fault(f"half a reply at {step}", step, raw(b"250-", b"al"), DEFERRED),
        fault(f"199 at {step}", step, say("199 hm"), DEFERRED),
        fault(f"451 at {step}", step, say("451 4.7.1 greylisted"), DEFERRED, Cause.EMAIL_GREYLISTED),
        fault(f"421 at {step}", step, say("421 4.3.2 closing", then="drop"), DEFERRED, Cause.SMTP_BUSY),
        fault(f"452 4.2.2 at {step}", step, say("452 4.2.2 over quota"), DEFERRED, Cause.EMAIL_MAILBOX_FULL),
        _policy(step),
        fault(f"554 at {step}", step, say("554-no", "554 never"), REFUSED, Cause.EMAIL_REFUSED),
        fault(f"552 5.3.4 at {step}", step, say("552 5.3.4 too big"), REFUSED, Cause.EMAIL_TOO_BIG),
        fault(f"530 at {step}", step, say("530 5.7.0 log in first"), UNSENT, Cause.SMTP_AUTH),
    ]


COMMANDS = [
    *(case for step in ("mail", "rcpt", "data") for case in _at_command(step)),
    fault("two replies in one segment at MAIL", "mail", say("250 ok", "250 ok"), DEFERRED),
    fault("two replies in one segment at RCPT", "rcpt", say("250 ok", "354 go on"), DEFERRED),
    fault("two replies in one segment at DATA", "data", say("354 go on", "250 taken"), DEFERRED),
    fault("250 to DATA", "data", say("250 ok"), DEFERRED),
    fault("354 to RCPT", "rcpt", say("354 go on"), DEFERRED),
    fault("550 at RCPT", "rcpt", say("550 who"), REFUSED, Cause.EMAIL_NO_MAILBOX),
    fault("550 5.1.1 at RCPT", "rcpt", say("550 5.1.1 who"), REFUSED, Cause.EMAIL_NO_MAILBOX),
    fault("552 5.2.2 at RCPT", "rcpt", say("552 5.2.2 full"), REFUSED, Cause.EMAIL_MAILBOX_FULL),
    fault("451 4.3.0 at RCPT", "rcpt", say("451 4.3.0 queue file"), DEFERRED, Cause.EMAIL_GREYLISTED),
    fault("251 at RCPT, then taken", "rcpt", say("251 will forward"), ACCEPTED, Cause.NONE),
]


FIRST, LAST = b"Excellency", END[:-2]
BODIES = [
    Fault("stops reading in the body", {"body": at(FIRST, FREEZE)}, DEFERRED, large=True),
    fault("drop at the start of the body", "body", at(FIRST, DROP), DEFERRED),
    fault("reset at the start of the body", "body", at(FIRST, RESET), DEFERRED),
    fault("drop at the end of the body", "body", at(LAST, DROP), DEFERRED),
    fault("reset at the end of the body", "body", at(LAST, RESET), DEFERRED),
    fault("early 550", "body", at(FIRST, say("550 5.7.1 no content", then="stall")), REFUSED, Cause.EMAIL_BLOCKED),
    fault("early 451", "body", at(FIRST, say("451 no")), DEFERRED, Cause.EMAIL_GREYLISTED),
    fault("early 250", "body", at(FIRST, say("250 taken")), DEFERRED),
    fault("early garbage", "body", at(FIRST, say("what")), DEFERRED),
    fault("half a reply in the body", "body", at(FIRST, raw(b"25")), DEFERRED),
    fault("550 and drop in the body", "body", at(FIRST, say("550 no", then="drop")), REFUSED, Cause.EMAIL_REFUSED),
]

LOST = Cause.EMAIL_NO_ANSWER_AFTER_DATA
AFTER_THE_DOT = [
    Fault("taken", {}, ACCEPTED, Cause.NONE),
    fault("taken, silence", "dot", accept_then(STALL), UNKNOWN, LOST),
    fault("taken, drop", "dot", accept_then(DROP), UNKNOWN, LOST),
    fault("taken, reset", "dot", accept_then(RESET), UNKNOWN, LOST),
    fault("taken, 200", "dot", accept_then(say("200 fine")), ACCEPTED, Cause.NONE),
    fault("taken, 251", "dot", accept_then(say("251 forwarded")), ACCEPTED, Cause.NONE),
    fault("taken, bare 250", "dot", accept_then(raw(b"250\r\n")), ACCEPTED, Cause.NONE),
    fault("taken, reply in pieces", "dot", accept_then(raw(b"25", b"0 o", b"k\r\n")), ACCEPTED, Cause.NONE),
    fault("taken, long reply", "dot", accept_then(say(*["250-x"] * 50, "250 ok")), ACCEPTED, Cause.NONE),
    fault(
        "taken, 250 and 221 at once", "dot", accept_then(say("250 ok", "221 bye", then="drop")), ACCEPTED, Cause.NONE
    ),
    fault(
        "taken, 250 and 421 at once", "dot", accept_then(say("250 ok", "421 bye", then="drop")), ACCEPTED, Cause.NONE
    ),
    fault("taken, 250 and drop", "dot", accept_then(say("250 ok", then="drop")), ACCEPTED, Cause.NONE),
    fault("taken, 250 and 550 at once", "dot", accept_then(say("250 ok", "550 no")), UNKNOWN, LOST),
    fault("taken, 550 and 250 at once", "dot", accept_then(say("550 no", "250 ok")), UNKNOWN, LOST),
    fault("taken, half a reply", "dot", accept_then(raw(b"250 o")), UNKNOWN, LOST),
    fault("taken, endless reply", "dot", accept_then(raw(b"250-x\r\n" * 8000)), UNKNOWN, LOST),
    fault("taken, dribble beyond the time", "dot", accept_then(raw(*[b"250-x\r\n"] * 200)), UNKNOWN, LOST),
    fault("taken, not SMTP", "dot", accept_then(say("OK")), UNKNOWN, LOST),
    fault("taken, 8-bit", "dot", accept_then(raw(b"\xff\xfe\xfd\r\n")), UNKNOWN, LOST),
    fault("taken, 354", "dot", accept_then(say("354 go on")), UNKNOWN, LOST),
    fault("taken, 199", "dot", accept_then(say("199 hm")), UNKNOWN, LOST),
    fault("taken, 999", "dot", accept_then(say("999 hm")), UNKNOWN, LOST),
    fault("not taken, silence", "dot", STALL, UNKNOWN, LOST),
    fault("not taken, drop", "dot", DROP, UNKNOWN, LOST),
    fault("not taken, 451", "dot", say("451 4.3.0 disk"), DEFERRED, Cause.EMAIL_GREYLISTED),
    fault("not taken, 421", "dot", say("421 4.3.2 closing", then="drop"), DEFERRED, Cause.SMTP_BUSY),
    fault("not taken, 550 5.7.1", "dot", say("550 5.7.1 spam"), REFUSED, Cause.EMAIL_BLOCKED),
    fault("not taken, 552", "dot", say("552 too big"), REFUSED, Cause.EMAIL_TOO_BIG),
    fault("not taken, 554", "dot", say("554 5.6.0 no"), REFUSED, Cause.EMAIL_REFUSED),
]

MATRIX = [*BEFORE_THE_LETTER, *COMMANDS, *BODIES, *AFTER_THE_DOT]
SIZES = {"64 B": SMALL, "8 MB": LARGE}
AT_ONCE = {"64 B": 24, "8 MB": 6}
#: Of the large letters: each body fault, and every fifth other case.
SAMPLE = [*BODIES, *[case for case in MATRIX if case not in BODIES][::5]]


@dataclass(frozen=True)
class Way:
    """How the letters go to the server."""

    security: str  #: plain, STARTTLS or TLS
    context: ssl.SSLContext
    ca_file: str

    def server(self, script: Script) -> Rogue:
        return Rogue(script, tls=None if self.security == "plain" else self.context, implicit=self.security == "TLS")


@pytest.fixture(scope="module", params=["plain", "STARTTLS", "TLS"])
def way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Way:
    ca, file = trustme.CA(), tmp_path_factory.mktemp("authority") / "ca.pem"
    ca.cert_pem.write_to_path(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return Way(request.param, context, str(file))


async def _say(case: Fault, way: Way, size: str) -> tuple[Outcome, Rogue]:
    """What we say of the case, and the server with its ledger."""
    async with way.server(case.script) as rogue:

        async def commit(_: bytes) -> Permit:
            if case.step == "body":  # the store takes its time, so that the fault surely comes before the dot
                await asyncio.wait_for(rogue.acted.wait(), 30)
                await the_network_has_passed_it_on()
            return Permit(float("inf"))

        trust = {} if way.security == "plain" else {"ca_file": way.ca_file}
        channel = SmtpChannel([rogue.relay(**case.waits(size), **trust)])
        try:
            return await channel.send(letter(SIZES[size]), commit), rogue
        finally:
            await channel.aclose()


def _against_the_ledger(outcome: Outcome, rogue: Rogue) -> str:
    """The rules that no fault may break, whatever a case expects; '' when all hold."""
    if rogue.ledger and outcome.verdict not in (ACCEPTED, UNKNOWN):
        return "it was taken"
    if outcome.verdict is ACCEPTED and not rogue.ledger:
        return "it was not taken"
    if not rogue.dots and outcome.verdict not in (UNSENT, DEFERRED, REFUSED):
        return "no dot came"
    return "" if outcome.detail and outcome.detail.isprintable() else "its words are not fit to show"


def _beside_the_case(case: Fault, way: Way, outcome: Outcome) -> str:
    """STARTTLS says its EHLO before it: what goes wrong there is put down to it."""
    causes = {case.cause, Cause.SMTP_TLS} if (way.security, case.step) == ("STARTTLS", "ehlo") else {case.cause}
    same = outcome.verdict is case.verdict and outcome.cause in causes
    return "" if same else f"expected {case.verdict} {case.cause}"


async def _misclassified(cases: Sequence[Fault], way: Way, size: str) -> list[str]:
    """One line each."""
    places = asyncio.Semaphore(AT_ONCE[size])

    async def one(case: Fault) -> str:
        async with places:
            outcome, rogue = await _say(case, way, size)
        wrong = [_against_the_ledger(outcome, rogue), _beside_the_case(case, way, outcome)]
        told = "; ".join(one for one in wrong if one)
        said = f"{outcome.verdict} {outcome.cause}"
        return f"{case.name:34}{size:6}{way.security:10}{said:40}{told}: {outcome.detail[:80]}" if told else ""

    return [line for line in await asyncio.gather(*map(one, cases)) if line]


@pytest.mark.parametrize(
    ("size", "cases"),
    [
        pytest.param("64 B", [case for case in MATRIX if not case.large], id="every case, 64 B"),
        pytest.param("8 MB", SAMPLE, id="a part of the cases, 8 MB"),
        pytest.param("8 MB", MATRIX, id="every case, 8 MB", marks=pytest.mark.long),
    ],
)
async def test_what_we_say_agrees_with_the_servers_ledger(cases: Sequence[Fault], size: str, way: Way) -> None:
    wrong = await _misclassified(cases, way, size)
    assert not wrong, "\n" + "\n".join(wrong)


def test_the_matrix_covers_what_was_promised() -> None:
    assert len({case.name for case in MATRIX}) == len(MATRIX) >= 60
    assert len(SMALL + END) == 64
    assert len(LARGE) >= 7_900_000
