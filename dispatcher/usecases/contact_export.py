"""Contacts to files: the whole list, the rows that an import refused, an empty list to fill in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.errors import Conflict, Problem, UserError
from dispatcher.domain.model import Actor, Contact
from dispatcher.intake.export import write_blank, write_csv, write_rejects, write_vcard, write_xlsx
from dispatcher.store import audit

from .contact_import import Comparison
from .contacts import list_contacts
from .office import Office

_WRITERS: dict[str, Callable[[Sequence[Contact], Path], None]] = {
    ".csv": write_csv,
    ".xlsx": write_xlsx,
    ".vcf": write_vcard,
}


async def export_contacts(office: Office, path: Path, actor: Actor, *, force: bool = False) -> int:
    """Write everybody who may be written to; how many. It is noted in the audit log: such a list is personal data.

    Raises UserError for a suffix that we do not write, Conflict for a file that is there.
    """
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise UserError(Problem(str(path), "this kind of file is not written", f"Use {', '.join(_WRITERS)}", "E_FILE"))
    _require_new(path, force=force)
    people = await list_contacts(office)
    # The entry comes first: no list leaves the office without one, whatever happens to the file.
    event = AuditEvent(str(actor), "contacts.export", "contacts", data={"contacts": len(people), "file": path.name})
    await office.store.write(lambda connection: audit.append(connection, event, office.clock.now()))
    write(people, path)
    return len(people)


def require_place_for_rejects(path: Path, inputs: Sequence[Path], *, force: bool = False) -> None:
    """Raises UserError for a file that we do not write or that is itself read, Conflict for one that is there."""
    _require_tabular(path)
    if any(_same_file(path, one) for one in inputs):
        way_out = "Choose another name: the list itself is never written over"
        raise UserError(Problem(str(path), "this file is imported at the same time", way_out, "E_FILE"))
    _require_new(path, force=force)


def _same_file(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def write_rejected(comparison: Comparison, path: Path, *, force: bool = False) -> int:
    """The rows that cannot be taken, each with what to do about it, to be mended and imported again; how many.

    Where there are none, nothing is written. Raises as `require_place_for_rejects` does.
    """
    require_place_for_rejects(path, [Path(one) for one in comparison.reading.files], force=force)
    bad = any(row.problems for row in comparison.reading.rows)
    return write_rejects(comparison.reading, path, also=comparison.clashes) if bad or comparison.clashes else 0


def write_template(path: Path, *, force: bool = False) -> None:
    """A list with every column and one example."""
    _require_tabular(path)
    _require_new(path, force=force)
    write_blank(path)


def _require_tabular(path: Path) -> None:
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise UserError(Problem(str(path), "this kind of file is not written", "Use .csv or .xlsx", "E_FILE"))


def _require_new(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise Conflict(f"{path} is there already; choose another name, or say --force")
