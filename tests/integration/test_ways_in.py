"""The ways in: a Maildir, an IMAP folder, LMTP. Each message is taken once, and left where it lies as it lay."""

from __future__ import annotations

import asyncio
import smtplib
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from desk.databases import Databases
from desk.desk import Desk, open_desk
from farend.imap import ImapServer

from dispatcher.domain.errors import SettingsError
from dispatcher.inbox.imap import Account, Unreachable
from dispatcher.inbox.maildir import Maildir
from dispatcher.settings import load
from dispatcher.store import incoming
from dispatcher.usecases.mailboxes import LARGEST, Mailboxes, look_into_folder, open_door


def mail(number: int) -> bytes:
    return f"From: a@b.example\r\nMessage-ID: <{number}@b.example>\r\n\r\nA letter of thanks.\r\n".encode()


async def ways(desk: Desk) -> list[str]:
    held = await desk.office.store.read(incoming.held)
    return [one.way for one in held]


# -- Maildir -----------------------------------------------------------------------------------------------------------


def maildir(folder: Path) -> Path:
    for part in ("tmp", "new", "cur"):
        (folder / part).mkdir(parents=True)
    return folder


async def test_a_maildir_is_read_once_and_left_as_it_is(desk: Desk, tmp_path: Path) -> None:
    folder = maildir(tmp_path / "Maildir")
    (folder / "new" / "1.a").write_bytes(mail(1))
    (folder / "cur" / "2.a:2,S").write_bytes(mail(2))
    (folder / "tmp" / "3.a").write_bytes(mail(3))  # not delivered yet
    before = sorted(folder.rglob("*"))
    boxes = Mailboxes((Maildir(folder, LARGEST),))
    assert [await boxes.look(desk.office) for _ in range(2)] == [2, 0]
    assert sorted(folder.rglob("*")) == before
    (folder / "new" / "1.a").rename(folder / "cur" / "1.a:2,S")  # somebody reads it in their mail program
    (folder / "tmp" / "3.a").rename(folder / "new" / "3.a")
    assert await boxes.look(desk.office) == 1
    assert await Mailboxes((Maildir(folder, LARGEST),)).look(desk.office) == 0  # after a new start
    assert await ways(desk) == ["maildir"] * 3


async def test_what_is_too_large_is_passed_over(desk: Desk, tmp_path: Path) -> None:
    folder = maildir(tmp_path / "Maildir")
    (folder / "new" / "1.a").write_bytes(mail(1) * 3)
    (folder / "new" / "2.a").write_bytes(mail(2))
    assert await Mailboxes((Maildir(folder, len(mail(2))),)).look(desk.office) == 1


async def test_a_mailbox_that_is_away_hinders_no_other_and_is_told_of_once(
    desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = maildir(tmp_path / "Maildir")
    (folder / "new" / "1.a").write_bytes(mail(1))
    boxes = Mailboxes((Maildir(tmp_path / "none", LARGEST), Maildir(folder, LARGEST)))
    assert [await boxes.look(desk.office) for _ in range(3)] == [1, 0, 0]
    assert [one.message for one in caplog.records] == [f"a mailbox cannot be read: {tmp_path / 'none'} is no Maildir"]


# -- IMAP --------------------------------------------------------------------------------------------------------------


def account(server: ImapServer) -> Account:
    return Account("127.0.0.1", server.port, "none", "letters", "secret", timeout=5.0)


async def test_a_folder_is_examined_peeked_into_and_read_from_where_it_was_left(desk: Desk) -> None:
    async with ImapServer({uid: mail(uid) for uid in (3, 4)}) as server:
        assert await look_into_folder(desk.office, account(server)) == 2
        server.messages[9] = mail(9)
        assert await look_into_folder(desk.office, account(server)) == 1
        assert await look_into_folder(desk.office, account(server)) == 0
        bodies = [one for one in server.commands if "BODY" in one]
        assert bodies == ["UID FETCH 3,4 (BODY.PEEK[])", "UID FETCH 9 (BODY.PEEK[])"]
        assert not [one for one in server.commands if one.startswith(("SELECT", "STORE", "UID STORE", "EXPUNGE"))]


async def test_a_folder_that_was_made_anew_is_read_anew_and_nothing_is_taken_twice(desk: Desk) -> None:
    async with ImapServer({uid: mail(uid) for uid in (3, 4)}) as server:
        await look_into_folder(desk.office, account(server))
        server.messages, server.validity = {1: mail(3), 2: mail(4), 3: mail(5)}, 2
        assert await look_into_folder(desk.office, account(server)) == 1
        assert await ways(desk) == ["imap"] * 3


async def test_a_server_that_hangs_up_costs_no_message(desk: Desk) -> None:
    async with ImapServer({uid: mail(uid) for uid in range(1, 13)}, hangs_up_before=12) as server:
        with pytest.raises(Unreachable):
            await look_into_folder(desk.office, account(server))
        assert len(await ways(desk)) == 10
        server.hangs_up_before = 0
        assert await look_into_folder(desk.office, account(server)) == 2


async def test_the_sign_in_that_is_refused_says_so(desk: Desk) -> None:
    closed = replace(account_at(1), timeout=1.0)
    with pytest.raises(Unreachable, match="Connection refused"):
        await look_into_folder(desk.office, closed)


def account_at(port: int) -> Account:
    return Account("127.0.0.1", port, "none", "letters", "secret")


# -- LMTP --------------------------------------------------------------------------------------------------------------


def bring(port: int, raw: bytes, *recipients: str) -> object:
    with smtplib.LMTP("127.0.0.1", port, local_hostname="localhost") as client:
        client.ehlo_or_helo_if_needed()
        codes = [client.mail("")[0], *(client.rcpt(one)[0] for one in recipients)]
        client.putcmd("data")
        codes.append(client.getreply()[0])
        client.send(raw + b".\r\n")
        return codes, [client.getreply()[0] for _ in recipients]


async def test_what_comes_by_lmtp_is_answered_for_each_recipient_once_it_is_kept(desk: Desk) -> None:
    async with open_door(desk.office, "127.0.0.1", 0) as port:
        done = await asyncio.to_thread(bring, port, mail(1), "a@coalition.example", "b@coalition.example")
        assert done == ([250, 250, 250, 354], [250, 250])
        [one] = await desk.office.store.read(incoming.held)
        assert (one.way, one.envelope) == ("lmtp", ("a@coalition.example", "b@coalition.example"))
        raw = await desk.office.archive.get(one.id)
        assert raw == b"Return-Path: <>\r\n" + mail(1)


async def test_what_is_not_kept_stays_with_the_mail_server(databases: Databases, tmp_path: Path) -> None:
    database = databases.fresh("sqlite", tmp_path)
    async with open_desk(database, tmp_path, busy_seconds=0.2) as desk, open_door(desk.office, "127.0.0.1", 0) as port:
        lock = sqlite3.connect(tmp_path / "dispatcher.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        done = await asyncio.to_thread(bring, port, mail(1), "a@coalition.example", "b@coalition.example")
        lock.close()
        assert done == ([250, 250, 250, 354], [451, 451])


# -- settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[inbox.lmtp]\nhost = "0.0.0.0"', "E_LMTP_HOST"),
        ('[inbox.imap]\nenabled = true\nhost = "mail.example"\nsecurity = "none"', "E_IMAP_PLAIN"),
        ('[inbox.imap]\nenabled = true\nhost = "mail.example"', "E_IMAP_SIGN_IN"),
    ],
)
def test_what_would_be_unsafe_is_refused(tmp_path: Path, text: str, code: str) -> None:
    file = tmp_path / "dispatcher.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=code):
        load(file)
