"""The doctor on a HylaFAX server: sign-in, clock, scheduler, modems, memory; and the keys that go together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from farend.hfaxd import PASSWORD, USER, Hfaxd
from terminal.project import NO_TEMPLATES

from dispatcher.domain.errors import SettingsError
from dispatcher.providers import look_at_hylafax
from dispatcher.settings import load
from dispatcher.usecases.checks import Check, Finding
from dispatcher.usecases.doctor import examine

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def project(folder: Path, port: int, more: str = "", password: str = PASSWORD) -> Path:
    (folder / "config").mkdir(exist_ok=True)
    secret = folder / "hylafax.secret"
    secret.write_text(f"{password}\n")
    secret.chmod(0o600)
    file = folder / "config" / "dispatcher.toml"
    given = f'enabled = true\nport = {port}\nuser = "{USER}"\npassword_file = "hylafax.secret"\ntimeout = 2\n{more}'
    file.write_text(f"{NO_TEMPLATES}[fax.hylafax]\n{given}\n")
    return file


async def looked_at(file: Path, *, now: datetime = NOON) -> dict[str, Check]:
    found = await examine(file, now=now, look=look_at_hylafax)
    return {one.name.removeprefix("HylaFAX").strip(): one for one in found if one.name.startswith("HylaFAX")}


async def test_a_server_that_lets_us_in_tells_release_clock_modems_and_memory(tmp_path: Path) -> None:
    async with Hfaxd(lambda: NOON) as farend:
        checks = await looked_at(project(tmp_path, farend.port, "keeps_minutes = 50400"))
    assert {name: one.finding for name, one in checks.items()} == dict.fromkeys(
        ("", "clock", "modems", "memory"), Finding.GOOD
    )
    assert "6.0.7" in checks[""].found
    assert checks["modems"].found == "ttyS0: Running and idle"


async def test_what_is_amiss_is_told_with_its_way_out(tmp_path: Path) -> None:
    async with Hfaxd(lambda: NOON - timedelta(minutes=3), scheduler="Not running") as farend:
        checks = await looked_at(project(tmp_path, farend.port))
    assert (checks["scheduler"].finding, checks["clock"].finding) == (Finding.WRONG, Finding.NOTE)
    assert "180 s" in checks["clock"].found
    assert checks["memory"].finding is Finding.NOTE
    assert all(one.fix for one in checks.values() if one.finding is not Finding.GOOD)


async def test_a_wrong_password_and_a_server_that_is_away_are_told_apart(tmp_path: Path) -> None:
    async with Hfaxd(lambda: NOON) as farend:
        refused = await looked_at(project(tmp_path, farend.port, password="open sesame"))
        port = farend.port
    away = await looked_at(project(tmp_path, port))
    assert (refused[""].finding, away[""].finding) == (Finding.WRONG, Finding.WRONG)
    assert "530" in refused[""].found
    assert "open sesame" not in refused[""].found
    assert "530" not in away[""].found


async def test_a_server_elsewhere_is_not_spoken_to_unasked(tmp_path: Path) -> None:
    file = project(tmp_path, 4559, 'host = "fax.example"\ntrusted_network = true')
    assert (await looked_at(file))[""].finding is Finding.NOTE


@pytest.mark.parametrize(
    ("more", "code"),
    [('host = "fax.example"', "E_FAX_PLAIN"), ('dial = "0"', "E_FAX_PATTERN")],
)
def test_keys_that_cannot_be_meant_are_refused(tmp_path: Path, more: str, code: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(project(tmp_path, 4559, more), {})
    assert [problem.code for problem in caught.value.problems] == [code]


async def test_a_password_that_cannot_be_said_is_told(tmp_path: Path) -> None:
    async with Hfaxd(lambda: NOON) as farend:
        checks = await looked_at(project(tmp_path, farend.port, password="one\nJSUBM 1"))
        assert farend.commands == []
    assert "one line" in checks[""].found


async def test_nothing_is_said_where_there_is_no_such_server(tmp_path: Path) -> None:
    file = project(tmp_path, 4559)
    file.write_text("")
    assert await looked_at(file) == {}
