"""Reads workbooks (XLSX, XLSM, XLSB, XLS, ODS) into grids, by a process of its own that has little to lose."""

from __future__ import annotations

import json
import lzma
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from .findings import Findings, clip, did_you_mean, listing
from .grid import Grid, Line

#: A list of 50,000 contacts in 100 columns has five million cells.
MOST_CELLS = 6_000_000
#: Bytes when unpacked; a sheet of that many cells stays below it.
MOST_UNPACKED = 512 * 1024 * 1024
MOST_MEMORY = 2 * 1024 * 1024 * 1024
MOST_SECONDS = 60
_CHILD = Path(__file__).with_name("workbook_child.py")
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SAVE_AS = "Open it in Excel and save it anew as 'Excel Workbook (.xlsx)'"
_UNLOCK = "Take the password off in Excel: File, Info, Protect Workbook, Encrypt with Password, and leave it empty"
_FEWER = "Copy the rows that matter into a new workbook"


#: What unpacking can come to: each method of compression has errors of its own.
_UNPACKING = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError, ValueError, KeyError,
              NotImplementedError, RuntimeError)  # fmt: skip


def is_workbook(data: bytes) -> bool:
    """Does it begin as workbooks do? Its name may say something else."""
    return data.startswith((_ZIP, _OLE))


def read_workbook(
    path: Path, data: bytes, wanted: str, score: Callable[[Grid], int], findings: Findings
) -> Grid | None:
    """The wanted sheet, or the first visible one that has a header; None, and one problem, where there is none.

    `score` tells how many known headers the best line of a grid has.
    """
    if not _check_package(path, data, findings):
        return None
    answer = _ask_child(data, wanted)
    if "error" in answer:
        _fault(path, answer, findings)
        return None
    return _choose(path, wanted, answer, score, findings)


def _check_package(path: Path, data: bytes, findings: Findings) -> bool:
    """False, and the problem, for a password, a damaged package, or one that unpacks to far more than any list."""
    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            _refuse(path, "password", findings)
            return False
        return True
    try:
        with zipfile.ZipFile(BytesIO(data)) as package:
            return _check_entries(path, package, findings)
    except _UNPACKING as error:
        _refuse(path, "broken", findings, str(error))
        return False


def _check_entries(path: Path, package: zipfile.ZipFile, findings: Findings) -> bool:
    entries = package.infolist()
    # ODF 1.3 part 2, section 3.4.1: an encrypted file names its algorithm in the manifest.
    names = {entry.filename for entry in entries}
    if sum(entry.file_size for entry in entries) > MOST_UNPACKED or len(entries) > 10_000:
        _refuse(path, "large", findings)
        return False
    if "META-INF/manifest.xml" in names and b"encryption-data" in package.read("META-INF/manifest.xml"):
        _refuse(path, "password", findings)
        return False
    # Sizes in the directory are only claims: reading every entry makes sure of them, and of the check sums.
    damaged = package.testzip()
    if damaged:
        _refuse(path, "broken", findings, f"{damaged} is damaged")
        return False
    return True


def _ask_child(data: bytes, wanted: str) -> dict[str, Any]:
    command = [sys.executable, "-I", str(_CHILD), wanted, str(MOST_CELLS), str(MOST_MEMORY)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=MOST_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return {"error": "large", "said": f"not read within {MOST_SECONDS} s"}
    if done.returncode != 0:
        # The library gives up a process that gets no more memory; so does the system.
        return {"error": "large", "said": ""}
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _fault(path: Path, answer: dict[str, Any], findings: Findings) -> None:
    _refuse(path, str(answer["error"]), findings, str(answer.get("said", "")))


def _refuse(path: Path, why: str, findings: Findings, said: str = "") -> None:
    detail = f": {clip(said, 120)}" if said else ""
    causes = {
        "password": ("E_SHEET_PASSWORD", "the workbook is protected by a password", _UNLOCK),
        "broken": ("E_SHEET_BROKEN", f"the workbook cannot be read{detail}", _SAVE_AS),
        "large": ("E_SHEET_SIZE", f"the workbook unpacks to more than any list needs{detail}", _FEWER),
    }
    findings.fault(str(path), *causes[why])


def _choose(
    path: Path, wanted: str, answer: dict[str, Any], score: Callable[[Grid], int], findings: Findings
) -> Grid | None:
    grids = [_grid(path, sheet) for sheet in answer["sheets"]]
    hidden: Sequence[str] = answer["hidden"]
    if hidden:
        shown = ", ".join(map(clip, hidden))
        findings.warn(str(path), "W_SHEET", f"not read, because they are hidden: {shown}", "Name one with --sheet")
    good = [grid for grid in grids if score(grid) >= 2] or [grid for grid in grids if score(grid)]
    if wanted and not grids:
        names = answer["names"]
        cause = f"there is no sheet {clip(wanted)}"
        findings.fault(str(path), "E_SHEET", cause, did_you_mean(wanted, names, f"Sheets: {listing(names)}"))
        return None
    if not grids:
        findings.fault(str(path), "E_SHEET", "the workbook has no visible sheet", "Name a hidden one with --sheet")
        return None
    if len(good) > 1:
        others = ", ".join(clip(grid.sheet) for grid in good[1:])
        cause = f"only the sheet {clip(good[0].sheet)} is read; others look like lists too: {others}"
        findings.warn(str(path), "W_SHEET", cause, "Name another with --sheet")
    return good[0] if good else grids[0]


def _grid(path: Path, sheet: dict[str, Any]) -> Grid:
    lines = tuple(_line(number, cells) for number, cells in enumerate(sheet["rows"], start=1))
    return Grid(path, lines, str(sheet["name"]))


def _line(number: int, cells: Sequence[str | int]) -> Line:
    numbers = frozenset(index for index, cell in enumerate(cells) if isinstance(cell, int))
    return Line(number, tuple(map(str, cells)), numbers)
