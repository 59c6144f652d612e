"""The rollback guard's judgement, case by case: what is a sign, and what is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatcher.domain.rollback import Note, Said, Sign, Whereabouts, judge, refusal

FILE = Whereabouts(place="/data/dispatcher.db")
SERVER = Whereabouts(place="/run:5432/d", server="71/5/9", timeline="00000001", written=5000)
NOTE = Note("a", 1, 1260, "hash", "here", FILE)
SAID = Said("a", 1, "here", FILE, FILE, 1300, "hash")
PG_NOTE = replace(NOTE, where=SERVER)
PG_SAID = replace(SAID, home=SERVER.for_all(), where=replace(SERVER, written=6000))


def _signs(note: Note | None, said: Said | None, *, machine: str = "here", shared: bool = False) -> list[Sign]:
    return [one.sign for one in judge(note, said, machine, shared=shared)]


@pytest.mark.parametrize(
    ("note", "said", "signs"),
    [
        (NOTE, SAID, []),
        (None, None, []),  # a first start
        (replace(NOTE, epoch=0, seq=0), None, []),  # broken off before its row
        (replace(NOTE, epoch=0, seq=0), SAID, []),  # broken off after its row
        (NOTE, None, [Sign.SHORTER]),  # another, empty database
        (NOTE, replace(SAID, last=1200), [Sign.SHORTER]),
        (NOTE, replace(SAID, hash_there="other"), [Sign.FORK]),
        (NOTE, replace(SAID, instance="b"), [Sign.INSTANCE]),
        (None, SAID, [Sign.GONE]),
        (replace(NOTE, instance="b", epoch=0), SAID, [Sign.GONE]),
        (NOTE, replace(SAID, where=replace(FILE, place="/copy/dispatcher.db")), [Sign.PLACE]),
        (replace(NOTE, machine="there"), SAID, [Sign.MACHINE]),
        (NOTE, replace(SAID, epoch=2), []),  # the adoption is in the log, and so is what was noted before it
    ],
)
def test_of_a_file(note: Note | None, said: Said | None, signs: list[Sign]) -> None:
    assert _signs(note, said) == signs


@pytest.mark.parametrize(
    ("note", "said", "signs"),
    [
        (PG_NOTE, PG_SAID, []),
        (None, PG_SAID, []),  # another host joins
        (None, replace(PG_SAID, where=replace(SERVER, place="db.example:5432/d")), []),  # by another address
        (None, replace(PG_SAID, where=replace(SERVER, server="72/5/9")), [Sign.SERVER]),  # a dump that was read in
        (None, replace(PG_SAID, where=replace(SERVER, timeline="00000002")), [Sign.TIMELINE]),
        (PG_NOTE, replace(PG_SAID, where=replace(SERVER, written=4000)), [Sign.REWOUND]),  # others' letters are lost
        (PG_NOTE, replace(PG_SAID, where=replace(SERVER, timeline="00000002", written=4000)), [Sign.TIMELINE]),
        (PG_NOTE, replace(PG_SAID, where=Whereabouts(place=SERVER.place)), []),  # a server that tells nothing
        (PG_NOTE, replace(PG_SAID, epoch=2, last=1200), []),  # somebody adopted it from another host
        (replace(PG_NOTE, machine="there"), replace(PG_SAID, where=replace(SERVER, local=False)), []),
        (replace(PG_NOTE, machine="there"), PG_SAID, [Sign.MACHINE]),
    ],
)
def test_of_a_server_that_many_share(note: Note | None, said: Said | None, signs: list[Sign]) -> None:
    assert _signs(note, said, shared=True) == signs


def test_the_line_says_the_numbers_and_the_way_out() -> None:
    found = judge(NOTE, replace(SAID, last=1200), "here", shared=False)
    assert refusal(found) == "E_ADOPT log 1,200 < checkpoint 1,260; run: dispatcher adopt"
