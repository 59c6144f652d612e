"""The flow of a real list: 200 missions with 40 faults are compared, mended, applied, undone and applied again."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from desk.desk import ADA, Desk
from unit.intake.blue_book import FAULTS, MISSIONS, Planted, cells, mission, write_blue_book

from dispatcher.domain.errors import ImportError_
from dispatcher.store import contacts
from dispatcher.usecases.contact_export import write_rejected
from dispatcher.usecases.contact_import import Wishes, compare, import_contacts, undo_import
from dispatcher.usecases.contacts import list_contacts

FAULTY = 40


async def _all(desk: Desk) -> dict[str, contacts.Kept]:
    return await desk.office.store.read(contacts.every)


def _mend(rejects: Path, planted: tuple[Planted, ...], mended: int) -> None:
    """Put the right value into the first `mended` rows of the rejects, as a person would; leave the others out."""
    with rejects.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    for row, fault in zip(rows, planted, strict=True):
        row[header.index(fault.header)] = str(mission(fault.mission)[fault.header])
    with rejects.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows[:mended]])


async def test_forty_faults_are_told_mended_and_nothing_is_ever_half_applied(desk: Desk, tmp_path: Path) -> None:
    paths = [tmp_path / "missions.xlsx"]
    planted = write_blue_book(paths[0])

    comparison = await compare(desk.office, paths)
    assert Counter(one.code for one in comparison.problems) == Counter(one.code for one in planted)
    assert len(FAULTS) >= 15
    assert (len(comparison.problems), len(comparison.new)) == (FAULTY, MISSIONS - FAULTY)
    with pytest.raises(ImportError_) as refused:
        await import_contacts(desk.office, paths, ADA)
    assert len(refused.value.problems) == FAULTY
    assert await _all(desk) == {}

    done = await import_contacts(desk.office, paths, ADA, Wishes(partial=True))
    assert len(await list_contacts(desk.office)) == MISSIONS - FAULTY
    rejects = tmp_path / "rejects.csv"
    assert write_rejected(comparison, rejects) == FAULTY
    _mend(rejects, planted, mended=34)
    rest = await import_contacts(desk.office, [rejects], ADA)
    assert len(rest.comparison.new) == 34
    whole = await _all(desk)
    assert len(whole) == MISSIONS - 6

    await undo_import(desk.office, rest.number, "one of them was wrong", ADA)
    assert len(await _all(desk)) == MISSIONS - FAULTY
    again = await import_contacts(desk.office, [rejects], ADA)
    assert await _all(desk) == whole
    for number in (again.number, done.number):
        await undo_import(desk.office, number, "start over", ADA)
    assert await _all(desk) == {}


async def test_the_next_years_list_shows_what_changed_and_its_undoing_is_exact(desk: Desk, tmp_path: Path) -> None:
    paths = [tmp_path / "missions.xlsx"]
    write_blue_book(paths[0], faulty=False)
    await import_contacts(desk.office, paths, ADA)
    before = await _all(desk)
    assert len(before) == MISSIONS
    moved = tmp_path / "next-year.csv"
    rows = [cells(number, {}) for number in range(10)]
    rows[3]["Chef de mission"] = "S.E. Mme Nouvelle Ambassadrice"
    rows[5]["Courriel"] = "registre@missions.example"
    with moved.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    comparison = await compare(desk.office, [moved])
    assert (len(comparison.new), len(comparison.changed), comparison.same, len(comparison.missing)) == (0, 2, 8, 190)
    done = await import_contacts(desk.office, [moved], ADA)
    assert sum(one != before[name] for name, one in (await _all(desk)).items()) == 2
    await undo_import(desk.office, done.number, "too early", ADA)
    assert await _all(desk) == before
