"""Puts finished fax pages into a PDF, dot for dot, for gateways that take no TIFF. Draws nothing."""

from __future__ import annotations

from . import tiff

_POINTS = 72
#: Group 4 code in a PDF (ISO 32000-1 table 11): K below 0; white is 1 once decoded, as DeviceGray has it.
_IMAGE = (
    "<</Type/XObject/Subtype/Image/Width {width}/Height {height}/ColorSpace/DeviceGray/BitsPerComponent 1"
    "/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns {width}/Rows {height}>>/Length {length}>>"
)


def as_pdf(pages: bytes) -> bytes:
    """The pages of a fax TIFF as a PDF of pictures. Same pages, same bytes. Raises ValueError when it is none."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b""]
    kids = []
    for page in tiff.pages_of(pages):
        kids.append(len(objects) + 1)
        objects += _page(page, pages[page.start : page.start + page.size], len(objects) + 1)
    listed = " ".join(f"{kid} 0 R" for kid in kids)
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{listed}]>>".encode()
    return _file(objects)


def _page(page: tiff.FaxPage, code: bytes, number: int) -> list[bytes]:
    """The page, what it shows, and its picture: three objects, the first of which is `number`."""
    wide, high = page.width / page.dpi[0] * _POINTS, page.height / page.dpi[1] * _POINTS
    shown = f"{wide:.4f} 0 0 {high:.4f} 0 0 cm /P Do".encode()
    leaf = (
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {wide:.4f} {high:.4f}]/Contents {number + 1} 0 R"
        f"/Resources<</XObject<</P {number + 2} 0 R>>>>>>"
    )
    head = _IMAGE.format(width=page.width, height=page.height, length=len(code))
    return [leaf.encode(), _stream(f"<</Length {len(shown)}>>", shown), _stream(head, code)]


def _stream(head: str, data: bytes) -> bytes:
    return head.encode() + b"\nstream\n" + data + b"\nendstream"


def _file(objects: list[bytes]) -> bytes:
    """The objects, numbered from 1, and the table that says where each begins (ISO 32000-1 section 7.5)."""
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    out += f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n".encode()
    return bytes(out)
