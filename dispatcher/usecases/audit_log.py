"""The audit log as reviewers read it: its end, its check against what was sealed, and its export."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditCheck, AuditEntry, as_record, canonical, check, check_export
from dispatcher.domain.errors import AuditUnchecked, BadSeal, Problem, SettingsError
from dispatcher.domain.notes import BadNote, Head, PublicKey
from dispatcher.seals import BadSignature, Seal, Seals, opened
from dispatcher.store import audit

from .office import Office
from .sealing import Sealing

__all__ = ["Against", "AuditCheck", "export_audit", "seal_now", "tail_audit", "verify_audit", "verify_export"]


@dataclass(frozen=True, slots=True)
class Against:
    """What a log is held against."""

    seals: Path | None = None  #: a signed checkpoint, or a file of seals; None: the office's own
    key: str = ""  #: the verifier's key, or a file that holds it; '': the office's own


async def tail_audit(office: Office, count: int, about: str = "") -> list[AuditEntry]:
    return await office.store.read(lambda connection: audit.tail(connection, count, about))


async def verify_audit(office: Office, against: Against = Against()) -> AuditCheck:
    """Follow the whole chain, and hold it against every state of the log that was sealed.

    Raises BadSeal for a seal that its key did not make, AuditUnchecked where key or seals cannot be read.
    """
    heads = await asyncio.to_thread(_heads, against, office.seals)

    async def query(connection: AsyncConnection) -> AuditCheck:
        return check([entry async for entry in audit.entries(connection)], heads)

    return await office.store.read(query)


async def export_audit(office: Office, path: Path) -> int:
    """Write the log as JSON lines, one entry a line; how many. `verify_export` checks it anywhere."""

    async def query(connection: AsyncConnection) -> list[AuditEntry]:
        return [entry async for entry in audit.entries(connection)]

    found = await office.store.read(query)
    text = "".join(canonical(as_record(entry)) + "\n" for entry in found)
    await asyncio.to_thread(path.write_text, text, encoding="utf-8")
    return len(found)


async def seal_now(office: Office) -> Seal:
    """The seal of the log as it is; the last one where nothing came since. Raises AuditBroken, AuditUnchecked."""
    seals = office.seals
    if seals is None:
        raise AuditUnchecked(Problem("[audit]", "this office keeps no seals"))
    made = await Sealing(office).look("a person's word")
    kept = [made] if made else await asyncio.to_thread(seals.kept)
    if not kept:
        raise AuditUnchecked(Problem("the audit log", "has no entries yet"))
    return kept[-1]


def verify_export(path: Path, against: Against = Against(), own: Seals | None = None) -> AuditCheck:
    """Check an exported log; needs no database. `own`: the office's seals, where there is an office.

    Raises AuditUnchecked for a file that is no export, and what `verify_audit` raises.
    """
    heads = _heads(against, own) if against.seals or own is not None else []
    number = 0

    def lines() -> Iterator[str]:
        nonlocal number
        with path.open(encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, start=1):  # noqa: B007  # told where a line is no entry
                yield line

    try:
        return check_export(lines(), heads)
    except (OSError, UnicodeDecodeError) as error:
        raise AuditUnchecked(Problem(str(path), f"cannot be read: {error}")) from error
    except (ValueError, KeyError, TypeError) as error:
        problem = Problem(f"{path}:{number}", "is not an entry of an audit export", "Export the log again.")
        raise AuditUnchecked(problem) from error


# -- what was sealed ---------------------------------------------------------------------------------------------------


def _heads(against: Against, own: Seals | None) -> list[Head]:
    """Every state that the key has signed; none where nothing was sealed yet."""
    seals, place = _seals(against, own)
    if not seals:
        return []
    key = _key(against.key, own)
    try:
        return [opened(one.note, key) for one in seals]
    except BadSignature as error:
        raise BadSeal(Problem(place, str(error))) from error
    except BadNote as error:
        raise AuditUnchecked(Problem(place, str(error))) from error


def _seals(against: Against, own: Seals | None) -> tuple[Sequence[Seal], str]:
    """A file may also hold one bare checkpoint, as it is handed to trustees."""
    try:
        if against.seals is None:
            return (own.kept(), str(own.file)) if own is not None else ([], "")
        text = against.seals.read_text("utf-8")
        if text.startswith("{"):
            return Seals("", against.seals, against.seals).kept(), str(against.seals)
        return [Seal("", "", text)], str(against.seals)
    except (BadNote, OSError, UnicodeDecodeError) as error:
        raise AuditUnchecked(Problem(str(against.seals or (own and own.file)), f"cannot be read: {error}")) from error


def _key(given: str, own: Seals | None) -> PublicKey:
    """As it was given, in a file or as it is; else the office's own."""
    try:
        if not given and own is not None:
            return own.public()
        path = Path(given)
        return PublicKey.parse(path.read_text("utf-8") if given and path.is_file() else given)
    except SettingsError as error:
        raise AuditUnchecked(error.problems[0]) from error
    except (BadNote, OSError, UnicodeDecodeError) as error:
        hint = "Give the key with --key; whoever keeps the log prints it with: dispatcher audit key"
        raise AuditUnchecked(Problem("--key", str(error), hint)) from error
