"""The doctor on the gateways over HTTP, and their settings: sign-in, balance, clock, address, what is missing."""

from __future__ import annotations

import base64
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from desk.desk import Desk
from farend.sinch import KEY as SINCH_KEY
from farend.sinch import PROJECT, SECRET, Sinch
from farend.telnyx import CONNECTION, KEY, NUMBER, Telnyx
from PIL import Image
from terminal.project import NO_TEMPLATES

from dispatcher.channels.base import Channel
from dispatcher.channels.sinch import Account as SinchAccount
from dispatcher.channels.sinch import SinchChannel
from dispatcher.channels.telnyx import Account as TelnyxAccount
from dispatcher.channels.telnyx import TelnyxChannel
from dispatcher.domain.errors import SettingsError
from dispatcher.letters.header_line import FaxHeader, HeaderWords, strip
from dispatcher.letters.legibility import STRIP_ROWS
from dispatcher.letters.tiff import WIDTH
from dispatcher.providers import knock_at_door, look_over_http
from dispatcher.settings import load
from dispatcher.usecases.checks import Check, Finding
from dispatcher.usecases.doctor import examine
from dispatcher.usecases.doctor_gateways import door
from dispatcher.usecases.doctor_live import Live, live_pages

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def project(folder: Path, telnyx: Telnyx | None = None, sinch: Sinch | None = None, more: str = "") -> Path:
    (folder / "config").mkdir(exist_ok=True)
    for name, secret in (("telnyx.key", KEY), ("sinch.secret", SECRET)):
        (folder / name).write_text(f"{secret}\n")
        (folder / name).chmod(0o600)
    lines = [more, NO_TEMPLATES]
    if telnyx:
        public_key = base64.b64encode(telnyx.public_key).decode()
        lines += ["[fax.telnyx]", "enabled = true", f'url = "{telnyx.url}"', 'key_file = "telnyx.key"', "timeout = 2"]
        lines += [f'public_key = "{public_key}"', f'connection = "{CONNECTION}"', f'number = "{NUMBER}"']
    if sinch:
        lines += ["[fax.sinch]", "enabled = true", f'url = "{sinch.url}"', f'project = "{PROJECT}"', "timeout = 2"]
        lines += [f'key = "{SINCH_KEY}"', 'secret_file = "sinch.secret"']
    file = folder / "config" / "dispatcher.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


async def looked_at(file: Path, *, now: datetime = NOON, connect: bool = False) -> dict[str, Check]:
    found = await examine(file, now=now, over_http=look_over_http, connect=connect)
    return {one.name: one for one in found if one.name.startswith(("telnyx", "sinch", "callback"))}


async def test_gateways_that_let_us_in_tell_their_clock_and_what_they_have(tmp_path: Path) -> None:
    telnyx, sinch = Telnyx(lambda: NOON), Sinch(lambda: NOON)
    async with telnyx.server, sinch.server:
        checks = await looked_at(project(tmp_path, telnyx, sinch))
    good = {"telnyx", "telnyx balance", "telnyx clock", "sinch", "sinch clock"}
    assert {name for name, one in checks.items() if one.finding is Finding.GOOD} == good
    assert checks["telnyx balance"].found == "12.30 USD"
    assert "never against the live service" in checks["sinch adapter"].found
    assert (checks["callback address"].finding, "asked" in checks["callback address"].found) == (Finding.NOTE, True)
    assert telnyx.faxes == sinch.faxes == []


async def test_a_wrong_key_a_wrong_clock_and_a_gateway_that_is_away_are_told_apart(tmp_path: Path) -> None:
    telnyx, sinch = Telnyx(lambda: NOON - timedelta(minutes=6)), Sinch(lambda: NOON - timedelta(minutes=1))
    async with sinch.server:
        async with telnyx.server:
            file = project(tmp_path, telnyx, sinch)
            checks = await looked_at(file)
            assert (checks["telnyx clock"].finding, checks["sinch clock"].finding) == (Finding.WRONG, Finding.NOTE)
            sinch.let_in = False
        checks = await looked_at(file)
    assert (checks["telnyx"].finding, checks["sinch"].finding) == (Finding.WRONG, Finding.WRONG)
    assert checks["sinch"].found.startswith("401")
    assert "Connect" in checks["telnyx"].found
    assert all(one.fix for one in checks.values() if one.finding is Finding.WRONG)


@pytest.mark.parametrize(
    ("url", "finding"),
    [
        ("https://fax.example.org", Finding.GOOD),
        ("http://fax.example.org", Finding.NOTE),
        ("http://127.0.0.1:8025", Finding.WRONG),
    ],
)
async def test_an_address_that_no_provider_reaches_is_told(tmp_path: Path, url: str, finding: Finding) -> None:
    sinch = Sinch(lambda: NOON)
    async with sinch.server:
        file = project(tmp_path, sinch=sinch, more=f'[callbacks]\nurl = "{url}"')
        assert (await looked_at(file))["callback address"].finding is finding


async def test_nobody_beyond_this_machine_is_spoken_to_unasked(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "secret").write_text("x\n")
    (tmp_path / "secret").chmod(0o600)
    file = tmp_path / "config" / "dispatcher.toml"
    file.write_text('[fax.sinch]\nenabled = true\nproject = "p"\nkey = "k"\nsecret_file = "secret"\n')
    checks = await looked_at(file)
    assert {name: one.finding for name, one in checks.items()} == {"sinch": Finding.NOTE}
    assert "--connect" in checks["sinch"].fix


@pytest.mark.parametrize(
    ("text", "code", "cause"),
    [
        ("[fax.telnyx]\nenabled = true", "E_FAX_GATEWAY", "key_file, public_key, connection, number"),
        ("[fax.sinch]\nenabled = true\nproject = 'p'", "E_FAX_GATEWAY", "lacks key, secret_file"),
        ("[fax.telnyx]\npublic_key = 'AAAA'", "E_FAX_KEY", "public key"),
        ("[fax.telnyx]\nnumber = '022 555'", "E_FAX_NUMBER", "international"),
        ("[fax.sinch]\nurl = 'http://fax.example.org'", "E_FAX_PLAIN", "unencrypted"),
        ("[fax.sinch]\nurl = 'fax.example.org'", "E_FAX_URL", "no address"),
    ],
)
def test_settings_that_do_not_go_are_told_with_their_way_out(tmp_path: Path, text: str, code: str, cause: str) -> None:
    (tmp_path / "config").mkdir()
    file = tmp_path / "config" / "dispatcher.toml"
    file.write_text(f"{text}\n")
    with pytest.raises(SettingsError) as caught:
        load(file)
    (problem,) = caught.value.problems
    assert (problem.code, cause in problem.cause) == (code, True)
    assert problem.way_out


# -- the address at which they call back, and a page to one's own machine ----------------------------------------------


async def test_our_own_door_is_known_by_its_refusal_and_nothing_else_is_taken_for_it(
    desk: Desk, tmp_path: Path
) -> None:
    file = project(tmp_path, more=f'[callbacks]\nurl = "{desk.callback_url.partition("/callbacks")[0]}"')
    ours = await door(load(file), knock_at_door)
    assert (ours.finding, "our door answers" in ours.found) == (Finding.GOOD, True)
    sinch = Sinch(lambda: NOON)
    async with sinch.server:
        file = project(tmp_path, more=f'[callbacks]\nurl = "{sinch.url}"')
        other = await door(load(file), knock_at_door)
        assert (other.finding, "401" in other.found, bool(other.fix)) == (Finding.WRONG, True, True)
    assert (await door(load(file), knock_at_door)).finding is Finding.WRONG  # nobody listens


def live(channel: Channel, now: list[datetime], to: str = "") -> Live:
    """The clock goes on only while a gateway is waited for."""

    async def wait(span: timedelta) -> None:
        now[0] += span

    header = FaxHeader("+41 22 555 01 00", "Europe/Zurich")
    return Live({channel.name: channel}, to, header, lambda: now[0], wait)


@pytest.mark.parametrize(
    ("to", "finding", "words"),
    [
        ("", Finding.GOOD, "+19898989898 confirmed it after 120 s"),
        ("+13125550100", Finding.GOOD, "+13125550100 confirmed it"),
        ("+13125550122", Finding.WRONG, "fax.busy"),
        ("+13125550141", Finding.WRONG, "fax.bad_number"),
    ],
)
async def test_a_test_page_leaves_once_and_what_became_of_it_is_told(to: str, finding: Finding, words: str) -> None:
    now = [NOON]
    sinch = Sinch(lambda: now[0])
    async with sinch.server:
        account = SinchAccount(PROJECT, SINCH_KEY, SECRET)
        channel = SinchChannel(account, "", url=sinch.url, timeout=5.0, now=lambda: now[0])
        [check] = await live_pages(live(channel, now, to))
        await channel.aclose()
    assert (check.finding, words in check.found) == (finding, True), check
    assert [fax.pages for fax in sinch.faxes] == ([] if to.endswith("41") else [1])
    assert sinch.faults == []


async def test_a_gateway_without_a_number_for_tests_sends_nothing_unless_one_is_named() -> None:
    now = [NOON]
    telnyx = Telnyx(lambda: now[0])
    async with telnyx.server:
        account = TelnyxAccount(KEY, telnyx.public_key, CONNECTION, NUMBER)
        channel = TelnyxChannel(account, "", url=telnyx.url, timeout=5.0, now=lambda: now[0])
        [unasked] = await live_pages(live(channel, now))
        assert (unasked.finding, "--to" in unasked.fix, telnyx.faxes) == (Finding.NOTE, True, [])
        [asked] = await live_pages(live(channel, now, "+13125550100"))
        await channel.aclose()
    assert asked.finding is Finding.GOOD
    with Image.open(io.BytesIO(telnyx.media[telnyx.faxes[0].reference])) as page:
        top = page.convert("1").crop((0, 0, WIDTH, STRIP_ROWS))
    words = HeaderWords("Test", "+41 22 555 01 00", "2026-03-02 13:00 CET (UTC+01:00)", "+13125550100")
    assert top.tobytes() == strip(words, "1/1").tobytes()
    assert telnyx.faults == []
