"""One act on all letters of a filter: what it would touch and what it leaves out is shown before; then it is done.

There is one machine for all such acts. It touches what the verb reaches (`domain.verbs`), never what is in doubt or
being sent; in transactions of a hundred letters; with one entry in the audit log, which names the letters, and one a
letter. A number other than the one that was shown changes nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent, canonical
from dispatcher.domain.errors import Conflict, CountChanged, Problem, SettingsError, UserError
from dispatcher.domain.model import Delivery
from dispatcher.domain.verbs import REACH, UNTOUCHED, Case, Refusal, Verb, why_not_together
from dispatcher.domain.words import State
from dispatcher.store import audit, cases
from dispatcher.store.views import Wanted

from . import guard
from .by_hand import ACTS, SENDS, By, require_later, require_reason
from .office import Office
from .try_first import asked

#: Letters of one transaction: others get their turn in between.
CHUNK = 100


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A letter of the filter that is not touched, and why."""

    delivery: Delivery
    why: Refusal


@dataclass(frozen=True, slots=True)
class Preview:
    """What an act on this filter would touch at this moment."""

    going: tuple[Case, ...]
    left_out: tuple[LeftOut, ...]


def reasons(left_out: Sequence[LeftOut]) -> dict[Refusal, int]:
    """Why letters are left out, the most frequent reason first, with how many."""
    plain = Counter(replace(one.why, words=one.why.words.replace(one.delivery.id, "ID")) for one in left_out)
    return dict(plain.most_common())


@dataclass(frozen=True, slots=True)
class Done:
    """What an act on many came to."""

    bulk: str  #: its id: the audit log has it as 'bulk:…'; '' where nothing was to be done
    done: tuple[Delivery, ...]  #: as they are now; of a switch, the new ones
    left_out: tuple[LeftOut, ...]  #: by its rules, and because they changed meanwhile


async def preview(office: Office, verb: Verb, wanted: Wanted) -> Preview:
    """How many it would touch, and what is left out, for which reason. Changes nothing. Raises UserError (E_FILTER)."""
    _require_filter(wanted)
    return await office.store.read(lambda connection: _weigh(connection, office, verb, wanted))


def _require_filter(wanted: Wanted) -> None:
    if not wanted.as_record():
        raise UserError(Problem("", "say which letters", "Give an ID, or a filter such as --campaign.", "E_FILTER"))


async def _weigh(connection: AsyncConnection, office: Office, verb: Verb, wanted: Wanted) -> Preview:
    now, said = office.clock.now(), await asked(connection, wanted)
    of = replace(wanted, states=_states(verb), asleep_at=now if verb is Verb.UNSNOOZE else None)
    found = await cases.matching(connection, of, now)
    judged = [(one, why_not_together(verb, one, said)) for one in found]
    left_out = tuple(LeftOut(one.delivery, why) for one, why in judged if why is not None)
    return Preview(tuple(one for one, why in judged if why is None), left_out)


def _states(verb: Verb) -> tuple[State, ...]:
    """What the verb reaches, and what nothing does: that is shown among what is left out."""
    return tuple(state for state in State if state in REACH[verb] | UNTOUCHED)


async def together(office: Office, verb: Verb, wanted: Wanted, expect: int, by: By) -> Done:
    """Do it to all letters of the filter that `preview` shows, of which there must be `expect`.

    Raises CountChanged when there is another number by now, UserError without a filter or a reason where one is
    needed, Quarantined. Whoever clicks twice changes nothing the second time.
    """
    _require_filter(wanted)
    require_reason(verb, by.reason)
    require_later(verb, by.until, office.clock.now())
    if verb in SENDS:
        await guard.enter(office)
    work = _Work(office, verb, wanted, by)
    return await work.run(expect)


@dataclass(frozen=True, slots=True)
class _Work:
    """One act on many, under way."""

    office: Office
    verb: Verb
    wanted: Wanted
    by: By

    async def run(self, expect: int) -> Done:
        """The first transaction counts, and writes the act down: of two clicks only one can pass."""
        found, work, done, left = await self.office.store.write(lambda connection: self._begin(connection, expect))
        for start in range(CHUNK, len(found.going), CHUNK):
            more, more_left = await work._part(found.going[start : start + CHUNK])
            done, left = done + more, left + more_left
        return Done(work.by.bulk, tuple(done), (*found.left_out, *left))

    async def _begin(
        self, connection: AsyncConnection, expect: int
    ) -> tuple[Preview, _Work, list[Delivery], list[LeftOut]]:
        found = await _weigh(connection, self.office, self.verb, self.wanted)
        if len(found.going) != expect:
            raise CountChanged(f"E_COUNT there are now {len(found.going)} letters for this, not {expect}; look again")
        if not found.going:
            return found, self, [], []
        named = replace(self, by=replace(self.by, bulk=self._name(found)))
        await named._put_on_record(connection, found)
        done, left = await named._each(connection, found.going[:CHUNK])
        return found, named, done, left

    def _name(self, found: Preview) -> str:
        """An id that no other act has: its letters change with it."""
        seen = [[one.delivery.id, one.delivery.version] for one in found.going]
        text = canonical([self.verb, seen, self.office.clock.now().isoformat(), str(self.by.actor)])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    async def _put_on_record(self, connection: AsyncConnection, found: Preview) -> None:
        data = {
            "filter": self.wanted.as_record(),
            "count": len(found.going),
            "deliveries": [one.delivery.id for one in found.going],
            "left_out": dict(Counter(one.why.code for one in found.left_out)),
        }
        event = AuditEvent(
            str(self.by.actor), f"bulk.{self.verb}", f"bulk:{self.by.bulk}", reason=self.by.reason, data=data
        )
        await audit.append(connection, event, self.office.clock.now())

    async def _part(self, seen: Sequence[Case]) -> tuple[list[Delivery], list[LeftOut]]:
        """A later hundred, those of it that are still as they were shown."""
        return await self.office.store.write(lambda connection: self._again(connection, seen))

    async def _again(self, connection: AsyncConnection, seen: Sequence[Case]) -> tuple[list[Delivery], list[LeftOut]]:
        said = await asked(connection, self.wanted)
        fresh = await cases.named(connection, [one.delivery.id for one in seen], self.office.clock.now())
        going, left = list[Case](), list[LeftOut]()
        for one in seen:
            now = fresh[one.delivery.id]
            same = now.delivery == one.delivery
            why = why_not_together(self.verb, now, said) if same else _CHANGED
            if why is None:
                going.append(now)
            else:
                left.append(LeftOut(now.delivery, why))
        done, more = await self._each(connection, going)
        return done, [*left, *more]

    async def _each(self, connection: AsyncConnection, going: Sequence[Case]) -> tuple[list[Delivery], list[LeftOut]]:
        done, left = list[Delivery](), list[LeftOut]()
        for one in going:
            try:
                async with connection.begin_nested():
                    done.append(await ACTS[self.verb](connection, self.office, one, self.by))
            except (Conflict, SettingsError) as fault:  # this one alone is left as it is, and told
                left.append(LeftOut(one.delivery, _refusal(fault)))
        return done, left


_CHANGED = Refusal("E_CHANGED", "was changed meanwhile by somebody else")


def _refusal(fault: Conflict | SettingsError) -> Refusal:
    code, _, words = str(fault).partition(" ")
    return Refusal(code, words) if code.startswith("E_") else Refusal("E_CONFLICT", str(fault))
