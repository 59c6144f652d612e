"""Mails that come back about a fax by email: InterFAX' XML and CSV, DSNs; and the presets that they come back for."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes

import pytest

from dispatcher.channels import mailfax_feedback
from dispatcher.channels.base import Notice, Parcel
from dispatcher.channels.mailfax import MailFaxChannel, compose, preset
from dispatcher.channels.relay import Relay
from dispatcher.domain.errors import NoticeRejected, SettingsError
from dispatcher.domain.words import Cause, Kind, Verdict

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ATTEMPT = "0123456789abcdef0123.2"


def xml(status: str = "0", pages: str = "3", subject: str = f"{ATTEMPT} /bn /hn") -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<FaxStatus>'
        f"<TransactionID>12345678</TransactionID><CSID>PRODI'S PIZZA</CSID><PagesSent>{pages}</PagesSent>"
        f"<Status>{status}</Status><OriginalSubject>{subject}</OriginalSubject>"
        "<DestinationFax>0041225550100</DestinationFax><Duration>52</Duration>"
        "<SubmitTime>2026-03-02 13:45:01</SubmitTime><CompletionTime>2026-03-02 13:47:41</CompletionTime>"
        "<Contact>John Moore</Contact></FaxStatus>"
    )


def line(status: str = "0", pages: str = "3", subject: str = f"{ATTEMPT} /bn /hn") -> str:
    times = "2026-03-02 13:45:01,2026-03-02 13:47:41"
    return f'12345678,"PRODI\'S PIZZA",{pages},{status},{subject},0041225550100,52,{times},"Moore, John"'


def mail(text: str, kind: str = "text/plain") -> bytes:
    head = "From: no-reply@interfax.example\r\nAuthentication-Results: mx.coalition.example; dkim=pass\r\n"
    return f"{head}Subject: fax\r\nMIME-Version: 1.0\r\nContent-Type: {kind}; charset=utf-8\r\n\r\n{text}\r\n".encode()


def dsn(action: str, envid: str = ATTEMPT) -> bytes:
    return (
        "From: MAILER-DAEMON@relay.example\r\nMIME-Version: 1.0\r\nSubject: DSN\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nWords.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; relay.example\r\nOriginal-Envelope-Id: {envid}\r\n\r\n"
        f"Final-Recipient: rfc822; +41225550100@fax.tc\r\nAction: {action}\r\nStatus: 2.0.0\r\n\r\n--b--\r\n"
    ).encode()


@pytest.mark.parametrize("make", [xml, line])
@pytest.mark.parametrize(
    ("status", "pages", "verdict", "cause"),
    [
        ("0", "3", Verdict.DELIVERED, Cause.NONE),
        ("0", "0", Verdict.UNKNOWN, Cause.FAX_NO_PROOF),
        ("0", "", Verdict.UNKNOWN, Cause.FAX_NO_PROOF),
        ("6017", "0", Verdict.DEFERRED, Cause.FAX_BUSY),
        ("6017", "2", Verdict.UNKNOWN, Cause.FAX_PAGES_UNKNOWN),
        ("3230", "0", Verdict.UNKNOWN, Cause.FAX_PAGES_UNKNOWN),
        ("6001", "0", Verdict.REFUSED, Cause.FAX_BAD_NUMBER),
        ("-3", "0", Verdict.ACCEPTED, Cause.NONE),
        ("7200", "0", Verdict.UNKNOWN, Cause.FAX_UNKNOWN_CODE),
        ("OK", "3", Verdict.UNKNOWN, Cause.FAX_UNKNOWN_CODE),
    ],
)
def test_a_status_mail_says_what_became_of_the_fax(
    make: object, status: str, pages: str, verdict: Verdict, cause: Cause
) -> None:
    (report,) = mailfax_feedback.read(mail(make(status, pages)))  # type: ignore[operator]
    assert (report.attempt_id, report.outcome.verdict, report.outcome.cause) == (ATTEMPT, verdict, cause)
    assert report.outcome.ref == "12345678"
    assert report.outcome.facts["authentication"].endswith("dkim=pass")


def test_both_forms_say_the_same_and_a_line_of_names_changes_nothing() -> None:
    (by_xml,), (by_csv,) = (mailfax_feedback.read(mail(text)) for text in (xml(), line()))
    names = ",".join(mailfax_feedback.FIELDS)
    (named,) = mailfax_feedback.read(mail(f"{names}\r\n{line()}", "text/csv"))
    assert by_xml.outcome.facts == by_csv.outcome.facts == named.outcome.facts
    assert by_xml.outcome.pages == by_csv.outcome.pages == 3
    assert len({one.event_id for one in (by_xml, by_csv, named)}) == 3
    assert mailfax_feedback.read(mail(xml()))[0].event_id == by_xml.event_id


def test_a_broadcast_tells_of_every_fax() -> None:
    both = f"<List>{xml().partition('?>')[2]}{xml('6017', '0', '0123456789abcdef9999.1').partition('?>')[2]}</List>"
    reports = mailfax_feedback.read(mail(both))
    assert [(one.attempt_id, one.outcome.verdict) for one in reports] == [
        (ATTEMPT, Verdict.DELIVERED),
        ("0123456789abcdef9999.1", Verdict.DEFERRED),
    ]


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded", "delayed"])
def test_a_dsn_is_submission_and_never_a_fax_that_arrived(action: str) -> None:
    (report,) = mailfax_feedback.read(dsn(action))
    assert (report.attempt_id, report.outcome.verdict) == (ATTEMPT, Verdict.ACCEPTED)


def test_a_mail_that_never_reached_the_gateway_is_a_fax_that_was_not_sent() -> None:
    (report,) = mailfax_feedback.read(dsn("failed"))
    assert (report.outcome.verdict, report.outcome.cause) == (Verdict.REFUSED, Cause.FAX_PROVIDER_REJECTED)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Your fax was sent.",
        xml(subject="An urgent question: please call back"),
        xml(subject=""),
        xml().replace("12345678", "x"),
        xml()[:-10],
        xml().replace("<FaxStatus>", '<!DOCTYPE a [<!ENTITY b "c">]><FaxStatus>'),
        "1,2,3",
        f"{line()},more",
    ],
    ids=["empty", "words", "a-sentence", "no-subject", "no-id", "torn", "entities", "short", "long"],
)
def test_what_cannot_be_read_for_certain_is_no_report(text: str) -> None:
    assert mailfax_feedback.read(mail(text)) == []


@pytest.mark.parametrize("body", [dsn("vanished"), dsn("delivered", ""), mail(xml()).ljust(mailfax_feedback.LIMIT + 1)])
def test_a_strange_dsn_and_a_mail_too_long_are_no_report(body: bytes) -> None:
    assert mailfax_feedback.read(body) == []


async def test_only_a_mail_out_of_our_own_mailbox_is_heard() -> None:
    channel = MailFaxChannel(preset("interfax", "", ""), [Relay("one", "127.0.0.1", 9, "none")])
    with pytest.raises(NoticeRejected):
        await channel.hear(Notice({}, mail(xml()), NOON, extra={"token": "x"}))
    with pytest.raises(NoticeRejected):
        await channel.hear(Notice({}, mail("words"), NOON, extra={"mailbox": "fax"}))
    (report,) = await channel.hear(Notice({}, mail(xml()), NOON, extra={"mailbox": "fax"}))
    assert report.outcome.verdict is Verdict.DELIVERED


@pytest.mark.parametrize(
    ("name", "to", "subject"),
    [
        ("", "FAX=+41225550100@gateway.example", ATTEMPT),
        ("rfc3192", "FAX=+41225550100@gateway.example", ATTEMPT),
        ("interfax", "+41225550100@fax.tc", f"{ATTEMPT} /bn /hn"),
        ("sinch", "+41225550100@sinchfax.com", "+13125550199"),
        ("documo", "41225550100@send.mfax.io", ATTEMPT),
    ],
)
def test_each_preset_addresses_its_gateway_as_that_wants_it(name: str, to: str, subject: str) -> None:
    gateway = preset(name, "FAX={e164}@gateway.example", "+13125550199")
    message = message_from_bytes(compose(gateway, _letter()))
    assert message["To"].strip("<>") == to
    assert message["Subject"] == subject
    assert [part.get_content_type() for part in message.walk()][1:] == ["text/plain", "application/pdf"]


def test_a_preset_that_is_none_needs_a_pattern() -> None:
    with pytest.raises(SettingsError):
        preset("", "nobody@gateway.example", "")


def _letter() -> Parcel:
    return Parcel(
        attempt_id=ATTEMPT,
        delivery_id="0123456789abcdef0123",
        kind=Kind.FAX,
        address="+41225550100",
        recipient_name="Permanent Mission",
        sender_name="The Foundation",
        sender_address="letters@foundation.example",
        return_path="r-1@foundation.example",
        subject="A letter",
        message_id="<1@foundation.example>",
        date=NOON,
        document_pdf=b"%PDF-1.7\n%%EOF\n",
        pages=3,
    )
