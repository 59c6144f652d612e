"""Fault: somebody changes an evidence bundle. verify.py, alone on a Python without anything of ours, finds any byte."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from desk.desk import ADA, Desk, open_desk, person
from farend.rogue import say

from dispatcher import verify
from dispatcher.domain.audit import Verdict
from dispatcher.domain.errors import UserError
from dispatcher.domain.words import Policy, State
from dispatcher.usecases import audit_log
from dispatcher.usecases.bundle import Bundle, Wanted, bundle


@pytest.fixture
async def desk(tmp_path: Path, database: str) -> AsyncIterator[Desk]:
    script = {"dot": [say("451 4.7.1 greylisted"), say("250 2.0.0 queued as 4711")]}
    async with open_desk(database, tmp_path, script=script) as desk:
        await desk.launch([person("one", email="mission@ardesia.example", fax="+442079460000")], Policy.BOTH)
        await desk.work()
        await desk.pass_time(hours=1)
        yield desk


async def _made(desk: Desk, *, plan: bool = True) -> Bundle:
    row = next(one for one in await desk.deliveries() if one.address == "mission@ardesia.example")
    wanted = Wanted(delivery_id=row.id, with_plan=plan)
    return await bundle(desk.office, wanted, desk.folder / "evidence.zip", "asked for", ADA)


def _unpacked(made: Bundle) -> Path:
    folder = made.path.with_suffix("")
    with zipfile.ZipFile(made.path) as packed:
        packed.extractall(folder)
    return folder


def _alone(folder: Path, *given: str) -> subprocess.CompletedProcess[str]:
    """With no package at all, and no folder but its own."""
    command = [sys.executable, "-I", "-S", "verify.py", *given]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


async def test_a_bundle_is_checked_by_what_lies_in_it_alone(desk: Desk) -> None:
    made = await _made(desk)
    assert made.missing == ()
    assert desk.office.seals is not None
    folder, key = _unpacked(made), str(desk.office.seals.public())
    ran = _alone(folder)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert key in ran.stdout
    assert "approved at" in ran.stdout
    assert ran.stdout.count("the very bytes that left") == 2
    assert _alone(folder, "--key", key).stdout.endswith("All of it holds.\n")
    story = next(folder.glob("deliveries/*/story.txt")).read_text()
    assert "451 4.7.1 greylisted" in story
    assert "queued as 4711" in story
    sent = sorted(folder.glob("deliveries/*/try-*-sent.eml"))
    assert [verify._sha256(one.read_bytes()) for one in sent] == [
        one.sent_digest for one in (await desk.story(folder.joinpath(next(iter(sent))).parent.name)).attempts
    ]


async def test_a_key_that_is_not_the_one_we_were_given_is_no_proof(desk: Desk) -> None:
    folder = _unpacked(await _made(desk))
    other = "coalition.example/audit-log+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    ran = _alone(folder, "--key", other)
    assert (ran.returncode, "not signed with the key" in ran.stdout) == (3, True)


async def test_any_changed_byte_is_found(desk: Desk) -> None:
    """A byte of each file, and some hundred more; the key's file is what the reader has to know by another way."""
    made = await _made(desk)
    assert desk.office.seals is not None
    key, chance = str(desk.office.seals.public()), random.Random(7)
    files = verify.read(made.path)
    assert verify.verify(made.path, key)
    names = [name for name in sorted(files) if name != "audit/key.txt"]
    folder = _unpacked(made)
    for name in [*names, *chance.choices(names, k=150)]:
        whole = files[name]
        at = chance.randrange(len(whole))
        (folder / name).write_bytes(whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :])
        with pytest.raises((verify.Wrong, verify.Unreadable)):
            verify.verify(folder, key)
        (folder / name).write_bytes(whole)
    assert verify.verify(folder, key)


async def test_a_file_taken_out_or_put_in_is_found(desk: Desk) -> None:
    folder = _unpacked(await _made(desk))
    for name in sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()):
        whole = (folder / name).read_bytes()
        (folder / name).unlink()
        with pytest.raises((verify.Wrong, verify.Unreadable)):
            verify.verify(folder)
        (folder / name).write_bytes(whole)
    (folder / "letters" / "more.pdf").write_bytes(b"%PDF")
    with pytest.raises(verify.Wrong, match="does not belong"):
        verify.verify(folder)


async def test_a_list_made_anew_does_not_fit_the_audit_log(desk: Desk) -> None:
    folder = _unpacked(await _made(desk))
    story = next(folder.glob("deliveries/*/story.txt"))
    story.write_text(story.read_text().replace("accepted", "delivered"))
    listed = json.loads((folder / verify.LIST).read_text())
    listed["files"][story.relative_to(folder).as_posix()] = verify._sha256(story.read_bytes())
    (folder / verify.LIST).write_text(json.dumps(listed))
    with pytest.raises(verify.Wrong, match="not the one that stands in the audit log"):
        verify.verify(folder)


async def test_what_is_gone_from_the_archive_is_said_to_be_missing(desk: Desk) -> None:
    row = (await desk.deliveries())[0]
    story = await desk.story(row.id)
    sent = next(one.sent_digest for one in story.attempts if one.sent_digest)
    desk.office.archive.path(sent).unlink()
    made = await bundle(desk.office, Wanted(delivery_id=row.id), desk.folder / "evidence.zip", "why", ADA)
    assert any(sent[:12] in one for one in made.missing)
    ran = _alone(_unpacked(made))
    assert (ran.returncode, "its bytes are not here" in ran.stdout) == (0, True)
    assert "rests on our word" in ran.stdout  # the plan was not asked for


async def test_a_campaign_is_bundled_whole_and_nothing_is_written_over(desk: Desk) -> None:
    path = desk.folder / "campaign.zip"
    campaign = (await desk.deliveries())[0].campaign_id
    made = await bundle(desk.office, Wanted(campaign_id=campaign, with_plan=True), path, "archive", ADA)
    assert made.deliveries == len(await desk.deliveries()) == 2
    assert verify.verify(path)
    [told] = [one for one in await audit_log.tail_audit(desk.office, 1) if one.event.action == "evidence.export"]
    assert told.event.data["manifest"] == made.manifest
    with pytest.raises(UserError, match="is there already"):
        await bundle(desk.office, Wanted(campaign_id=campaign), path, "archive", ADA)
    assert (await audit_log.verify_audit(desk.office)).verdict is Verdict.WHOLE
    assert {one.state for one in await desk.deliveries()} & {State.ACCEPTED, State.DELIVERED}


def test_the_signatures_of_the_standard_are_judged_as_it_says() -> None:
    """RFC 8032 section 7.1, tests 1 to 3, and each with one bit turned."""
    for public, text, signature in _RFC_8032:
        key, words, sign = bytes.fromhex(public), bytes.fromhex(text), bytes.fromhex(signature)
        assert verify.signed(key, words, sign)
        assert not verify.signed(key, words + b"x", sign)
        assert not verify.signed(key, words, bytes([sign[0] ^ 1]) + sign[1:])
        assert not verify.signed(bytes([key[0] ^ 1]) + key[1:], words, sign)
        assert not verify.signed(key, words, sign[:-1])


_RFC_8032 = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655"
        "141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00"
        "d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc02"
        "7beceea1ec40a",
    ),
)
