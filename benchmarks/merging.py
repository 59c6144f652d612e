"""Runs under the Python that LibreOffice's own bindings belong to: drives one LibreOffice through its service.

Usage: merging.py PIPE merge-files|merge-one|merge-and-convert|variables FOLDER tagged|plain
FOLDER holds letter.fodt or variables.fodt and people.csv.
"""

from __future__ import annotations

import contextlib
import csv
import sys
import time
from pathlib import Path
from typing import Any

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException


def prop(name: str, value: object) -> Any:
    made = PropertyValue()
    made.Name, made.Value = name, value
    return made


def connect(pipe: str) -> Any:
    """The component context of the running LibreOffice, which needs some seconds to come up."""
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    for _ in range(300):
        try:
            return resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        except NoConnectException:
            time.sleep(0.1)
    raise SystemExit("LibreOffice did not come up")


def service(context: Any, name: str) -> Any:
    return context.ServiceManager.createInstanceWithContext(name, context)


def register(context: Any, folder: Path) -> None:
    """people.csv as the data source 'people'."""
    sources = service(context, "com.sun.star.sdb.DatabaseContext")
    source = sources.createInstance()
    source.URL = f"sdbc:flat:{folder.as_uri()}"
    source.Info = (
        *(prop("Extension", "csv"), prop("HeaderLine", True), prop("FieldDelimiter", ",")),
        *(prop("StringDelimiter", '"'), prop("CharSet", "UTF-8")),
    )
    place = (folder / "people.odb").as_uri()
    source.DatabaseDocument.storeAsURL(place, ())
    if sources.hasRegisteredDatabase("people"):
        sources.revokeDatabaseLocation("people")
    sources.registerDatabaseLocation("people", place)


def options(standards: str) -> Any:
    """What the PDF filter is told: nothing, or PDF/A-2 and PDF/UA."""
    chosen = (prop("SelectPdfVersion", 2), prop("PDFUACompliance", True), prop("UseTaggedPDF", True))
    return uno.Any("[]com.sun.star.beans.PropertyValue", chosen if standards == "tagged" else ())


def merge(context: Any, folder: Path, way: str, standards: str) -> None:
    """LibreOffice's mail merge: into PDFs, or into documents for `merge-and-convert`."""
    work = service(context, "com.sun.star.text.MailMerge")
    one, documents = way == "merge-one", way == "merge-and-convert"
    work.DataSourceName, work.Command, work.CommandType = "people", "people", 0
    work.DocumentURL = (folder / "letter.fodt").as_uri()
    work.OutputType = 2  # com.sun.star.text.MailMergeType.FILE
    work.OutputURL, work.SaveAsSingleFile = (folder / ("merged" if documents else "out")).as_uri(), one
    work.FileNamePrefix, work.FileNameFromColumn = ("all", False) if one else ("id", True)
    if documents:
        work.SaveFilter = "writer8"  # .odt
    else:
        work.SaveFilter, work.SaveFilterData = "writer_pdf_Export", options(standards).value
    work.execute(())


def variables(context: Any, folder: Path, *, standards: str) -> None:
    """One open document whose variables are set for each letter, as a macro would do it."""
    desktop = service(context, "com.sun.star.frame.Desktop")
    document = desktop.loadComponentFromURL((folder / "variables.fodt").as_uri(), "_blank", 0, (prop("Hidden", True),))
    masters = document.getTextFieldMasters()
    told = (prop("FilterName", "writer_pdf_Export"), prop("FilterData", options(standards)))
    with (folder / "people.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            for name, value in row.items():
                masters.getByName(f"com.sun.star.text.fieldmaster.User.{name}").Content = value
            document.getTextFields().refresh()
            document.storeToURL((folder / "out" / f"{row['id']}.pdf").as_uri(), told)
    document.close(True)


def main() -> None:
    pipe, way, place, standards = sys.argv[1:]
    folder = Path(place)
    context = connect(pipe)
    if way != "variables":
        register(context, folder)
    if way == "variables":
        variables(context, folder, standards=standards)
    else:
        merge(context, folder, way, standards)
    with contextlib.suppress(Exception):  # the bridge breaks when the other end has gone, which is what was asked for
        service(context, "com.sun.star.frame.Desktop").terminate()


if __name__ == "__main__":
    main()
