"""Makes an evidence bundle: a ZIP of one letter's or a campaign's files, its story, and the audit log's part about it.

What is not there is said to be missing. `dispatcher/verify.py`, which lies in it, checks the whole on a machine that
never saw us.
"""

from __future__ import annotations

import asyncio
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher import verify
from dispatcher.archive import digest_of
from dispatcher.domain.audit import AuditEntry, AuditEvent, as_record, canonical, leaf_of
from dispatcher.domain.errors import AuditUnchecked, CheckFailed, NotFound, Problem, UserError
from dispatcher.domain.merkle import Tree
from dispatcher.domain.model import Actor, Attempt, Delivery, Letter
from dispatcher.domain.notes import parse_head, parse_note
from dispatcher.seals import Seal
from dispatcher.store import attempts, audit, campaigns, deliveries

from .audit_log import seal_now
from .office import Office

#: Every file of a bundle has this time: that it was made later says nothing.
_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of what: one delivery, or a campaign with all that it sent."""

    delivery_id: str = ""
    campaign_id: str = ""
    with_plan: bool = False  #: with the approved plan, which names every recipient of the campaign


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was made."""

    path: Path
    files: int
    deliveries: int
    manifest: str  #: sha256 of the list of its files, which stands in the audit log
    missing: tuple[str, ...]  #: what should have been there and was not


@dataclass(frozen=True, slots=True)
class _Told:
    """One delivery with everything on record about it."""

    delivery: Delivery
    attempts: list[Attempt]
    evidence: list[dict[str, Any]]


async def bundle(office: Office, wanted: Wanted, path: Path, reason: str, actor: Actor) -> Bundle:
    """Write the bundle, with an entry in the audit log about it. Raises NotFound, UserError where the file is there.

    Also AuditBroken where the log is not what was sealed, and AuditUnchecked where it is not sealed at all.
    """
    if await asyncio.to_thread(path.exists):
        raise UserError(Problem(str(path), "is there already", "Name another file; nothing is written over.", "E_FILE"))
    told, plan = await office.store.read(lambda connection: _told(connection, wanted))
    files, missing = await _files(office, told, plan if wanted.with_plan else "")
    listed = {name: digest_of(data) for name, data in sorted(files.items())}
    files[verify.LIST] = canonical({"v": 1, "files": listed, "missing": missing}).encode()
    manifest = digest_of(files[verify.LIST])
    await _note(office, wanted, told, manifest, reason, actor)
    files |= await _log(office, told, await seal_now(office))
    await asyncio.to_thread(_pack, path, files)
    return Bundle(path, len(listed), len(told), manifest, tuple(missing))


async def _told(connection: AsyncConnection, wanted: Wanted) -> tuple[list[_Told], str]:
    """The deliveries, and the digest of the plan that was approved for them."""
    if wanted.delivery_id:
        rows = [await deliveries.get(connection, wanted.delivery_id)]
    else:
        await campaigns.get(connection, wanted.campaign_id)
        rows = await deliveries.of_campaign(connection, wanted.campaign_id)
    told = [
        _Told(row, await attempts.of_delivery(connection, row.id), await attempts.evidence_of(connection, row.id))
        for row in rows
    ]
    if not told:
        raise NotFound(f"campaign '{wanted.campaign_id}' has no letters yet")
    return told, (await campaigns.get(connection, told[0].delivery.campaign_id)).approved_plan


async def _note(
    office: Office, wanted: Wanted, told: Sequence[_Told], manifest: str, reason: str, actor: Actor
) -> None:
    """Who took evidence out, of what, and what was in it."""
    about = f"delivery:{told[0].delivery.id}" if wanted.delivery_id else f"campaign:{wanted.campaign_id}"
    data = {"manifest": manifest, "deliveries": len(told)}
    event = AuditEvent(str(actor), "evidence.export", about, reason=reason, data=data)
    await office.store.write(lambda connection: audit.append(connection, event, office.clock.now()))


# -- the files ---------------------------------------------------------------------------------------------------------


async def _files(office: Office, told: Sequence[_Told], plan: str) -> tuple[dict[str, bytes], list[str]]:
    script = await asyncio.to_thread(Path(verify.__file__).read_bytes)
    files = {"verify.py": script, "READ-ME.txt": _READ_ME.encode()}
    missing: list[str] = []

    async def put(name: str, digest: str) -> None:
        try:
            files[name] = await office.archive.get(digest)
        except (NotFound, CheckFailed) as error:
            missing.append(f"{name}: {error}")

    for digest in sorted({one.delivery.letter for one in told}):
        await put(f"letters/{digest}/letter.json", digest)
        for part, kept in sorted((await _letter(office, digest)).objects.items()):
            await put(f"letters/{digest}/{part}{_ENDINGS.get(part, '')}", kept)
    for one in told:
        await _put_delivery(one, files, put)
    if plan:
        await put("plan.json", plan)
    return files, missing


async def _letter(office: Office, digest: str) -> Letter:
    return await office.store.read(lambda connection: campaigns.get_letter(connection, digest))


#: What the parts of a letter are called as files.
_ENDINGS = {"pdf": ".pdf", "fax_pdf": ".pdf", "tiff": ".tif", "html": ".html", "text": ".txt", "entity": ".eml"}


async def _put_delivery(one: _Told, files: dict[str, bytes], put: Any) -> None:
    folder = f"deliveries/{one.delivery.id}"
    forms = {}
    for each in one.attempts:
        if each.sent_digest:
            name = f"{folder}/try-{each.fence}-sent"
            await put(name, each.sent_digest)
            forms[each.id] = form = _form(files.get(name, b""))
            if name in files:
                files[f"{name}.{form}"] = files.pop(name)
    for number, heard in enumerate(one.evidence, start=1):
        if heard["raw_digest"]:
            await put(f"{folder}/report-{number}-as-received", heard["raw_digest"])
    record = {
        "delivery": _plain(asdict(one.delivery)),
        "attempts": [{**_plain(asdict(each)), "form": forms.get(each.id, "")} for each in one.attempts],
        "reports": [_plain(each) for each in one.evidence],
    }
    files[f"{folder}/delivery.json"] = json.dumps(record, indent=1, ensure_ascii=False, sort_keys=True).encode()
    files[f"{folder}/story.txt"] = "".join(f"{line}\n" for line in _story(one)).encode()


def _form(data: bytes) -> str:
    """The ending of a file, by how it begins."""
    beginnings = {b"%PDF": "pdf", b"II*\0": "tif", b"MM\0*": "tif"}
    return next((form for begins, form in beginnings.items() if data.startswith(begins)), "eml")


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in record.items()}


def _story(one: _Told) -> Iterator[str]:
    """What happened, in words, by UTC. What is not known is not said."""
    row = one.delivery
    yield f"Letter {row.step + 1} of the campaign '{row.campaign_id}', to {row.recipient} ({row.role}) by {row.kind}"
    yield f"at {row.address}. Message-ID {row.message_id}. Its document: {row.letter}"
    yield ""
    moments = [moment for each in one.attempts for moment in _of_attempt(each)]
    for heard in one.evidence:
        used = "" if heard["applied"] else " (kept; it changed nothing)"
        words = " ".join(part for part in (heard["cause"], heard["detail"]) if part)
        moments.append((heard["at"], f"{heard['source']} reports: {heard['verdict']}{used}. {words}".rstrip(". ")))
    for at, words in sorted(moments, key=lambda moment: moment[0]):
        yield f"{at:%Y-%m-%d %H:%M:%S} UTC  {words}"
    yield ""
    yield f"State when this bundle was made: {row.state}" + (f" ({row.cause})" if row.cause else "")


def _of_attempt(one: Attempt) -> Iterator[tuple[datetime, str]]:
    again = ", although an earlier one may have arrived, as a person wished" if one.knowingly else ""
    yield one.opened_at, f"try {one.fence} is begun by {one.worker}, over {one.channel}{again}"
    if one.transmitting_at:
        yield one.transmitting_at, f"try {one.fence} is about to leave: bytes with sha256 {one.sent_digest}"
    if one.closed_at:
        words = " ".join(part for part in (one.cause, one.detail) if part)
        ref = f"; the far end calls it {one.ref}" if one.ref else ""
        yield one.closed_at, f"try {one.fence} comes to: {one.verdict}{ref}. {words}".rstrip(". ")


# -- the audit log -----------------------------------------------------------------------------------------------------


async def _log(office: Office, told: Sequence[_Told], seal: Seal) -> dict[str, bytes]:
    """The entries about these letters and their campaign, with the path of each to the signed root."""
    text, signatures = parse_note(seal.note)
    head = parse_head(text)
    objects = {f"delivery:{one.delivery.id}" for one in told} | {f"campaign:{one.delivery.campaign_id}" for one in told}
    leaves, found = await office.store.read(lambda connection: _entries(connection, objects, head.size))
    tree = Tree(leaves)
    if tree.root != head.root or office.seals is None or not signatures:
        raise AuditUnchecked(Problem("the audit log", "is not what was sealed", "Run: dispatcher audit verify"))
    proofs = {str(one.seq): [part.hex() for part in tree.inclusion(one.seq - 1)] for one in found}
    return {
        f"{verify.OWN}entries.jsonl": "".join(canonical(as_record(one)) + "\n" for one in found).encode(),
        f"{verify.OWN}proofs.json": canonical(proofs).encode(),
        f"{verify.OWN}checkpoint.txt": seal.note.encode(),
        f"{verify.OWN}key.txt": f"{office.seals.public()}\n".encode(),
    }


async def _entries(connection: AsyncConnection, objects: set[str], size: int) -> tuple[list[bytes], list[AuditEntry]]:
    leaves, found = [], []
    async for entry in audit.entries(connection):
        if entry.seq > size:
            break
        leaves.append(leaf_of(entry.hash))
        if entry.event.object in objects:
            found.append(entry)
    return leaves, found


def _pack(path: Path, files: dict[str, bytes]) -> None:
    """Whole under another name first: a bundle that is there is complete."""
    scratch = path.with_name(f".{path.name}.part")
    with zipfile.ZipFile(scratch, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in sorted(files.items()):
            info = zipfile.ZipInfo(name, _TIME)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            packed.writestr(info, data)
    scratch.replace(path)


_READ_ME = """\
This is the evidence about letters that were sent with Dispatcher.

  letters/       each letter as it was approved: PDF, fax pages, mail; letter.json names its parts by sha256
  deliveries/    to each address: story.txt in words, delivery.json in full, the very bytes that left, and every
                 report that came back, as it was received
  plan.json      the plan that was approved, where it was asked for: every letter, recipient, address and hour
  audit/         the entries of the audit log about all this, signed, each with the path that leads to the signature
  manifest.json  the sha256 of every file, and what should be here and is missing; its own sha256 is in the audit log

To check it: unpack it, and run with any Python from 3.9 on, on any machine:

  python3 verify.py

It names the key that has signed. Compare it with the key that you were given by another way, or hand that over:

  python3 verify.py --key 'NAME+ID+KEY'

'accepted' means that the next mail server or gateway took it. 'delivered' means that there is evidence of its arrival,
and that evidence is here. 'presumed' means that no bounce came back in the time in which one would have come.
"""
