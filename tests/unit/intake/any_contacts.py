"""Any contact that may be in the office's list, for the tests of what is written and read back."""

from __future__ import annotations

import string
from datetime import date

from hypothesis import strategies as st

from dispatcher.domain.model import Address, Contact, Provenance
from dispatcher.domain.states import states
from dispatcher.domain.words import Form, Gender, Kind, Policy
from dispatcher.intake.build import ERRORS
from dispatcher.intake.findings import Findings
from dispatcher.intake.text import Where, check_line, clean
from dispatcher.intake.values import LANGUAGES, time_zones

#: Signs that formats use for themselves, and words that a spreadsheet or a vCard would understand its own way.
_AWKWARD = st.sampled_from([
    "=1+1", "'=1+1", "''+41", "-5", "@SUM(A1)", "'Ali", "1.5", "007", "1e5", "TRUE", "2026-04-03", "a;b,c\\n:d",
    '"quoted"', "_x0041_", "<b>&amp;</b>", "https://x.example", "END:VCARD", "tel:5", "H.E. Ms.", "M.", "خالد", "Ёлка",
    "日本", "👍🏽",
])  # fmt: skip


def _is_kept(text: str) -> bool:
    findings = Findings()
    return check_line(text, Where("", ""), findings) and clean(text) == text and text not in ERRORS


_seen = st.characters(exclude_categories=("Cc", "Cf", "Cs", "Cn", "Zl", "Zp"))
_any = st.text(_seen, max_size=40) | _AWKWARD | st.builds(str.__add__, _AWKWARD, st.text(_seen, max_size=5))
texts = _any.map(clean).filter(_is_kept)
filled = texts.filter(bool)
_letters = string.ascii_lowercase + string.digits
slugs = st.lists(st.text(_letters, min_size=1, max_size=8), min_size=1, max_size=4).map("-".join)
days = st.none() | st.dates(date(1900, 1, 1), date(2100, 1, 1))
_month_days = st.dates(date(2024, 1, 1), date(2024, 12, 31)).map(lambda day: f"{day:%m-%d}")
_codes = st.just("") | st.sampled_from([one.code for one in states()])

_faxes = st.integers(0, 9_999_999).map("+4122{:07}".format)


@st.composite
def contacts(draw: st.DrawFn) -> Contact:
    """One contact that the rules of reading allow."""
    slug, form = draw(slugs), draw(st.sampled_from(Form))
    name = draw(texts)
    addresses = draw(st.sampled_from([(Kind.EMAIL,), (Kind.FAX,), (Kind.EMAIL, Kind.FAX)]))
    held = tuple(
        Address(kind, draw(_faxes) if kind is Kind.FAX else f"m+{slug}@{draw(slugs)}.example") for kind in addresses
    )
    known = (Provenance(one, draw(texts), draw(days), draw(texts)) for one in held)
    return Contact(
        id=slug,
        honorific=draw(texts),
        name=name,
        office=draw(texts if name else filled),
        organisation=draw(texts),
        postal=tuple(draw(st.lists(filled, max_size=3))),
        country=draw(texts),
        state=draw(texts),
        language=draw(st.sampled_from(LANGUAGES)),
        time_zone=draw(st.sampled_from(sorted(time_zones()))),
        salutation=draw(texts if form else filled),
        addresses=held,
        tags=tuple(draw(st.lists(slugs, max_size=3, unique=True))),
        form=form,
        gender=draw(st.sampled_from(Gender)),
        closing=draw(texts),
        in_text=draw(texts),
        state_code=draw(_codes),
        seat=draw(_codes),
        since=draw(days),
        until=draw(days),
        prefers=draw(st.none() | st.sampled_from(Policy)),
        copies_to=tuple(draw(st.lists(slugs, max_size=3, unique=True))),
        national_days=tuple(draw(st.lists(_month_days, max_size=3, unique=True))),
        provenance=tuple(one for one in known if one != Provenance(one.address)),
        phone=draw(texts),
        external_id=draw(texts),
    )


def _fax(contact: Contact) -> str:
    return contact.address(Kind.FAX) or contact.id


lists = st.lists(contacts(), min_size=1, max_size=3, unique_by=(lambda one: one.id, _fax))
