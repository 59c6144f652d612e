"""Reads one workbook in a process of its own and writes its cells to standard output. Run by `workbook.py` alone.

A damaged or hostile workbook can make the reading library take all memory, or end the process: then only this one ends.
"""

from __future__ import annotations

import json
import resource
import sys
from datetime import date, datetime, time, timedelta

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

Value = int | float | str | bool | date | datetime | time | timedelta


def shown(value: Value) -> str:
    """A cell as Excel shows it without a format of its own: whole numbers in full, days as year-month-day."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e17 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    return value.isoformat() if isinstance(value, (date, time)) else str(value)


def read(path: str, wanted: str, most: int) -> dict[str, object]:
    """The sheets that somebody wants: all visible ones, or the one of that name."""
    book = CalamineWorkbook.from_path(path)
    sheets, hidden = [], []
    for about in book.sheets_metadata:
        if about.typ is not SheetTypeEnum.WorkSheet:
            continue
        if about.visible is not SheetVisibleEnum.Visible and about.name != wanted:
            hidden.append(about.name)
        elif wanted in ("", about.name):
            sheet = book.get_sheet_by_name(about.name)
            if sheet.total_height * sheet.total_width > most:
                return {"error": "large", "said": about.name}
            rows = [[shown(value) for value in row] for row in sheet.to_python(skip_empty_area=False)]
            sheets.append({"name": about.name, "rows": rows})
    return {"sheets": sheets, "hidden": hidden, "names": book.sheet_names}


def main() -> None:
    """Arguments: the file, the sheet or '', the most cells, and the most memory in bytes."""
    path, wanted, most, memory = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = read(path, wanted, int(most))
    except PasswordError as error:
        answer = {"error": "password", "said": str(error)}
    except (CalamineError, OSError, ValueError, MemoryError) as error:
        answer = {"error": "broken", "said": str(error)}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
