"""A frozen letter as a parcel for its channel. It alone takes a letter's bytes out of the archive to be sent."""

from __future__ import annotations

from dataclasses import replace

from dispatcher.channels.base import Parcel
from dispatcher.domain.model import Letter
from dispatcher.domain.words import Kind

from .fax_header import with_header, words_for
from .office import Office


async def packed(office: Office, channel: str, bare: Parcel, letter: Letter) -> Parcel:
    """`bare`, with the letter's frozen parts in it; a fax has the line with the moment of sending at its top.

    Raises NotFound or CheckFailed when a part is not as approved, UserError when that line cannot be printed there,
    SettingsError when no fax of this office could have it. Nothing has left then.
    """
    parts = letter.objects
    if bare.kind is Kind.EMAIL:
        return replace(bare, entity=await office.archive.get(parts["entity"]), pages=letter.pages)
    pages, pdf = await office.archive.get(parts["tiff"]), await office.archive.get(parts["fax_pdf"])
    plain = replace(bare, document=pages, document_pdf=pdf, pages=letter.fax_pages)
    words = words_for(office, channel, plain.sender_name, plain.address, plain.date, again=plain.again)
    if words is None:
        return plain
    pages, pdf = await with_header(plain.document, words)
    return replace(plain, document=pages, document_pdf=pdf, facts=words.facts())
