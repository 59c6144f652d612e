"""Everything that an approval covers: whichever field is another one afterwards, the signature is void and says why."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime, time
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from desk.databases import Databases
from desk.desk import ADA, MEGAN, open_desk, person

from dispatcher.domain.errors import Conflict, Problem
from dispatcher.domain.limits import OwnLimits
from dispatcher.domain.model import Copy, Hours, Step
from dispatcher.domain.words import Days, Kind, Policy, Role
from dispatcher.store import audit
from dispatcher.usecases import launch, review
from dispatcher.usecases.differences import differences
from dispatcher.usecases.plan import Plan, Stop, plan_from_bytes
from dispatcher.usecases.prepare import propose

TOMORROW = datetime(2015, 10, 2, 9, 0)
PEOPLE = (person("one", email="one@ardesia.example", fax="+442079460000"), person("two", email="two@ardesia.example"))
#: What a word may be instead, where only some words are known.
WORDS = {
    "kind": {one.value: other.value for one, other in zip(Kind, reversed(Kind), strict=True)},
    "days": {one.value: other.value for one, other in zip(Days, reversed(Days), strict=True)},
    "role": {one.value: other.value for one, other in zip(Role, reversed(Role), strict=True)},
}
#: Whoever changes one of these has another letter or delivery, not the same one changed.
IDENTITY = {
    "letters": ("contact_id", "step", "occurrence"),
    "stops": ("addressee_id", "contact_id", "kind", "role", "occurrence"),
    "remarks": ("code", "place", "cause"),
}
#: The plan of another campaign is not a change of this one.
NOT_A_CHANGE = ("campaign", "id")
#: Of the document, not of the plan.
FORM = "v"
Path_ = tuple[str | int, ...]


def leaves(record: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Where a value stands that holds no others; an empty list or table is one."""
    members = record.items() if isinstance(record, dict) else enumerate(record) if isinstance(record, list) else ()
    below = [leaf for name, one in members for leaf in leaves(one, (*path, name))]
    yield from below or [path]


def other(record: Any, path: Path_) -> Any:
    """The record with another value there."""
    changed = copy.deepcopy(record)
    place = changed
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = _other(place[path[-1]], str(path[-1]))
    return changed


def _other(value: Any, name: str) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return WORDS[name][value] if name in WORDS else _later(value)
        case list():
            return ["x"]
        case dict():
            return {"x": 1}
        case _:
            return "x"


def _later(text: str) -> str:
    for read_as, instead in ((datetime, {"year": 2016}), (time, {"second": 1})):
        with contextlib.suppress(ValueError):
            return read_as.fromisoformat(text).replace(**instead).isoformat()  # type: ignore[arg-type]
    return f"{text} x"


def names(field: str, path: Path_) -> bool:
    """Does it say which field, or which letter or delivery is another one altogether?"""
    part, rest = str(path[0]), path[2:] if path[0] in IDENTITY else path[1:]
    *_, name = (part, *takewhile(lambda one: isinstance(one, str), rest))  # a list below is told as a whole
    return str(name) in field or (name in IDENTITY.get(part, ()) and field.startswith(f"{part}["))


def shape(path: Path_) -> Path_:
    """Of which field it is a case: one letter's subject is as good as another's."""
    return tuple(0 if isinstance(one, int) else "…" if len(one) == 64 else one for one in path)


def read(record: Any) -> Plan:
    return plan_from_bytes(json.dumps(record).encode())


async def test_every_field_that_is_another_one_makes_the_approval_void_and_is_named(
    databases: Databases, tmp_path: Path
) -> None:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as desk:
        drawn = await desk.prepare(
            PEOPLE,
            Policy.EMAIL,
            at=TOMORROW,
            policy_by_contact=(("one", Policy.FAX_IF_NO_PROOF),),
            copies=(Copy("two", "one", Policy.EMAIL),),
            steps=(Step(0, "air-strikes"), Step(1, "air-strikes", 10)),
            hours=Hours(time(9), time(17)),
            limits=OwnLimits(per_day=5, courtesy_hours=24, reason="they asked for it"),
        )
        noticed = replace(drawn.plan, remarks=(Problem("letter to one", "its last page is short", "Look at it"),))
        done = await propose(desk.office, noticed, ADA)
        record = json.loads(done.plan.as_bytes())
        cases = {shape(one): one for one in leaves(record) if one not in ((FORM,), NOT_A_CHANGE)}
        assert len(cases) > 60
        unnamed = []
        for path in cases.values():
            await launch.approve(desk.office, "air-strikes", done.digest, MEGAN)
            changed = await propose(desk.office, read(other(record, path)), ADA)
            row = (await review.show_campaign(desk.office, "air-strikes")).campaign
            assert (changed.voided, row.approved) == (done.digest, False), path
            with pytest.raises(Conflict, match="was changed after it was approved"):
                await launch.launch(desk.office, "air-strikes", ADA)
            last = (await desk.office.store.read(lambda connection: audit.tail(connection, 1)))[0].event
            told = [one.field for one in changed.changes]
            assert last.data["changed"] == told
            if not any(names(field, path) for field in told):
                unnamed.append((path, told))
            assert (await propose(desk.office, done.plan, ADA)).digest == done.digest
        assert not unnamed


async def test_what_is_more_less_or_in_another_order_is_told(databases: Databases, tmp_path: Path) -> None:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as desk:
        plan = (await desk.prepare(PEOPLE, Policy.EMAIL, at=TOMORROW)).plan
        one, two = plan.stops
        assert [str(change) for change in differences(plan, replace(plan, stops=(one,)))] == [
            f"stops[two two email to]: gone, was {_short(two)}"
        ]
        assert [change.field for change in differences(replace(plan, stops=(one,)), plan)] == [
            "stops[two two email to]"
        ]
        (order,) = differences(plan, replace(plan, stops=(two, one)))
        assert order.field == "stops: their order"
        assert differences(plan, plan) == ()


def _short(stop: Stop) -> str:
    return f"{json.dumps(asdict(stop), sort_keys=True)[:79]}…"
