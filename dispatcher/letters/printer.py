"""The door of the letters room: takes an order, gives every form in which the letter leaves. Same order, same bytes."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path

from dispatcher.domain.audit import canonical
from dispatcher.domain.errors import Problem, TemplateError
from dispatcher.domain.model import Contact, Sender

from . import fax, mail, tiff
from .address import (
    CoverNote,
    Order,
    Party,
    addressee_lines,
    copy_lines,
    date_line,
    doubts,
    gaps,
    parties,
    template_data,
)
from .check import finished, tongue
from .cover import cover_of
from .edges import require_within
from .enclosure import drawn, joined
from .fill import Filler
from .forms import Forms, read_forms
from .languages import LANGUAGES, Language
from .legibility import OWN_SMALL_PRINT, SMALL_PRINT, Inspector
from .letterhead import Letterhead, read_letterhead
from .limits import data_faults
from .parse import Parser
from .pdf import Edition, Pages, Typesetter
from .seal import Seal, Signing, open_seal
from .sheet import Sheet
from .source import Source, open_source, read_text
from .typography import finish, unbound
from .watch import watched

_PAGES = ("typst/letter.typ", "typst/cover.typ", "mail/letter.html.j2", "mail/letter.txt.j2")
#: Of so many texts a typical letter is kept.
_KEPT = 32
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,80}\Z")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished letter in all its forms."""

    subject: str
    language: str
    pages: int  #: of the letter and its attachments
    fax_pages: int  #: of these, and the cover page
    parts: dict[str, bytes]  #: pdf, fax_pdf, tiff, html, text, entity; not the attachments, which came with the order
    warnings: tuple[Problem, ...] = ()  #: what a person should look at; nothing that stops the letter
    names: tuple[str, ...] = ()  #: of the addressee and of each cc party, with what stands before and after them


class Printer:
    """Built once a process: holds the fonts, the page template and the Jinja environments. Keeps no letter."""

    def __init__(self, templates: Path, seal: Seal | None = None) -> None:
        self._templates = Path(templates)
        self._seal = seal
        self._filler = Filler()
        self._parsers = {tag: Parser(language) for tag, language in LANGUAGES.items()}
        self._typesetter = Typesetter(self._templates)
        self._mail = mail.MailWriter(self._templates)
        self._likes: dict[tuple[Source, Letterhead], Sheet | None] = {}

    def check(self, letter: str, organisation: str, language: str) -> list[Problem]:
        """Everything that is wrong with the letter's template and letterhead, found without a contact."""
        problems: list[Problem] = []
        for look in (self._check_head, self._check_letter, self._check_forms):
            try:
                look(letter, organisation, language)
            except TemplateError as error:
                problems += error.problems
        if problems:
            return problems
        try:
            self._check_pages(specimen(letter, organisation, language), language)
        except TemplateError as error:
            return list(error.problems)
        return []

    def render(self, order: Order) -> Rendered:
        """Every form of the letter. Raises TemplateError with every problem; then there is no letter at all."""
        tag = self.language_for(order)
        with watched():
            sheet = self._sheet(order, tag)
            like = self._like(sheet, order)
            pages = self._typesetter.set(sheet, "print", like)
            own = self._fax_pages(sheet, order, pages, like)
            require_within(sheet, (pages.pdf, own.pdf))
        fax_copy = _with_enclosures(own, order)
        if self._seal:
            pages, fax_copy = _sealed(self._seal, sheet.day, pages, fax_copy)
        rendered = self._rendered(sheet, order, pages, (own, fax_copy))
        spoken = tongue(order, tag, reviewed=self._source(order.letter, tag).reviewed)
        people = self._parties(order, tag)
        formed = doubts(people, LANGUAGES[tag])
        names = tuple(one.named for one in people)
        return replace(rendered, warnings=(*spoken, *formed, *rendered.warnings), names=names)

    def language_for(self, order: Order) -> str:
        """The contact's language where the letter is written in it, else the one that the order falls back to."""
        tag = order.contact.language
        known = tag in LANGUAGES and _NAME.match(order.letter)
        return tag if known and self._letter_path(order.letter, tag).is_file() else order.fall_back

    def inputs_digest(self, order: Order) -> str:
        """sha256 over all that the letter is made from: the template files, the order, and who signs the PDFs."""
        tag = self.language_for(order)
        paths = [self._letter_path(order.letter, tag)]
        # The letterhead's folder whole: its words and its pictures.
        paths += sorted(p for p in self._head_path(order.organisation).parent.iterdir() if p.is_file())
        paths += [self._templates / name for name in _PAGES]
        paths += [self._forms_path(tag)] if any(person.form for person in order.people) else []
        files = {str(p.relative_to(self._templates)): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}
        signed_by = self._seal.identity if self._seal else ""
        facts = {"files": files, "order": _facts(order), "language": tag, "signed_by": signed_by}
        return hashlib.sha256(canonical(facts).encode()).hexdigest()

    def _like(self, sheet: Sheet, order: Order) -> Sheet | None:
        """The same letter to a mission as there are many; None where it cannot be written to one."""
        tag = sheet.language.tag
        key = (self._source(order.letter, tag), sheet.head)
        if key not in self._likes:
            try:
                made = self._trial(typical(order.letter, order.organisation, tag), tag)
            except TemplateError:
                made = None
            self._likes = {**dict(list(self._likes.items())[-_KEPT:]), key: made}
        return self._likes[key]

    def _fax_pages(self, sheet: Sheet, order: Order, pages: Pages, like: Sheet | None) -> Pages:
        """The fax edition, or the letter's own pages; a cover page before them where one is wanted."""
        own = self._typesetter.set(sheet, "fax", like) if sheet.head.fax_edition else pages
        if order.cover is None:
            return own
        cover = cover_of(sheet, order, 1 + own.count + sum(one.pages for one in order.enclosures))
        edition: Edition = "fax" if sheet.head.fax_edition else "print"
        return self._typesetter.behind_cover(replace(sheet, cover=cover), edition, own)

    def _rendered(self, sheet: Sheet, order: Order, pages: Pages, faxed: tuple[Pages, Pages]) -> Rendered:
        """`faxed`: the fax pages that we have set, and the same with the attachments' pages after them."""
        text, html = self._mail.text(sheet), self._mail.html(sheet)
        own, fax_copy = faxed
        attached = [drawn(one) for one in order.enclosures]
        place = f"contact {order.contact.id}"
        inspector = Inspector(place, SMALL_PRINT if sheet.head.fax_edition else OWN_SMALL_PRINT)
        strokes = fax.STRONG_STROKES if sheet.head.fax_edition else fax.THIN_STROKES
        own_pages = fax.coded(own.pdf, inspector.look, fine=strokes)
        parts = {
            "pdf": pages.pdf,
            "fax_pdf": fax_copy.pdf,
            "tiff": tiff.bound([*own_pages, *(page for one in attached for page in one.pages)]),
            "html": html.encode(),
            "text": text.encode(),
            "entity": mail.entity(sheet, text, html, pages.pdf, order.enclosures),
        }
        seen = inspector.findings(parts["tiff"] if not attached else tiff.bound(own_pages))
        warnings = (
            *finished(order, pages, fax_copy, parts),
            *seen,
            *(found for one in attached for found in one.findings),
        )
        count = pages.count + sum(one.pages for one in order.enclosures)
        return Rendered(unbound(sheet.subject), sheet.language.tag, count, fax_copy.count, parts, warnings)

    def _sheet(self, order: Order, tag: str) -> Sheet:
        """The letter in words. Raises TemplateError with the gaps in the data and the faults in the files together."""
        language = _language(tag, f"letters/{order.letter}")
        people = self._parties(order, tag)
        problems = gaps(order, people)
        if faults := data_faults(order):
            raise TemplateError([*problems, *faults])
        try:
            source, head = self._source(order.letter, tag), self._head(order.organisation, language)
            sender = _worded(order.sender, head)
            filled = self._filler.fill(
                source, template_data(replace(order, sender=sender), people, head.title, language)
            )
        except TemplateError as error:
            raise TemplateError([*problems, *error.problems]) from error
        if problems:
            raise TemplateError(problems)
        parser = self._parsers[tag]
        return Sheet(
            letter=order.letter,
            language=language,
            day=order.letter_date,
            head=head,
            addressee=addressee_lines(people[0], language),
            date_line=date_line(sender.place, order.letter_date, language),
            subject=parser.line(filled.subject, f"{source.place}:{source.subject.number}"),
            salutation=finish(people[0].contact.salutation, language),
            body=parser.body(filled.body, source.place),
            closing=finish(order.contact.closing, language)
            or parser.line(filled.closing, f"{source.place}:{source.closing.number}"),
            sender_name=finish(sender.name, language),
            sender_title=finish(sender.title, language),
            copies=tuple(copy_lines(copy, language) for copy in people[1:]),
            signature=head.signature(order.sender.name),
        )

    def _trial(self, order: Order, tag: str) -> Sheet:
        """The letter to somebody made up, who gives words of their own only where the letter prints them."""
        closing = order.contact.closing if "contact.closing" in self._template(order.letter, tag) else ""
        return self._sheet(replace(order, contact=replace(order.contact, closing=closing)), tag)

    def _parties(self, order: Order, tag: str) -> tuple[Party, ...]:
        """Those whom the letter names. The file of forms is read only where somebody is addressed by one."""
        path = self._forms_path(tag)
        wanted = any(person.form for person in order.people) and path.is_file()
        forms = read_forms(path.parent, tag) if wanted else Forms(tag)
        return parties(order, LANGUAGES[tag], forms, self._template(order.letter, tag))

    def _template(self, letter: str, tag: str) -> str:
        """The letter's file as it stands; '' where there is none to read, which `_source` says."""
        path = self._letter_path(letter, tag)
        return path.read_text(encoding="utf-8", errors="replace") if _NAME.match(letter) and path.is_file() else ""

    def _check_forms(self, letter: str, organisation: str, language: str) -> None:
        """A folder of templates may do without; whoever is addressed by a form is then told so at preparing."""
        path = self._forms_path(_language(language, f"letters/{letter}").tag)
        if path.is_file():
            read_forms(path.parent, language)

    def _check_pages(self, order: Order, language: str) -> None:
        """Sets the letter, and the cover page too where the letterhead is ready for one."""
        sheet = self._trial(order, language)
        pages = self._typesetter.set_small(sheet, "print")
        if sheet.head.phone or sheet.head.email:
            noted = replace(order, cover=CoverNote("[number]", tuple("[number]" for _ in order.copies), "[remarks]"))
            cover = cover_of(sheet, noted, 1 + pages.count)
            self._typesetter.behind_cover(replace(sheet, cover=cover), "print", pages)

    def _check_head(self, letter: str, organisation: str, language: str) -> None:
        self._head(organisation, _language(language, f"letters/{letter}"))

    def _check_letter(self, letter: str, organisation: str, language: str) -> None:
        _language(language, f"letters/{letter}")
        source = self._source(letter, language)
        if problems := self._filler.inspect(source):
            raise TemplateError(problems)

    def _source(self, letter: str, tag: str) -> Source:
        place = f"letters/{_named(letter, 'letter')}/{tag}.md"
        source = open_source(read_text(self._letter_path(letter, tag), place), place)
        if source.language != tag:
            cause = f"says language: {source.language}, and is the file for {tag}"
            raise TemplateError(Problem(f"{place}:1", cause, f"Write language: {tag}", "E_TPL_SYNTAX"))
        return source

    def _head(self, organisation: str, language: Language) -> Letterhead:
        place = f"letterheads/{_named(organisation, 'organisation')}/letterhead.toml"
        return read_letterhead(self._head_path(organisation), place, language)

    def _letter_path(self, letter: str, tag: str) -> Path:
        return self._templates / "letters" / letter / f"{tag}.md"

    def _forms_path(self, tag: str) -> Path:
        return self._templates / "forms" / f"{tag}.toml"

    def _head_path(self, organisation: str) -> Path:
        return self._templates / "letterheads" / organisation / "letterhead.toml"


def specimen(letter: str, organisation: str, language: str) -> Order:
    """An order with every field filled by its own name, to try a template without a contact."""
    contact = Contact(
        id="specimen",
        honorific="[honorific]",
        name="[name]",
        office="[office]",
        organisation="[organisation]",
        postal=("[postal]",),
        country="[country]",
        state="[state]",
        language=language,
        time_zone="UTC",
        salutation="[salutation]",
        addresses=(),
        in_text="[in_text]",
        closing="[closing]",
    )
    sender = Sender("[name]", "[title]", "", "[place]")
    return Order(letter, organisation, contact, (replace(contact, id="specimen-copy"),), sender, date(2026, 1, 1))


def typical(letter: str, organisation: str, language: str) -> Order:
    """An order to a mission whose name, office and street are of common length: where the search for a size begins."""
    order = specimen(letter, organisation, language)
    contact = replace(
        order.contact,
        honorific="H.E. Ms.",
        name="Maria Anna Muster",
        office="Ambassador and Permanent Representative",
        organisation="Permanent Mission of the Republic of Utopia to the United Nations Office at Geneva",
        postal=("Chemin de la Paix 12", "1202 Geneva"),
        country="Switzerland",
        state="the Republic of Utopia",
        salutation="Excellency,",
        in_text="Your Excellency",
        closing="Please accept, Excellency, the assurances of our highest consideration.",
    )
    sender = replace(order.sender, name="Maria Muster", title="Director", place="Geneva")
    return replace(order, contact=contact, copies=(), sender=sender)


@lru_cache(maxsize=4)
def _printer(templates: str, signing: Signing | None) -> Printer:
    return Printer(Path(templates), open_seal(signing) if signing else None)


def render_in_process(templates: str, order: Order, signing: Signing | None = None) -> Rendered:
    """`Printer.render` for a pool of processes: each keeps its own printer."""
    return _printer(templates, signing).render(order)


def _sealed(seal: Seal, day: date, pages: Pages, fax_copy: Pages) -> tuple[Pages, Pages]:
    """Both editions signed; one signature where they are one document."""
    signed = replace(pages, pdf=seal.sign(pages.pdf, day))
    return signed, signed if fax_copy is pages else replace(fax_copy, pdf=seal.sign(fax_copy.pdf, day))


def _worded(sender: Sender, head: Letterhead) -> Sender:
    """Who signs, in the words that the letterhead has for them in its language."""
    name, title, place = (head.word(text) for text in (sender.name, sender.title, sender.place))
    return replace(sender, name=name, title=title, place=place)


def _named(name: str, what: str) -> str:
    if not _NAME.match(name):
        way_out = "Use small letters, figures and hyphens"
        raise TemplateError(Problem(name, f"is no name of a {what}", way_out, "E_TPL_MISSING"))
    return name


def _language(tag: str, place: str) -> Language:
    if tag not in LANGUAGES:
        known = ", ".join(sorted(LANGUAGES))
        raise TemplateError(Problem(place, f"the language {tag} is not known", f"Known: {known}", "E_TPL_MISSING"))
    return LANGUAGES[tag]


def _facts(order: Order) -> dict[str, object]:
    plain: dict[str, object] = json.loads(json.dumps(asdict(order), default=_plain))
    return plain


def _plain(value: object) -> str:
    return hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else str(value)


def _with_enclosures(own: Pages, order: Order) -> Pages:
    if not order.enclosures:
        return own
    count = own.count + sum(one.pages for one in order.enclosures)
    return Pages(joined(own.pdf, order.enclosures, order.letter_date), count, own.fit)
