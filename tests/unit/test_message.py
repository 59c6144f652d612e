"""The heading of a letter: it says what was meant and nothing else, whatever the data hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.channels.message import Heading, stamp
from dispatcher.domain.errors import UserError

ENTITY = b'Content-Type: text/plain;\r\n charset="utf-8"\r\nContent-Transfer-Encoding: 7bit\r\n\r\nExcellency,\r\n'
HEADING = Heading(
    sender_name="Mary Example",
    sender_address="mary@sender.example",
    recipient_name="H.E. Mr. Test",
    recipient="mission@recipient.example",
    subject="Protection of civilians",
    message_id="<0123abcd@sender.example>",
    date=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
)
NAMES = ["Date", "From", "To", "Subject", "Message-ID", "Content-Type", "Content-Transfer-Encoding", "MIME-Version"]


def read(message: bytes) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in message_from_bytes(message, policy=compat32).items()]


def codes(heading: Heading, entity: bytes = ENTITY) -> list[str]:
    with pytest.raises(UserError) as caught:
        stamp(heading, entity)
    return [problem.code for problem in caught.value.problems]


def test_the_heading_is_stamped_before_the_frozen_entity() -> None:
    message = stamp(HEADING, ENTITY)
    assert message.endswith(b"\r\n" + ENTITY) or ENTITY in message
    fields = dict(read(message))
    assert sorted(fields) == sorted(NAMES)
    assert fields["Date"] == "Mon, 02 Mar 2026 09:30:00 +0000"
    assert fields["From"] == "Mary Example <mary@sender.example>"
    assert fields["To"] == '"H.E. Mr. Test" <mission@recipient.example>'
    assert fields["Subject"] == "Protection of civilians"
    assert fields["Message-ID"] == "<0123abcd@sender.example>"


def test_only_a_letter_sent_without_a_person_says_so() -> None:
    assert b"Auto-Submitted" not in stamp(HEADING, ENTITY)
    assert b"\r\nAuto-Submitted: auto-generated\r\n" in stamp(replace(HEADING, automatic=True), ENTITY)


def test_an_entity_that_names_its_mime_version_keeps_it_alone() -> None:
    assert stamp(HEADING, b"MIME-Version: 1.0\r\n" + ENTITY).count(b"MIME-Version") == 1


def test_the_same_heading_gives_the_same_bytes() -> None:
    assert stamp(HEADING, ENTITY) == stamp(HEADING, ENTITY)


@pytest.mark.parametrize(
    "text",
    [
        "Élodie Exemple",
        "Иван Пример, Постоянный представитель",
        "سعادة السفير",
        "常驻代表团",
        'A "quoted" \\ name',
        "Name, with comma; and (brackets)",
        "a@b <c>",
        "x" * 200,
        "word " * 60 + "end",
        "Ж" * 200,
        "two  blanks",
    ],
)
def test_any_plain_text_survives_in_names_and_subject(text: str) -> None:
    message = stamp(replace(HEADING, sender_name=text, recipient_name=text, subject=text), ENTITY)
    fields = {name: value.replace("\r\n", "").replace("\n", "") for name, value in read(message)}
    assert str(make_header(decode_header(fields["Subject"]))) == text
    for name in ("From", "To"):
        display, address = parseaddr(fields[name])
        assert str(make_header(decode_header(display))) == text
        assert address in (HEADING.sender_address, HEADING.recipient)
    assert max(map(len, message.split(b"\r\n"))) <= 998
    assert message.count(b"\n") == message.count(b"\r\n") == message.count(b"\r")


INJECTIONS = [
    "a\r\nBcc: e@x.example",
    "a\nBcc: e@x.example",
    "a\rBcc: e@x.example",
    "a\r\n Bcc: e@x.example",
    "a\r\n\r\nbody",
    "a\x00b",
    "a\x0bBcc: e@x.example",
    "a\x0cBcc: e@x.example",
    "a\x1cBcc: e@x.example",
    "a\x1dBcc: e@x.example",
    "a\x1eBcc: e@x.example",
    "a\x85Bcc: e@x.example",
    "a\u2028Bcc: e@x.example",
    "a\u2029Bcc: e@x.example",
    "a\x7fb",
    "a\tb",
    "\udc80",
    "=?utf-8?q?=0D=0ABcc:_e@x.example?=",
    "=?utf-8?b?DQpCY2M6IGVAeC5leGFtcGxl?=",
    "=?utf-8?Q?=0ABcc:_e?=",
    "=?us-ascii?q?=0D?=",
    "=?utf-7?q?+AA0ACg-Bcc:_e?=",
    "=?utf-16?b?AA0ACg==?=",
    "=?idna?q?x?=",
    "x =?utf-8?q?=E2=80=A8Bcc:_e?= y",
    "=?utf-8?q?a?= =?utf-8?q?=0D=0ABcc:_e?=",
    "=?utf-8?q?\r\nBcc: e?=",
    '"=?utf-8?q?=0D=0ABcc:_e?="',
    "=?unknown?q?=0D=0ABcc:_e?=",
    "=?",
    "Ж\r\nBcc: e@x.example",
]
FIELDS = ["sender_name", "sender_address", "recipient_name", "recipient", "subject", "message_id", "reply_to"]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("payload", INJECTIONS)
def test_no_payload_becomes_a_header_line_in_any_field(payload: str, field: str) -> None:
    assert codes(replace(HEADING, **{field: payload}))
    assert codes(replace(HEADING, **{field: f"{getattr(HEADING, field)}{payload}"}))


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_whatever_is_stamped_has_exactly_the_fields_that_were_meant(sender: str, recipient: str, subject: str) -> None:
    heading = replace(HEADING, sender_name=sender, recipient_name=recipient, subject=subject)
    try:
        message = stamp(heading, ENTITY)
    except UserError:
        return
    assert sorted(name for name, _ in read(message)) == sorted(NAMES)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"subject": ""}, "E_SUBJECT_EMPTY"),
        ({"subject": "   "}, "E_SUBJECT_EMPTY"),
        ({"subject": "x" * 999}, "E_HEADER_LONG"),
        ({"recipient": "a@x.example, b@x.example"}, "E_ADDR_MANY"),
        ({"recipient": "a@X.example"}, "E_ADDR_FORM"),
        ({"recipient": ""}, "E_ADDR_EMPTY"),
        ({"sender_address": "Mary <mary@x.example>"}, "E_ADDR_FORM"),
        ({"message_id": "abc@x.example"}, "E_MESSAGE_ID"),
        ({"message_id": "<a b@x.example>"}, "E_MESSAGE_ID"),
        ({"subject": "=?utf-8?q?a?="}, "E_ENCODED_WORD"),
        ({"subject": "a\r\nb"}, "E_CTRL"),
        ({"subject": " a blank before it"}, "E_HEADER"),
    ],
)
def test_what_cannot_stand_in_a_heading_is_refused_by_name(changes: dict[str, str], code: str) -> None:
    assert code in codes(replace(HEADING, **changes))


def test_all_problems_are_told_at_once() -> None:
    heading = replace(HEADING, subject="", recipient="nobody", sender_name="a\nb")
    assert sorted(codes(heading)) == ["E_ADDR_NODOMAIN", "E_CTRL", "E_SUBJECT_EMPTY"]


@pytest.mark.parametrize(
    "entity",
    [
        b"",
        b"no fields at all\r\n",
        b"Content-Type: text/plain\n\nbody\n",
        b"Content-Type: text/plain\r\n\r\nbare\nline\r\n",
        b"Content-Type: text/plain\r\n\r\nbare\rreturn\r\n",
        b"Content-Type: text/plain\r\n\r\nnul\0\r\n",
        b"Content-Type: text/plain\r\nBcc: evil@x.example\r\n\r\nbody\r\n",
        b"Bcc: evil@x.example\r\nContent-Type: text/plain\r\n\r\nbody\r\n",
        b"\r\nContent-Type: text/plain\r\n\r\nbody\r\n",
        b" folded: first\r\nContent-Type: text/plain\r\n\r\nbody\r\n",
        b"Content-Transfer-Encoding: 7bit\r\n\r\nbody\r\n",
        b"Content-Type: text/plain; name=\xff\r\n\r\nbody\r\n",
    ],
)
def test_an_entity_that_is_not_a_frozen_one_is_refused(entity: bytes) -> None:
    assert set(codes(HEADING, entity)) <= {"E_ENTITY", "E_HEADER"}


def test_a_line_over_the_limit_is_refused() -> None:
    assert codes(HEADING, ENTITY + b"x" * 999 + b"\r\n") == ["E_HEADER_LONG"]
    assert stamp(HEADING, ENTITY + b"x" * 998 + b"\r\n")
