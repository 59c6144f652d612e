"""Fax by email: the address that a gateway wants, the mail that it gets, what its relay's answer means for a fax."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message

import pytest
from farend.rogue import DROP, Rogue, Script, accept_then, say

from dispatcher.channels.base import Parcel, Permit
from dispatcher.channels.mailfax import Gateway, MailFaxChannel, compose
from dispatcher.domain.errors import SettingsError
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Cause, Kind, Verdict

GATEWAY = Gateway("example", "FAX={e164}@gateway.example")
FAX = Parcel(
    attempt_id="attempt-1",
    delivery_id="delivery-1",
    kind=Kind.FAX,
    address="+41225550100",
    recipient_name="H.E. Mr. Test",
    sender_name="Mary Example",
    sender_address="mary@sender.example",
    return_path="r-1@bounce.sender.example",
    subject="Protection of civilians",
    message_id="<1@sender.example>",
    date=datetime(2026, 3, 2, 9, tzinfo=UTC),
    entity=b"",
    document=b"II*\0" + bytes(range(256)) * 20,
    document_pdf=b"%PDF-1.7\n" + bytes(range(256)) * 20,
    pages=1,
)


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        ("FAX={e164}@gateway.example", "FAX=+41225550100@gateway.example"),
        ("FAX={e164}/T33S=12@gateway.example", "FAX=+41225550100/T33S=12@gateway.example"),
        ("{digits}@fax.example", "41225550100@fax.example"),
        ("{e164}@fax.example", "+41225550100@fax.example"),
        ("011{digits}@fax.example", "01141225550100@fax.example"),
    ],
)
def test_each_gateway_gets_the_number_in_the_form_it_wants(pattern: str, address: str) -> None:
    assert Gateway("x", pattern).address("+41225550100") == address


@pytest.mark.parametrize(
    "gateway",
    [
        {"pattern": "fax@gateway.example"},
        {"pattern": "fax@{digits}.example"},
        {"pattern": "{e164}"},
        {"pattern": "{e164}@gateway.example, b@x.example"},
        {"pattern": "{e164}@gateway.example\r\nBcc: e@x.example"},
        {"pattern": "{e164}@gateway.example", "attach": "docx"},
        {"pattern": "{e164}@gateway.example", "body": "two\r\nlines"},
        {"pattern": "{e164}@gateway.example", "sender": "nobody"},
    ],
)
def test_a_gateway_that_could_misdirect_a_fax_is_refused_in_the_settings(gateway: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        Gateway("x", **gateway)


def parts(mail: bytes) -> tuple[Message, Message, Message]:
    whole = message_from_bytes(mail)
    text, pages = whole.get_payload()
    assert isinstance(text, Message)
    assert isinstance(pages, Message)
    return whole, text, pages


def test_the_mail_has_one_recipient_one_attachment_and_our_reference() -> None:
    whole, text, pages = parts(compose(GATEWAY, FAX))
    assert whole["To"] == "FAX=+41225550100@gateway.example"
    assert whole["Subject"] == "attempt-1"
    assert whole["Message-ID"] == "<1@sender.example>"
    assert whole.get_content_type() == "multipart/mixed"
    assert text.get_payload() == ""
    assert pages.get_content_type() == "application/pdf"
    assert pages.get_payload(decode=True) == FAX.document_pdf


def test_a_gateway_may_want_tiff_and_a_fixed_line_and_a_known_sender() -> None:
    gateway = replace(GATEWAY, attach="tiff", body="no cover page", sender="fax@sender.example")
    whole, text, pages = parts(compose(gateway, FAX))
    assert whole["From"] == "Mary Example <fax@sender.example>"
    assert text.get_payload() == "no cover page"
    assert pages.get_content_type() == "image/tiff"
    assert pages.get_payload(decode=True) == FAX.document


def test_the_same_fax_gives_the_same_bytes() -> None:
    assert compose(GATEWAY, FAX) == compose(GATEWAY, FAX)


async def always(_: bytes) -> Permit:
    return Permit(float("inf"))


async def send(script: Script, parcel: Parcel = FAX) -> tuple[Outcome, Rogue]:
    async with Rogue(script) as rogue:
        channel = MailFaxChannel(GATEWAY, [rogue.relay()])
        outcome = await channel.send(parcel, always)
        await channel.aclose()
    return outcome, rogue


@pytest.mark.parametrize(
    ("script", "verdict", "cause"),
    [
        ({}, Verdict.ACCEPTED, Cause.NONE),
        ({"rcpt": say("550 5.1.1 no such number")}, Verdict.REFUSED, Cause.FAX_PROVIDER_REJECTED),
        ({"mail": say("550 5.7.1 not a customer")}, Verdict.UNSENT, Cause.SMTP_REFUSED),
        ({"rcpt": say("452 4.2.2 full")}, Verdict.DEFERRED, Cause.FAX_GATEWAY_UNREACHABLE),
        ({"connect": DROP}, Verdict.UNSENT, Cause.FAX_GATEWAY_UNREACHABLE),
        ({"dot": accept_then(DROP)}, Verdict.UNKNOWN, Cause.FAX_NO_ANSWER_AFTER_SUBMIT),
        ({"mail": say("530 5.7.0 log in")}, Verdict.UNSENT, Cause.SMTP_AUTH),
    ],
)
async def test_what_the_relay_says_becomes_a_cause_of_a_fax(script: Script, verdict: Verdict, cause: Cause) -> None:
    outcome, _ = await send(script)
    assert (outcome.verdict, outcome.cause) == (verdict, cause)


async def test_a_fax_that_was_handed_in_goes_to_the_gateway_with_our_return_path() -> None:
    outcome, rogue = await send({})
    (taken,) = rogue.ledger
    assert taken.recipient == "FAX=+41225550100@gateway.example"
    assert taken.sender == "r-1@bounce.sender.example"
    assert outcome.facts["gateway"] == "example"
    assert outcome.pages is None


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"address": "0041225550100"}, Cause.ADDRESS_INVALID),
        ({"address": "+41 22 555 01 00"}, Cause.ADDRESS_INVALID),
        ({"address": "+19005550100"}, Cause.ADDRESS_INVALID),
        ({"document_pdf": b""}, Cause.CONTENT_INVALID),
        ({"sender_name": "a\r\nBcc: e@x.example"}, Cause.CONTENT_INVALID),
        ({"attempt_id": "=?utf-8?q?=0D=0ABcc:_e?="}, Cause.CONTENT_INVALID),
    ],
)
async def test_a_fax_unfit_to_send_is_refused_before_any_connection(changes: dict[str, object], cause: Cause) -> None:
    outcome, rogue = await send({}, replace(FAX, **changes))  # type: ignore[arg-type]
    assert (outcome.verdict, outcome.cause) == (Verdict.REFUSED, cause)
    assert rogue.connections == 0
