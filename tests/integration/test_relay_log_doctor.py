"""The doctor on the logs of our own relays: readable, current, by a clock like ours; and the keys that go together."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from terminal.project import NO_TEMPLATES

from dispatcher.domain.clock import SystemClock
from dispatcher.domain.errors import SettingsError
from dispatcher.providers import _relay_logs, newest_in_log
from dispatcher.settings import load
from dispatcher.usecases.checks import Check, Finding
from dispatcher.usecases.doctor import examine

SAMPLE = Path(__file__).parents[1] / "fixtures" / "relay" / "mail.log"
END = datetime(2026, 11, 24, 15, 45, 47, tzinfo=UTC)


def project(folder: Path, relay: str) -> Path:
    (folder / "config").mkdir()
    file = folder / "config" / "dispatcher.toml"
    file.write_text(f'{NO_TEMPLATES}[[mail.relays]]\nport = 1\n[[mail.relays]]\nname = "own"\nport = 1\n{relay}\n')
    return file


async def looked_at(folder: Path, relay: str, now: datetime = END) -> Check:
    [found] = [
        one for one in await examine(project(folder, relay), now=now, newest=newest_in_log) if one.name == "log of own"
    ]
    return found


def sample(folder: Path, written: datetime = END) -> None:
    (folder / "mail.log").write_bytes(SAMPLE.read_bytes())
    os.utime(folder / "mail.log", (written.timestamp(), written.timestamp()))


async def test_a_log_that_can_be_read_and_is_current_is_good(tmp_path: Path) -> None:
    sample(tmp_path)
    found = await looked_at(tmp_path, 'log_file = "mail.log"\nlog_zone = "UTC"', END + timedelta(hours=9))
    assert found.finding is Finding.GOOD
    assert "24 November 15:45:47 UTC" in found.found


@pytest.mark.parametrize(
    ("written", "zone", "later", "finding", "word"),
    [
        (END, "UTC", timedelta(days=4), Finding.NOTE, "24 November"),
        (END, "Asia/Tokyo", timedelta(hours=1), Finding.WRONG, "06:45:47"),
        (END + timedelta(hours=1), "UTC", timedelta(hours=1), Finding.WRONG, "written at"),
    ],
    ids=["not current", "another zone", "copied"],
)
async def test_what_would_make_the_log_useless_is_told(
    tmp_path: Path, written: datetime, zone: str, later: timedelta, finding: Finding, word: str
) -> None:
    sample(tmp_path, written)
    found = await looked_at(tmp_path, f'log_file = "mail.log"\nlog_zone = "{zone}"', END + later)
    assert (found.finding, word in found.found) == (finding, True)


async def test_a_log_that_is_not_there_or_is_none_of_postfix_is_told(tmp_path: Path) -> None:
    found = await looked_at(tmp_path, 'log_file = "nowhere.log"')
    assert (found.finding, "nowhere.log" in found.found) == (Finding.WRONG, True)
    (tmp_path / "nowhere.log").write_text("hello\n")
    checks = await examine(tmp_path / "config/dispatcher.toml", now=END, newest=newest_in_log)
    [found] = [one for one in checks if one.name == "log of own"]
    assert found.finding is Finding.NOTE


def test_keys_about_a_log_that_is_not_named_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="E_RELAY_LOG"):
        load(project(tmp_path, 'queue_command = "postqueue -j"'), {})


def test_the_settings_become_the_logs_that_are_asked(tmp_path: Path) -> None:
    command = "/usr/sbin/postqueue -c '/etc/my postfix' -j"
    given = f'log_file = "mail.log"\nlog_zone = "Asia/Tokyo"\nqueue_command = "{command}"'
    logs = _relay_logs(load(project(tmp_path, given), {}), SystemClock()).logs
    assert logs["main"] is None
    own = logs["own"]
    assert own is not None
    assert own.files.path == tmp_path / "mail.log"
    assert str(own.files.zone) == "Asia/Tokyo"
    assert own.queue_command == ("/usr/sbin/postqueue", "-c", "/etc/my postfix", "-j")
    assert own.loopback
