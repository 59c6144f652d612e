"""Templates whose letterhead has a signature picture, and the letters of which run to several pages, for the tests."""

from __future__ import annotations

import io
import shutil
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from PIL import Image, ImageDraw
from signers.authority import Authority, pem

from dispatcher.letters import Signing
from dispatcher.resources import resource

SIGNER = "Megan Burke"
HEAD = "letterheads/cluster-munition-coalition"
#: Nobody's hand, in blue ink of two strengths, as a drawing program saves it.
SVG = """<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:ink="http://drawing.example/ns" viewBox="0 0 300 90" ink:version="1">
<title>A hand</title><metadata><ink:who>nobody</ink:who></metadata><defs/><ink:view zoom="2"/>
<g style="fill:none;stroke:#1b2f8a;stroke-width:4;stroke-opacity:.7" stroke-linecap="round">
<path d="M5 60 C40 -20 60 10 45 60 S80 80 95 30 q10 60 30 10 t40 10 t40 -10 q30 30 85 -20"/>
<path d="M20 80 Q150 60 290 75" stroke="rgb(60,60,200)"/></g></svg>
"""


def png(size: tuple[int, int] = (600, 180), ink: str = "#1b2f8a") -> bytes:
    """A scanned hand on transparent paper."""
    image = Image.new("RGBA", size, (255, 255, 255, 0))
    wide, high = size
    points = [(wide * n // 12, high * (1 + n * 5 % 7) // 9) for n in range(1, 12)]
    ImageDraw.Draw(image).line(points, fill=ink, width=max(high // 20, 1))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def templates_with(folder: Path, picture: str | bytes = SVG, name: str = "hand.svg") -> Path:
    """A copy of the shipped templates with this picture in the letterhead, and the letter `long` in six languages."""
    made = folder / "templates"
    shutil.copytree(resource("templates"), made)
    put_picture(made, picture, name)
    shutil.copytree(made / "letters/air-strikes", made / "letters/long")
    for file in (made / "letters/long").iterdir():
        front, body = file.read_text().removeprefix("---").split("\n---\n", 1)
        file.write_text(f"---{front}\n---\n{body}\n{body}")
    return made


def put_picture(templates: Path, picture: str | bytes, name: str, alt: str = "Signature of Megan Burke") -> None:
    (templates / HEAD / name).write_bytes(picture.encode() if isinstance(picture, str) else picture)
    put_entry(templates, f'picture = "{name}"\nalt = "{alt}"')


def put_entry(templates: Path, entry: str) -> None:
    """Appends a signature to the letterhead; the shipped one has none."""
    words = (resource("templates") / HEAD / "letterhead.toml").read_text()
    (templates / HEAD / "letterhead.toml").write_text(f'{words}\n[signatures."{SIGNER}"]\n{entry}\n')


@cache
def signing() -> tuple[Signing, bytes]:
    """A key with its certificate, and the certificate of the authority that issued it. The same all session long."""
    authority, key = Authority(), generate_private_key(SECP256R1())
    return Signing(authority.issue(key), pem(key, b"open sesame"), b"open sesame"), authority.certificate
