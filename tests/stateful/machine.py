"""The rules: everything that may happen to a few letters, in any order; and what must hold after each step."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, ClassVar

from desk.bare import mission
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from simulation.checker import gives_up_in_doubt
from simulation.letters import put_in
from torture.letters import CAMPAIGN

from dispatcher.domain.audit import GENESIS, AuditEntry, check
from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.lifecycle import CLAIMABLE
from dispatcher.domain.model import Actor, Address, Attempt, Delivery
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Cause, Kind, Signal, State, Verdict
from dispatcher.store import attempts, audit, contacts, deliveries
from dispatcher.usecases import dispatch, guard, hear, launch, operate, sweep
from dispatcher.usecases.dispatch import Claim
from dispatcher.usecases.operate import Decision

from .farend import At, Fate, Hand
from .place import Place

ADA = Actor("operator", "ada")
LETTERS = 3
#: Seconds: a moment, a lease, a lease past the commit point, a retry, a day, the window for bounces.
WAITS = (1.0, 20.0, 61.0, 130.0, 1300.0, 86_400.0, 6 * 86_400.0)


def _any(*states: State) -> Callable[[Engine], bool]:
    return lambda self: any(row.state in states for row in self.rows)


class Engine(RuleBasedStateMachine):
    """One office with a few letters, several workers, and people."""

    make: ClassVar[Callable[[], Place]]

    @initialize()
    def launched(self) -> None:
        random.seed(0)
        self.place = self.make()
        self.office = self.place.office
        self.claims: dict[str, Claim] = {}
        self.tries: dict[str, asyncio.Task[Any]] = {}
        self.pending: list[Report] = []
        self.judged: dict[str, object] = {}  #: as what each letter was looked at last
        self.head = (0, GENESIS)
        self.states: dict[str, tuple[State, int]] = {}
        self.rows: list[Delivery] = []
        self._do(guard.enter(self.office))
        self._do(put_in(self.office, [False] * LETTERS, 0.0))
        self._look()

    def teardown(self) -> None:
        if hasattr(self, "place"):
            self.place.close()

    # -- the worker ----------------------------------------------------------------------------------------------

    @precondition(_any(*CLAIMABLE))
    @rule(
        worker=st.sampled_from(("one", "two")),
        room=st.integers(1, 3),
        rest=st.sampled_from(WAITS),
        at_once=st.integers(0, 3),
    )
    def claim(self, worker: str, room: int, rest: float, at_once: int) -> None:
        """What is due, or else the same after a while: a retry has its hour."""
        name = Actor("worker", worker)
        claims = self._do(dispatch.claim(self.office, name, room))
        if claims == []:
            self.place.clock.turn(seconds=rest)
            claims = self._do(dispatch.claim(self.office, name, room))
        for one in claims or []:
            if at_once:
                self._do(self._start(one))
            else:
                self.claims[one.attempt.id] = one

    def _claimed(self) -> bool:
        return bool(self.claims)

    def _waiting(self) -> bool:
        return bool(self.place.mail.hands)

    @precondition(_claimed)
    @rule(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """Look once more, and offer the letter to the far end."""
        one = self.claims.pop(data.draw(st.sampled_from(sorted(self.claims))))
        self._do(self._start(one))

    async def _start(self, one: Claim) -> None:
        doing = dispatch.attempt(self.office, Actor("worker", one.attempt.worker.partition(":")[2]), one)
        task = asyncio.create_task(_quietly(doing), name=f"try {one.attempt.id}")
        self.tries[one.attempt.id] = task
        offered = self.place.mail.hands
        await self._rest(lambda: task.done() or any(hand.parcel.attempt_id == one.attempt.id for hand in offered))

    @precondition(_claimed)
    @rule(data=st.data())
    def die_after_the_claim(self, data: st.DataObject) -> None:
        self.claims.pop(data.draw(st.sampled_from(sorted(self.claims))))

    @precondition(_waiting)
    @rule(data=st.data(), fate=st.sampled_from(Fate), refuses=st.booleans())
    def go_on(self, data: st.DataObject, fate: Fate, refuses: bool) -> None:
        """The next stage of a try, whoever made it and however long ago."""
        hand = self._hand(data)
        early = fate if refuses and fate in (Fate.LATER, Fate.NEVER) else None
        self._do(self._step(hand, early if hand.at is At.OFFER else fate))

    @precondition(_waiting)
    @rule(data=st.data(), fate=st.sampled_from(Fate))
    def go_to_the_end(self, data: st.DataObject, fate: Fate) -> None:
        """All its stages, one after the other."""
        hand = self._hand(data)
        while hand in self.place.mail.hands:
            self._do(self._step(hand, None if hand.at is At.OFFER else fate))

    async def _step(self, hand: Hand, word: Fate | None) -> None:
        at, task = hand.at, self.tries[hand.parcel.attempt_id]
        hand.word.set_result(word)
        await self._rest(lambda: task.done() or (hand.at is not at and not hand.word.done()))

    @precondition(_waiting)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        """The worker ends where it stands: at the offer, before the dot, or before the reply."""
        hand = self._hand(data)
        self.place.mail.hands.remove(hand)

    def _hand(self, data: st.DataObject) -> Hand:
        names = sorted(hand.parcel.attempt_id for hand in self.place.mail.hands)
        name = data.draw(st.sampled_from(names))
        return next(hand for hand in self.place.mail.hands if hand.parcel.attempt_id == name)

    async def _rest(self, over: Callable[[], bool]) -> None:
        """Until that try waits for a word again, or is over."""
        for _ in range(2000):
            await asyncio.sleep(0.002)
            if over():
                return
        raise AssertionError("a try neither waits nor ends")

    @precondition(_claimed)
    @rule()
    def heartbeat(self) -> None:
        self._do(dispatch.keep_leases(self.office, list(self.claims.values())))

    @rule(where=st.sampled_from(("before commit", "after commit")), times=st.integers(1, 4))
    def database_trouble(self, where: str, times: int) -> None:
        self.place.trouble.where, self.place.trouble.left = where, times

    @rule(asks=st.booleans())
    def clockwork(self, asks: bool) -> None:
        self._do(sweep.ask(self.office) if asks else sweep.sweep(self.office))

    @rule(seconds=st.sampled_from(WAITS))
    def time_passes(self, seconds: float) -> None:
        self.place.clock.turn(seconds=seconds)

    # -- people --------------------------------------------------------------------------------------------------

    @rule(act=st.sampled_from((launch.pause, launch.resume, launch.resume, launch.stop)), really=st.integers(0, 4))
    def campaign(self, act: Any, really: int) -> None:
        """Stopped it is seldom: afterwards little happens."""
        if act is not launch.stop or really == 0:
            self._do(act(self.office, CAMPAIGN, "why", ADA))

    @rule(data=st.data(), signal=st.sampled_from((Signal.HOLD, Signal.RELEASE, Signal.RELEASE, Signal.CANCEL)))
    def by_hand(self, data: st.DataObject, signal: Signal) -> None:
        self._do(operate.apply_by_hand(self.office, self._letter(data), signal, "why", ADA))

    @precondition(_any(State.FAILED))
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        name = self._letter(data, State.FAILED)
        self._do(operate.retry(self.office, name, "mended", ADA))

    @precondition(_any(State.IN_DOUBT))
    @rule(data=st.data(), finds_out=st.booleans(), gives_up=st.booleans())
    def settle(self, data: st.DataObject, finds_out: bool, gives_up: bool) -> None:
        """A person finds out the truth, or cannot; of a copy that is on its way back nobody can say that it arrived."""
        name, model = self._letter(data, State.IN_DOUBT), self.place.model
        known = Decision.ARRIVED if model.copies(name) else Decision.NOT_SENT
        finds_out = finds_out and not self._comes_back(name)
        decision = known if finds_out else Decision.GIVE_UP if gives_up else Decision.RESEND
        settled = self._do(operate.settle_doubt(self.office, name, decision, "asked them", ADA))
        if decision is Decision.ARRIVED and settled is not None:
            self.place.model.confirmed.add(name)

    def _comes_back(self, delivery_id: str) -> bool:
        """A bounce of one of its copies is under way, and nobody has heard of it yet."""
        bounces = {one.attempt_id for one in self.pending if one.outcome.verdict is Verdict.REFUSED}
        return any(one.partition(".")[0] == delivery_id for one in bounces - self.place.model.bounced)

    @precondition(_any(State.FAILED))
    @rule(data=st.data())
    def readdress(self, data: st.DataObject) -> None:
        """The contact has another address by now; the failed letter goes there as a letter of its own."""
        name = self._letter(data, State.FAILED)
        one = next(row for row in self.rows if row.id == name)
        if one.state is State.FAILED and len(self.rows) < 2 * LETTERS:
            self._do(self._move_house(one))
            self._do(operate.readdress(self.office, name, "moved", ADA))

    async def _move_house(self, one: Delivery) -> None:
        number = len(self.rows)
        person = mission(int(one.contact_id.rpartition("-")[2]), Address(Kind.EMAIL, f"new{number}@ardesia.example"))
        kept = {person.id: contacts.Kept(person, True, "test")}
        await self.office.store.write(lambda connection: contacts.set_all(connection, kept, self.place.clock.now()))

    @rule(data=st.data(), really=st.integers(0, 4))
    def suppress(self, data: st.DataObject, really: int) -> None:
        name = self._letter(data)
        one = next(row for row in self.rows if row.id == name)
        where, now = Address(one.kind, one.address), self.place.clock.now()
        if really == 0:
            unit = lambda connection: contacts.suppress(connection, where, "ada", "asked for it", now)  # noqa: E731
            self._do(self.office.store.write(unit))

    @rule(data=st.data(), really=st.integers(0, 4))
    def answer(self, data: st.DataObject, really: int) -> None:
        """They can only answer a letter that they have."""
        name = self._letter(data)
        if really == 0 and self.place.model.copies(name) and not self._comes_back(name):
            self.place.model.confirmed.add(name)
            self._do(operate.note_answer(self.office, name, "thanks", ADA))

    def _letter(self, data: st.DataObject, *states: State) -> str:
        return data.draw(st.sampled_from([row.id for row in self.rows if not states or row.state in states]))

    # -- what comes back -----------------------------------------------------------------------------------------

    def _some_taken(self) -> bool:
        return bool(self.place.model.where)

    @precondition(_some_taken)
    @rule(data=st.data(), good=st.booleans(), now=st.booleans())
    def report(self, data: st.DataObject, good: bool, now: bool) -> None:
        """The far end tells of any try that it took, at once or some time; it never says both things of one copy.

        What somebody has in hand does not come back.
        """
        name = data.draw(st.sampled_from(sorted(self.place.model.where)))
        outcome = Outcome(Verdict.DELIVERED) if good else Outcome(Verdict.REFUSED, Cause.EMAIL_NO_MAILBOX)
        if any(one.attempt_id == name and one.outcome.verdict is not outcome.verdict for one in self.pending):
            return
        if not good and name.partition(".")[0] in self.place.model.confirmed:
            return
        self.pending.append(Report(name, f"{name}/{outcome.verdict}", outcome))
        if now:
            self._hear(self.pending[-1])

    def _reported(self) -> bool:
        return bool(self.pending)

    @precondition(_reported)
    @rule(data=st.data())
    def report_again(self, data: st.DataObject) -> None:
        """Late, twice, out of order."""
        self._hear(self.pending[data.draw(st.integers(0, len(self.pending) - 1))])

    def _hear(self, one: Report) -> None:
        """A report stays in the mailbox until it was taken, however ill the database is."""
        while self._do(hear.take(self.office, one, "channel:smtp")) is None:
            pass
        if one.outcome.verdict is Verdict.REFUSED:
            self.place.model.bounce(one.attempt_id)

    # -- what must hold ------------------------------------------------------------------------------------------

    def _do(self, doing: Any) -> Any:
        return self.place.run(_quietly(doing))

    def _look(self) -> list[str]:
        return self.place.run(self._read())

    async def _read(self) -> list[str]:
        return await self.office.store.read(self._query)

    async def _query(self, connection: Any) -> list[str]:
        self.rows = sorted(await deliveries.in_states(connection, list(State)), key=lambda one: one.id)
        faults = await self._log_faults(connection)
        for row in self.rows:
            known = (row.version, self.place.model.truth_of(row.id))
            if self.judged.get(row.id) != known:
                self.judged[row.id] = known
                faults += [f"{row.id}: {fault}" for fault in await self._faults_of(connection, row)]
        return faults

    async def _faults_of(self, connection: Any, row: Delivery) -> list[str]:
        tries: list[Attempt] = await attempts.of_delivery(connection, row.id)
        heard = await attempts.evidence_of(connection, row.id)
        told = {one["attempt_id"] for one in heard if one["applied"] and one["verdict"] != Verdict.UNKNOWN}
        return self.place.model.faults(row, tries, told)

    async def _log_faults(self, connection: Any) -> list[str]:
        """The chain goes on from where it was, and every state is the one that the log says."""
        new = await audit.tail(connection, 30)
        new = [entry for entry in new if entry.seq > self.head[0]]
        faults = _chain_faults(new, self.head)
        for entry in new:
            if entry.event.action == "delivery.retry":  # a person's word, also where its commit seemed to fail
                self.place.model.said(entry.event.object.partition(":")[2], bool(entry.event.data.get("knowingly")))
            if gives_up_in_doubt(entry.event):
                self.place.model.given_up_in_doubt.add(entry.event.object.partition(":")[2])
            if entry.event.action.startswith("delivery.") and entry.event.after:
                self.states[entry.event.object.partition(":")[2]] = (State(entry.event.after), entry.seq)
        if new:
            self.head = (new[-1].seq, new[-1].hash)
        told = {row.id: self.states.get(row.id, (row.state, 0))[0] for row in self.rows}
        return [
            *faults,
            *(
                f"{row.id}: {row.state}, the log says {told[row.id]}"
                for row in self.rows
                if row.state is not told[row.id]
            ),
        ]

    @invariant()
    def nothing_is_wrong(self) -> None:
        if hasattr(self, "place"):
            faults = self._look()
            assert faults == [], "; ".join(faults)


def _chain_faults(new: list[AuditEntry], head: tuple[int, str]) -> list[str]:
    """`check` begins at the beginning; the first entry's place is looked at here."""
    if not new:
        return []
    faults = [] if (new[0].seq, new[0].prev) == (head[0] + 1, head[1]) else ["the log does not go on where it was"]
    inner = [one for one in check(new).findings if not (one.seq == new[0].seq and one.what != "was altered")]
    return faults + [f"{one.seq} {one.what}" for one in inner]


async def _quietly(doing: Any) -> Any:
    """What a worker logs, or a person is told: it was not done, and nothing else may have changed."""
    try:
        return await doing
    except (DispatcherError, OSError):
        return None
