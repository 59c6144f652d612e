"""What a campaign file says of papers that go along: a step's attachments and the fax cover page. Knows no PDF: who
reads a campaign hands in a look at the bytes, which is the same that preparing takes again."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dispatcher.domain.errors import Problem
from dispatcher.domain.model import Attachment
from dispatcher.domain.words import Policy

from .findings import clip, did_you_mean
from .sheet import Sheet
from .text import Where, check_line, clean

#: Takes a name and the bytes; says what is wrong. A code that begins with W_ warns, any other refuses the file.
Look = Callable[[str, bytes], Iterable[Problem]]
#: Bytes of a mail beside its attachments: headers, the letter's words and its PDF. A real one has about half of it.
MAIL_BESIDE = 100_000
#: A longer name is cut off, or folded badly, by some mail programs.
LONGEST_NAME = 80
MOST = 20
#: No larger file is read at all, in bytes.
LARGEST = 64 * 1024 * 1024
_WAY_OUT = 'Write it as attachments = ["annex.pdf"], or [{ file = "annex.pdf", title = "Annex: the facts" }]'
_MAKE_ONE = "Make a PDF of it: in Word, Excel or LibreOffice choose File, then Save As or Export, then PDF"
#: What Windows does not take in the name of a file; the last are those that a header would have to quote.
_UNFIT = re.compile(r'[\\/:*?"<>|;\x00-\x1f]')


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is looked for when a campaign file names attachments."""

    look: Look
    mail_bytes: int  #: of the largest mail that is sent; 0: none is sent

    def for_ways(self, ways: Collection[Policy]) -> Inspection:
        """The same; the size of a mail does not matter where everybody is reached by fax alone."""
        return self if set(ways) != {Policy.FAX} else Inspection(self.look, 0)


def _nothing(name: str, data: bytes) -> Iterable[Problem]:
    return ()


#: Only what can be told from outside the file.
FROM_OUTSIDE = Inspection(_nothing, 0)


def read_cover(sheet: Sheet) -> tuple[bool, str]:
    """The [fax] of a campaign: whether there is a cover page, and its remarks."""
    sheet.allow("cover", "remarks")
    wanted = sheet.has("cover") and sheet.of_type("cover", bool, "Write cover = true") and sheet.values["cover"]
    remarks = sheet.text("remarks", 'Write remarks = "Original follows by post"', required=False)
    if remarks and not wanted:
        cause = f"{sheet.name('remarks')}: there is no cover page that could say it"
        sheet.fault("E_VALUE", cause, "Add cover = true, or take the remarks out", "remarks")
    return bool(wanted), remarks


def read_attachments(sheet: Sheet, inspection: Inspection) -> tuple[Attachment, ...]:
    """The attachments of a step, in order; each was opened, and everything that is wrong with any of them is noted."""
    if not sheet.has("attachments") or not sheet.of_type("attachments", list, _WAY_OUT):
        return ()
    items: list[object] = sheet.values["attachments"]
    if len(items) > MOST:
        cause = f"{sheet.name('attachments')}: {len(items)} attachments; {MOST} are allowed"
        sheet.fault("E_ATT_MANY", cause, "Join them into fewer files", "attachments")
    found: list[Attachment] = []
    total = sum(_read(sheet, number, item, found, inspection) for number, item in enumerate(items[:MOST]))
    _check_size(sheet, as_mailed(total), inspection.mail_bytes)
    return tuple(found)


def _check_size(sheet: Sheet, size: int, mail_bytes: int) -> None:
    room = max(mail_bytes - MAIL_BESIDE, 0)
    if mail_bytes and size > room:
        cause = f"{sheet.name('attachments')}: {size:,} bytes as a mail carries them (base64), where {room:,} have room"
        sheet.fault("E_ATT_SIZE", cause, "Make them smaller, or raise mail.max_bytes in dispatcher.toml", "attachments")


def as_mailed(size: int) -> int:
    """So many bytes in base64, with a line end after every 76 characters (RFC 2045 section 6.8)."""
    coded = -(-size // 3) * 4
    return coded + -(-coded // 76) * 2


def _read(sheet: Sheet, number: int, item: object, found: list[Attachment], inspection: Inspection) -> int:
    """Adds the attachment to `found` where it can be used; its size in bytes."""
    named = _named(sheet, number, item)
    if named is None or not _fit(sheet, number, named, found):
        return 0
    data = _bytes(sheet, number, Path(named.path))
    if data is None:
        return 0
    found.append(named)
    place = sheet.place("attachments", number)
    for one in inspection.look(named.name, data):
        note = sheet.findings.warn if one.code.startswith("W_") else sheet.findings.fault
        note(place, one.code, f"{_called(sheet, number)}: {named.name} {one.cause}", one.way_out)
    return len(data)


def _called(sheet: Sheet, number: int) -> str:
    return f"{sheet.name('attachments')}[{number + 1}]"


def _named(sheet: Sheet, number: int, item: object) -> Attachment | None:
    """The file and the title that an item of the list gives; None, and the problem, where it gives none."""
    if isinstance(item, str):
        item = {"file": item}
    if not isinstance(item, dict):
        sheet.fault("E_TYPE", f"{_called(sheet, number)}: neither text nor a table", _WAY_OUT, "attachments", number)
        return None
    table = Sheet(item, (*sheet.path, "attachments", number), sheet.file, sheet.lines, sheet.findings)
    table.allow("file", "title")
    file = table.text("file", _WAY_OUT)
    title = table.text("title", _WAY_OUT, required=False)
    path = PurePosixPath(file.replace("\\", "/"))
    if file and (path.is_absolute() or ".." in path.parts or ":" in path.parts[0]):
        cause = f"{_called(sheet, number)}: {clip(file)} does not lie beside the campaign file"
        way_out = "Copy it into the campaign's folder, or one below it, so that both move together"
        sheet.fault("E_ATT_PATH", cause, way_out, "attachments", number)
        return None
    return Attachment(clean(path.name), str(sheet.file.parent / path), title) if file else None


def _fit(sheet: Sheet, number: int, named: Attachment, found: Sequence[Attachment]) -> bool:
    """True where the name can stand in a mail's header and in every recipient's folder, and is no other's."""
    name = named.name
    if not name.lower().endswith(".pdf"):
        cause = f"{_called(sheet, number)}: {clip(name)} is no PDF by its name; only PDF travels by mail and by fax"
        sheet.fault("E_ATT_TYPE", cause, _MAKE_ONE, "attachments", number)
        return False
    if fault := _unfit(name):
        cause = f"{_called(sheet, number)}: the name {clip(name)} {fault}"
        sheet.fault("E_ATT_NAME", cause, "Rename the file, as in annex-1.pdf", "attachments", number)
        return False
    if any(one.name.casefold() == name.casefold() for one in found):
        cause = f"{_called(sheet, number)}: {clip(name)} is attached already"
        sheet.fault("E_DUP", cause, "Keep one of the two, or rename one", "attachments", number)
        return False
    return check_line(name, Where(sheet.place("attachments", number), _called(sheet, number)), sheet.findings)


def _unfit(name: str) -> str:
    """Why a header, or a recipient's computer, would not take this name; '' where they would."""
    if found := _UNFIT.search(name):
        return f"holds {clip(found.group())}, which many computers do not take"
    if len(name) > LONGEST_NAME:
        return f"has {len(name)} characters; {LONGEST_NAME} are allowed"
    if name.startswith(".") or not unicodedata.normalize("NFKC", name[:-4]).strip(" ."):
        return "begins with a full stop, or has nothing before .pdf"
    return ""


def _bytes(sheet: Sheet, number: int, path: Path) -> bytes | None:
    called = f"{_called(sheet, number)}: {clip(path.name)}"
    try:
        size = path.stat().st_size if path.is_file() else -1
        if 0 <= size <= LARGEST:
            return path.read_bytes()
    except OSError as error:
        cause = f"{called}: cannot be read: {error.strerror}"
        sheet.fault("E_ATT_MISSING", cause, "Check its permissions", "attachments", number)
        return None
    if size > LARGEST:
        way_out = "Make it smaller: no mail server takes so much"
        sheet.fault("E_ATT_SIZE", f"{called}: {size:,} bytes; {LARGEST:,} are read", way_out, "attachments", number)
        return None
    near = [one.name for one in path.parent.glob("*.pdf")] if path.parent.is_dir() else []
    way_out = did_you_mean(path.name, near, "Put it beside the campaign file, or correct its name")
    sheet.fault("E_ATT_MISSING", f"{called}: there is no such file", way_out, "attachments", number)
    return None
