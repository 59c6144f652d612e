"""What a person does with one letter, in the transaction that is handed in: one function an act, all of one form.

They look at nothing beforehand: whoever calls them has asked `domain.verbs` whether it may be done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.errors import Conflict, Problem, UserError
from dispatcher.domain.model import Actor, Address, Delivery
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.verbs import Case, Verb, other_kind
from dispatcher.domain.words import Cause, Kind, Signal, Stage, State, Verdict
from dispatcher.store import attempts, audit, campaigns, deliveries

from .fax_header import words_for
from .instead import Change, left_free, send_instead
from .moves import move
from .office import Office


@dataclass(frozen=True, slots=True)
class By:
    """Who does it, why, and what else belongs to it."""

    actor: Actor
    reason: str
    bulk: str = ""  #: the id of the act on many that this is part of
    until: datetime | None = None  #: of a snooze

    def data(self, **more: Any) -> Mapping[str, Any]:
        return {**more, **({"bulk": self.bulk} if self.bulk else {})}


Act = Callable[[AsyncConnection, Office, Case, By], Awaitable[Delivery]]


async def _retry(connection: AsyncConnection, office: Office, case: Case, by: By) -> Delivery:
    """Another full set of tries. That it is still wanted lifts its last day."""
    return await _move(connection, office, case, Signal.RETRY, Cause.PERSON_RETRY, by, tries=0, expires_at=None)


async def _give_up(connection: AsyncConnection, office: Office, case: Case, by: By) -> Delivery:
    return await _move(connection, office, case, Signal.CANCEL, Cause.PERSON_GAVE_UP, by)


async def _hold(connection: AsyncConnection, office: Office, case: Case, by: By) -> Delivery:
    return await _move(connection, office, case, Signal.HOLD, Cause.PERSON_HOLD, by)


async def _release(connection: AsyncConnection, office: Office, case: Case, by: By) -> Delivery:
    """Back to the queue, in the recipient's office hours.

    Whoever releases a letter that was held for being late has said that it may leave now.
    """
    now = {"not_before": office.clock.now()} if case.delivery.cause is Cause.GATE_LATE else {}
    return await _move(connection, office, case, Signal.RELEASE, Cause.NONE, by, **now)


async def _cancel(connection: AsyncConnection, office: Office, case: Case, by: By) -> Delivery:
    return await _move(connection, office, case, Signal.CANCEL, Cause.PERSON_CANCEL, by)


async def _snooze(connection: AsyncConnection, office: Office, case: Case, by: By) -> Delivery:
    """It leaves the lists of what needs a person until that hour; its state stays."""
    assert by.until is not None  # `require_later` has looked at it
    data = by.data(until=by.until.isoformat())
    return await _note(connection, office, case.delivery, "delivery.snooze", by, data, snoozed_until=by.until)


async def _unsnooze(connection: AsyncConnection, office: Office, case: Case, by: By) -> Delivery:
    return await _note(connection, office, case.delivery, "delivery.unsnooze", by, by.data(), snoozed_until=None)


async def _switch(connection: AsyncConnection, office: Office, case: Case, by: By) -> Delivery:
    """The same approved letter by the other kind, as a delivery of its own; the old one is stopped."""
    seen, other = case.delivery, other_kind(case.delivery.kind)
    await _require_way(connection, office, case, other)
    await _require_not_there(connection, seen, other)
    frees = seen.cause in (Cause.GATE_CONTACT, Cause.GATE_SUPPRESSED) or not case.present
    change = Change("delivery.switch", by.reason, by.actor, frees, by.data(**{"from": seen.kind, "to": other}))
    new, there = await send_instead(connection, office, seen, Address(other, case.other_address), change)
    if new is None:
        taken = there.id if there else seen.id
        raise Conflict(f"E_SWITCH_TAKEN delivery {taken} of the same letter went by {other} before")
    return new


#: What a letter is sent from.
_PARTS = {Kind.EMAIL: {"entity"}, Kind.FAX: {"tiff", "fax_pdf"}}


async def _require_way(connection: AsyncConnection, office: Office, case: Case, other: Kind) -> None:
    """Raises Conflict or SettingsError where this office could not send it so."""
    channel = next(iter(office.ways(other, case.other_address)), "")
    if channel not in office.channels:
        raise Conflict(f"E_SWITCH_NO_WAY no way to send by {other} is set up; see: dispatcher doctor")
    letter = await campaigns.get_letter(connection, case.delivery.letter)
    if not letter.objects.keys() >= _PARTS[other]:
        raise Conflict(f"E_SWITCH_NO_PART the approved letter has no part for {other}; prepare it anew")
    if other is Kind.FAX:
        campaign = await campaigns.get(connection, case.delivery.campaign_id)
        words_for(office, channel, campaign.sender_name, case.other_address, office.clock.now())


async def _require_not_there(connection: AsyncConnection, seen: Delivery, other: Kind) -> None:
    """A sister by that kind was stopped, but a doubt about it was given up: it may have arrived."""
    for one in await deliveries.sisters(connection, seen):
        if one.kind is other and not await left_free(connection, one):
            raise Conflict(f"E_SWITCH_TAKEN delivery {one.id} of the same letter may have arrived by {other} before")


ACTS: dict[Verb, Act] = {
    Verb.RETRY: _retry,
    Verb.GIVE_UP: _give_up,
    Verb.HOLD: _hold,
    Verb.RELEASE: _release,
    Verb.CANCEL: _cancel,
    Verb.SNOOZE: _snooze,
    Verb.UNSNOOZE: _unsnooze,
    Verb.SWITCH: _switch,
}
#: After these a letter may leave: not from a database in quarantine.
SENDS = frozenset({Verb.RETRY, Verb.RELEASE, Verb.SWITCH})


async def _move(
    connection: AsyncConnection,
    office: Office,
    case: Case,
    signal: Signal,
    cause: Cause,
    by: By,
    **values: Any,
) -> Delivery:
    seen, data = case.delivery, by.data()
    return await move(connection, office, seen, signal, by.actor, cause=cause, reason=by.reason, data=data, **values)


async def _note(
    connection: AsyncConnection,
    office: Office,
    seen: Delivery,
    action: str,
    by: By,
    data: Mapping[str, Any],
    **values: Any,
) -> Delivery:
    """Change the row without a move of its state, and say so in the log."""
    changed = await deliveries.change(connection, seen, **values)
    event = AuditEvent(str(by.actor), action, f"delivery:{seen.id}", reason=by.reason, data=data)
    await audit.append(connection, event, office.clock.now())
    return changed


# -- what is asked for beforehand --------------------------------------------------------------------------------------


async def take_back(connection: AsyncConnection, office: Office, seen: Delivery) -> None:
    """It was claimed, and nothing has left: its try ends here, as its worker finds at the commit point.

    Raises Conflict once the try is past that point.
    """
    attempt = await attempts.latest(connection, seen.id)
    if seen.state is not State.SENDING or attempt is None or attempt.stage is not Stage.OPEN:
        raise Conflict(f"E_TOO_LATE delivery {seen.id} is being sent at this moment; see what comes of it first")
    outcome = Outcome(Verdict.UNSENT, Cause.PERSON_HOLD, "a person stopped it before anything left")
    await attempts.close(connection, attempt.id, outcome, office.clock.now())


#: These say in the log why, whoever does them.
_REASONED = {
    Verb.GIVE_UP: "a letter is given up only with a reason",
    Verb.SNOOZE: "a letter is put aside only with a reason",
    Verb.SWITCH: "a letter goes another way only with a reason",
}


def require_reason(verb: Verb, reason: str) -> None:
    """Raises UserError where the act needs a reason and has none."""
    if verb in _REASONED and not reason.strip():
        raise UserError(Problem("--reason", _REASONED[verb], "Say why; it stands in the audit log.", "E_REASON"))


def require_later(verb: Verb, until: datetime | None, now: datetime) -> None:
    """Raises UserError where a letter is to be put aside until no hour, or one that has passed."""
    if verb is Verb.SNOOZE and (until is None or until <= now):
        told = "there is no hour" if until is None else f"{until:%Y-%m-%d %H:%M} UTC has passed"
        raise UserError(Problem("--until", told, "Say an hour to come, as in 'monday' or '3 days'.", "E_UNTIL"))
