"""Lists into the office: compared first, taken whole or not at all, followed by waiting letters, undone exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from desk.desk import ADA, Desk

from dispatcher.domain.errors import Conflict, ImportError_, NotFound
from dispatcher.domain.words import Fate, Policy, State
from dispatcher.intake.contacts import FIELDS, ReadOptions
from dispatcher.store import contact_history, contacts
from dispatcher.usecases import audit_log
from dispatcher.usecases.contact_fields import differences
from dispatcher.usecases.contact_import import (
    Comparison,
    Imported,
    Wishes,
    compare,
    import_contacts,
    list_imports,
    undo_import,
)
from dispatcher.usecases.contacts import Repair, list_contacts, repair, suppress

BASE = {
    "name": "Elena Marchetti-Rossi",
    "office": "Ambassador",
    "organisation": "Permanent Mission",
    "state": "the Republic of Ardesia",
    "language": "en",
    "time_zone": "Europe/Zurich",
    "salutation": "Excellency,",
}


def _row(contact_id: str, **cells: str) -> dict[str, str]:
    return {**BASE, "id": contact_id, "email": f"{contact_id}@mission.example", **cells}


def _list(folder: Path, *rows: dict[str, str], name: str = "missions.csv") -> list[Path]:
    columns = [one for one in FIELDS if any(one in row for row in rows)]
    lines = [",".join(columns)]
    lines += [",".join(f'"{row.get(column, "")}"' for column in columns) for row in rows]
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [path]


async def _import(desk: Desk, paths: Sequence[Path], **wishes: Any) -> Imported:
    return await import_contacts(desk.office, paths, ADA, Wishes(**wishes))


async def _all(desk: Desk) -> dict[str, contacts.Kept]:
    return await desk.office.store.read(contacts.every)


def _counts(comparison: Comparison) -> tuple[int, int, int, int, int]:
    counts = comparison.counts()
    return tuple(counts[name] for name in ("added", "changed", "same", "retired", "missing"))  # type: ignore[return-value]


async def test_an_import_says_before_it_happens_what_it_will_do(desk: Desk, tmp_path: Path) -> None:
    await _import(desk, _list(tmp_path, _row("one"), _row("two"), _row("three")))
    paths = _list(tmp_path, _row("one"), _row("two", office="Chargé d'affaires a.i."), _row("four"))
    before = await _all(desk)
    comparison = await compare(desk.office, paths)
    assert _counts(comparison) == (1, 1, 1, 0, 1)
    [changed] = comparison.changed
    assert changed.before
    assert changed.after
    told = [(one.field, one.before, one.after) for one in differences(changed.before.person, changed.after.person)]
    assert ("office", "Ambassador", "Chargé d'affaires a.i.") in told
    assert comparison.missing == ("three",)
    assert await _all(desk) == before
    assert _counts((await _import(desk, paths)).comparison) == (1, 1, 1, 0, 1)
    assert [one.id for one in await list_contacts(desk.office)] == ["four", "one", "three", "two"]


async def test_one_bad_row_stops_the_whole_import_and_is_named(desk: Desk, tmp_path: Path) -> None:
    paths = _list(tmp_path, _row("one"), _row("two", email="nobody at home"), _row("three", language="klingon"))
    with pytest.raises(ImportError_) as caught:
        await _import(desk, paths)
    assert [one.place.rpartition(":")[2] for one in caught.value.problems] == ["3", "4"]
    assert await _all(desk) == {}
    assert await list_imports(desk.office) == []


async def test_the_good_rows_are_taken_where_that_is_asked_for(desk: Desk, tmp_path: Path) -> None:
    paths = _list(tmp_path, _row("one"), _row("two", email="nobody at home"))
    done = await _import(desk, paths, partial=True)
    assert [one.contact_id for one in done.comparison.new] == ["one"]
    assert len(done.comparison.problems) == 1


async def test_a_bad_row_does_not_make_its_contact_missing(desk: Desk, tmp_path: Path) -> None:
    await _import(desk, _list(tmp_path, _row("one"), _row("two")))
    paths = _list(tmp_path, _row("one"), _row("two", email="nobody at home"))
    done = await _import(desk, paths, partial=True, retire_missing=True)
    assert done.comparison.missing == ()
    assert (await _all(desk))["two"].active


async def test_nobody_is_called_missing_beside_a_row_that_may_be_anybodys(desk: Desk, tmp_path: Path) -> None:
    await _import(desk, _list(tmp_path, _row("one"), _row("two")))
    paths = _list(tmp_path, _row("one"), _row("", office="", organisation="", name="", state_code="Nowhere"))
    with pytest.raises(ImportError_, match="E_WHOSE"):
        await _import(desk, paths, partial=True, retire_missing=True)
    assert [one.id for one in await list_contacts(desk.office)] == ["one", "two"]


async def test_an_address_of_another_contact_is_refused(desk: Desk, tmp_path: Path) -> None:
    await _import(desk, _list(tmp_path, _row("one")))
    with pytest.raises(ImportError_, match=r"E_DUP .*one@mission.example belongs to the contact 'one'"):
        await _import(desk, _list(tmp_path, _row("two", email="one@mission.example")))


async def test_two_contacts_may_exchange_their_addresses(desk: Desk, tmp_path: Path) -> None:
    await _import(desk, _list(tmp_path, _row("one"), _row("two")))
    swapped = _row("one", email="two@mission.example"), _row("two", email="one@mission.example")
    done = await _import(desk, _list(tmp_path, *swapped))
    assert _counts(done.comparison)[1] == 2
    await undo_import(desk.office, done.number, "wrong way round", ADA)
    assert {one.id: one.addresses[0].value for one in await list_contacts(desk.office)} == {
        "one": "one@mission.example",
        "two": "two@mission.example",
    }


async def test_a_list_that_is_whole_retires_whoever_is_not_in_it(desk: Desk, tmp_path: Path) -> None:
    await _import(desk, _list(tmp_path, _row("one"), _row("two")))
    done = await _import(
        desk, _list(tmp_path, _row("two"), _row("new", email="one@mission.example")), retire_missing=True
    )
    assert [one.contact_id for one in done.comparison.retired] == ["one"]
    assert [one.id for one in await list_contacts(desk.office)] == ["new", "two"]


async def test_importing_the_same_list_again_changes_nothing_and_is_no_import(desk: Desk, tmp_path: Path) -> None:
    paths = _list(tmp_path, _row("one"))
    first = await _import(desk, paths)
    again = await _import(desk, paths)
    assert (first.number, again.number) == (1, 0)
    assert len(await list_imports(desk.office)) == 1


async def test_an_undone_import_leaves_everything_exactly_as_it_was(desk: Desk, tmp_path: Path) -> None:
    await _import(desk, _list(tmp_path, _row("one", tags="geneva"), _row("two"), _row("three")))
    before = await _all(desk)
    rows = _row("one", office="Chargé d'affaires a.i."), _row("two"), _row("four")
    done = await _import(desk, _list(tmp_path, *rows, name="new.csv"), retire_missing=True)
    assert (await _all(desk)) != before
    undone = await undo_import(desk.office, done.number, "the wrong file", ADA)
    assert await _all(desk) == before
    assert sorted(undone.restored) == ["four", "one", "three"]
    [entry] = [one for one in await audit_log.tail_audit(desk.office, 1) if one.event.action == "contacts.undo"]
    assert (entry.event.object, entry.event.reason) == ("import:2", "the wrong file")
    row, _ = await list_imports(desk.office)
    assert (row.number, row.undone_by) == (2, str(ADA))
    with pytest.raises(Conflict, match="import 2 was undone on 01 October 2015"):
        await undo_import(desk.office, 2, "again", ADA)
    with pytest.raises(NotFound, match="no import number 7"):
        await undo_import(desk.office, 7, "no such", ADA)


async def test_an_import_that_was_built_upon_is_not_undone_halfway(desk: Desk, tmp_path: Path) -> None:
    await _import(desk, _list(tmp_path, _row("one"), _row("two")))
    await repair(desk.office, "two", Repair({"office": "Minister"}), "they wrote", ADA)
    before = await _all(desk)
    with pytest.raises(Conflict, match="cannot be undone: two changed again since"):
        await undo_import(desk.office, 1, "oh", ADA)
    assert await _all(desk) == before


async def test_an_undo_that_would_take_an_address_from_somebody_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    await _import(desk, _list(tmp_path, _row("one")))
    await _import(desk, _list(tmp_path, _row("one", email="other@mission.example")))
    await _import(desk, _list(tmp_path, _row("two", email="one@mission.example")))
    before = await _all(desk)
    with pytest.raises(Conflict, match="belongs to the contact 'two' now"):
        await undo_import(desk.office, 2, "oh", ADA)
    assert await _all(desk) == before


async def test_letters_that_wait_follow_an_import_and_its_undoing(desk: Desk, tmp_path: Path) -> None:
    await _import(desk, _list(tmp_path, _row("one")))
    person = (await list_contacts(desk.office))[0]
    await desk.launch([replace(person)], Policy.EMAIL, at=datetime(2015, 10, 2, 9, 0))
    await _import(desk, _list(tmp_path, _row("one")))  # the desk keeps contacts under another source: nothing else
    moved = _list(tmp_path, _row("one", email="new@mission.example"))
    assert (await compare(desk.office, moved)).waiting == 1
    done = await _import(desk, moved)
    assert [one.fate for one in done.followed] == [Fate.MOVED]
    undone = await undo_import(desk.office, done.number, "the wrong file", ADA)
    assert [one.fate for one in undone.followed] == [Fate.MOVED]
    await desk.pass_time(days=1)
    assert [taken.recipient for taken in desk.rogue.ledger] == ["one@mission.example"]
    assert sorted(await desk.states()) == [State.ACCEPTED, State.CANCELLED, State.CANCELLED]


async def test_a_contact_that_has_a_letter_is_not_erased_by_an_undo(desk: Desk, tmp_path: Path) -> None:
    done = await _import(desk, _list(tmp_path, _row("one")))
    await desk.launch(await list_contacts(desk.office), Policy.EMAIL)
    await desk.office.store.write(
        lambda connection: contacts.set_all(connection, {"one": done.comparison.changes[0].after}, desk.clock.now())
    )
    await undo_import(desk.office, done.number, "the wrong file", ADA)
    assert await list_contacts(desk.office) == []
    assert not (await _all(desk))["one"].active
    changes = await desk.office.store.read(lambda connection: contact_history.history(connection, "one"))
    assert [one.change.after is None for one in changes] == [False, True]


async def test_a_look_alike_domain_is_taken_only_when_somebody_says_so(desk: Desk, tmp_path: Path) -> None:
    paths = _list(tmp_path, _row("one", email="registry@mіssion.example"))  # a Cyrillic і
    with pytest.raises(ImportError_, match="--confirm W_CONFUSABLE"):
        await _import(desk, paths)
    assert await _all(desk) == {}
    await _import(desk, paths, confirmed={"W_CONFUSABLE"})
    assert list(await _all(desk)) == ["one"]


async def test_columns_of_other_programs_are_recognised_and_shown(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "outlook.csv"
    path.write_text(
        "First Name,Last Name,Company,Job Title,E-mail Address,Business Fax,Nonsense\n"
        "Elena,Marchetti,Permanent Mission of Norway,Ambassador,elena@mission.example,+41 22 555 01 00,x\n",
        encoding="utf-8",
    )
    defaults = {"language": "en", "time_zone": "Europe/Zurich", "salutation": "Excellency,"}
    comparison = await compare(desk.office, [path], Wishes(ReadOptions(defaults=defaults)))
    assert comparison.problems == ()
    assert {one.header: one.field for one in comparison.reading.mapping}["E-mail Address"] == "email"
    assert any("Nonsense" in one.cause for one in comparison.reading.warnings)
    [new] = comparison.new
    assert new.after
    assert new.after.person.name == "Elena Marchetti"


async def test_suppressing_an_address_survives_imports_and_their_undoing(desk: Desk, tmp_path: Path) -> None:
    done = await _import(desk, _list(tmp_path, _row("one")))
    address = done.comparison.reading.contacts[0].addresses[0]
    await suppress(desk.office, address, "asked us to stop", ADA)
    await undo_import(desk.office, done.number, "the wrong file", ADA)
    assert await desk.office.store.read(lambda connection: contacts.is_suppressed(connection, address))
