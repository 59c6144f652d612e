"""Looks at fax pages: are they dot for dot the same, do they keep the profile, what does a reader read on them."""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

#: What tiffinfo says of a page that keeps the profile (TIFF-F, RFC 3949 section 4; ITU-T T.4, fine).
PROFILE = (
    r"Image Width: 1728 ",
    r"Resolution: 204, 196 pixels/inch",
    r"Bits/Sample: 1\b",
    r"Compression Scheme: CCITT Group 4",
    r"Photometric Interpretation: min-is-white",
    r"Samples/Pixel: 1\b",
)


def dots(document: bytes) -> list[tuple[tuple[int, int], bytes]]:
    """Size and dots of each page, black on white."""
    return [(page.size, page.tobytes()) for page in frames(document)]


def frames(document: bytes) -> Iterator[Image.Image]:
    with Image.open(io.BytesIO(document)) as image:
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            yield image.convert("1")


def faults(path: Path, pages: int) -> list[str]:
    """Where a document leaves the profile, page by page; as tiffinfo sees it."""
    done = subprocess.run(["tiffinfo", str(path)], capture_output=True, text=True, check=True)
    told = re.split(r"^TIFF Directory at offset", done.stdout, flags=re.MULTILINE)[1:]
    found = [f"{len(told)} pages instead of {pages}"] if len(told) != pages else []
    for number, page in enumerate(told):
        length = re.search(r"Image Length: (\d+)", page)
        wanted = (*PROFILE, rf"Page Number: {number}-{pages}", rf"Rows/Strip: {length[1] if length else '?'}\b")
        found += [f"page {number + 1} lacks '{one}'" for one in wanted if not re.search(one, page)]
    return found


def read_back(page: Image.Image, folder: Path) -> str:
    """What tesseract reads on a page; its rows made as long as its columns are wide."""
    path = folder / "page.png"
    square = page.convert("L").resize((page.width * 2, round(page.height * 2 * 204 / 196)), Image.Resampling.LANCZOS)
    square.save(path, dpi=(408, 408))
    command = ["tesseract", str(path), "-", "-l", "eng", "--psm", "4", "--dpi", "408"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def between(text: str, first: str, last: str) -> str:
    """The words from the first to the last mark, both left out, on one line."""
    plain = " ".join(text.split())
    return plain.partition(first)[2].partition(last)[0].strip()


def distance(one: str, other: str) -> int:
    """Characters to put in, take out or change, to make one of the other (Levenshtein)."""
    row = list(range(len(other) + 1))
    for at, char in enumerate(one, 1):
        above, row[0] = row[0], at
        for to, theirs in enumerate(other, 1):
            above, row[to] = row[to], min(row[to] + 1, row[to - 1] + 1, above + (char != theirs))
    return row[-1]
