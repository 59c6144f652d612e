"""The torture run in small, and its judge: every class of wrong is recognised on a ledger made by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from torture.verdict import Case, Wrong, judge, took

from dispatcher.domain.model import Attempt, Delivery
from dispatcher.domain.words import Cause, Kind, Role, Stage, State, Verdict

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)


@pytest.mark.slow
@pytest.mark.parametrize(("letters", "kills", "workers"), [(20, 4, 2), pytest.param(60, 15, 4, marks=pytest.mark.long)])
def test_a_small_torture_run_loses_nothing_and_doubles_nothing(letters: int, kills: int, workers: int) -> None:
    sizes = ("--letters", str(letters), "--kills", str(kills), "--workers", str(workers))
    given = ("--database", "sqlite", *sizes, "--seed", "7", "--no-naive")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    command = [sys.executable, "-m", "torture.run", *given]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def delivery(state: State, kind: Kind = Kind.EMAIL, due: datetime | None = None) -> Delivery:
    return Delivery(
        id="d1",
        campaign_id="c",
        step=0,
        contact_id="m",
        addressee_id="m",
        kind=kind,
        address="m@ardesia.example",
        role=Role.TO,
        recipient="M",
        zone="UTC",
        letter="0",
        message_id="<d1@coalition.example>",
        state=state,
        not_before=NOON,
        due=due,
        version=1,
        fence=1,
        tries=1,
        channel="smtp",
        accepted_at=None,
        arrived_at=None,
        created_at=NOON,
        changed_at=NOON,
    )


def attempt(number: int, verdict: Verdict, *, knowingly: bool = False) -> Attempt:
    return Attempt(
        id=f"d1.{number}",
        delivery_id="d1",
        fence=number,
        worker="worker:one",
        channel="smtp",
        stage=Stage.CLOSED,
        opened_at=NOON,
        transmitting_at=NOON,
        closed_at=NOON,
        verdict=verdict,
        cause=Cause.NONE,
        detail="",
        ref="",
        pages=None,
        sent_digest="",
        facts={},
        knowingly=knowingly,
    )


TOOK, BUSY, DOUBT = attempt(1, Verdict.ACCEPTED), attempt(1, Verdict.DEFERRED), attempt(1, Verdict.UNKNOWN)
AGAIN, KNOWINGLY = attempt(2, Verdict.ACCEPTED), attempt(2, Verdict.ACCEPTED, knowingly=True)
ACCEPTED, IN_DOUBT, FAILED = delivery(State.ACCEPTED), delivery(State.IN_DOUBT), delivery(State.FAILED)


@pytest.mark.parametrize(
    "case",
    [
        Case(ACCEPTED, [TOOK], taken=1),
        Case(ACCEPTED, [BUSY, AGAIN], taken=1),
        Case(IN_DOUBT, [DOUBT], taken=0),
        Case(IN_DOUBT, [DOUBT], taken=1),
        Case(ACCEPTED, [DOUBT], known_later={"d1.1"}, taken=1),
        Case(ACCEPTED, [DOUBT, KNOWINGLY], taken=2),
        Case(FAILED, [BUSY], taken=0),
    ],
)
def test_what_is_well_is_found_well(case: Case) -> None:
    assert judge(case) == set()


@pytest.mark.parametrize(
    ("case", "wrong"),
    [
        (Case(ACCEPTED, [TOOK], taken=0), Wrong.LOST),
        (Case(ACCEPTED, [BUSY, AGAIN], taken=2), Wrong.DUPLICATE),
        (Case(ACCEPTED, [DOUBT, KNOWINGLY], taken=3), Wrong.DUPLICATE),
        (Case(FAILED, [BUSY], taken=1), Wrong.FAILED_THOUGH_SENT),
        (Case(delivery(State.QUEUED, due=NOON), []), Wrong.STUCK),
        (Case(delivery(State.SENDING, due=NOON), [replace(TOOK, stage=Stage.OPEN, verdict="")]), Wrong.STUCK),
        (Case(delivery(State.ACCEPTED, Kind.FAX, NOON), [TOOK], taken=1), Wrong.STUCK),
        (Case(ACCEPTED, [DOUBT, AGAIN], taken=1), Wrong.UNKNOWN_LOST),
        (Case(ACCEPTED, [DOUBT], taken=1), Wrong.UNKNOWN_LOST),
        (Case(FAILED, [DOUBT], taken=0), Wrong.UNKNOWN_LOST),
    ],
)
def test_each_wrong_is_recognised(case: Case, wrong: Wrong) -> None:
    assert judge(case) == {wrong}


def test_a_fax_in_doubt_is_decided_once_it_was_asked_about() -> None:
    soon = delivery(State.IN_DOUBT, Kind.FAX, NOON + timedelta(seconds=6))
    assert judge(Case(soon, [DOUBT], taken=1)) == {Wrong.STUCK}
    assert judge(Case(replace(soon, due=NOON + timedelta(hours=1)), [DOUBT], taken=1)) == set()


def test_a_far_end_has_what_it_took_and_not_what_it_tried_in_vain() -> None:
    mail = [{"message_id": "<a@coalition.example>", "answer": "take"}] * 2
    fax = [
        {"event": "taken", "reference": "b.1", "outcome": "busy"},
        {"event": "taken", "reference": "b.2", "outcome": "ok"},
        {"event": "called_back", "id": "fax-1"},
    ]
    assert took(mail, fax) == {"a": 2, "b": 1}
