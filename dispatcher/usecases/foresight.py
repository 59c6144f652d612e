"""What a forecast warns of: letters that miss their time, closed days, too much at once, too much money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from dispatcher.domain.errors import Problem
from dispatcher.domain.words import Cause, Kind, State

from .forecast import Cost, Frame, cost_of, waits
from .rehearse import Played, Run

#: More letters than this to one mail domain on one day are worth a thought, where nothing else is said.
MANY_TO_ONE = 50


@dataclass(frozen=True, slots=True)
class Limits:
    """What a person does not want to exceed."""

    to_one_domain: int = MANY_TO_ONE  #: letters a day
    money: Mapping[str, float] = field(default_factory=dict)  #: by currency


def warnings_of(frame: Frame, runs: Sequence[Run], limits: Limits) -> list[Problem]:
    """Everything that somebody should think of before the campaign is launched."""
    return [
        *_out_of_time(frame, runs),
        *_blocked(frame, runs[0]),
        *_on_closed_days(frame, runs[0]),
        *_too_many(frame, runs, limits),
        *_too_dear(cost_of(frame, runs), limits),
    ]


def _names(some: Sequence[Played]) -> str:
    names = sorted({one.delivery.contact_id for one in some})
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")


def _letters(number: int) -> str:
    return "1 letter" if number == 1 else f"{number} letters"


def _out_of_time(frame: Frame, runs: Sequence[Run]) -> Iterator[Problem]:
    worst = max(runs, key=lambda run: sum(one.delivery.cause is Cause.LETTER_EXPIRED for one in run.played))
    expired = [one for one in worst.played if one.delivery.cause is Cause.LETTER_EXPIRED]
    if expired:
        cause = f"{_letters(len(expired))} would not leave before the campaign's expiry: {_names(expired)}"
        way_out = "Give it more working days (when.expires_after), or another way"
        yield Problem(frame.plan.campaign["id"], cause, way_out, "W_EXPIRES")
    never = [one for one in runs[0].played if waits(one) and one.delivery.state is not State.HELD]
    if never:
        cause = f"{_letters(len(never))} had not left when the rehearsal ended: {_names(never)}"
        yield Problem(frame.plan.campaign["id"], cause, "See which way out takes no letters", "W_NOT_LEFT")


def _blocked(frame: Frame, run: Run) -> Iterator[Problem]:
    """Follow-ups wait while a letter is in doubt: nobody settles doubts in a rehearsal."""
    doubtful = [one for one in run.played if one.delivery.state is State.IN_DOUBT]
    more = max((number for number, _ in frame.plan.campaign["steps"]), default=0)
    held = [one for one in doubtful if one.delivery.step < more]
    if held:
        cause = f"{_letters(len(held))} would be in doubt, and no follow-up goes there before a person has settled it"
        yield Problem(_names(held), cause, "Plan somebody's time for `doubts settle`", "W_DOUBT")


def _on_closed_days(frame: Frame, run: Run) -> Iterator[Problem]:
    """Where letters may leave on every day, some reach an office that is closed."""
    found: dict[tuple[int, str], list[Played]] = {}
    for one in run.played:
        if one.left_at is not None:
            calendar = frame.calendar_of(one.delivery)
            told = calendar.told(one.left_at.astimezone(ZoneInfo(one.delivery.zone)).date())
            if told:
                found.setdefault((one.delivery.step, told), []).append(one)
    for (step, told), some in sorted(found.items(), key=lambda pair: pair[0]):
        what = "follow-up" if step else "letter"
        cause = f"{_letters(len(some))} ({what}) would leave on a closed day: {told}"
        yield Problem(
            _names(some), cause, 'Let letters leave on working days: days = "working", with hours', "W_CLOSED"
        )


def _too_many(frame: Frame, runs: Sequence[Run], limits: Limits) -> Iterator[Problem]:
    most: dict[tuple[date, str], int] = {}
    for run in runs:
        counts: Counter[tuple[date, str]] = Counter()
        for one in run.played:
            if one.delivery.kind is Kind.EMAIL and one.left_at is not None:
                counts[frame.day(one.left_at), one.delivery.address.rpartition("@")[2]] += 1
        for key, number in counts.items():
            most[key] = max(most.get(key, 0), number)
    for (day, domain), number in sorted(most.items()):
        if number > limits.to_one_domain:
            cause = f"{number} letters to {domain} on {day:%d %B %Y}, more than {limits.to_one_domain}"
            yield Problem(domain, cause, "Its server may take them for bulk mail: spread them over days", "W_MANY")


def _too_dear(cost: Cost, limits: Limits) -> Iterator[Problem]:
    for currency, limit in limits.money.items():
        asked = sum(one.amount.high for one in cost.money if one.currency == currency)
        if asked > limit:
            cause = f"the calls may cost {currency} {asked:.2f}, more than {limit:.2f}"
            yield Problem("cost", cause, "Send less by fax, or raise the limit", "W_SPENDING")
    if cost.without_tariff:
        shown = ", ".join(cost.without_tariff[:3]) + (" …" if len(cost.without_tariff) > 3 else "")
        cause = f"no tariff for {len(cost.without_tariff)} numbers: {shown}; their calls are not in the cost"
        yield Problem("fax.tariffs", cause, "Put what they cost into [[fax.tariffs]]", "W_TARIFF")
