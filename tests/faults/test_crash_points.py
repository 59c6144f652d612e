"""Every point at which a send may break off, and what recovery makes of it: the eighteen rows of the table in
papers/reliability.md, section 2.3, each before and after its moment, on both databases; and the same for a fax.

The truth is the far end's: an SMTP server on a socket of its own, or a fax gateway, is asked what it took. Where a row
says 'dies', a process dies by _exit(137) at that very point (points.py names them, nothing in the product does).
`pytest --long` runs every case on both databases; without it the first of each row does, and a few of the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from desk.databases import Databases
from farend.rogue import DROP, FREEZE, RESET, STALL, accept_then, at, raw, say
from happenings import (
    Answers,
    Dies,
    DiesWhenTaken,
    DiskIsFull,
    Happening,
    IsCancelled,
    IsRestored,
    LosesTheDatabase,
    PowerIsCut,
    Wakes,
    is_in_doubt,
    is_reaped,
    is_sent_again_knowingly,
    is_wanted_again,
    leave_runs_out,
)
from points import POINTS
from scene import open_scene

from dispatcher.domain.words import Stage, State
from dispatcher.usecases.record import TRIES

OPEN, TRANSMITTING, CLOSED = Stage.OPEN, Stage.TRANSMITTING, Stage.CLOSED
QUEUED, SENDING, DEFERRED, ACCEPTED = State.QUEUED, State.SENDING, State.DEFERRED, State.ACCEPTED
IN_DOUBT, FAILED, DELIVERED = State.IN_DOUBT, State.FAILED, State.DELIVERED


@dataclass(frozen=True)
class Side:
    """One fault of a row, and what must be so."""

    fault: Happening
    words: str
    truth: int  #: letters that the far end has, when the fault is over
    at_once: State  #: what then stands in the database
    stage: Stage | None  #: and how far the latest try has got; None: there is no try
    after: State  #: what recovery makes of it
    arrives: int  #: letters that the far end has in the end
    number: str = ""  #: of the fax; '' for an email


@dataclass(frozen=True)
class Row:
    """`number` and `words` are those of the paper's table; a row of it that names several faults has several here."""

    number: int
    words: str
    before: Side
    after: Side


#: What recovery makes of a letter that has surely not left: it goes, once.
UNTRIED = (0, QUEUED, None, ACCEPTED, 1)
NOT_LEFT = (0, SENDING, OPEN, ACCEPTED, 1)
BACK_AT_ONCE = (0, QUEUED, CLOSED, ACCEPTED, 1)
PUT_OFF = (0, DEFERRED, CLOSED, ACCEPTED, 1)
#: And of one that the far end will not have.
REFUSED = (0, FAILED, CLOSED, FAILED, 0)
#: Of one of which nobody knows: nothing sends it again.
NOBODY_KNOWS_LOST = (0, SENDING, TRANSMITTING, IN_DOUBT, 0)
NOBODY_KNOWS_GONE = (1, SENDING, TRANSMITTING, IN_DOUBT, 1)
DOUBTED_AT_ONCE = (1, IN_DOUBT, CLOSED, IN_DOUBT, 1)
#: And of one that is known to have gone.
GONE = (1, ACCEPTED, CLOSED, ACCEPTED, 1)
KNOWN_BESIDE = (1, SENDING, TRANSMITTING, ACCEPTED, 1)

CONTENT = b"Content-Type"
LATER, NEVER = say("451 4.3.0 later"), say("550 5.7.1 never")
TAKEN_AND_DEAD = DiesWhenTaken({"dot": [accept_then(STALL)]})
ASIDE = {"dot": [say("451 4.3.0 not now")]}


def dies(point: str, what: tuple[int, State, Stage | None, State, int], **more: object) -> Side:
    return Side(Dies(point, **more), f"it dies when {point}", *what)  # type: ignore[arg-type]


def answers(words: str, script: dict[str, object], what: tuple[int, State, Stage | None, State, int]) -> Side:
    return Side(Answers(script), words, *what)  # type: ignore[arg-type]


def dot(words: str, act: object, what: tuple[int, State, Stage | None, State, int] = DOUBTED_AT_ONCE) -> Side:
    return answers(f"it is taken, then {words}", {"dot": [act]}, what)


ROWS = (
    Row(0, "before TX1 commits", dies("the claim begins", UNTRIED), dies("the claim is written", UNTRIED)),
    Row(1, "after TX1, before connect", dies("the claim is committed", NOT_LEFT), dies("the send begins", NOT_LEFT)),
    Row(2, "connect … RCPT", dies("MAIL is said", NOT_LEFT), dies("RCPT is answered", NOT_LEFT)),
    Row(
        2,
        "connect … RCPT",
        answers("the link drops at connect", {"connect": [DROP]}, BACK_AT_ONCE),
        answers("the link drops at RCPT", {"rcpt": [RESET]}, PUT_OFF),
    ),
    Row(
        2,
        "connect … RCPT",
        answers("MAIL gets a 4yz", {"mail": [LATER]}, PUT_OFF),
        answers("RCPT gets a 5yz", {"rcpt": [NEVER]}, REFUSED),
    ),
    Row(3, "after 354, mid-body", dies("DATA is answered", NOT_LEFT), dies("half the body is out", NOT_LEFT)),
    Row(
        3,
        "after 354, mid-body",
        answers("the link drops in the body", {"body": [at(CONTENT, DROP)]}, PUT_OFF),
        answers("the link is reset at the end of the body", {"body": [at(b"--", RESET)]}, PUT_OFF),
    ),
    Row(
        3,
        "after 354, mid-body",
        answers("there is an early 4yz", {"body": [at(CONTENT, LATER)]}, PUT_OFF),
        answers("there is an early 5yz", {"body": [at(CONTENT, say("552 5.3.4 too big", then="stall"))]}, REFUSED),
    ),
    Row(
        3,
        "after 354, mid-body",
        Side(IsCancelled("DATA is answered"), "it is cancelled before the body", *BACK_AT_ONCE),
        Side(IsCancelled("half the body is out"), "it is cancelled in the body", *BACK_AT_ONCE),
    ),
    Row(4, "body drained, before TX2", dies("leave is asked", NOT_LEFT), dies("the record is written", NOT_LEFT)),
    Row(
        5,
        "TX2's outcome unknown",
        Side(LosesTheDatabase("the record", "before"), "the database is lost before it has it", *BACK_AT_ONCE),
        Side(LosesTheDatabase("the record", "after"), "the database is lost when it has it", *BACK_AT_ONCE),
    ),
    Row(
        5,
        "TX2's outcome unknown",
        Side(IsCancelled("the record is written"), "it is cancelled before the commit", *BACK_AT_ONCE),
        Side(IsCancelled("the record is committed"), "it is cancelled after the commit", *BACK_AT_ONCE),
    ),
    Row(
        6,
        "TX2 durable, before the dot",
        dies("the record is committed", NOBODY_KNOWS_LOST),
        dies("leave is given", NOBODY_KNOWS_LOST),
    ),
    Row(
        7,
        "dot written, lost on the way",
        dies("the dot is out", NOBODY_KNOWS_LOST, script={"body": [at(b"--", FREEZE)]}),
        Side(TAKEN_AND_DEAD, "it dies when the far end has it", *NOBODY_KNOWS_GONE),
    ),
    Row(8, "accepted, reply lost", dot("silence", accept_then(STALL)), dot("the link drops", accept_then(DROP))),
    Row(
        8,
        "accepted, reply garbled or too long",
        dot("garbage", accept_then(raw(b"\xff\xfe\xfd\r\n"))),
        dot("a reply without end", accept_then(raw(b"250-x\r\n" * 8000))),
    ),
    Row(
        8,
        "accepted, reply dribbled or not SMTP",
        dot("it dribbles past the time-out", accept_then(raw(*[b"250-x\r\n"] * 200))),
        dot("'OK'", accept_then(say("OK"))),
    ),
    Row(
        8,
        "any 2yz = accepted",
        dot("200", accept_then(say("200 fine")), GONE),
        dot("251", accept_then(say("251 on")), GONE),
    ),
    Row(8, "1yz and 3yz = doubt", dot("199", accept_then(say("199 hm"))), dot("354", accept_then(say("354 go on")))),
    Row(
        9,
        "reply read, crash before TX3",
        dies("the reply is read", NOBODY_KNOWS_GONE),
        dies("the outcome is written", NOBODY_KNOWS_GONE),
    ),
    Row(
        9,
        "reply read, crash before TX3",
        dies("the reply is read", NOBODY_KNOWS_LOST, script={"dot": [NEVER]}),
        dies("the outcome is written", NOBODY_KNOWS_LOST, script={"dot": [LATER]}),
    ),
    Row(
        10,
        "TX3 unknown",
        Side(LosesTheDatabase("the outcome", "before"), "the database is lost before it has it", *GONE),
        Side(LosesTheDatabase("the outcome", "after"), "the database is lost when it has it", *GONE),
    ),
    Row(
        10,
        "TX3 unknown, and the database does not come back",
        Side(LosesTheDatabase("the outcome", "before", TRIES), "it never has it", *KNOWN_BESIDE),
        Side(LosesTheDatabase("the outcome", "before", TRIES - 1), "it has it at the last try", *GONE),
    ),
    Row(
        10,
        "TX3 unknown, and then the worker dies",
        dies("the outcome is written", NOBODY_KNOWS_GONE),
        dies("the outcome is spilled", KNOWN_BESIDE, fails="the outcome is written"),
    ),
    Row(11, "after TX3, during QUIT", dies("the outcome is committed", GONE), dies("QUIT is said", GONE)),
    Row(
        12,
        "a zombie wakes before TX2",
        Side(Wakes("the send begins", is_reaped), "another has sent it", 1, ACCEPTED, CLOSED, ACCEPTED, 1),
        Side(Wakes("leave is asked", is_reaped), "another has sent it", 1, ACCEPTED, CLOSED, ACCEPTED, 1),
    ),
    Row(
        12,
        "a zombie wakes after TX2, its leave run out",
        Side(Wakes("the record is committed", leave_runs_out, 0.05), "before it is missed; it begins anew", *GONE),
        Side(Wakes("leave is given", is_in_doubt, 0.05), "after it was given up", *PUT_OFF),
    ),
    Row(
        12,
        "a zombie wakes after TX2, its leave run out while the record was committed",
        Side(Wakes("the record is committed", is_in_doubt, 0.05), "after it was given up", *PUT_OFF),
        Side(Wakes("the record is written", leave_runs_out, 0.05), "before it is missed; it begins anew", *GONE),
    ),
    Row(
        13,
        "marked in doubt, then the real reply",
        Side(Wakes("the dot is out", is_in_doubt), "250, read late", *GONE),
        Side(Wakes("the reply is read", is_in_doubt), "250, told late", *GONE),
    ),
    Row(
        13,
        "marked in doubt, then the real reply",
        Side(Wakes("the reply is read", is_in_doubt, script=ASIDE), "451", *PUT_OFF),
        Side(Wakes("the reply is read", is_in_doubt, script={"dot": [NEVER]}), "550", *REFUSED),
    ),
    Row(
        14,
        "an operator re-sends while a zombie lives",
        Side(Wakes("leave is given", is_sent_again_knowingly, 0.05), "it wakes before its dot", *GONE),
        Side(Wakes("the dot is out", is_sent_again_knowingly), "its dot was out", 2, ACCEPTED, CLOSED, ACCEPTED, 2),
    ),
    Row(
        14,
        "an operator wants it sent again while a zombie lives",
        Side(Wakes("the dot is out", is_wanted_again), "the true reply comes first", *GONE),
        Side(Wakes("leave is given", is_wanted_again, 0.05), "it had not left", *BACK_AT_ONCE),
    ),
    Row(
        15,
        "power loss",
        Side(PowerIsCut("the record is written"), "before the record's commit", *NOT_LEFT),
        Side(PowerIsCut("the record is committed"), "after the record's commit", *NOBODY_KNOWS_LOST),
    ),
    Row(
        16,
        "restore of an older state",
        Side(IsRestored(), "from before the claim", 1, QUEUED, None, QUEUED, 1),
        Side(IsRestored(TAKEN_AND_DEAD), "from the middle of the send", 1, SENDING, TRANSMITTING, SENDING, 1),
    ),
    Row(
        17,
        "disk full, input/output error, read-only",
        Side(DiskIsFull("leave is asked"), "at the record", *NOT_LEFT),
        Side(DiskIsFull("the reply is read"), "at the outcome", *KNOWN_BESIDE),
    ),
)


# -- a fax: the first byte of the POST's body is its dot, and the gateway can be asked ---------------------------------


FAX_NOT_LEFT = (0, SENDING, OPEN, DELIVERED, 1)
FAX_ASKED_IN_VAIN = (0, SENDING, TRANSMITTING, DELIVERED, 1)  # the gateway has none with our reference: sent again
FAX_ASKED = (1, SENDING, TRANSMITTING, DELIVERED, 1)
FAX_DOUBTED = (1, IN_DOUBT, CLOSED, DELIVERED, 1)
FAX_TAKEN = (1, ACCEPTED, CLOSED, DELIVERED, 1)
PLAIN, HANGS, RESETS, BREAKS, SILENT, FAILS = (f"+4420794600{end}" for end in ("00", "52", "53", "54", "55", "45"))


def fax(fault: Happening, words: str, what: tuple[int, State, Stage | None, State, int], number: str = PLAIN) -> Side:
    return Side(fault, words, *what, number=number)


FAXES = (
    Row(
        4,
        "a fax, before TX2",
        fax(Dies("leave is asked"), "it dies before the record", FAX_NOT_LEFT),
        fax(Dies("the record is written"), "it dies before the record's commit", FAX_NOT_LEFT),
    ),
    Row(
        5,
        "a fax, TX2's outcome unknown",
        fax(LosesTheDatabase("the record", "before"), "the database has it not", (0, QUEUED, CLOSED, DELIVERED, 1)),
        fax(LosesTheDatabase("the record", "after"), "the database has it", (0, QUEUED, CLOSED, DELIVERED, 1)),
    ),
    Row(
        6,
        "a fax, TX2 durable, before the body",
        fax(Dies("the record is committed"), "the gateway is asked and has none", FAX_ASKED_IN_VAIN),
        fax(Dies("leave is given"), "the gateway is asked and has none", FAX_ASKED_IN_VAIN),
    ),
    Row(
        7,
        "a fax, the body has gone",
        fax(DiesWhenTaken(), "it dies while it waits for the answer", FAX_ASKED, HANGS),
        fax(Dies("the outcome is written"), "it dies with the answer", FAX_ASKED),
    ),
    Row(
        8,
        "a fax, taken, the answer lost",
        fax(Answers(), "time-out, and no callback either", FAX_DOUBTED, SILENT),
        fax(Answers(), "reset", FAX_DOUBTED, RESETS),
    ),
    Row(
        8,
        "a fax, not taken",
        fax(Answers(), "503", (0, IN_DOUBT, CLOSED, DEFERRED, 0), FAILS),
        fax(Answers(), "reset before it was read", (0, QUEUED, CLOSED, QUEUED, 0), BREAKS),
    ),
    Row(
        10,
        "a fax, TX3 unknown",
        fax(LosesTheDatabase("the outcome", "before"), "the database has it not", FAX_TAKEN),
        fax(LosesTheDatabase("the outcome", "after"), "the database has it", FAX_TAKEN),
    ),
    Row(
        12,
        "a fax, a zombie wakes, its leave run out",
        fax(Wakes("leave is given", is_in_doubt, 0.05), "before the body", (0, DEFERRED, CLOSED, DELIVERED, 1)),
        fax(Wakes("leave is asked", is_reaped), "another has sent it", (1, DELIVERED, CLOSED, DELIVERED, 1)),
    ),
)


# -- the test ----------------------------------------------------------------------------------------------------------

#: Of these numbers the variants, and the faxes, run always, on SQLite: they are what keeps a defence in its place.
TOLD = frozenset({3, 5, 6, 12, 13, 14})


def _cases() -> Iterator[ParameterSet]:
    """The first row of each number on both databases; everything else with --long."""
    known: set[int] = set()
    for row in (*ROWS, *FAXES):
        for moment, side in (("before", row.before), ("after", row.after)):
            for kind in ("sqlite", "postgresql"):
                usual = row.number not in known or (row.number in TOLD and kind == "sqlite")
                name = f"row {row.number}, {row.words}, {moment}: {side.words}-{kind}"
                yield pytest.param(side, kind, id=name, marks=() if usual else (pytest.mark.long,))
        known.add(row.number)


@pytest.mark.parametrize(("side", "kind"), list(_cases()))
async def test_recovery_is_as_the_table_says(
    side: Side, kind: str, databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = isinstance(side.fault, LosesTheDatabase)
    given = {"script": side.fault.script, "number": side.number, "linked": linked}
    async with open_scene(databases, kind, tmp_path, monkeypatch, **given) as scene:
        await side.fault.happen(scene)
        assert (scene.arrived(), *await scene.found()) == (side.truth, side.at_once, side.stage)
        if side.at_once is SENDING:
            await scene.keeps_its_lease()
        await scene.recover()
        assert (scene.arrived(), (await scene.found())[0]) == (side.arrives, side.after)
        if side.after is IN_DOUBT and not side.number:
            await scene.desk.pass_time(days=30)
            assert (scene.arrived(), (await scene.found())[0]) == (side.arrives, IN_DOUBT)
        await scene.hold_the_record()


def test_every_row_of_the_paper_is_here() -> None:
    assert {row.number for row in ROWS} == set(range(18))
    assert all(side.at in POINTS for row in ROWS for side in (row.before.fault, row.after.fault) if hasattr(side, "at"))
