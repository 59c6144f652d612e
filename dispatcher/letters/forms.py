"""Forms of address: how each office is addressed in each language, as `templates/forms/<language>.toml` says it.

It alone reads those files, and alone decides which words of a letter come from them and which from the contact. It
guesses no gender and inflects no name.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from dispatcher.domain.characters import offence
from dispatcher.domain.errors import Problem, TemplateError
from dispatcher.domain.model import Contact
from dispatcher.domain.words import Form, Gender

from .guard import did_you_mean
from .source import read_text
from .typography import clean

OFFICES = tuple(form for form in Form if form is not Form.NONE)
#: What a contact can say for itself, in the words of `Contact`.
OWN = ("honorific", "salutation", "in_text", "closing")
#: What the file says of an office, and what may stand in braces in it.
_WORDS: Mapping[str, tuple[str, ...]] = {
    "honorific": (),
    "suffix": (),
    "salutation": ("name",),
    "vocative": (),
    "in_text": (),
    "closing": ("call", "vocative"),
}
#: These may be empty: nothing stands before, or behind, the name.
_MAY_BE_EMPTY = ("honorific", "suffix")
_NEEDED = ("source", *OWN)
_ABOUT = ("source", "note", "reviewed_by", "name_case")
_FILE = ("language", "reviewed_by", "note")
_CASES = ("nominative", "dative")
#: The key of a gender in the file; `without` serves a contact that states none.
_BY_GENDER = {"f": Gender.FEMALE, "m": Gender.MALE, "without": Gender.NONE}
_BRACES = re.compile(r"\{([^{}]*)\}")
_CLOSING_MARK = " ,،:：!！"
_FAULT = "E_FORM_FILE"


@dataclass(frozen=True, slots=True)
class Entry:
    """One office in one language."""

    form: Form
    place: str  #: file and key, for messages: 'forms/fr.toml:monarch'
    source: str  #: where the words were taken from
    reviewed_by: str  #: the native speaker who read them; '' for nobody
    name_case: str  #: 'dative' where the words before the name ask for it; '' or 'nominative' otherwise
    words: Mapping[str, Mapping[Gender, str]]  #: key → gender → text; no text where a gender must be stated


@dataclass(frozen=True, slots=True)
class Forms:
    """All offices in one language."""

    language: str  #: BCP 47 primary tag
    entries: Mapping[Form, Entry] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Courtesy:
    """How one person is addressed in one letter: the contact's own words, and the form's where it has none."""

    honorific: str
    suffix: str  #: behind the name, without a space
    salutation: str
    in_text: str
    closing: str
    entry: Entry | None = None  #: the form; None where the contact states none
    formed: tuple[str, ...] = ()  #: which of these words are the form's
    genders: tuple[str, ...] = ()  #: which are missing because the contact states no gender
    nameless: bool = False  #: the salutation asks for a name, and the contact has none

    def named(self, name: str) -> str:
        """The name with the words before and behind it: 'H.E. Ms. Ada Byron', '王伟阁下'."""
        return f"{self.honorific} {name}".strip() + ("" if name.endswith(self.suffix) else self.suffix)


def courtesy(contact: Contact, forms: Forms) -> Courtesy:
    """How this contact is addressed in the language of `forms`. A word that the contact gives itself wins.

    Raises TemplateError where the contact's form is not in `forms`.
    """
    if contact.form is Form.NONE:
        return Courtesy(contact.honorific, "", contact.salutation, contact.in_text, contact.closing)
    if contact.form not in forms.entries:
        way_out = f"Add templates/forms/{forms.language}.toml, or clear the contact's form and write its words out"
        cause = f"there is no form of address for {contact.form} in {forms.language}"
        raise TemplateError(Problem(f"contact {contact.id}", cause, way_out, "E_FORM_MISSING"))
    return _Choice(contact, forms.entries[contact.form]).made()


@dataclass(slots=True)
class _Choice:
    """Chooses, word by word, between a contact and a form, and remembers which."""

    contact: Contact
    entry: Entry
    formed: list[str] = field(default_factory=list)
    genders: list[str] = field(default_factory=list)

    def made(self) -> Courtesy:
        name = clean(self.contact.name)
        honorific, suffix = (self.word("honorific"), self.word("suffix")) if name else (self.contact.honorific, "")
        salutation = self.word("salutation")
        bare = name.removesuffix(suffix) if suffix else name
        return Courtesy(
            honorific=honorific,
            suffix=suffix,
            salutation=salutation.replace("{name}", bare) if "salutation" in self.formed else salutation,
            in_text=self.word("in_text"),
            closing=self.closing(salutation.rstrip(_CLOSING_MARK)),
            entry=self.entry,
            formed=tuple(self.formed),
            genders=tuple(self.genders),
            nameless="{name}" in salutation and "salutation" in self.formed and not bare,
        )

    def word(self, key: str) -> str:
        """The contact's own word, or the form's; '' where the form asks for a gender that the contact does not say."""
        own = getattr(self.contact, key) if key in OWN else ""
        if clean(own) or key not in self.entry.words:
            return str(own)
        text = self.entry.words[key].get(self.contact.gender)
        (self.genders if text is None else self.formed).append(key)
        return text or ""

    def closing(self, call: str) -> str:
        text = self.word("closing")
        if "closing" not in self.formed:
            return text
        spoken = {"call": call, "vocative": self.word("vocative") if "{vocative}" in text else ""}
        if any(f"{{{key}}}" in text and not said for key, said in spoken.items()):
            self.formed.remove("closing")
            self.genders.append("closing")
            return ""
        return _BRACES.sub(lambda found: spoken[found[1]], text)


def gender_faults(contact: Contact, manner: Courtesy, printed: Collection[str]) -> Iterator[Problem]:
    """What is missing of the words that this letter prints, because nobody said how the contact is to be addressed."""
    lacking = [key for key in manner.genders if key in printed]
    if manner.entry is not None and lacking:
        words = " and ".join(lacking)
        cause = f"the form {manner.entry.form} needs a gender for {words}, and the contact states none"
        way_out = f"Write f or m under gender as the source of the contact says, or fill in {words}"
        yield Problem(f"contact {contact.id}", cause, way_out, "E_FORM_GENDER")
    if manner.nameless and "salutation" in printed:
        cause = "the salutation of its form needs a name, and name is empty"
        yield Problem(f"contact {contact.id}", cause, "Fill in name, or salutation", "E_TPL_RESIDUE")


def form_doubts(contact: Contact, manner: Courtesy, language: str, printed: Collection[str]) -> Iterator[Problem]:
    """What a person should know of the words that a form gave: nobody reviewed it, or it asks a case of the name."""
    entry, formed = manner.entry, set(manner.formed) & {*printed, "suffix"}
    if entry is None or not formed:
        return
    if not entry.reviewed_by:
        cause = f"the form of address {entry.form} in {language} was not reviewed by a native speaker"
        way_out = f"Have it read, then write the reader's name after reviewed_by in templates/forms/{language}.toml"
        yield Problem(entry.place, cause, way_out, "W_FORM_UNREVIEWED")
    if entry.name_case == "dative" and "honorific" in formed:
        cause = f"'{clean(contact.name)}' is printed as it stands, and '{manner.honorific}' asks for the dative"
        way_out = "Write the name in that case; words of your own in honorific silence this"
        yield Problem(f"contact {contact.id}", cause, way_out, "W_FORM_CASE")


def read_forms(folder: Path, language: str) -> Forms:
    """The forms in `folder`/<language>.toml. Raises TemplateError with every fault of the file, each with its key."""
    place = f"forms/{language}.toml"
    return _parsed(read_text(folder / f"{language}.toml", place), place, language)


@lru_cache(maxsize=12)
def _parsed(text: str, place: str, language: str) -> Forms:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        way_out = 'A text stands in quotation marks, as in source = "…"'
        raise TemplateError(Problem(place, f"is not TOML: {error}", way_out, _FAULT)) from None
    problems = [*_file_faults(data, place, language)]
    problems += [fault for form in OFFICES for fault in _office_faults(data.get(form.value), f"{place}:{form}")]
    if problems:
        raise TemplateError(problems)
    reader = str(data.get("reviewed_by", ""))
    return Forms(language, {form: _entry(form, data[form.value], f"{place}:{form}", reader) for form in OFFICES})


def _entry(form: Form, table: Mapping[str, object], place: str, reader: str) -> Entry:
    words = {key: _genders(table[key]) for key in _WORDS if key in table}
    reviewed_by = str(table.get("reviewed_by", reader)).strip()
    return Entry(form, place, str(table["source"]), reviewed_by, str(table.get("name_case", "")), words)


def _genders(value: object) -> Mapping[Gender, str]:
    """A text alone serves everybody."""
    if isinstance(value, Mapping):
        return {gender: str(value[key]) for key, gender in _BY_GENDER.items() if key in value}
    return dict.fromkeys(Gender, str(value))


def _file_faults(data: Mapping[str, object], place: str, language: str) -> Iterator[Problem]:
    known = (*_FILE, *(form.value for form in OFFICES))
    yield from _strange_keys(data, known, place)
    if data.get("language") != language:
        cause = f"says language = {data.get('language', 'nothing')}, and is the file for {language}"
        yield Problem(f"{place}:language", cause, f'Write language = "{language}"', _FAULT)
    for key in ("reviewed_by", "note"):
        yield from _text_faults(data.get(key, ""), f"{place}:{key}", ())


def _strange_keys(table: Mapping[str, object], known: Collection[str], place: str) -> Iterator[Problem]:
    for key in table:
        if key not in known:
            hint = did_you_mean(key, list(known)) or f"Known: {', '.join(known)}"
            yield Problem(f"{place}:{key}" if ":" not in place else f"{place}.{key}", "unknown key", hint, _FAULT)


def _office_faults(table: object, place: str) -> Iterator[Problem]:
    if not isinstance(table, Mapping):
        yield Problem(place, "is missing", f"Add a table for this office: {', '.join(_NEEDED)}", _FAULT)
        return
    yield from _strange_keys(table, (*_ABOUT, *_WORDS), place)
    for key in _NEEDED:
        if key not in table:
            yield Problem(f"{place}.{key}", "is missing", "Add it", _FAULT)
    for key in (*_ABOUT, *_WORDS):
        yield from _value_faults(key, table[key], f"{place}.{key}") if key in table else ()
    if "vocative" not in table and "{vocative}" in str(table.get("closing")):
        yield Problem(f"{place}.closing", "has {vocative}, and there is no vocative", "Add the key vocative", _FAULT)


def _value_faults(key: str, value: object, place: str) -> Iterator[Problem]:
    if key == "name_case" and value not in _CASES:
        yield Problem(place, f"{value} is not a case that is known", f"Known: {', '.join(_CASES)}", _FAULT)
    elif key in _ABOUT:
        yield from _text_faults(value, place, (), empty=key != "source")
    elif isinstance(value, Mapping):
        yield from _strange_keys(value, list(_BY_GENDER), place)
        for gender in ("f", "m"):
            if gender not in value:
                yield Problem(f"{place}.{gender}", "is missing", "Give both f and m, or one text for all", _FAULT)
        for gender, text in value.items():
            yield from _text_faults(text, f"{place}.{gender}", _WORDS[key], empty=key in _MAY_BE_EMPTY)
    else:
        yield from _text_faults(value, place, _WORDS[key], empty=key in _MAY_BE_EMPTY)


def _text_faults(value: object, place: str, braces: Collection[str], *, empty: bool = True) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield Problem(place, "is not a text", "Write it in quotation marks", _FAULT)
        return
    if not empty and not value.strip():
        yield Problem(place, "is empty", "Write the words", _FAULT)
    if found := offence(value):
        yield Problem(place, f"holds the {found}", found.way_out, _FAULT)
    for word in _BRACES.findall(value):
        if word not in braces:
            known = " and ".join(f"{{{one}}}" for one in braces) or "no braces"
            yield Problem(place, f"{{{word}}} stands for nothing here", f"This key knows {known}", _FAULT)
    if re.search(r"[{}]", _BRACES.sub("", value)):
        yield Problem(place, "has half a pair of braces", "Braces stand in pairs, as in {call}", _FAULT)
