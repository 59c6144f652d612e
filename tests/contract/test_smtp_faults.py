"""A matrix of faults at every point of the SMTP conversation. What we say is held against what the server truly took.

Taken by the server: accepted or unknown, never anything that leads to another try. Dot not released: never unknown.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass

import pytest
import trustme
from farend.conversation import END, LARGE, SMALL, letter, send, the_network_has_passed_it_on
from farend.rogue import DROP, FREEZE, RESET, STALL, Act, Rogue, Script, accept_then, at, raw, say

from dispatcher.channels.base import Permit
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Cause, Verdict

UNSENT, DEFERRED, REFUSED = Verdict.UNSENT, Verdict.DEFERRED, Verdict.REFUSED
ACCEPTED, UNKNOWN = Verdict.ACCEPTED, Verdict.UNKNOWN


def hold_to_the_ledger(outcome: Outcome, rogue: Rogue) -> None:
    """The two rules that no fault may break."""
    if rogue.ledger:
        assert outcome.verdict in (ACCEPTED, UNKNOWN)
    elif not rogue.dots:
        assert outcome.verdict in (UNSENT, DEFERRED, REFUSED)
    if outcome.verdict in (ACCEPTED, UNKNOWN):
        assert rogue.dots == 1


@dataclass(frozen=True)
class Fault:
    name: str
    script: Script
    verdict: Verdict
    cause: Cause = Cause.SMTP_PEER
    body: bytes = SMALL

    @property
    def patience(self) -> float:
        """Seconds that we wait for the server: few where it is going to be silent, many where a slow machine may be."""
        act = next((act for act in self.script.values() if isinstance(act, Act)), Act())
        torn = bool(act.say) and (len(act.say) > 100 or not act.say[-1].endswith(b"\r\n"))
        return 0.2 if torn or act.then in ("stall", "freeze") else 10.0


def fault(
    name: str, step: str, act: Act, verdict: Verdict, cause: Cause = Cause.SMTP_PEER, body: bytes = SMALL
) -> Fault:
    return Fault(name, {step: act}, verdict, cause, body)


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


def _in_body(size: str, body: bytes) -> list[Fault]:
    first, last = b"Excellency", END[:-2]
    early = say("550 5.7.1 no such content", then="stall")
    return [
        fault(f"drop at the start of a {size} body", "body", at(first, DROP), DEFERRED, body=body),
        fault(f"reset at the start of a {size} body", "body", at(first, RESET), DEFERRED, body=body),
        fault(f"drop at the end of a {size} body", "body", at(last, DROP), DEFERRED, body=body),
        fault(f"reset at the end of a {size} body", "body", at(last, RESET), DEFERRED, body=body),
        fault(f"early 550 in a {size} body", "body", at(first, early), REFUSED, Cause.EMAIL_BLOCKED, body),
        fault(f"early 451 in a {size} body", "body", at(first, say("451 no")), DEFERRED, Cause.EMAIL_GREYLISTED, body),
        fault(f"early 250 in a {size} body", "body", at(first, say("250 taken")), DEFERRED, body=body),
        fault(f"early garbage in a {size} body", "body", at(first, say("what")), DEFERRED, body=body),
        fault(f"half a reply in a {size} body", "body", at(first, raw(b"25")), DEFERRED, body=body),
        fault(f"550 and drop in a {size} body", "body", at(first, say("550 no", then="drop")), REFUSED,
              Cause.EMAIL_REFUSED, body),
    ]  # fmt: skip


BODIES = [
    fault("stops reading in a large body", "body", at(b"Excellency", FREEZE), DEFERRED, body=LARGE),
    *_in_body("large", LARGE),
    *_in_body("small", SMALL),
]

LOST = Cause.EMAIL_NO_ANSWER_AFTER_DATA
AFTER_THE_DOT = [
    Fault("taken", {}, ACCEPTED, Cause.NONE),
    Fault("a large one taken", {}, ACCEPTED, Cause.NONE, LARGE),
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


async def _hold_case_to_the_ledger(case: Fault, rogue: Rogue, **relay: str) -> None:
    async def commit(_: bytes) -> Permit:
        if "body" in case.script:  # the store takes its time, so that the fault surely comes before the dot
            await asyncio.wait_for(rogue.acted.wait(), 5)
            await the_network_has_passed_it_on()
        return Permit(float("inf"))

    outcome = await send(rogue, letter(case.body), commit, case.patience, **relay)
    hold_to_the_ledger(outcome, rogue)
    assert (outcome.verdict, outcome.cause) == (case.verdict, case.cause)
    assert outcome.detail
    assert outcome.detail.isprintable()


@pytest.mark.parametrize("case", MATRIX, ids=[case.name for case in MATRIX])
async def test_what_we_say_agrees_with_the_servers_ledger(case: Fault) -> None:
    async with Rogue(case.script) as rogue:
        await _hold_case_to_the_ledger(case, rogue)


OVER_TLS = [*_at_command("rcpt"), *BODIES, *AFTER_THE_DOT]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """A server's TLS context, and the file that names whom to trust for it."""
    ca, file = trustme.CA(), tmp_path_factory.mktemp("authority") / "ca.pem"
    ca.cert_pem.write_to_path(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return context, str(file)


@pytest.mark.parametrize("implicit", [True, False], ids=["TLS", "STARTTLS"])
@pytest.mark.parametrize("case", OVER_TLS, ids=[case.name for case in OVER_TLS])
async def test_what_we_say_over_tls_agrees_with_the_servers_ledger(
    case: Fault, implicit: bool, authority: tuple[ssl.SSLContext, str]
) -> None:
    context, ca_file = authority
    async with Rogue(case.script, tls=context, implicit=implicit) as rogue:
        await _hold_case_to_the_ledger(case, rogue, ca_file=ca_file)


def test_the_matrix_covers_what_was_promised() -> None:
    assert len({case.name for case in MATRIX}) == len(MATRIX) >= 46
