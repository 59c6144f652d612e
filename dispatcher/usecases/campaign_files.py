"""Campaign files, read against the office's own contacts and the letters that exist. Changes nothing."""

from __future__ import annotations

from pathlib import Path

from dispatcher.domain.errors import NotFound, Problem, UserError
from dispatcher.intake.campaign import CampaignFile, read_campaign
from dispatcher.intake.contacts import ContactBook

from .contacts import contact_book
from .enclose import inspection
from .office import Office
from .plan import Plan


def find_campaign_file(name: str, folder: Path) -> Path:
    """The file of that path, or of that name in the folder of campaigns. Raises NotFound, naming those that exist."""
    for path in (Path(name), folder / f"{name}.toml"):
        if path.is_file():
            return path
    known = ", ".join(sorted(path.stem for path in folder.glob("*.toml"))) or "none"
    raise NotFound(f"there is no campaign file '{name}'; in {folder} there are: {known}")


async def read_campaign_file(office: Office, path: Path, templates: Path) -> tuple[CampaignFile, ContactBook]:
    """The campaign, and the contacts that it was read against.

    Raises CampaignError with every problem of the file, UserError while the office has no contacts at all.
    """
    book = await contact_book(office)
    if not book.contacts:
        raise UserError(Problem("", "the office has no contacts yet", "Run: dispatcher contacts import"))
    names = letters_in(templates), letterheads_in(templates)
    return read_campaign(path, book, *names, inspection(office)), book


def without_a_way(office: Office, plan: Plan) -> tuple[Problem, ...]:
    """A warning for each kind of delivery that no channel of this office carries: those would wait for ever."""
    kinds = {stop.kind for stop in plan.stops} - set(office.outgoing)
    causes = {
        kind: f"{sum(stop.kind is kind for stop in plan.stops)} deliveries by {kind} would wait" for kind in kinds
    }
    way_out = "Set up a way for them, or take them out of the campaign. `dispatcher doctor` looks"
    return tuple(Problem(plan.campaign["id"], causes[kind], way_out, "W_NO_WAY") for kind in sorted(kinds))


def letters_in(templates: Path) -> tuple[str, ...]:
    """The names of the letters for which there is a template."""
    return _folders(templates / "letters")


def letterheads_in(templates: Path) -> tuple[str, ...]:
    """The names of the organisations for which there is a letterhead."""
    return _folders(templates / "letterheads")


def _folders(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.name for path in folder.iterdir() if path.is_dir())) if folder.is_dir() else ()
