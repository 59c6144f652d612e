"""The dry run foretells the import; the import holds nobody up; bad rows never write over anything."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime
from pathlib import Path

import pytest
from desk.desk import ADA, Desk, open_desk
from desk.statements import statements
from farend.rogue import say

from dispatcher.domain.errors import Conflict, ImportError_, Problem, UserError
from dispatcher.domain.model import Contact
from dispatcher.domain.words import Policy, State
from dispatcher.usecases import launch
from dispatcher.usecases.contact_export import write_rejected
from dispatcher.usecases.contact_import import Comparison, Wishes, compare, import_contacts, refusals, undo_import
from dispatcher.usecases.contacts import Repair, list_contacts, repair

HEADER = "id,name,organisation,state,email,language,time_zone,salutation"


def _row(contact_id: str, *, email: str = "", name: str = "Elena Marchetti-Rossi") -> str:
    return f'{contact_id},{name},Mission,Ardesia,{email or f"{contact_id}@x.example"},en,Europe/Zurich,"Excellency,"'


def _text(*rows: str) -> str:
    return "\n".join((HEADER, *rows)) + "\n"


def _list(folder: Path, *rows: str, name: str = "list.csv") -> list[Path]:
    path = folder / name
    path.write_text(_text(*rows), "utf-8")
    return [path]


async def _tried_and_done(desk: Desk, paths: list[Path], wishes: Wishes) -> tuple[Comparison, list[Problem]]:
    """What the dry run said; the import did that, or was refused for those very reasons."""
    tried = await compare(desk.office, paths, wishes)
    refused = refusals(tried, wishes)
    if refused:
        with pytest.raises(ImportError_) as caught:
            await import_contacts(desk.office, paths, ADA, wishes)
        assert list(caught.value.problems) == refused
    else:
        done = await import_contacts(desk.office, paths, ADA, wishes)
        assert (done.comparison.counts(), done.comparison.problems) == (tried.counts(), tried.problems)
        assert len({one.delivery_id for one in done.followed}) == tried.waiting
    return tried, refused


# -- foretelling -------------------------------------------------------------------------------------------------------


async def test_a_row_that_wants_the_address_of_a_row_left_out_is_left_out_too(desk: Desk, tmp_path: Path) -> None:
    await import_contacts(desk.office, _list(tmp_path, *map(_row, ("aa", "bb", "cc", "dd"))), ADA)
    chain = _row("bb", email="aa@x.example"), _row("aa", email="cc@x.example"), _row("dd", email="new@x.example")
    tried, refused = await _tried_and_done(desk, _list(tmp_path, *chain), Wishes(partial=True))
    assert refused == []
    assert [one.contact_id for one in tried.changed] == ["dd"]
    assert sorted(one.cause.partition(" already")[0] for one in tried.clashes) == [
        "email: aa@x.example belongs to the contact 'aa'",
        "email: cc@x.example belongs to the contact 'cc'",
    ]
    _, refused = await _tried_and_done(desk, _list(tmp_path, *chain), Wishes())
    assert {one.code for one in refused} == {"E_DUP"}


async def test_an_address_of_a_contact_whose_row_is_bad_is_not_free_though_others_are_retired(
    desk: Desk, tmp_path: Path
) -> None:
    await import_contacts(desk.office, _list(tmp_path, *map(_row, ("aa", "bb", "cc"))), ADA)
    rows = _row("aa", email="no address"), _row("bb", email="aa@x.example"), _row("dd", email="cc@x.example")
    wishes = Wishes(partial=True, retire_missing=True)
    tried, refused = await _tried_and_done(desk, _list(tmp_path, *rows), wishes)
    assert refused == []
    assert [one.cause for one in tried.clashes] == ["email: aa@x.example belongs to the contact 'aa' already"]
    assert [one.id for one in await list_contacts(desk.office)] == ["aa", "bb", "dd"]


@pytest.mark.parametrize(
    ("row", "wishes", "codes"),
    [
        (_row("two", email="registry@mіssion.example"), Wishes(), {"W_CONFUSABLE"}),
        (_row("two", email="registry@mіssion.example"), Wishes(confirmed={"W_CONFUSABLE"}), set()),
        (_row("", email="third@x.example"), Wishes(), {"E_DUP"}),
        (",,,,,,,", Wishes(partial=True), set()),
        (_row("Not Plain"), Wishes(partial=True), set()),
        ('"",,,,x@x.example,en,Europe/Zurich,"Sir,"', Wishes(partial=True, retire_missing=True), {"E_WHOSE"}),
    ],
)
async def test_the_dry_run_refuses_what_the_import_refuses(
    desk: Desk, tmp_path: Path, row: str, wishes: Wishes, codes: set[str]
) -> None:
    await import_contacts(desk.office, _list(tmp_path, _row("mission", email="m@x.example")), ADA)
    rows = [_row("", email="other@x.example"), row] if "E_DUP" in codes else [_row("one"), row]
    _, refused = await _tried_and_done(desk, _list(tmp_path, *rows), wishes)
    assert {one.code for one in refused} == codes


async def test_letters_that_would_follow_are_counted_by_what_would_happen(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"rcpt": [say("550 5.1.1 no such user")] * 3}) as desk:
        await import_contacts(desk.office, _list(tmp_path, _row("one"), _row("two"), _row("three")), ADA)
        people: list[Contact] = await list_contacts(desk.office)
        await desk.launch(people, Policy.EMAIL, campaign_id="stopped")
        await desk.work()
        await launch.stop(desk.office, "stopped", "not wanted", ADA)
        assert await desk.states() == [State.FAILED] * 3
        await desk.launch(people, Policy.EMAIL, at=datetime(2015, 10, 2, 9, 0))
        rows = _row("one", email="new@x.example"), _row("two")
        tried, _ = await _tried_and_done(desk, _list(tmp_path, *rows), Wishes(retire_missing=True))
        assert tried.waiting == 2  # of the running campaign: one moves, and one has nowhere to go


# -- holding nobody up -------------------------------------------------------------------------------------------------


async def test_others_work_while_a_list_is_read_and_it_is_compared_anew_with_what_they_did(
    desk: Desk, tmp_path: Path
) -> None:
    await import_contacts(desk.office, _list(tmp_path, _row("one"), _row("two")), ADA)
    slow = tmp_path / "slow.csv"
    os.mkfifo(slow)  # reading it waits until somebody writes
    text = _text(_row("one", name="Nadia Petrov"))
    running = asyncio.create_task(import_contacts(desk.office, [slow], ADA))
    write_end = await asyncio.to_thread(slow.open, "w", encoding="utf-8")
    await repair(desk.office, "one", Repair({"phone": "+41 22 555 01 09"}), "they wrote", ADA)
    [again] = _list(tmp_path, _row("one", name="Nadia Petrov"), name="again.csv")
    again.replace(slow)  # for the second reading; the first one still has the pipe open
    with write_end:
        write_end.write(text)
    done = await running
    [change] = done.comparison.changes
    assert change.before
    assert change.before.person.phone == "+41 22 555 01 09"
    one, _ = await list_contacts(desk.office)
    assert (one.name, one.phone) == ("Nadia Petrov", "+41 22 555 01 09")
    await undo_import(desk.office, done.number, "the wrong file", ADA)
    one, _ = await list_contacts(desk.office)
    assert (one.name, one.phone) == ("Elena Marchetti-Rossi", "+41 22 555 01 09")


async def test_the_number_of_statements_does_not_grow_with_the_list(desk: Desk, tmp_path: Path) -> None:
    counts = []
    for count in (3, 300):
        ids = [f"c{count}-{number}" for number in range(count)]
        with statements() as seen:
            await import_contacts(desk.office, _list(tmp_path, *map(_row, ids)), ADA)
            changed = [_row(one, name="Nadia Petrov", email=f"new-{one}@x.example") for one in ids]
            done = await import_contacts(desk.office, _list(tmp_path, *changed), ADA)
            await undo_import(desk.office, done.number, "the wrong file", ADA)
        counts.append(len(seen))
    assert counts[0] == counts[1]


async def test_an_undo_that_takes_a_contact_off_and_gives_its_address_back_is_one_change(
    desk: Desk, tmp_path: Path
) -> None:
    await import_contacts(desk.office, _list(tmp_path, _row("one"), _row("two")), ADA)
    before = await list_contacts(desk.office)
    rows = _row("two"), _row("three", email="one@x.example")
    done = await import_contacts(desk.office, _list(tmp_path, *rows), ADA, Wishes(retire_missing=True))
    await undo_import(desk.office, done.number, "the wrong file", ADA)
    assert await list_contacts(desk.office) == before


# -- bad rows ----------------------------------------------------------------------------------------------------------


async def test_bad_rows_are_never_written_over_a_list_that_is_read(desk: Desk, tmp_path: Path) -> None:
    [path] = paths = _list(tmp_path, _row("one"), _row("two", email="no address"))
    (tmp_path / "other-name.csv").symlink_to(path)
    comparison, text = await compare(desk.office, paths), path.read_bytes()
    for name in ("list.csv", "other-name.csv"):
        with pytest.raises(UserError, match="E_FILE this file is imported at the same time"):
            write_rejected(comparison, tmp_path / name, force=True)
    assert path.read_bytes() == text


async def test_bad_rows_go_to_a_new_file_unless_somebody_says_otherwise(desk: Desk, tmp_path: Path) -> None:
    paths, rejects = _list(tmp_path, _row("one"), _row("two", email="no address")), tmp_path / "rejects.csv"
    comparison = await compare(desk.office, paths)
    rejects.write_text("of last year", "utf-8")
    with pytest.raises(Conflict, match="is there already"):
        write_rejected(comparison, rejects)
    assert rejects.read_text("utf-8") == "of last year"
    assert write_rejected(comparison, rejects, force=True) == 1
    good = await compare(desk.office, _list(tmp_path, _row("one")))
    assert write_rejected(good, tmp_path / "none.csv") == 0
    assert not (tmp_path / "none.csv").exists()
    kept = rejects.read_bytes()
    assert write_rejected(good, rejects, force=True) == 0
    assert rejects.read_bytes() == kept
