"""LibreOffice's side: the same letter merged and turned into PDF, in each of the ways that LibreOffice offers.

Everything that LibreOffice keeps goes into a folder of the run; it sees the typeface that we use.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import pypdfium2
import template
from people import people

from dispatcher.domain.model import Contact
from dispatcher.resources import resource

#: The Python that LibreOffice's bindings are installed for.
PYTHON = "/usr/bin/python3"
HERE = Path(__file__).parent
#: name: what it does.
WAYS = {
    "merge-and-convert": "mail merge, a document a letter, then --convert-to pdf, 50 a start: the goal's words",
    "merge-files": "mail merge, a PDF a letter",
    "merge-one": "mail merge, one PDF of all letters",
    "convert": "a filled document a letter, --convert-to pdf for all in one call",
    "variables": "a program of ours that sets variables in one open document and exports it each time",
}
#: Documents that one start of LibreOffice converts, as issue 9 says it.
A_START = 50
_FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{face}</dir><dir>/usr/share/fonts</dir><cachedir>{cache}</cachedir></fontconfig>
"""


def missing() -> str:
    """What has to be installed, in words; '' where nothing is missing."""
    if shutil.which("soffice") is None:
        return "LibreOffice is not installed (the package libreoffice-writer-nogui)"
    done = subprocess.run([PYTHON, "-c", "import uno"], capture_output=True, check=False)
    return "LibreOffice's bindings for Python are not installed (python3-uno)" if done.returncode else ""


def version() -> str:
    return subprocess.run(["soffice", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def environment(folder: Path) -> Mapping[str, str]:
    """A home of its own, and the typeface."""
    folder.mkdir(parents=True, exist_ok=True)
    face = files("fontpkg_eb_garamond") / "files"
    (folder / "fonts.conf").write_text(_FONTS.format(face=face, cache=folder / "fonts"), "utf-8")
    return os.environ | {"FONTCONFIG_FILE": str(folder / "fonts.conf"), "HOME": str(folder), "SAL_USE_VCLPLUGIN": "svp"}


def warm(home: Path) -> None:
    """The first start makes the profile; nobody should have to pay for that in the figures."""
    (home / "empty.txt").write_text("empty", "utf-8")
    subprocess.run(
        [*_soffice(home), "--convert-to", "pdf", "--outdir", home, home / "empty.txt"],
        env=environment(home), capture_output=True, check=True,
    )  # fmt: skip


class Crashed(Exception):
    """LibreOffice ended in the middle of its work; says how."""


def run(way: str, home: Path, folder: Path, number: int, *, apart: bool, standards: str) -> float:
    """Seconds, with the start of the program. Raises SystemExit when the letters are not all there.

    LibreOffice 7.4 now and then crashes in `merge-one`; then it may try again; only its computing still counts.
    """
    for attempt in range(5):
        place = folder / str(attempt)
        _write_inputs(place, number, apart=apart)
        start = time.monotonic()
        try:
            _make(way, home, place, number, apart=apart, standards=standards)
        except Crashed as error:
            print(f"  LibreOffice crashed ({way}): {error}", file=sys.stderr, flush=True)
            continue
        seconds = time.monotonic() - start
        _require_letters(way, place / "out", people(number, apart=apart))
        return seconds
    raise SystemExit(f"LibreOffice ({way}) crashed each time")


def _write_inputs(folder: Path, number: int, *, apart: bool) -> None:
    for name in ("out", "merged"):
        (folder / name).mkdir(parents=True)
    _write_table(folder, number, apart=apart)
    texts = resource("templates")
    (folder / "letter.fodt").write_text(template.document(texts, template.merge_field("people")), "utf-8")
    (folder / "variables.fodt").write_text(template.document(texts, template.user_field, declare=True), "utf-8")


def _make(way: str, home: Path, folder: Path, number: int, *, apart: bool, standards: str) -> None:
    if way == "convert":
        _write_filled(folder, number, apart=apart)
        _convert(home, folder, sorted(folder.glob("office-*.fodt")), standards)
    else:
        _drive(way, home, folder, standards)
    merged = sorted((folder / "merged").glob("*.odt"))
    for first in range(0, len(merged), A_START):
        _convert(home, folder, merged[first : first + A_START], standards)


def _require_letters(way: str, folder: Path, contacts: Sequence[Contact]) -> None:
    """Every letter is there and names its addressee and the state; untimed. LibreOffice fits nothing to one page."""
    made = sorted(folder.glob("*.pdf"))
    if len(made) != (1 if way == "merge-one" else len(contacts)):
        raise SystemExit(f"LibreOffice ({way}) made {len(made)} PDFs of {len(contacts)} letters")
    texts = [_text(path) for path in made]  # the files are named by the contact
    for contact, text in zip(contacts, texts * len(contacts) if way == "merge-one" else texts, strict=True):
        if not all(_letters(words) in text for name, words in template.row(contact).items() if name != "id"):
            raise SystemExit(f"LibreOffice ({way}): the letter to {contact.id} lacks words")


def _text(path: Path) -> str:
    with pypdfium2.PdfDocument(path) as document:
        return "".join(_letters(page.get_textpage().get_text_range()) for page in document)


def _letters(text: str) -> str:
    """Letters and figures alone: lines end anywhere, words are divided."""
    return "".join(filter(str.isalnum, text))


def _soffice(home: Path) -> list[str | Path]:
    return ["soffice", f"-env:UserInstallation=file://{home}/profile", "--headless", "--norestore", "--nologo"]


def _write_table(folder: Path, number: int, *, apart: bool) -> None:
    with (folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, template.COLUMNS, quoting=csv.QUOTE_ALL)
        table.writeheader()
        table.writerows(template.row(one) for one in people(number, apart=apart))


def _write_filled(folder: Path, number: int, *, apart: bool) -> None:
    for one in people(number, apart=apart):
        text = template.document(resource("templates"), template.filled(one))
        (folder / f"{one.id}.fodt").write_text(text, "utf-8")


def _convert(home: Path, folder: Path, documents: Sequence[Path], standards: str) -> None:
    told = '{"SelectPdfVersion":{"type":"long","value":"2"},"PDFUACompliance":{"type":"boolean","value":"true"}}'
    target = f"pdf:writer_pdf_Export:{told}" if standards == "tagged" else "pdf"
    command: list[str | Path] = [*_soffice(home), "--convert-to", target, "--outdir", folder / "out", *documents]
    subprocess.run(command, env=environment(home), capture_output=True, check=True)


def _drive(way: str, home: Path, folder: Path, standards: str) -> None:
    pipe = f"bench{uuid.uuid4().hex[:12]}"
    office = subprocess.Popen(
        [*_soffice(home), f"--accept=pipe,name={pipe};urp;"], env=environment(home), stderr=subprocess.DEVNULL
    )
    try:
        command: list[str | Path] = [PYTHON, HERE / "merging.py", pipe, way, folder, standards]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Crashed(done.stderr.strip().rpartition("\n")[2])
        office.wait(30)
    finally:
        office.kill()
        office.wait()
