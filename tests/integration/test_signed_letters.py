"""An office whose settings name a certificate: what is frozen for approval, mailed and faxed is signed."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from desk.databases import Databases
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from signers.authority import Authority, pem
from terminal.project import NO_TEMPLATES

from dispatcher import app
from dispatcher.domain.clock import HandClock
from dispatcher.domain.errors import CampaignError
from dispatcher.domain.model import Actor
from dispatcher.resources import resource
from dispatcher.settings import load
from dispatcher.usecases import prepare
from dispatcher.usecases.campaign_files import read_campaign_file
from dispatcher.usecases.checks import Finding
from dispatcher.usecases.contact_import import import_contacts
from dispatcher.usecases.doctor import examine
from dispatcher.usecases.office import Office
from dispatcher.usecases.prepare import Prepared

NOW = datetime(2026, 11, 24, 7, 30, tzinfo=UTC)
ADA = Actor("operator", "ada")
CAMPAIGN = """\
id = "signed"
title = "Signed"
organisation = "cluster-munition-coalition"
sender = { name = "Megan Burke", title = "Director", email = "letters@coalition.example", place = "Geneva" }
when = { at = 2026-11-24T09:00:00, zone = "Europe/Zurich" }
select = { contacts = ["ru-president"] }
channels = { default = "both" }
steps = [{ letter = "air-strikes" }]
"""


def _settings_file(folder: Path, database: str, authority: Authority) -> Path:
    key = generate_private_key(SECP256R1())
    (folder / "certificate.pem").write_bytes(authority.issue(key) + authority.certificate)
    (folder / "key.pem").write_bytes(pem(key, b"open sesame"))
    (folder / "passphrase").write_text("open sesame\n")
    for secret in ("key.pem", "passphrase"):
        (folder / secret).chmod(0o600)
    (folder / "signed.toml").write_text(CAMPAIGN)
    file = folder / "mine.toml"
    file.write_text(
        f'[database]\nurl = "{database}"\n[contacts]\nfolder = "{resource("config/contacts")}"\n'
        '[signing]\ncertificate_file = "certificate.pem"\nkey_file = "key.pem"\npassphrase_file = "passphrase"\n'
    )
    return file


@asynccontextmanager
async def _office(settings_file: Path, now: datetime = NOW) -> AsyncIterator[tuple[Office, Prepared]]:
    """An office with processes of its own, and the campaign as it prepares it."""
    settings = load(settings_file, {})
    async with app.open_office(settings, HandClock(now)) as office:
        await import_contacts(office, sorted(settings.contacts.folder.glob("*.csv")), ADA)
        read, book = await read_campaign_file(office, settings_file.with_name("signed.toml"), settings.templates.folder)
        yield office, await prepare.prepare(office, read.campaign, book, ADA)


async def _believed(pdf: bytes, authority: Authority) -> bool:
    (signature,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    roots = list(load_certs_from_pemder_data(authority.certificate))
    verdict = await async_validate_pdf_signature(signature, ValidationContext(trust_roots=roots, allow_fetching=False))
    return verdict.bottom_line


@pytest.mark.slow
async def test_mail_fax_and_archive_carry_the_signed_letter_and_preparing_again_changes_nothing(
    tmp_path: Path, databases: Databases
) -> None:
    authority = Authority()
    file = _settings_file(tmp_path, databases.fresh("sqlite", tmp_path), authority)
    async with _office(file) as (office, first):
        objects = first.plan.letters[0].objects
        for name in ("pdf", "fax_pdf"):
            assert await _believed(await office.archive.get(objects[name]), authority)
        mail = message_from_bytes(await office.archive.get(objects["entity"]))
        [attached] = [part for part in mail.walk() if part.get_filename()]
        assert attached.get_payload(decode=True) == await office.archive.get(objects["pdf"])
    async with _office(file) as (_, again):
        assert again.digest == first.digest


@pytest.mark.parametrize(
    ("now", "finding"),
    [(NOW, Finding.GOOD), (datetime(2030, 12, 1, tzinfo=UTC), Finding.NOTE)],
)
async def test_the_doctor_says_who_signs_and_warns_before_the_certificate_expires(
    tmp_path: Path, databases: Databases, now: datetime, finding: Finding
) -> None:
    file = _settings_file(tmp_path, databases.fresh("sqlite", tmp_path), Authority())
    file.write_text(file.read_text() + NO_TEMPLATES)
    [check] = [one for one in await examine(file, now=now) if one.name == "signature"]
    assert check.finding == finding
    assert "Anna Example" in check.found
    assert "2030-12-31" in check.found


async def test_an_expired_certificate_is_wrong_to_the_doctor_and_nothing_is_prepared_with_it(
    tmp_path: Path, databases: Databases
) -> None:
    file = _settings_file(tmp_path, databases.fresh("sqlite", tmp_path), Authority())
    late = datetime(2031, 1, 1, tzinfo=UTC)
    found = await examine(file, now=late)
    assert [one.name for one in found if one.finding == Finding.WRONG and "2030-12-31" in one.found] == ["signature"]
    with pytest.raises(CampaignError, match=r"E_SIGNING_EXPIRED .*2030-12-31 only"):
        async with _office(file, late):
            pass
