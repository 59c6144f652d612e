"""A letter ends, whatever is written in it: two seconds, 256 MiB, the line at fault, and the other letters go on."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from attacks import ALIKE, COSTLY, REFUSED, Attack

from dispatcher.app import Press
from dispatcher.domain.errors import TemplateError
from dispatcher.letters import Hand, Nursery, Order, open_nursery
from dispatcher.letters.watch import MAX_MEMORY, MAX_SECONDS
from dispatcher.resources import resource

HERE = Path(__file__).parent
#: Faults of the data, and of the finished pages: they have the contact, or the letter, for a place and not a line.
_WITHOUT_A_LINE = re.compile(r"contact [a-z0-9-]+|letters/own|own")
_IN_THE_DATA = ("copies", "a name", "a state", "an address", "pages")


def templates_in(folder: Path) -> Path:
    shutil.copytree(resource("templates"), folder / "templates")
    (folder / "templates/letters/own").mkdir()
    return folder / "templates"


@pytest.fixture(scope="module")
def measured(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each attack came to, and what it cost, in a process of their own."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the peak of memory is measured on Linux")
    templates = templates_in(tmp_path_factory.mktemp("attacks"))
    alike = ["--long"] if request.config.getoption("--long") else []
    ran = subprocess.run(
        [sys.executable, str(HERE / "attacks.py"), str(templates), *alike],
        env={"PYTHONPATH": f"{HERE}:{HERE.parents[2]}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return {one["name"]: one for one in map(json.loads, ran.stdout.splitlines())}


@pytest.mark.parametrize("name", REFUSED)
def test_an_attack_is_refused_with_its_line_at_next_to_no_cost(name: str, measured: dict[str, dict[str, Any]]) -> None:
    found = measured[name]
    assert found["seconds"] < MAX_SECONDS
    assert found["kib"] * 1024 < MAX_MEMORY
    assert found["problems"]
    for code, place in found["problems"]:
        assert code.startswith("E_TPL_")
        with_line = re.fullmatch(r"letters/own/en\.md:\d+", place)
        assert with_line or (_WITHOUT_A_LINE.fullmatch(place) and any(word in name for word in _IN_THE_DATA)), place


@pytest.mark.parametrize("name", [pytest.param(one, marks=pytest.mark.long if one in ALIKE else ()) for one in COSTLY])
def test_a_letter_at_the_bounds_keeps_to_the_time_and_the_memory(
    name: str, measured: dict[str, dict[str, Any]]
) -> None:
    found = measured[name]
    assert found["kib"] * 1024 < MAX_MEMORY
    # A machine whose cores are shared computes half as fast; the second wall has no such patience.
    assert found["seconds"] < 2 * MAX_SECONDS
    assert {code for code, _ in found["problems"]} <= {"E_TPL_LIMIT"}


def test_a_loop_that_prints_too_much_is_named_at_the_line_where_it_stands(
    measured: dict[str, dict[str, Any]],
) -> None:
    assert measured["a loop that prints too much"]["problems"] == [["E_TPL_LIMIT", "letters/own/en.md:8"]]


# -- the second wall ---------------------------------------------------------------------------------------------------

#: Code of the page template itself, which neither the guard nor the limits read: more than any letter costs.
ENDLESS = "#for i in range(9000) { for j in range(9000) { for k in range(9000) {} } }\n"
GREEDY = "#let much = range(300000000)\n"


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    opened = open_nursery()
    yield opened
    opened.close()


def spoilt(folder: Path, code: str) -> Path:
    """Templates whose page runs this code for letters of the year 2027, and is as shipped for others."""
    templates = templates_in(folder)
    page = templates / "typst/letter.typ"
    page.write_text(
        page.read_text("utf-8") + '\n#if "2027" in repr(given.letter.date_line) [\n' + code + "]\n", "utf-8"
    )
    return templates


def late(order: Order) -> Order:
    return replace(order, letter_date=order.letter_date.replace(year=2027))


@pytest.mark.parametrize(("code", "why"), [(ENDLESS, "after 2 seconds of computing"), (GREEDY, "more than 256 MiB")])
def test_what_gets_past_the_first_wall_is_stopped_and_the_next_letter_is_made(
    code: str, why: str, order: Order, tmp_path: Path, nursery: Nursery
) -> None:
    hand = Hand(nursery, str(spoilt(tmp_path, code)))
    try:
        with pytest.raises(TemplateError, match=why) as caught:
            hand.render(late(order))
        [problem] = caught.value.problems
        assert problem.code == "E_TPL_LIMIT"
        assert problem.place == "letters/air-strikes, contact ru-president"
        assert hand.render(order).pages == 1
    finally:
        hand.close()


async def test_the_others_go_on_while_one_letter_is_stopped(order: Order, tmp_path: Path) -> None:
    press = Press(spoilt(tmp_path, GREEDY), hands=2)
    try:
        made = await asyncio.gather(
            press.render(order), press.render(late(order)), press.render(order), return_exceptions=True
        )
    finally:
        press.close()
    assert [type(one).__name__ for one in made] == ["Rendered", "TemplateError", "Rendered"]


def test_an_error_of_a_letter_comes_back_whole_from_its_process(order: Order, tmp_path: Path, nursery: Nursery) -> None:
    templates = templates_in(tmp_path)
    (templates / "letters/own/en.md").write_text(Attack("{{ contact.nmae }} {{ 2 * 2 }}").file, "utf-8")
    hand = Hand(nursery, str(templates))
    try:
        with pytest.raises(TemplateError) as caught:
            hand.render(replace(order, letter="own"))
        assert [one.code for one in caught.value.problems] == ["E_TPL_UNDEF", "E_TPL_LIMIT"]
    finally:
        hand.close()
