"""A repair takes what an import takes, refuses what an import refuses, and tells everything that is wrong at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from desk.desk import ADA, Desk, person

from dispatcher.domain.errors import UserError
from dispatcher.domain.model import Contact
from dispatcher.domain.words import Form, Gender, Kind, Policy
from dispatcher.usecases import audit_log
from dispatcher.usecases.contact_export import export_contacts
from dispatcher.usecases.contact_import import Wishes, compare
from dispatcher.usecases.contacts import Repair, Repaired, list_contacts, repair

OLD = "old@ardesia.example"
LOOK_ALIKE = "registry@mіssion.example"  # a Cyrillic і


async def _repair(desk: Desk, wanted: Repair) -> Repaired:
    return await repair(desk.office, "one", wanted, "they wrote", ADA)


async def _refused(desk: Desk, wanted: Repair) -> list[tuple[str, str]]:
    """(code, field) of every problem; and nothing is changed."""
    before = await list_contacts(desk.office)
    with pytest.raises(UserError) as caught:
        await _repair(desk, wanted)
    assert await list_contacts(desk.office) == before
    assert all(one.place == "one" and one.way_out for one in caught.value.problems)
    return [(one.code, one.cause.partition(":")[0]) for one in caught.value.problems]


async def _only(desk: Desk) -> Contact:
    [one] = await list_contacts(desk.office)
    return one


async def test_everything_that_an_import_refuses_is_told_at_once(desk: Desk) -> None:
    await desk.keep_contacts([person("one", email=OLD)])
    fields = {
        "time_zone": "Mars/Olympus", "language": "tlh", "seat": "ZZZ", "state_code": "QQ", "gender": "x",
        "prefers": "pigeon", "since": "2026-13-01", "tags": "Not Plain", "form": "janitor",
        "name": "Elena\nBcc: all@ardesia.example", "office": "Amb\u202eassador", "phone": "1\x00",
    }  # fmt: skip
    found = await _refused(desk, Repair(fields, "nobody at home", "022 no fax", source="a\tb"))
    assert {name for _, name in found} == {*fields, "email", "fax", "source"}
    assert {code for code, name in found if name in ("time_zone", "language", "seat", "since", "form")} == {
        "E_ZONE", "E_LANGUAGE", "E_STATE", "E_DATE", "W_FORM",
    }  # fmt: skip


async def test_a_field_that_there_is_not_is_told_with_the_rest(desk: Desk) -> None:
    await desk.keep_contacts([person("one", email=OLD)])
    found = await _refused(desk, Repair({"id": "two", "time_zome": "UTC", "email_checked_by": "me", "language": "x"}))
    assert [code for code, _ in found] == ["E_FIELD", "E_FIELD", "E_FIELD", "E_LANGUAGE"]


async def test_what_a_letter_cannot_do_without_is_not_taken_off(desk: Desk) -> None:
    await desk.keep_contacts([person("one", email=OLD)])
    fields = dict.fromkeys(("name", "office", "language", "time_zone", "salutation"), "")
    found = await _refused(desk, Repair(fields, email=""))
    assert [code for code, _ in found] == ["E_NAME", "E_LANGUAGE", "E_TIME_ZONE", "E_SALUTATION", "E_NO_ADDRESS"]
    await _repair(desk, Repair({"salutation": "", "form": "ambassador"}))
    assert (await _only(desk)).salutation == ""


async def test_fields_are_read_as_an_import_reads_them(desk: Desk) -> None:
    await desk.keep_contacts([person("one", email=OLD)])
    fields = {
        "language": "French", "seat": "Switzerland", "honorific": "H.E. Mr.", "since": "3 April 2015",
        "prefers": "fax", "national_days": "1 August", "address_2": "1211 Geneva 10", "form": "ambassador",
    }  # fmt: skip
    done = await _repair(desk, Repair(fields, "registry@bücher.example", "022 555 01 00", source="their letter"))
    after = await _only(desk)
    assert after == done.after
    assert (after.language, after.seat, after.gender, after.since) == ("fr", "CH", Gender.MALE, date(2015, 4, 3))
    assert (after.prefers, after.national_days, after.form) == (Policy.FAX, ("08-01",), Form.AMBASSADOR)
    assert after.postal == ("Chemin des Cèdres 9", "1211 Geneva 10")
    assert (after.address(Kind.EMAIL), after.address(Kind.FAX)) == ("registry@xn--bcher-kva.example", "+41225550100")
    assert {one.source for one in after.provenance} == {"their letter"}


async def test_what_was_repaired_and_is_exported_reads_back_unchanged(desk: Desk, tmp_path: Path) -> None:
    await desk.keep_contacts([person("one", email=OLD)])
    await _repair(desk, Repair({"tags": "geneva-2 a", "copies_to": "b"}, fax="+41 22 555 01 00", checked=True))
    await export_contacts(desk.office, tmp_path / "all.csv", ADA)
    comparison = await compare(desk.office, [tmp_path / "all.csv"], Wishes())
    assert (comparison.problems, comparison.changes, comparison.same) == ((), (), 1)


async def test_a_look_alike_domain_is_taken_only_when_somebody_says_so(desk: Desk) -> None:
    await desk.keep_contacts([person("one", email=OLD)])
    assert [code for code, _ in await _refused(desk, Repair({}, LOOK_ALIKE))] == ["W_CONFUSABLE"]
    done = await _repair(desk, Repair({}, LOOK_ALIKE, confirmed={"W_CONFUSABLE"}))
    assert [one.code for one in done.warnings] == ["W_CONFUSABLE"]
    # What was confirmed once is not asked again by a repair of something else.
    assert (await _repair(desk, Repair({"office": "Minister"}))).warnings == ()


async def test_an_export_is_on_record_before_the_file_is_there(desk: Desk, tmp_path: Path) -> None:
    await desk.keep_contacts([person("one", email=OLD)])
    with pytest.raises(OSError, match="no-such-folder"):
        await export_contacts(desk.office, tmp_path / "no-such-folder" / "all.csv", ADA)
    [entry] = await audit_log.tail_audit(desk.office, 1)
    assert (entry.event.action, entry.event.data["contacts"]) == ("contacts.export", 1)
