"""The contract of a channel, written once. An adapter's test file stages the cases at a real far end; it may add cases
of its own, and say by its abilities what it cannot do, but it may not change a case that stands here.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest
from contract.stage import AT_ONCE, NOT_SENT, PAGES, WAIT, Case, Lacks, Leave, Stage, parcel

from dispatcher.channels.base import Notice, Parcel
from dispatcher.domain.errors import LostClaim, NoticeRejected
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Cause, Kind, Verdict


class ChannelContract:
    """Derive from this, set `kind`, and give a fixture `stage`."""

    kind: ClassVar[Kind]
    document: bytes
    twenty_pages: bytes

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        changed = [name for name in vars(cls) if name.startswith("test_") and hasattr(ChannelContract, name)]
        if changed:
            raise TypeError(f"{cls.__name__} may not change what the contract says: {', '.join(changed)}")

    @pytest.fixture(autouse=True)
    def _paper(self, fax_pages: Callable[[int], bytes]) -> None:
        self.document, self.twenty_pages = fax_pages(PAGES), fax_pages(20)

    @pytest.fixture(autouse=True)
    async def _tidy(self, stage: Stage) -> AsyncIterator[None]:
        yield
        await stage.channel.aclose()

    async def _pack(self, stage: Stage, case: Case, attempt_id: str = "attempt-1") -> Parcel:
        return parcel(self.kind, await _address(stage, case), self.document, attempt_id)

    async def _send(self, stage: Stage, case: Case, attempt_id: str = "attempt-1") -> tuple[Outcome, Leave]:
        leave = Leave(stage)
        return await stage.channel.send(await self._pack(stage, case, attempt_id), leave), leave

    async def _only_the_next_one_arrives(self, stage: Stage) -> None:
        """Nothing of what was tried before is with the far end, nor still on its way; and the channel goes on."""
        outcome, leave = await self._send(stage, Case.TAKES, "attempt-2")
        assert outcome.verdict is Verdict.ACCEPTED
        assert [taken.sha256 for taken in stage.taken()] == leave.asked_for

    # -- what the far end says at once

    async def test_a_letter_that_is_taken_is_accepted_under_the_far_ends_name_for_it(self, stage: Stage) -> None:
        letter, leave = await self._pack(stage, Case.TAKES), Leave(stage)
        outcome = await stage.channel.send(letter, leave)
        assert outcome.verdict is Verdict.ACCEPTED
        assert outcome.ref
        assert [taken.name for taken in stage.taken()] == [stage.name_of(letter)]

    async def test_a_letter_that_is_refused_for_good_is_refused(self, stage: Stage) -> None:
        outcome, _ = await self._send(stage, Case.REFUSES)
        assert outcome.verdict is Verdict.REFUSED
        assert stage.taken() == []

    async def test_a_passing_failure_is_deferred(self, stage: Stage) -> None:
        outcome, _ = await self._send(stage, Case.PASSES)
        assert outcome.verdict is Verdict.DEFERRED
        assert stage.taken() == []

    async def test_a_far_end_that_says_when_it_will_have_room_is_taken_at_its_word(self, stage: Stage) -> None:
        outcome, _ = await self._send(stage, Case.TOO_MANY)
        assert (outcome.verdict, outcome.again_after) == (Verdict.DEFERRED, WAIT)
        assert stage.taken() == []

    async def test_a_far_end_that_does_not_let_us_in_is_closed_and_the_letter_waits(self, stage: Stage) -> None:
        outcome, _ = await self._send(stage, Case.NO_KEY)
        assert outcome.verdict is Verdict.UNSENT
        assert outcome.pause_route
        assert stage.taken() == []
        await self._only_the_next_one_arrives(stage)

    @pytest.mark.parametrize("case", [Case.SILENT, Case.DROPS_AFTER])
    async def test_no_answer_after_the_point_of_no_return_is_unknown(self, stage: Stage, case: Case) -> None:
        outcome, leave = await self._send(stage, case)
        assert outcome.verdict is Verdict.UNKNOWN
        assert [taken.sha256 for taken in stage.taken()] == leave.asked_for

    async def test_a_far_end_that_is_away_is_never_unknown(self, stage: Stage) -> None:
        outcome, _ = await self._send(stage, Case.AWAY)
        assert outcome.verdict in NOT_SENT
        assert stage.taken() == []

    async def test_a_far_end_that_breaks_off_just_before_the_point_of_no_return_is_never_unknown(
        self, stage: Stage
    ) -> None:
        leave = Leave(stage, breaks=True)
        outcome = await stage.channel.send(await self._pack(stage, Case.TAKES), leave)
        assert len(leave.asked_for) == 1
        assert outcome.verdict in NOT_SENT
        await self._only_the_next_one_arrives(stage)

    async def test_an_answer_that_nobody_has_heard_of_is_unknown(self, stage: Stage) -> None:
        outcome, leave = await self._send(stage, Case.ODD)
        assert len(leave.asked_for) == 1
        assert outcome.verdict is Verdict.UNKNOWN

    @pytest.mark.parametrize("case", AT_ONCE)
    async def test_whatever_happens_is_an_outcome_that_can_be_kept_and_explained(
        self, stage: Stage, case: Case
    ) -> None:
        outcome, leave = await self._send(stage, case)
        assert (outcome.cause is Cause.NONE) is (outcome.verdict is Verdict.ACCEPTED)
        assert outcome.detail
        assert len(outcome.detail) <= 512
        assert outcome.detail.isprintable()
        assert len(leave.asked_for) <= 1
        assert leave.asked_for or outcome.verdict in (Verdict.REFUSED, *NOT_SENT)

    async def test_a_failure_does_not_spoil_the_letters_after_it(self, stage: Stage) -> None:
        for number, case in enumerate((Case.REFUSES, Case.DROPS_AFTER, Case.SILENT, Case.ODD, Case.PASSES)):
            await self._send(stage, case, f"attempt-1{number}")
        before = stage.taken()
        outcome, leave = await self._send(stage, Case.TAKES, "attempt-2")
        assert outcome.verdict is Verdict.ACCEPTED
        assert [taken.sha256 for taken in stage.taken()[len(before) :]] == leave.asked_for

    async def test_names_in_any_script_change_nothing(self, stage: Stage) -> None:
        letter = await self._pack(stage, Case.TAKES)
        letter = replace(letter, sender_name="Fundación Ñandú", recipient_name="外交部", subject="О бомбардировках")
        leave = Leave(stage)
        outcome = await stage.channel.send(letter, leave)
        assert outcome.verdict is Verdict.ACCEPTED
        assert [(one.name, one.sha256) for one in stage.taken()] == [(stage.name_of(letter), leave.asked_for[0])]

    async def test_twenty_pages_arrive_as_they_are(self, stage: Stage) -> None:
        if self.kind is not Kind.FAX:
            pytest.skip("an email has no pages")
        letter, leave = parcel(self.kind, await _address(stage, Case.TAKES), self.twenty_pages, pages=20), Leave(stage)
        assert (await stage.channel.send(letter, leave)).verdict is Verdict.ACCEPTED
        assert [one.sha256 for one in stage.taken()] == leave.asked_for
        if stage.channel.abilities.speaks_back:
            (report,) = await stage.channel.hear((await stage.notices())[-1])
            assert report.outcome.pages in ((20,) if stage.channel.abilities.confirms_pages else (20, None))

    async def test_many_letters_at_once_do_not_mix(self, stage: Stage) -> None:
        letters = [await self._pack(stage, Case.TAKES, f"attempt-{number}") for number in range(8)]
        outcomes = await asyncio.gather(*(stage.channel.send(letter, Leave(stage)) for letter in letters))
        assert {outcome.verdict for outcome in outcomes} == {Verdict.ACCEPTED}
        assert len({outcome.ref for outcome in outcomes}) == len(letters)
        assert sorted(taken.name for taken in stage.taken()) == sorted(map(stage.name_of, letters))

    # -- the point of no return

    async def test_leave_is_asked_once_before_the_far_end_has_it_for_the_bytes_that_leave(self, stage: Stage) -> None:
        _, leave = await self._send(stage, Case.TAKES)
        assert leave.taken_before == []
        assert leave.asked_for == [taken.sha256 for taken in stage.taken()]

    async def test_when_the_claim_is_lost_nothing_leaves(self, stage: Stage) -> None:
        with pytest.raises(LostClaim):
            await stage.channel.send(await self._pack(stage, Case.TAKES), Leave(stage, lost=True))
        await self._only_the_next_one_arrives(stage)

    async def test_when_the_leave_has_run_out_nothing_leaves(self, stage: Stage) -> None:
        leave = Leave(stage, until=time.monotonic() - 1)
        outcome = await stage.channel.send(await self._pack(stage, Case.TAKES), leave)
        assert outcome.verdict is Verdict.UNSENT
        assert leave.asked_for
        await self._only_the_next_one_arrives(stage)

    async def test_a_try_that_is_cancelled_before_the_point_of_no_return_leaves_nothing(self, stage: Stage) -> None:
        leave = Leave(stage, gate=asyncio.Event())
        sending = asyncio.create_task(stage.channel.send(await self._pack(stage, Case.TAKES), leave))
        await leave.reached.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await self._only_the_next_one_arrives(stage)

    async def test_a_try_that_is_cancelled_after_it_ends_at_once_and_is_not_made_again(self, stage: Stage) -> None:
        leave = Leave(stage)
        sending = asyncio.create_task(stage.channel.send(await self._pack(stage, Case.SILENT), leave))
        await leave.reached.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert len(leave.asked_for) == 1
        assert len(stage.taken()) <= 1

    # -- asking

    async def test_asking_finds_what_was_taken_by_our_own_name_for_it(self, stage: Stage) -> None:
        letter = await self._pack(stage, Case.SILENT)
        await stage.channel.send(letter, Leave(stage))
        outcome = await stage.channel.ask(letter.attempt_id, "")
        if stage.channel.abilities.asks:
            assert outcome.verdict in (Verdict.ACCEPTED, Verdict.DELIVERED)
            assert outcome.ref
        else:
            assert outcome.verdict is Verdict.UNKNOWN

    async def test_asking_says_surely_not_only_when_the_far_end_says_so(self, stage: Stage) -> None:
        await stage.address_for(Case.TAKES)
        surely_not = await stage.channel.ask("attempt-0", "")
        forgotten = await stage.channel.ask("attempt-0", "a-name-it-once-gave")
        await stage.address_for(Case.AWAY)
        away = await stage.channel.ask("attempt-0", "")
        assert surely_not.verdict is (Verdict.DEFERRED if stage.channel.abilities.asks else Verdict.UNKNOWN)
        assert (forgotten.verdict, away.verdict) == (Verdict.UNKNOWN, Verdict.UNKNOWN)

    async def test_a_crash_between_the_point_of_no_return_and_our_record_is_cleared_by_asking(
        self, stage: Stage
    ) -> None:
        _needs_an_ear(stage)
        letter = await self._pack(stage, Case.TAKES)
        await stage.channel.send(letter, Leave(stage))  # and the answer was lost with the program
        anew = stage.another()
        outcome = await anew.ask(letter.attempt_id, "")
        await anew.aclose()
        assert outcome.verdict in (Verdict.ACCEPTED, Verdict.DELIVERED)
        assert outcome.ref
        assert len(stage.taken()) == 1

    async def test_an_end_that_nobody_calls_back_about_is_learned_by_asking(self, stage: Stage) -> None:
        _needs_an_ear(stage)
        outcome, _ = await self._send(stage, Case.NEVER_CALLS)
        await _let_end(stage)
        if stage.channel.abilities.speaks_back:
            assert await stage.notices() == []
        for ref in ("", outcome.ref):
            told = await stage.channel.ask("attempt-1", ref)
            assert told.verdict is (Verdict.DELIVERED if stage.channel.abilities.proves else Verdict.ACCEPTED)

    async def test_an_answer_about_another_try_is_no_answer(self, stage: Stage) -> None:
        _needs_an_ear(stage)
        other, _ = await self._send(stage, Case.TAKES, "attempt-9")
        assert (await stage.channel.ask("attempt-1", other.ref)).verdict is Verdict.UNKNOWN

    async def test_a_far_end_that_does_not_let_us_in_tells_nothing(self, stage: Stage) -> None:
        _needs_an_ear(stage)
        await _address(stage, Case.NO_KEY)
        for ref in ("", "a-name-it-once-gave"):
            assert (await stage.channel.ask("attempt-1", ref)).verdict is Verdict.UNKNOWN

    async def test_knocking_tells_whether_it_is_fit_and_sends_nothing(self, stage: Stage) -> None:
        for case, fit in ((Case.TAKES, True), (Case.NO_KEY, False), (Case.TAKES, True), (Case.GONE, False)):
            with contextlib.suppress(Lacks):
                await stage.address_for(case)
                outcome = await stage.channel.probe()
                assert outcome.verdict is (Verdict.ACCEPTED if fit else Verdict.UNSENT)
                assert bool(outcome.pause_route) is not fit
        assert stage.taken() == []

    @pytest.mark.parametrize("case", [Case.TAKES, Case.SHORT, Case.ODD_LATER, Case.BUSY_LATER])
    async def test_asking_and_hearing_say_the_same(self, stage: Stage, case: Case) -> None:
        """But for what the one has and the other lacks: the number of pages, and facts beside it."""
        _needs_an_ear(stage)
        _needs_a_voice(stage)
        if case is Case.SHORT and not stage.channel.abilities.confirms_pages:
            pytest.skip("this channel does not confirm pages wherever it tells of a fax")
        outcome, _ = await self._send(stage, case)
        (notice,) = await stage.notices()
        (report,) = await stage.channel.hear(notice)
        heard = report.outcome
        for ref in ("", outcome.ref):
            told = await stage.channel.ask("attempt-1", ref)
            assert (told.verdict, told.cause, told.ref) == (heard.verdict, heard.cause, heard.ref)
            if stage.channel.abilities.confirms_pages:
                assert told.pages == heard.pages
            same = told.facts.keys() & heard.facts.keys()
            assert {name: told.facts[name] for name in same} == {name: heard.facts[name] for name in same}

    # -- hearing

    async def test_proof_names_our_attempt_and_every_page(self, stage: Stage) -> None:
        report = await self._news(stage, Case.TAKES)
        assert report.verdict is (Verdict.DELIVERED if stage.channel.abilities.proves else Verdict.ACCEPTED)
        assert report.pages in ((PAGES,) if stage.channel.abilities.confirms_pages else (PAGES, None))
        assert report.facts

    async def test_a_page_too_few_is_never_delivered(self, stage: Stage) -> None:
        if not stage.channel.abilities.confirms_pages:
            pytest.skip("this channel does not confirm pages")
        report = await self._news(stage, Case.SHORT)
        assert (report.verdict, report.pages) == (Verdict.UNKNOWN, PAGES - 1)

    async def test_news_that_nobody_has_heard_of_is_unknown(self, stage: Stage) -> None:
        report = await self._news(stage, Case.ODD_LATER)
        assert (report.verdict, report.cause) == (Verdict.UNKNOWN, Cause.FAX_UNKNOWN_CODE)

    async def test_news_of_a_passing_failure_is_deferred(self, stage: Stage) -> None:
        report = await self._news(stage, Case.BUSY_LATER)
        assert report.verdict is Verdict.DEFERRED

    async def _news(self, stage: Stage, case: Case) -> Outcome:
        """What is heard of a letter at last."""
        _needs_a_voice(stage)
        await self._send(stage, case)
        notice = (await stage.notices())[-1]
        (report,) = await stage.channel.hear(notice)
        assert report.attempt_id == "attempt-1"
        assert report.event_id
        assert report.raw == notice.body
        return report.outcome

    async def test_the_same_news_twice_is_the_same_event(self, stage: Stage) -> None:
        _needs_a_voice(stage)
        await self._send(stage, Case.TWICE)
        notices = await stage.notices()
        reports = [report for notice in notices for report in await stage.channel.hear(notice)]
        assert len(reports) == 2
        assert reports[0].event_id == reports[1].event_id

    async def test_news_in_the_wrong_order_is_each_what_it_says_or_what_is_true_by_now(self, stage: Stage) -> None:
        _needs_a_voice(stage)
        await self._send(stage, Case.BACKWARDS)
        notices = await stage.notices()
        assert len(notices) == 2
        reports = [report for notice in notices for report in await stage.channel.hear(notice)]
        assert reports[0].outcome.verdict is Verdict.DELIVERED
        assert {report.outcome.verdict for report in reports} <= {Verdict.DELIVERED, Verdict.ACCEPTED}
        assert {report.attempt_id for report in reports} == {"attempt-1"}
        began = [report for report in reports if report.outcome.verdict is Verdict.ACCEPTED]
        assert all(report.event_id != reports[0].event_id for report in began)

    async def test_news_that_comes_before_the_answer_is_heard(self, stage: Stage) -> None:
        _needs_a_voice(stage)
        outcome, _ = await self._send(stage, Case.EARLY)
        (notice,) = await stage.notices()
        (report,) = await stage.channel.hear(notice)
        assert (report.attempt_id, report.outcome.verdict) == ("attempt-1", Verdict.DELIVERED)
        assert report.outcome.ref == outcome.ref

    async def test_late_news_of_an_older_try_names_that_try(self, stage: Stage) -> None:
        _needs_a_voice(stage)
        first, _ = await self._send(stage, Case.TAKES, "attempt-1")
        second, _ = await self._send(stage, Case.BUSY_LATER, "attempt-2")
        reports = [report for notice in await stage.notices() for report in await stage.channel.hear(notice)]
        told = {(report.attempt_id, report.outcome.ref, report.outcome.verdict) for report in reports}
        assert told == {
            ("attempt-1", first.ref, Verdict.DELIVERED),
            ("attempt-2", second.ref, Verdict.DEFERRED),
        }

    async def test_a_callback_that_is_not_provably_the_far_ends_moves_nothing(self, stage: Stage) -> None:
        genuine = await self._genuine(stage)
        bad = [replace(genuine, body=genuine.body + b" "), Notice(genuine.headers, b"", stage.now)]
        bad.append(Notice({}, genuine.body, stage.now))
        bad.append(Notice({}, genuine.body, stage.now, extra={"token": ""}))
        for name, value in genuine.headers.items():
            if name not in _PLAIN:
                without = {key: text for key, text in genuine.headers.items() if key != name}
                bad += [
                    Notice(without | extra, genuine.body, stage.now)
                    for extra in ({}, {name: ""}, {name: _other(value)})
                ]
        for notice in bad:
            if stage.channel.abilities.only_hints and notice.extra.get("token"):
                (report,) = await stage.channel.hear(notice)  # whatever it says, the far end was asked
                assert report.outcome == await stage.channel.ask("attempt-1", report.outcome.ref)
            else:
                with pytest.raises(NoticeRejected):
                    await stage.channel.hear(notice)

    async def test_a_lie_in_a_callback_that_nobody_signs_is_not_believed(self, stage: Stage) -> None:
        if not stage.channel.abilities.only_hints:
            pytest.skip("this channel's callbacks are signed, or there are none")
        await self._send(stage, Case.TAKES, "attempt-1")
        await self._send(stage, Case.BUSY_LATER, "attempt-2")
        good, bad = [replace(one, extra=dict(one.extra)) for one in await stage.notices()]
        names = [report.attempt_id for notice in (good, bad) for report in await stage.channel.hear(notice)]
        assert names == ["attempt-1", "attempt-2"]
        for told, wanted in ((stage.lie(good), Verdict.DELIVERED), (stage.lie(bad), Verdict.DEFERRED)):
            (report,) = await stage.channel.hear(told)
            assert report.outcome.verdict is wanted

    async def test_a_callback_that_is_played_again_later_is_rejected(self, stage: Stage) -> None:
        genuine = await self._genuine(stage)
        if stage.channel.abilities.only_hints:
            pytest.skip("this channel's callbacks carry no time; each one only makes us ask")
        for apart in (timedelta(seconds=301), timedelta(seconds=-301)):
            before, stage.now = stage.now, stage.now + apart
            with pytest.raises(NoticeRejected):
                await stage.channel.hear(replace(genuine, received=stage.now))
            stage.now = before

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b"{}",
            b"\xff\xfe",
            b"[" * 20_000,
            b'{"reference": 7, "event_id": []}',
        ],
        ids=["empty", "torn", "list", "null", "nothing-in-it", "no-text", "deep", "odd-types"],
    )
    async def test_a_garbled_callback_is_rejected_even_when_it_is_signed(self, stage: Stage, body: bytes) -> None:
        notice = stage.forge(body) if stage.channel.abilities.speaks_back else Notice({}, body, stage.now)
        with pytest.raises(NoticeRejected):
            await stage.channel.hear(notice)

    async def _genuine(self, stage: Stage) -> Notice:
        """A callback that is heard; any notice where the channel never speaks."""
        if not stage.channel.abilities.speaks_back:
            return Notice({"x-signature": "1"}, b"{}", stage.now)
        await self._send(stage, Case.TAKES)
        (notice,) = await stage.notices()
        assert await stage.channel.hear(notice)
        return notice

    # -- the end

    async def test_a_channel_may_be_closed_twice(self, stage: Stage) -> None:
        await self._send(stage, Case.TAKES)
        await stage.channel.aclose()
        await stage.channel.aclose()

    async def test_no_far_end_is_reached_after_the_channel_was_closed_in_mid_air(self, stage: Stage) -> None:
        leave = Leave(stage, gate=asyncio.Event())
        sending = asyncio.create_task(stage.channel.send(await self._pack(stage, Case.TAKES), leave))
        await leave.reached.wait()
        sending.cancel()
        await stage.channel.aclose()
        with contextlib.suppress(asyncio.CancelledError):
            await sending
        assert stage.taken() == []


#: Fields of every HTTP request, which prove nothing.
_PLAIN = frozenset(("host", "content-length", "content-type", "connection", "accept", "accept-encoding", "user-agent"))


async def _address(stage: Stage, case: Case) -> str:
    try:
        return await stage.address_for(case)
    except Lacks as lack:
        pytest.skip(str(lack))


async def _let_end(stage: Stage) -> None:
    try:
        await stage.let_end()
    except Lacks as lack:
        pytest.skip(str(lack))


def _needs_an_ear(stage: Stage) -> None:
    if not stage.channel.abilities.asks:
        pytest.skip("this channel cannot be asked; that it knows nothing then is tested")


def _needs_a_voice(stage: Stage) -> None:
    if not stage.channel.abilities.speaks_back:
        pytest.skip("this channel never speaks of its own accord; that it hears nothing is tested")


def _other(text: str) -> str:
    """The same text with its last letter changed."""
    return text[:-1] + ("0" if text[-1:] != "0" else "1")
