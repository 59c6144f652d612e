"""Reads the objects of a PDF one by one: what would act by itself, what is carried inside, which fonts are missing,
which streams are damaged. Shows nothing and runs nothing.

It walks from the catalogue (ISO 32000-1, 7.7.2) over everything that a reader can reach, through compressed object
streams and incremental updates. It cannot see what a link leads to, what is drawn in white on white, nor a defect that
only one reader's decoder of fonts or pictures would stumble over.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from .attachments import Findings, Unreadable

#: Actions (ISO 32000-1, table 198) that do more than turn to another page or show an address to click on.
_ACTIONS: Mapping[str, str] = {
    "/JavaScript": "a script",
    "/Launch": "an action that starts a program",
    "/ImportData": "an action that reads another file",
    "/SubmitForm": "an action that sends data away",
    "/ResetForm": "a form",
    "/GoToR": "an action that opens another file",
    "/GoToE": "an action that opens a file inside",
    "/Rendition": "a film or sound",
    "/Movie": "a film or sound",
    "/Sound": "a film or sound",
    "/RichMediaExecute": "a film or sound",
}
#: Annotations (table 169) that carry something beside words and lines.
_CARRIERS: Mapping[str, str] = {
    "/FileAttachment": "an embedded file",
    "/RichMedia": "a film or sound",
    "/Screen": "a film or sound",
    "/Movie": "a film or sound",
    "/Sound": "a film or sound",
    "/3D": "a model in three dimensions",
}
#: Fonts that must bring their glyphs with them (9.9); a Type 3 font is made of them, a Type 0 font points at one.
_FONTS = ("/Type1", "/MMType1", "/TrueType", "/CIDFontType0", "/CIDFontType2")
_GLYPHS = ("/FontFile", "/FontFile2", "/FontFile3")
#: A document of a hundred pages with all its tags has a tenth of it.
_MOST_NODES = 400_000
#: Of one stream no more is unpacked than this, so that a file cannot fill the memory.
_MOST_UNPACKED = 256 * 1024 * 1024


def examine(pdf: bytes) -> Findings:
    """Everything that the file's objects tell. Raises Unreadable when they cannot be followed."""
    found = Findings()
    try:
        reader = PdfFileReader(io.BytesIO(pdf), strict=False)
        if reader.encrypted:
            found.encrypted = True
            return found
        root = reader.root
        _catalogue(root, found)
        for node in _reached(root):
            if isinstance(node, generic.DictionaryObject):
                _dictionary(node, found)
            if isinstance(node, generic.StreamObject):
                found.damaged += not _unpacks(node)
    except Unreadable:
        raise
    except Exception as error:  # noqa: BLE001  # foreign bytes make a reader stumble anywhere; then they are not sent
        raise Unreadable(str(error).strip() or type(error).__name__) from None
    return found


def _reached(root: generic.PdfObject) -> Iterator[generic.PdfObject]:
    """Every object that can be reached from the catalogue, each once."""
    seen: set[object] = set()
    waiting, count = [root], 0
    while waiting:
        node = waiting.pop()
        count += 1
        if count > _MOST_NODES:
            raise Unreadable(f"it has more than {_MOST_NODES:,} objects")
        if isinstance(node, generic.IndirectObject):
            if node.reference not in seen:
                seen.add(node.reference)
                waiting.append(node.get_object())  # type: ignore[no-untyped-call]  # as in pyHanko
            continue
        yield node
        if isinstance(node, generic.DictionaryObject):
            waiting += [node.raw_get(key) for key in node]
        elif isinstance(node, generic.ArrayObject):
            waiting += [node.raw_get(index) for index in range(len(node))]


def _get(node: Any, key: str) -> Any:
    """The value, followed to where it stands; None where there is none."""
    value = node[key] if isinstance(node, generic.DictionaryObject) and key in node else None
    return None if isinstance(value, generic.NullObject) else value


def _catalogue(root: generic.DictionaryObject, found: Findings) -> None:
    opening = _get(root, "/OpenAction")
    if isinstance(opening, generic.DictionaryObject) and _get(opening, "/S") != "/GoTo":
        found.active.add("an action that runs when it is opened")
    if _get(root, "/Collection"):
        found.active.add("an embedded file")
    form = _get(root, "/AcroForm")
    if _get(form, "/XFA") or (_get(form, "/Fields") and not _signatures_alone(_get(form, "/Fields"))):
        found.active.add("a form to fill in")


def _signatures_alone(fields: Any) -> bool:
    """True for a document that was signed, and has no other field."""
    return all(_get(fields[n], "/FT") == "/Sig" and not _get(fields[n], "/Kids") for n in range(len(fields)))


def _dictionary(node: generic.DictionaryObject, found: Findings) -> None:
    kind, subtype = _get(node, "/Type"), _get(node, "/Subtype")
    if kind != "/StructElem" and (action := _ACTIONS.get(str(_get(node, "/S")))):
        found.active.add(action)
    if _get(node, "/JS"):
        found.active.add("a script")
    if _get(node, "/AA"):
        found.active.add("an action that runs by itself")
    if _get(node, "/EF") or kind == "/EmbeddedFile":
        found.active.add("an embedded file")
    if "/Rect" in node and (carrier := _CARRIERS.get(str(subtype))):
        found.active.add(carrier)
    if kind == "/Font" and subtype in _FONTS and not _brings_glyphs(node):
        found.unembedded.add(str(_get(node, "/BaseFont") or "?").lstrip("/"))


def _brings_glyphs(font: generic.DictionaryObject) -> bool:
    descriptor = _get(font, "/FontDescriptor")
    return any(_get(descriptor, key) is not None for key in _GLYPHS)


def _unpacks(stream: generic.StreamObject) -> bool:
    """False where a stream's code breaks off or is garbled (only Flate can be told from outside: RFC 1950)."""
    kinds = _get(stream, "/Filter")
    first = kinds[0] if isinstance(kinds, generic.ArrayObject) and len(kinds) else kinds
    if first not in ("/FlateDecode", "/Fl"):
        return True
    unpacking, packed, size = zlib.decompressobj(), stream.encoded_data, 0
    try:
        while packed and not unpacking.eof and size < _MOST_UNPACKED:
            size += len(unpacking.decompress(packed, 1 << 20))
            packed = unpacking.unconsumed_tail
    except zlib.error:
        return False
    return unpacking.eof or size >= _MOST_UNPACKED
