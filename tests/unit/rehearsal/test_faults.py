"""The faults of a rehearsal: what their table says, how much of each there is, and what a file of them may say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatcher.domain.errors import UserError
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Cause, Kind, Verdict
from dispatcher.rehearsal.fates import Fates
from dispatcher.rehearsal.faults import FAULTS, MIXES, OUTAGES, Mix, Share, find_mix, read_mix
from dispatcher.rehearsal.post import Post

START = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
WAYS = {"smtp": (Kind.EMAIL, True), "simulator": (Kind.FAX, True)}
BY = {Kind.EMAIL: "smtp", Kind.FAX: "simulator"}


@dataclass(frozen=True, slots=True)
class Handed:
    """A try as a channel is handed it."""

    delivery_id: str
    fence: int
    kind: Kind
    document: bytes = b""
    date: datetime = START
    address: str = "+442079460000"

    @property
    def attempt_id(self) -> str:
        return f"{self.delivery_id}.{self.fence}"


def hand(made: Fates, one: Handed) -> Outcome:
    return made.of(one, BY[one.kind])


def far_ends(mix: Mix, seed: int = 1, whose: dict[str, tuple[str, str]] | None = None) -> Fates:
    return Fates(mix, seed, Post(), whose or {}, WAYS)


@pytest.mark.parametrize("name", [name for name, one in FAULTS.items() if one.kind is Kind.EMAIL])
def test_a_fault_of_every_mail_hits_each_one_as_often_as_its_table_says(name: str) -> None:
    fault, made = FAULTS[name], far_ends(Mix("all", {name: Share(1)}))
    said = [hand(made, Handed("a", number, Kind.EMAIL)) for number in (1, 2, 3, 4)]
    news = [one.report.outcome for one in made.post.take(START + timedelta(days=1)) if one.report]
    told = news or said
    hit = [(one.verdict, one.cause) == (fault.verdict, fault.cause) for one in told]
    assert hit == [not fault.tries or number <= fault.tries for number in (1, 2, 3, 4)]


@pytest.mark.parametrize("name", [name for name, one in FAULTS.items() if one.kind is Kind.FAX])
def test_a_fault_of_every_fax_hits_each_call_as_often_as_its_table_says(
    name: str, fax_pages: Callable[[int], bytes]
) -> None:
    fault, made = FAULTS[name], far_ends(Mix("all", {name: Share(1)}))
    for number in (1, 2, 3, 4):
        hand(made, Handed("a", number, Kind.FAX, fax_pages(2)))
    assert list(made.met) == [f"a.{number}" for number in (1, 2, 3, 4) if not fault.tries or number <= fault.tries]
    paid = {call.attempt_id for call in made.calls}
    for number in (1, 2, 3, 4):
        assert (f"a.{number}" in paid) == (f"a.{number}" not in made.met or fault.answered)


def test_the_order_of_letters_plays_no_part_and_another_seed_is_another_fate() -> None:
    names, mix = [f"letter-{number}" for number in range(300)], MIXES["bad"]

    def met(order: list[str], seed: int) -> dict[str, str]:
        made = far_ends(mix, seed)
        for name in order:
            hand(made, Handed(name, 1, Kind.EMAIL))
        return made.met

    assert met(names, 1) == met(names[::-1], 1) != met(names, 2)
    wanted = sum(one.share for one in mix.of_kind(Kind.EMAIL).values())
    assert 0.8 * wanted < len(met(names, 1)) / 300 < 1.2 * wanted


def test_an_outage_begins_with_the_days_first_letter_and_lasts_its_minutes() -> None:
    made = far_ends(Mix("all", outages={"relay_down": Share(1, figure=30)}))
    at = [START + timedelta(minutes=minutes) for minutes in (0, 29, 30, 24 * 60, 24 * 60 + 31)]
    said = [hand(made, Handed(f"{when}", 1, Kind.EMAIL, date=when)) for when in at]
    assert [one.verdict for one in said] == [
        Verdict.UNSENT,
        Verdict.UNSENT,
        Verdict.ACCEPTED,
        Verdict.UNSENT,
        Verdict.ACCEPTED,
    ]
    assert (said[0].pause_route, said[0].cause) == ("smtp", OUTAGES["relay_down"].cause)
    knocks = [made.knocked("smtp", START + timedelta(minutes=minutes)).verdict for minutes in (29, 30)]
    assert knocks == [Verdict.UNSENT, Verdict.ACCEPTED]


def test_an_addressee_answers_once_whichever_way_the_letter_came(fax_pages: Callable[[int], bytes]) -> None:
    whose = {"mail": ("", "ardesia"), "fax": ("", "ardesia"), "other": ("", "halvorn")}
    made = far_ends(Mix("all", answers=1.0, answer_days=(2, 2)), whose=whose)
    hand(made, Handed("mail", 1, Kind.EMAIL))
    hand(made, Handed("fax", 1, Kind.FAX, fax_pages(1)))
    hand(made, Handed("copy", 1, Kind.EMAIL))
    answers = [one for one in made.post.take(START + timedelta(days=9)) if one.source == "answer"]
    assert [(one.about, one.at) for one in answers] == [("mail", START + timedelta(days=2))]


def test_a_gateway_that_is_asked_tells_the_end_only_when_it_has_come(fax_pages: Callable[[int], bytes]) -> None:
    made = far_ends(Mix("all", {"busy": Share(1, figure=1)}))
    hand(made, Handed("a", 1, Kind.FAX, fax_pages(1)))
    assert made.asked("a.1", START).verdict is Verdict.ACCEPTED
    ended = made.asked("a.1", START + timedelta(minutes=1))
    assert (ended.verdict, ended.cause) == (Verdict.DEFERRED, Cause.FAX_BUSY)


# -- files -------------------------------------------------------------------------------------------------------------


def test_a_file_says_shares_tries_minutes_and_answers(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_text(
        "[email]\ngreylisted = 0.25\n[fax]\nbusy = { share = 0.5, tries = 3 }\n"
        "[outages]\nrelay_down = { share = 1, minutes = 90 }\n[answers]\nshare = 0.1\ndays = [3, 5]\n"
    )
    assert find_mix(str(file)) == Mix(
        "ours", {"greylisted": Share(0.25), "busy": Share(0.5, 3)}, {"relay_down": Share(1.0, 90)}, 0.1, (3, 5)
    )


def test_every_fault_of_a_file_is_told_at_once_with_its_key(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(
        "[email]\ngreylisted = 2\nbusy = 0.1\n"
        "[fax]\nbusy = 0.7\nno_answer = 0.7\nline_lost = { share = 0.1, tries = -1 }\n"
        "[answers]\ndays = [5, 3]\n[weather]\nrain = 1\n"
    )
    with pytest.raises(UserError) as refused:
        read_mix(file)
    told = str(refused.value)
    for key in ("email.greylisted", "email.busy", "fax:", "fax.line_lost.tries", "answers.days", "weather"):
        assert f"{file}: {key}" in told
    assert len(refused.value.problems) == 6


@pytest.mark.parametrize("content", ["[email\n", 'email = "much"\n', "\xff"])
def test_a_file_that_is_no_mix_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    file = tmp_path / "odd.toml"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match="E_FAULTS"):
        find_mix(str(file))


def test_a_mix_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(UserError, match="none, usual, bad"):
        find_mix("awful")


def test_the_named_mixes_name_faults_that_exist_and_leave_room_for_good_fortune() -> None:
    for mix in MIXES.values():
        assert set(mix.faults) <= set(FAULTS)
        assert set(mix.outages) <= set(OUTAGES)
        for kind in Kind:
            assert sum(one.share for one in mix.of_kind(kind).values()) < 1


def test_the_manual_tells_of_every_fault_in_its_own_words() -> None:
    manual = (Path(__file__).resolve().parents[3] / "docs" / "rehearsing.md").read_text(encoding="utf-8")
    for name, one in {**FAULTS, **OUTAGES}.items():
        assert f"| `{name}` | {one.says} |" in manual
