"""The HylaFAX channel keeps the contract, against a far end of ours that speaks hfaxd's protocol with all its state.

`make test-fax` sends through the real hfaxd, and holds that far end's answers against its.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from contract.stage import NOON, Case, Lacks, Leave, Taken, parcel
from contract.suite import ChannelContract
from farend.hfaxd import PASSWORD, USER, Hfaxd, parameters

from dispatcher.channels.base import Notice, Parcel, Try
from dispatcher.channels.hylafax import Calls, HylafaxChannel
from dispatcher.channels.hylafax_results import CODES, TEXTS, Reach, meaning_of
from dispatcher.channels.hylafax_wire import Broken, Refused, Server, open_conversation
from dispatcher.domain.errors import NoticeRejected
from dispatcher.domain.words import Cause, Kind, Verdict

NUMBER = "+493023125200"
CALLS = Calls(end=timedelta(minutes=50), keeps=timedelta(hours=24))


class HylafaxStage:
    """The far end and the channel."""

    def __init__(self, farend: Hfaxd, calls: Calls = CALLS) -> None:
        self.farend, self.now = farend, NOON
        self.server = Server("127.0.0.1", farend.port, USER, PASSWORD, timeout=0.5)
        self.calls = calls
        self.channel = self.another()

    def another(self) -> HylafaxChannel:
        return HylafaxChannel(self.server, self.calls, now=lambda: self.now)

    async def address_for(self, case: Case) -> str:
        if case is Case.TOO_MANY:
            raise Lacks("hfaxd never says when it will have room")
        self.farend.says = {"PASS": "530 Login incorrect."} if case is Case.NO_KEY else {}
        self.farend.unreadable, self.farend.full = case is Case.REFUSES, case is Case.PASSES
        self.farend.after_jsubm = {
            Case.SILENT: "silent",
            Case.DROPS_AFTER: "drop",
            Case.ODD: "299 Perhaps.",
        }.get(case, "")
        if case in (Case.AWAY, Case.GONE):
            await self.farend.stop()
        return NUMBER

    def name_of(self, letter: Parcel) -> str:
        return letter.attempt_id

    def taken(self) -> list[Taken]:
        return [Taken(job.tag, job.sha256) for job in self.farend.ledger]

    def break_off(self) -> None:
        self.farend.cut()

    async def notices(self) -> list[Notice]:
        raise NotImplementedError("HylaFAX never calls back")

    async def let_end(self) -> None:
        for number, job in self.farend.jobs.items():
            pages = job.parameters["REGARDING"].removeprefix("pages ")
            self.farend.end(number, "DONE", NPAGES=pages, TOTPAGES=pages, TOTDIALS="1", TOTTRIES="1")

    def lie(self, genuine: Notice) -> Notice:
        return genuine

    def forge(self, body: bytes) -> Notice:
        return Notice({}, body, self.now)


class TestHylafax(ChannelContract):
    kind = Kind.FAX

    @pytest.fixture
    async def stage(self) -> AsyncIterator[HylafaxStage]:
        farend = Hfaxd(lambda: stage.now)
        async with farend:
            stage = HylafaxStage(farend)
            yield stage

    async def _sent(self, stage: HylafaxStage, attempt_id: str = "attempt-1") -> str:
        """A letter that was taken; the job's number."""
        await stage.address_for(Case.TAKES)
        outcome = await stage.channel.send(parcel(Kind.FAX, NUMBER, self.document, attempt_id), Leave(stage))
        assert outcome.verdict is Verdict.ACCEPTED
        return outcome.ref

    # -- what is handed in

    async def test_the_job_says_who_we_are_and_how_to_call(self, stage: HylafaxStage) -> None:
        await self._sent(stage)
        (job,) = stage.farend.ledger
        expected = {
            "JOBINFO": "attempt-1",
            "DIALSTRING": NUMBER,
            "EXTERNAL": NUMBER,
            "SENDTIME": f"{NOON:%Y%m%d%H%M}",
            "LASTTIME": "000050",
            "MAXDIALS": "1",
            "MAXTRIES": "1",
            "NOTIFY": "none",
            "VRES": "196",
            "PAGEWIDTH": "215",
            "PAGELENGTH": "297",
            "USETAGLINE": "yes",
            "TAGLINE": "",
            "USEECM": "yes",
        }
        assert {name: job.parameters[name] for name in expected} == expected

    async def test_the_number_is_dialled_as_the_server_wants_it(self, stage: HylafaxStage) -> None:
        calls = Calls(dial="0,00{digits}", modem="group", dials=3, tries=2, error_correction=False)
        channel = HylafaxChannel(stage.server, calls, now=lambda: stage.now)
        await channel.send(parcel(Kind.FAX, NUMBER, self.document), Leave(stage))
        given = parameters(stage.farend.commands)
        assert (given["DIALSTRING"], given["EXTERNAL"]) == ("0,00493023125200", NUMBER)
        assert (given["MODEM"], given["MAXDIALS"], given["MAXTRIES"], given["USEECM"]) == ("group", "3", "2", "no")
        assert channel.abilities.retries_itself
        assert not stage.channel.abilities.retries_itself

    async def test_what_cannot_be_faxed_is_refused_before_anybody_is_spoken_to(self, stage: HylafaxStage) -> None:
        letters = {
            Cause.CONTENT_INVALID: parcel(Kind.FAX, NUMBER, b"plain text is dialled, and nothing is sent"),
            Cause.ADDRESS_INVALID: parcel(Kind.FAX, "0049 30 23125200", self.document),
        }
        for cause, letter in letters.items():
            leave = Leave(stage)
            outcome = await stage.channel.send(letter, leave)
            assert (outcome.verdict, outcome.cause, leave.asked_for) == (Verdict.REFUSED, cause, [])
        assert stage.farend.sessions == 0

    async def test_a_document_that_came_short_is_never_submitted(self, stage: HylafaxStage) -> None:
        stage.farend.truncates = True
        outcome = await stage.channel.send(parcel(Kind.FAX, NUMBER, self.document), Leave(stage))
        assert (outcome.verdict, stage.taken()) == (Verdict.UNSENT, [])
        assert "bytes" in outcome.detail

    # -- a server that does not want us

    async def test_a_wrong_password_stops_the_gateway_and_not_the_letter(self, stage: HylafaxStage) -> None:
        channel = HylafaxChannel(Server("127.0.0.1", stage.farend.port, USER, "wrong"), now=lambda: stage.now)
        outcome = await channel.send(parcel(Kind.FAX, NUMBER, self.document), Leave(stage))
        assert (outcome.verdict, outcome.cause) == (Verdict.UNSENT, Cause.FAX_PROVIDER_REJECTED)
        assert outcome.pause_route == "hylafax"
        assert "wrong" not in outcome.detail

    @pytest.mark.parametrize(
        ("verb", "said", "cause"),
        [
            ("CONNECT", "421 Service not available; too many connections.", Cause.FAX_GATEWAY_UNREACHABLE),
            ("JNEW", "503 Permission denied; cannot create a job.", Cause.FAX_PROVIDER_REJECTED),
            ("PASV", "425 Cannot setup passive connection.", Cause.FAX_GATEWAY_UNREACHABLE),
            ("CONNECT", "SSH-2.0-OpenSSH", Cause.FAX_GATEWAY_UNREACHABLE),
            ("CONNECT", "120 Not yet.", Cause.FAX_GATEWAY_UNREACHABLE),
            ("JNEW", "200 Something else.", Cause.FAX_GATEWAY_UNREACHABLE),
            ("SIZE", "213 many", Cause.FAX_GATEWAY_UNREACHABLE),
            ("MDTM", "213 noon", Cause.FAX_GATEWAY_UNREACHABLE),
            ("PASV", "227 Entering passive mode", Cause.FAX_GATEWAY_UNREACHABLE),
        ],
    )
    async def test_what_goes_wrong_before_jsubm_spends_no_try_and_rests_the_gateway(
        self, stage: HylafaxStage, verb: str, said: str, cause: Cause
    ) -> None:
        stage.farend.says[verb] = said
        leave = Leave(stage)
        outcome = await stage.channel.send(parcel(Kind.FAX, NUMBER, self.document), leave)
        assert (outcome.verdict, outcome.cause, outcome.pause_route) == (Verdict.UNSENT, cause, "hylafax")
        assert (leave.asked_for, stage.taken()) == ([], [])

    @pytest.mark.parametrize("verb", ["USER", "JNEW", "STOT", "JPARM"])
    async def test_silence_before_jsubm_spends_no_try(self, stage: HylafaxStage, verb: str) -> None:
        stage.farend.deaf = frozenset({verb})
        outcome = await stage.channel.send(parcel(Kind.FAX, NUMBER, self.document), Leave(stage))
        assert (outcome.verdict, outcome.cause) == (Verdict.UNSENT, Cause.FAX_GATEWAY_UNREACHABLE)
        assert "within 0.5 s" in outcome.detail

    async def test_a_line_that_does_not_end_is_no_answer(self, stage: HylafaxStage) -> None:
        stage.farend.says["JNEW"] = "200 " + "x" * 300_000
        stage.farend.says["CONNECT"] = "220-" + "\r\n".join(["more"] * 1100)
        outcome = await stage.channel.send(parcel(Kind.FAX, NUMBER, self.document), Leave(stage))
        assert (outcome.verdict, outcome.detail) == (Verdict.UNSENT, "the server's answer does not end")
        del stage.farend.says["CONNECT"]
        outcome = await stage.channel.send(parcel(Kind.FAX, NUMBER, self.document), Leave(stage))
        assert outcome.verdict is Verdict.UNSENT

    # -- after JSUBM

    async def test_a_scheduler_that_says_no_has_the_job_all_the_same(self, stage: HylafaxStage) -> None:
        """As seen at the real hfaxd: 460, and the job stood in the queue."""
        stage.farend.after_jsubm = "460 Failed to submit job 1: Unspecified reason (scheduler NAK'd request)."
        outcome = await stage.channel.send(parcel(Kind.FAX, NUMBER, self.document), Leave(stage))
        assert (outcome.verdict, outcome.cause) == (Verdict.UNKNOWN, Cause.FAX_NO_ANSWER_AFTER_SUBMIT)
        assert (await stage.channel.ask("attempt-1", "")).verdict is Verdict.ACCEPTED

    async def test_an_answer_about_another_job_is_none(self, stage: HylafaxStage) -> None:
        stage.farend.after_jsubm = "200 Job 4711 submitted."
        outcome = await stage.channel.send(parcel(Kind.FAX, NUMBER, self.document), Leave(stage))
        assert outcome.verdict is Verdict.UNKNOWN

    async def test_a_jsubm_that_the_server_slept_over_calls_nobody(self, stage: HylafaxStage) -> None:
        """So 'no such job' is proof once the job's end has passed: the real scheduler was seen to do so."""
        leave = Leave(stage, gate=asyncio.Event())
        sending = asyncio.create_task(stage.channel.send(parcel(Kind.FAX, NUMBER, self.document), leave))
        await leave.reached.wait()
        stage.now += timedelta(minutes=51)
        assert leave.gate is not None
        leave.gate.set()
        assert (await sending).verdict is Verdict.UNKNOWN
        assert stage.taken() == []
        outcome = await stage.channel.ask("attempt-1", "")
        assert (outcome.verdict, outcome.cause) == (Verdict.DEFERRED, Cause.FAX_GATEWAY_UNREACHABLE)

    # -- asking

    @pytest.mark.parametrize(
        ("minutes", "verdict"),
        [
            (0, Verdict.UNKNOWN),
            (52, Verdict.UNKNOWN),
            (53, Verdict.DEFERRED),
            (24 * 60, Verdict.DEFERRED),
            (24 * 60 + 1, Verdict.UNKNOWN),
        ],
    )
    async def test_no_such_job_is_proof_from_its_end_until_the_server_forgets(
        self, stage: HylafaxStage, minutes: int, verdict: Verdict
    ) -> None:
        about = Try("<attempt-1@foundation.example>", NOON, NOON)
        stage.now = NOON + timedelta(minutes=minutes)
        outcome = await stage.channel.ask("attempt-1", "", about)
        assert (outcome.verdict, outcome.cause) == (verdict, Cause.FAX_GATEWAY_UNREACHABLE)

    async def test_a_server_that_keeps_nothing_for_long_proves_nothing_by_silence(self, stage: HylafaxStage) -> None:
        channel = HylafaxChannel(stage.server, Calls(keeps=timedelta(minutes=15)), now=lambda: stage.now)
        about = Try("<attempt-1@foundation.example>", NOON, NOON)
        for minutes in range(0, 200, 5):
            stage.now = NOON + timedelta(minutes=minutes)
            assert (await channel.ask("attempt-1", "", about)).verdict is Verdict.UNKNOWN

    async def test_a_number_that_was_given_to_another_job_is_not_ours(self, stage: HylafaxStage) -> None:
        ref = await self._sent(stage, "attempt-9")
        outcome = await stage.channel.ask("attempt-1", ref)
        assert (outcome.verdict, outcome.cause) == (Verdict.UNKNOWN, Cause.FAX_NO_PROOF)

    async def test_a_job_on_its_way_to_the_other_queue_is_no_news(self, stage: HylafaxStage) -> None:
        """As seen at the real hfaxd: for a moment it says that somebody has deleted the job."""
        job = await self._sent(stage)
        stage.farend.moving = frozenset({job})
        for ref in (job, ""):
            outcome = await stage.channel.ask("attempt-1", ref)
            assert (outcome.verdict, outcome.cause) == (Verdict.UNKNOWN, Cause.FAX_GATEWAY_UNREACHABLE)

    async def test_a_job_that_was_deleted_by_hand_is_a_doubt(self, stage: HylafaxStage) -> None:
        job = await self._sent(stage)
        del stage.farend.jobs[job]
        outcome = await stage.channel.ask("attempt-1", job)
        assert (outcome.verdict, outcome.cause) == (Verdict.UNKNOWN, Cause.FAX_NO_PROOF)

    async def test_a_job_that_is_over_is_found_by_its_tag(self, stage: HylafaxStage) -> None:
        stage.farend.end(await self._sent(stage), "DONE", NPAGES="3", TOTPAGES="3", TOTDIALS="1", TOTTRIES="1")
        await self._sent(stage, "attempt-10")
        outcome = await stage.channel.ask("attempt-1", "")
        assert (outcome.verdict, outcome.pages, outcome.facts["pages_total"]) == (Verdict.DELIVERED, 3, "3")

    async def test_of_two_jobs_with_one_tag_the_furthest_speaks(self, stage: HylafaxStage) -> None:
        first, second = await self._sent(stage), await self._sent(stage)
        stage.farend.end(first, "FAILED", "Busy signal detected; too many attempts to dial", TOTDIALS="1")
        stage.farend.end(second, "DONE", NPAGES="3", TOTPAGES="3", TOTDIALS="1", TOTTRIES="1")
        assert (await stage.channel.ask("attempt-1", "")).verdict is Verdict.DELIVERED

    @pytest.mark.parametrize(
        ("state", "pages", "total", "verdict", "cause"),
        [
            ("DONE", "3", "3", Verdict.DELIVERED, Cause.NONE),
            ("DONE", "2", "3", Verdict.UNKNOWN, Cause.FAX_NO_PROOF),
            ("DONE", "0", "0", Verdict.UNKNOWN, Cause.FAX_NO_PROOF),
            ("DONE", "2", "2", Verdict.UNKNOWN, Cause.FAX_NO_PROOF),  # we handed in three
            ("DONE", "", "", Verdict.UNKNOWN, Cause.FAX_NO_PROOF),
            ("READY", "0", "3", Verdict.ACCEPTED, Cause.NONE),  # however long: faxq may have missed a wake-up
            ("ACTIVE", "3", "3", Verdict.ACCEPTED, Cause.NONE),
            ("SUSPENDED", "0", "0", Verdict.ACCEPTED, Cause.NONE),
            ("VANISHED", "3", "3", Verdict.UNKNOWN, Cause.FAX_UNKNOWN_CODE),
            ("", "3", "3", Verdict.UNKNOWN, Cause.FAX_UNKNOWN_CODE),
        ],
    )
    async def test_success_is_every_page_that_we_handed_in(
        self, stage: HylafaxStage, state: str, pages: str, total: str, verdict: Verdict, cause: Cause
    ) -> None:
        job = await self._sent(stage)
        stage.farend.end(job, state, NPAGES=pages, TOTPAGES=total, TOTDIALS="1", TOTTRIES="1")
        for ref in (job, ""):
            outcome = await stage.channel.ask("attempt-1", ref)
            assert (outcome.verdict, outcome.cause) == (verdict, cause)

    @pytest.mark.parametrize(
        ("status", "pages", "tries", "verdict", "cause"),
        [
            ("Busy signal detected; too many attempts to dial", 0, 0, Verdict.DEFERRED, Cause.FAX_BUSY),
            ("Busy signal detected {E001}", 0, 0, Verdict.DEFERRED, Cause.FAX_BUSY),
            ("No answer from remote; too many attempts to dial", 0, 0, Verdict.DEFERRED, Cause.FAX_NO_ANSWER),
            ("No carrier detected; too many attempts to dial", 0, 0, Verdict.DEFERRED, Cause.FAX_VOICE),
            ("No local dialtone; x", 0, 0, Verdict.DEFERRED, Cause.FAX_GATEWAY_UNREACHABLE),
            ("RSPREC error/got DCN (receiver abort); x", 0, 1, Verdict.REFUSED, Cause.FAX_REFUSED),
            ("Failure to train remote modem; x", 0, 1, Verdict.DEFERRED, Cause.FAX_NO_CARRIER_MID_PAGE),
            ("No response to PPS repeated 3 times.; x", 1, 1, Verdict.DEFERRED, Cause.FAX_PARTIAL),
            ("Busy signal detected; x", 1, 1, Verdict.DEFERRED, Cause.FAX_PARTIAL),
            ("No response to PPS repeated 3 times.; x", 2, 1, Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE),
            ("No response to PPS repeated 3 times.; x", 3, 1, Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE),
            # an earlier call of the same job may have come as far as the last page
            ("Busy signal detected; x", 2, 1, Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE),
            ("RSPREC error/got DCN (receiver abort); x", 2, 2, Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE),
            ("Kill time expired", 0, 0, Verdict.DEFERRED, Cause.FAX_GATEWAY_UNREACHABLE),
            ("Job aborted by request", 0, 0, Verdict.REFUSED, Cause.FAX_PROVIDER_REJECTED),
            ("Job aborted by request", 2, 0, Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE),
            ("Document is not valid TIFF\n", 0, 0, Verdict.REFUSED, Cause.CONTENT_INVALID),
            ("", 0, 0, Verdict.UNKNOWN, Cause.FAX_UNKNOWN_CODE),
            ("The cat unplugged it", 0, 0, Verdict.UNKNOWN, Cause.FAX_UNKNOWN_CODE),
        ],
    )
    async def test_a_failure_is_what_its_text_and_its_pages_prove(
        self, stage: HylafaxStage, status: str, pages: int, tries: int, verdict: Verdict, cause: Cause
    ) -> None:
        job = await self._sent(stage)
        stage.farend.end(
            job, "FAILED", status, ERRORCODE="E333", NPAGES=str(pages), TOTPAGES="3", TOTDIALS="2", TOTTRIES=str(tries)
        )
        outcome = await stage.channel.ask("attempt-1", job)
        assert (outcome.verdict, outcome.cause, outcome.pages) == (verdict, cause, pages)
        assert outcome.detail.isprintable()

    async def test_one_page_that_was_lost_is_always_a_doubt(self, stage: HylafaxStage) -> None:
        """Seen on the real line: the receiver held the whole page, the sender counted none."""
        letter = parcel(Kind.FAX, NUMBER, self.document)
        await stage.channel.send(letter, Leave(stage))
        (job,) = stage.farend.ledger
        job.parameters["REGARDING"] = "pages 1"
        told = {"NPAGES": "0", "TOTPAGES": "1", "TOTDIALS": "1", "TOTTRIES": "1"}
        stage.farend.end(job.number, "FAILED", "No response to PPS repeated 3 times.", **told)
        assert (await stage.channel.ask("attempt-1", job.number)).cause is Cause.FAX_LOST_AFTER_LAST_PAGE

    async def test_after_a_call_that_broke_off_the_next_begins_at_a_lower_speed(self, stage: HylafaxStage) -> None:
        letter = parcel(Kind.FAX, NUMBER, self.document)
        await stage.channel.send(letter, Leave(stage))
        await stage.channel.send(replace(letter, attempt_id="attempt-2", slower=True), Leave(stage))
        first, second = stage.farend.ledger
        assert (first.parameters["BEGBR"], second.parameters["BEGBR"]) == ("", "3")

    async def test_the_far_machines_name_is_kept_where_its_log_may_be_read(self, stage: HylafaxStage) -> None:
        job = await self._sent(stage)
        told = {"NPAGES": "3", "TOTPAGES": "3", "TOTDIALS": "1", "TOTTRIES": "1", "COMMID": "000000005"}
        stage.farend.end(job, "DONE", **told)
        assert "station_id" not in (await stage.channel.ask("attempt-1", job)).facts
        stage.farend.logs["000000005"] = 'SEND FAX\nNov 30 23:23:38.29: [1]: REMOTE CSI "+49 30 23125 200"\n'
        outcome = await stage.channel.ask("attempt-1", job)
        assert (outcome.verdict, outcome.facts["station_id"]) == (Verdict.DELIVERED, "+49 30 23125 200")

    # -- looking without a letter

    async def test_a_probe_asks_whether_the_scheduler_is_at_work(self, stage: HylafaxStage) -> None:
        assert (await stage.channel.probe()).verdict is Verdict.ACCEPTED
        stage.farend.scheduler = "Not running"
        outcome = await stage.channel.probe()
        assert (outcome.verdict, outcome.pause_route) == (Verdict.UNSENT, "hylafax")
        stage.farend.says["PASS"] = "530 Login incorrect."
        assert (await stage.channel.probe()).cause is Cause.FAX_PROVIDER_REJECTED
        stage.farend.says = {"STOT": "550 Permission denied."}
        assert (await stage.channel.probe()).verdict is Verdict.UNSENT
        await stage.farend.stop()
        assert (await stage.channel.probe()).cause is Cause.FAX_GATEWAY_UNREACHABLE
        assert stage.taken() == []

    async def test_a_look_tells_release_clock_and_modems(self, stage: HylafaxStage) -> None:
        seen = await stage.channel.look()
        assert (seen.clock, seen.lines, seen.works) == (NOON, ("ttyS0: Running and idle",), True)
        assert "6.0.7" in seen.release

    async def test_whoever_calls_back_is_not_hylafax(self, stage: HylafaxStage) -> None:
        with pytest.raises(NoticeRejected):
            await stage.channel.hear(Notice({}, b"{}", NOON))

    async def test_a_job_can_be_killed(self, stage: HylafaxStage) -> None:
        job = await self._sent(stage)
        async with open_conversation(stage.server) as talk:
            await talk.kill(job)
            with pytest.raises(Refused, match="JKILL"):
                await talk.kill("4711")
        assert (await stage.channel.ask("attempt-1", job)).cause is Cause.FAX_PROVIDER_REJECTED

    async def test_nothing_is_smuggled_into_a_command(self, stage: HylafaxStage) -> None:
        async with open_conversation(stage.server) as talk:
            await talk.new_job()
            for value in ('a"b', "a\r\nJSUBM 1", "a\\"):
                with pytest.raises(ValueError, match="JOBINFO"):
                    await talk.set("JOBINFO", value)
        with pytest.raises(Broken):
            async with open_conversation(Server("127.0.0.1", 1, timeout=0.5)):
                pass


def test_no_text_that_means_a_doubt_hides_behind_a_shorter_one() -> None:
    """Each row of the table is found by its own text, whatever follows."""
    assert {text: meaning_of(f"{text}; too many attempts to dial") for text in TEXTS} == TEXTS
    assert {code: meaning_of(f"whatever {{{code}}}") for code in CODES} == CODES
    assert meaning_of("whatever", "E333").verdict is Verdict.UNKNOWN


def test_nothing_of_the_table_is_success_and_only_what_is_known_counts_as_no_page() -> None:
    rows = [*TEXTS.values(), *CODES.values()]
    assert {row.verdict for row in rows} == {Verdict.DEFERRED, Verdict.REFUSED}
    assert {row.reach for row in rows} == set(Reach)
