"""What a campaign says of each contact is found without going through everybody's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from dispatcher.domain.model import Campaign, Copy, Sender, Step, When
from dispatcher.domain.words import Kind, Policy
from dispatcher.usecases.enclose import kinds_for

MANY = 300


class Counted(tuple[Any, ...]):
    """Knows how often somebody went through it."""

    __slots__ = ()
    passes = 0

    def __iter__(self) -> Iterator[Any]:
        Counted.passes += 1
        return super().__iter__()


def campaign(copies: tuple[Copy, ...] = (), policies: tuple[tuple[str, Policy], ...] = ()) -> Campaign:
    return Campaign(
        id="peace",
        title="Peace",
        organisation="cluster-munition-coalition",
        sender=Sender("Megan Burke", "Director", "letters@coalition.example", "Geneva"),
        letter_date=date(2026, 1, 12),
        when=When(datetime(2026, 1, 12, 9), "Europe/Zurich"),
        hours=None,
        contact_ids=tuple(f"c{number}" for number in range(MANY)),
        policy=Policy.EMAIL,
        policy_by_contact=policies,
        proof_after=3,
        copies=copies,
        steps=(Step(0, "air-strikes"),),
        expires_after=0,
        source="written by a test",
    )


def test_each_letter_finds_its_own_ways_without_going_through_those_of_all() -> None:
    policies = Counted((f"c{number}", Policy.BOTH) for number in range(0, MANY, 2))
    copies = Counted(Copy("watcher", f"c{number}", Policy.FAX) for number in range(MANY))
    made = campaign(copies, policies)
    Counted.passes = 0
    kinds = [kinds_for(made, name) for name in made.contact_ids]
    assert kinds == [frozenset({Kind.EMAIL, Kind.FAX})] * MANY
    assert Counted.passes == 0


def test_a_contact_has_its_own_policy_or_everybodys_and_its_copies_in_their_order() -> None:
    copies = (Copy("x", "c1", Policy.FAX), Copy("y", "c2", Policy.EMAIL), Copy("z", "c1", Policy.EMAIL))
    made = campaign(copies, (("c1", Policy.FAX), ("c2", Policy.BOTH), ("c1", Policy.BOTH)))
    assert [made.policy_for(name) for name in ("c1", "c2", "c3")] == [Policy.BOTH, Policy.BOTH, Policy.EMAIL]
    assert [made.copies_for(name) for name in ("c1", "c3")] == [(copies[0], copies[2]), ()]


def test_a_changed_campaign_knows_its_own_ways_and_equal_ones_are_equal() -> None:
    made = campaign(policies=(("c1", Policy.FAX),))
    other = replace(made, policy_by_contact=(("c1", Policy.BOTH),), copies=(Copy("x", "c1", Policy.FAX),))
    assert (made.policy_for("c1"), other.policy_for("c1")) == (Policy.FAX, Policy.BOTH)
    assert other.copies_for("c1") == other.copies
    assert replace(other, policy_by_contact=made.policy_by_contact, copies=()) == made
    assert hash(campaign()) == hash(campaign())
