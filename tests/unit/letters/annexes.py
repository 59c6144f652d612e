"""Attachments as people send them, good and bad: real PDFs, made by one program and changed by another."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pikepdf
import typst
from pikepdf import Array, Dictionary, Name, ObjectStreamMode, Pdf
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

Change = Callable[[Pdf], Any]


def annex(text: str = "The facts", *, pages: int = 1, paper: str = 'paper: "a4"') -> bytes:
    """A PDF of so many pages, each of which says `text` and its number."""
    body = "#pagebreak()\n".join(f"{text}, page {number}\n" for number in range(1, pages + 1))
    source = f"#set document(title: [Annex])\n#set page({paper})\n#set text(size: 14pt)\n{body}"
    made = typst.compile(source.encode(), format="pdf")
    assert isinstance(made, bytes)
    return made


def changed(change: Change, data: bytes | None = None, **how: Any) -> bytes:
    """The annex after a change of its objects."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data or annex())) as pdf:
        change(pdf)
        pdf.save(out, **how)
    return out.getvalue()


def packed(change: Change) -> bytes:
    """The same with its objects in compressed streams, where no search for a word finds them (ISO 32000-1, 7.5.7)."""
    return changed(change, object_stream_mode=ObjectStreamMode.generate)


def script_added_later(data: bytes | None = None) -> bytes:
    """The whole harmless file, and behind it an update that gives it a script (7.5.6)."""
    update = IncrementalPdfFileWriter(io.BytesIO(data or annex()))
    name, text = generic.pdf_name, generic.pdf_string
    script = generic.DictionaryObject({name("/S"): name("/JavaScript"), name("/JS"): text("app.alert(1)")})
    update.root["/OpenAction"] = script
    update.update_root()
    out = io.BytesIO()
    update.write(out)
    return out.getvalue()


def encrypted(**passwords: Any) -> bytes:
    return changed(lambda pdf: None, encryption=pikepdf.Encryption(**passwords))


def script() -> Dictionary:
    return Dictionary(S=Name.JavaScript, JS="app.alert(1)")


def opens_with(action: Callable[[], Dictionary]) -> Change:
    def change(pdf: Pdf) -> None:
        pdf.Root.OpenAction = pdf.make_indirect(action())

    return change


def script_by_name(pdf: Pdf) -> None:
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array(["start", pdf.make_indirect(script())])))


def launch() -> Dictionary:
    return Dictionary(S=Name.Launch, F="calc.exe")


def prints_itself(pdf: Pdf) -> None:
    pdf.pages[0].AA = Dictionary(O=Dictionary(S=Name.Named, N=Name.Print))


def script_after_a_jump(pdf: Pdf) -> None:
    """An action that only turns the page, and then another."""
    jump = Dictionary(S=Name.GoTo, D=Array([pdf.pages[0].obj, Name.Fit]), Next=pdf.make_indirect(script()))
    pdf.Root.OpenAction = pdf.make_indirect(jump)


def carries_a_file(pdf: Pdf) -> None:
    pdf.attachments["figures.xlsx"] = b"PK"


def pinned_file(pdf: Pdf) -> None:
    file = pdf.make_indirect(Dictionary(Type=Name.Filespec, F="a.exe", EF=Dictionary(F=pdf.make_stream(b"MZ"))))
    note = Dictionary(Type=Name.Annot, Subtype=Name.FileAttachment, Rect=[9, 9, 20, 20], FS=file)
    pdf.pages[0].Annots = Array([pdf.make_indirect(note)])


def field(kind: Name) -> Change:
    def change(pdf: Pdf) -> None:
        box = Dictionary(Type=Name.Annot, Subtype=Name.Widget, Rect=[0, 0, 0, 0], FT=kind, T="one")
        one = pdf.make_indirect(box)
        pdf.pages[0].Annots = Array([one])
        pdf.Root.AcroForm = pdf.make_indirect(Dictionary(Fields=Array([one])))

    return change


def xfa(pdf: Pdf) -> None:
    pdf.Root.AcroForm = Dictionary(Fields=Array(), XFA=pdf.make_stream(b"<xdp/>"))


def film(pdf: Pdf) -> None:
    pdf.pages[0].Annots = Array(
        [pdf.make_indirect(Dictionary(Type=Name.Annot, Subtype=Name.RichMedia, Rect=[0, 0, 9, 9]))]
    )


def other_file(pdf: Pdf) -> None:
    action = Dictionary(S=Name.GoToR, F="//server/share/x.pdf", D=Array([0, Name.Fit]))
    pdf.pages[0].Annots = Array([Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 9, 9], A=action)])


def link_and_bookmark(pdf: Pdf) -> None:
    """What any honest document has: an address to click on, and a first page to show."""
    action = Dictionary(S=Name.URI, URI="https://example.org")
    pdf.pages[0].Annots = Array([Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 9, 9], A=action)])
    pdf.Root.OpenAction = Array([pdf.pages[0].obj, Name.Fit])


def without_fonts(pdf: Pdf) -> None:
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    pdf.pages[0].Resources.Font["/F9"] = pdf.make_indirect(font)


def with_a_flipped_byte(data: bytes) -> bytes:
    """One byte of the page's own words is another."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        raw = pdf.pages[0].Contents.read_raw_bytes()
    at = data.index(raw) + len(raw) // 2
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
