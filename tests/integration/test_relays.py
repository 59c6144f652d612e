"""Relays in order, connections kept and let go, TLS and logins: what passes for a relay, and what is told it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

import aiosmtplib
import pytest
import trustme
from aiosmtplib.protocol import SMTPProtocol
from farend.rogue import DROP, RESET, STALL, Rogue, accept_then, at, say

from dispatcher.channels.base import Parcel, Permit
from dispatcher.channels.relay import Relay
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.channels.submission import REST
from dispatcher.domain.errors import SettingsError
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Cause, Kind, Verdict

TAKEN = (Verdict.ACCEPTED, Cause.NONE)
USER = {"user": "ada", "password": "opens nothing"}


def letter(number: int = 1) -> Parcel:
    return Parcel(
        attempt_id=f"attempt-{number}",
        delivery_id=f"delivery-{number}",
        kind=Kind.EMAIL,
        address="mission@recipient.example",
        recipient_name="",
        sender_name="Mary Example",
        sender_address="mary@sender.example",
        return_path="",
        subject="Protection of civilians",
        message_id=f"<{number}@sender.example>",
        date=datetime(2026, 3, 2, 9, tzinfo=UTC),
        entity=b"Content-Type: text/plain\r\n\r\nExcellency,\r\n",
        document=b"",
    )


async def always(_: bytes) -> Permit:
    return Permit(float("inf"))


async def send(*relays: Relay, letters: int = 1) -> list[Outcome]:
    channel = SmtpChannel(relays)
    outcomes = [await channel.send(letter(number), always) for number in range(letters)]
    await channel.aclose()
    return outcomes


def said(outcome: Outcome) -> tuple[Verdict, Cause]:
    return outcome.verdict, outcome.cause


def nobody(name: str = "nobody") -> Relay:
    """A relay where nobody listens."""
    with contextlib.closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    return Relay(name, "127.0.0.1", port, security="none", timeout_connect=0.5, timeout_reply=0.5)


# -- in order


async def test_the_first_relay_that_lets_us_in_gets_the_letter() -> None:
    async with Rogue() as first, Rogue() as second:
        (outcome,) = await send(first.relay("first"), second.relay("second"))
        assert said(outcome) == TAKEN
        assert (len(first.ledger), second.connections) == (1, 0)
        assert outcome.facts["relay"] == "first"


async def test_a_relay_that_is_down_passes_the_letter_to_the_next() -> None:
    async with Rogue({"connect": say("421 4.3.2 busy", then="drop")}) as busy, Rogue() as third:
        (outcome,) = await send(nobody(), busy.relay("busy"), third.relay("third"))
        assert said(outcome) == TAKEN
        assert len(third.ledger) == 1
        assert outcome.facts["relay"] == "third"
        assert "nobody: smtp.connect" in outcome.facts["passed_over"]
        assert "busy: smtp.busy: 421" in outcome.facts["passed_over"]
        assert outcome.pause_route == ""


async def test_a_relay_that_has_heard_of_the_letter_is_the_last_to_hear_of_it() -> None:
    for script in ({"rcpt": DROP}, {"rcpt": say("451 4.7.1 later")}, {"dot": accept_then(DROP)}):
        async with Rogue(script) as first, Rogue() as second:
            (outcome,) = await send(first.relay("first"), second.relay("second"))
            assert outcome.verdict in (Verdict.DEFERRED, Verdict.UNKNOWN)
            assert second.connections == 0


async def test_when_no_relay_lets_us_in_nothing_was_tried() -> None:
    (outcome,) = await send(nobody("first"), nobody("second"))
    assert said(outcome) == (Verdict.UNSENT, Cause.SMTP_CONNECT)
    assert outcome.pause_route == "first"
    assert "second: smtp.connect" in outcome.facts["passed_over"]


async def test_a_fault_that_does_not_mend_by_itself_is_the_one_that_is_named() -> None:
    async with Rogue(users={"ada": "another"}) as strict:
        (outcome,) = await send(nobody("first"), strict.relay("strict", **USER))
    assert said(outcome) == (Verdict.UNSENT, Cause.SMTP_AUTH)
    assert outcome.pause_route == "strict"


async def test_a_relay_that_failed_is_tried_after_the_others_for_a_while_and_first_again_later() -> None:
    now = [1000.0]
    async with Rogue({"connect": [DROP]}) as first, Rogue() as second:
        channel = SmtpChannel([first.relay("first"), second.relay("second")], clock=lambda: now[0])
        routes = []
        for step in (0.0, REST - 1, 1.0):
            now[0] += step
            routes.append((await channel.send(letter(), always)).facts["relay"])
        await channel.aclose()
    assert routes == ["second", "second", "first"]


async def test_a_host_without_an_address_is_a_relay_that_is_down() -> None:
    relay = Relay("nowhere", "127.0.0.1\0", 25, timeout_connect=0.5)
    (outcome,) = await send(relay)
    assert said(outcome) == (Verdict.UNSENT, Cause.SMTP_CONNECT)


# -- kept connections


async def test_a_connection_is_used_again_after_a_clean_letter() -> None:
    async with Rogue() as rogue:
        outcomes = await send(rogue.relay(), letters=5)
        assert [said(outcome) for outcome in outcomes] == [TAKEN] * 5
        assert rogue.connections == 1


async def test_a_connection_carries_only_so_many_letters() -> None:
    async with Rogue() as rogue:
        await send(rogue.relay(letters=2), letters=5)
        assert rogue.connections == 3
        assert len(rogue.ledger) == 5


async def test_a_connection_that_was_idle_for_long_is_not_used_again() -> None:
    now = [0.0]
    async with Rogue() as rogue:
        channel = SmtpChannel([rogue.relay(timeout_idle=30.0)], clock=lambda: now[0])
        for step in (0.0, 29.0, 30.0):
            now[0] += step
            assert said(await channel.send(letter(), always)) == TAKEN
        assert rogue.connections == 2
        await channel.aclose()


@pytest.mark.parametrize(
    "script",
    [
        {"mail": [say("451 later")]},
        {"rcpt": [say("550 5.1.1 who")]},
        {"data": [say("554 no")]},
        {"body": [at(b"", say("451 later"))]},
        {"dot": [say("550 no")]},
        {"dot": [say("451 no")]},
        {"dot": [accept_then(say("250 ok", "221 bye"))]},
        {"dot": [accept_then(say("250 ok", "250 ok"))]},
        {"dot": [accept_then(STALL)]},
        {"rcpt": [say("250 ok", "250 ok")]},
    ],
    ids=str,
)
async def test_a_connection_is_never_used_again_after_anything_out_of_order(script: dict[str, list[object]]) -> None:
    async with Rogue(script) as rogue:  # type: ignore[arg-type]
        _, second = await send(rogue.relay(), letters=2)
        assert said(second) == TAKEN
        assert rogue.connections == 2


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
async def test_an_idle_connection_that_the_server_closed_costs_no_try(reset: bool) -> None:
    async with Rogue() as rogue:
        channel = SmtpChannel([rogue.relay()])
        await channel.send(letter(1), always)
        rogue.cut(reset=reset)
        assert said(await channel.send(letter(2), always)) == TAKEN
        assert (rogue.connections, len(rogue.ledger)) == (2, 2)
        await channel.aclose()


async def test_a_goodbye_in_place_of_the_next_welcome_costs_no_try() -> None:
    async with Rogue({"mail": [None, say("421 4.4.2 idle for too long", then="drop")]}) as rogue:
        outcomes = await send(rogue.relay(), letters=2)
        assert [said(outcome) for outcome in outcomes] == [TAKEN] * 2
        assert rogue.connections == 2


async def test_a_stray_word_on_an_idle_connection_misleads_nobody() -> None:
    async with Rogue() as rogue:
        channel = SmtpChannel([rogue.relay()])
        await channel.send(letter(1), always)
        rogue.shout(b"250 stray\r\n")
        outcome = await channel.send(letter(2), always)
        assert (outcome.verdict is Verdict.ACCEPTED) == (len(rogue.ledger) == 2)
        await channel.aclose()


async def test_no_more_connections_are_opened_than_allowed() -> None:
    async with Rogue() as rogue:
        channel = SmtpChannel([rogue.relay(connections=3)])
        outcomes = await asyncio.gather(*(channel.send(letter(number), always) for number in range(20)))
        assert {said(outcome) for outcome in outcomes} == {TAKEN}
        assert rogue.open_most <= 3
        assert len({taken.options for taken in rogue.ledger}) == 20
        await channel.aclose()


async def test_a_cancelled_letter_gives_its_place_back() -> None:
    async with Rogue({"mail": [STALL]}) as rogue:
        channel = SmtpChannel([rogue.relay(connections=1, timeout_reply=60.0)])
        stuck = asyncio.create_task(channel.send(letter(1), always))
        while not rogue.commands or not rogue.commands[-1].startswith("MAIL"):
            await asyncio.sleep(0)
        stuck.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stuck
        assert said(await channel.send(letter(2), always)) == TAKEN
        await channel.aclose()


# -- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def context(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(made)
    return made


@pytest.mark.parametrize("implicit", [True, False], ids=["implicit TLS", "STARTTLS"])
async def test_letters_go_over_verified_tls_and_the_login_only_inside_it(
    authority: trustme.CA, ca_file: str, implicit: bool
) -> None:
    async with Rogue(tls=context(authority), implicit=implicit, users={"ada": USER["password"]}) as rogue:
        outcomes = await send(rogue.relay(ca_file=ca_file, **USER), letters=3)
        assert [said(outcome) for outcome in outcomes] == [TAKEN] * 3
        assert outcomes[0].facts["tls"].startswith("TLSv1.")
        assert b"AUTH" not in rogue.clear
        assert [command for command in rogue.commands if command.startswith("AUTH")]
        assert rogue.connections == 1


@pytest.mark.parametrize("implicit", [True, False], ids=["implicit TLS", "STARTTLS"])
async def test_a_large_letter_goes_over_tls_whole(authority: trustme.CA, ca_file: str, implicit: bool) -> None:
    body = (b"x" * 76 + b"\r\n") * 40_000
    parcel = Parcel(**{name: getattr(letter(), name) for name in Parcel.__slots__} | {"entity": letter().entity + body})
    async with Rogue(tls=context(authority), implicit=implicit) as rogue:
        channel = SmtpChannel([rogue.relay(ca_file=ca_file, timeout_reply=10.0, timeout_dot=10.0)])
        assert said(await channel.send(parcel, always)) == TAKEN
        assert rogue.ledger[0].message.endswith(b"\r\nExcellency,\r\n" + body)
        await channel.aclose()


@pytest.mark.parametrize("implicit", [True, False], ids=["implicit TLS", "STARTTLS"])
@pytest.mark.parametrize("fault", ["wrong name", "unknown authority"])
async def test_a_relay_that_cannot_prove_its_name_gets_neither_login_nor_letter(
    authority: trustme.CA, ca_file: str, implicit: bool, fault: str
) -> None:
    issuer, name = (authority, "other.example") if fault == "wrong name" else (trustme.CA(), "127.0.0.1")
    async with Rogue(tls=context(issuer, name), implicit=implicit, users={"ada": USER["password"]}) as rogue:
        (outcome,) = await send(rogue.relay(ca_file=ca_file, **USER))
        assert said(outcome) == (Verdict.UNSENT, Cause.SMTP_TLS)
        assert outcome.pause_route == "rogue"
        assert not [command for command in rogue.commands if command.startswith(("AUTH", "MAIL"))]


async def test_a_stripped_starttls_sees_no_byte_of_the_login(authority: trustme.CA, ca_file: str) -> None:
    async with Rogue(tls=context(authority), offers_starttls=False, users={"ada": USER["password"]}) as rogue:
        (outcome,) = await send(rogue.relay(ca_file=ca_file, **USER))
        assert said(outcome) == (Verdict.UNSENT, Cause.SMTP_TLS)
        assert outcome.pause_route == "rogue"
        assert bytes(rogue.clear) == b"EHLO client.example\r\n"


@pytest.mark.parametrize(
    ("act", "cause"),
    [
        (say("454 4.7.0 not now"), Cause.SMTP_BUSY),
        (say("502 no"), Cause.SMTP_TLS),
        (DROP, Cause.SMTP_TLS),
        (RESET, Cause.SMTP_TLS),
        (say("220 go", "250 injected"), Cause.SMTP_TLS),
    ],
    ids=["454", "502", "drop", "reset", "injected reply"],
)
async def test_a_starttls_that_fails_ends_the_session(
    authority: trustme.CA, ca_file: str, act: object, cause: Cause
) -> None:
    async with Rogue({"starttls": act}, tls=context(authority), users={"ada": "x"}) as rogue:  # type: ignore[dict-item]
        (outcome,) = await send(rogue.relay(ca_file=ca_file, timeout_connect=0.5, timeout_reply=0.5, **USER))
        assert said(outcome) == (Verdict.UNSENT, cause)
        assert b"AUTH" not in rogue.clear


async def test_a_missing_authority_file_is_told_as_a_tls_fault(authority: trustme.CA) -> None:
    async with Rogue(tls=context(authority)) as rogue:
        (outcome,) = await send(rogue.relay(ca_file="/nowhere/ca.pem"))
    assert said(outcome) == (Verdict.UNSENT, Cause.SMTP_TLS)


@pytest.mark.parametrize("host", ["mail.example", "192.0.2.1", "10.0.0.1", "127.0.0.1.example", ""])
def test_a_relay_off_this_machine_without_tls_is_refused_in_the_settings(host: str) -> None:
    with pytest.raises(SettingsError, match="E_TLS_REQUIRED"):
        Relay("clear", host, 25, security="none")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_a_relay_on_this_machine_may_go_without_tls(host: str) -> None:
    assert Relay("own", host, 25, security="none").security == "none"


def test_an_unknown_kind_of_security_is_refused_and_no_password_is_shown() -> None:
    with pytest.raises(SettingsError, match="E_CONF"):
        Relay("odd", "mail.example", 25, security="ssl")
    assert "opens nothing" not in repr(Relay("own", "mail.example", 465, **USER))  # type: ignore[arg-type]


# -- logins


async def test_a_wrong_password_spends_no_try_names_the_relay_and_is_said_once() -> None:
    async with Rogue(users={"ada": "another"}) as rogue:
        (outcome,) = await send(rogue.relay(**USER))
        assert said(outcome) == (Verdict.UNSENT, Cause.SMTP_AUTH)
        assert outcome.pause_route == "rogue"
        assert outcome.detail == "rogue: 535 5.7.8 wrong user or password"
        assert len([command for command in rogue.commands if command.startswith("AUTH")]) == 1


async def test_a_login_that_is_refused_for_now_is_a_busy_relay() -> None:
    async with Rogue({"auth": say("454 4.7.0 try later")}, users={"ada": USER["password"]}) as rogue:
        (outcome,) = await send(rogue.relay(**USER))
    assert said(outcome) == (Verdict.UNSENT, Cause.SMTP_BUSY)


async def test_a_relay_that_offers_no_login_where_we_have_one_is_not_used() -> None:
    async with Rogue() as rogue:
        (outcome,) = await send(rogue.relay(**USER))
        assert said(outcome) == (Verdict.UNSENT, Cause.SMTP_AUTH)
        assert rogue.ledger == []


# -- what we lean on in the library


async def test_the_library_still_has_the_private_members_that_the_wire_uses() -> None:
    assert aiosmtplib.__version__.startswith("5.1.")
    protocol = SMTPProtocol()
    assert protocol._response_pending is False
    assert protocol._response_waiter is None
    assert protocol._buffer == bytearray()
    assert protocol.transport is None


async def test_asyncio_still_shows_what_waits_below_tls(authority: trustme.CA, ca_file: str) -> None:
    async with Rogue(tls=context(authority), implicit=True) as rogue:
        trusting = ssl.create_default_context(cafile=ca_file)
        client = aiosmtplib.SMTP(
            hostname="127.0.0.1", port=rogue.port, use_tls=True, tls_context=trusting, local_hostname="client.example"
        )
        await client.connect()
        assert client.transport is not None
        assert client.transport._ssl_protocol._transport.get_write_buffer_size() == 0  # type: ignore[attr-defined]
        client.close()
