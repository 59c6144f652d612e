"""The seed letter as a LibreOffice document: the same words, typeface, size and layout, with a gap for each field.

Read from the files that Dispatcher reads, so that both sides write the same letter.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from dispatcher.domain.model import Contact

#: The columns of the table that the letters are merged with.
COLUMNS = ("id", "name", "office", "organisation", "street", "city", "country", "state", "state_first", "salutation")
#: How a field is written into the document: from its column to XML.
Gap = Callable[[str], str]
_SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{where}:1.0"'
    for name, where in (
        *(("office", "office"), ("style", "style"), ("text", "text"), ("table", "table"), ("fo", "xsl-fo-compatible")),
        *(("svg", "svg-compatible"), ("meta", "meta")),
    )
)


def row(contact: Contact) -> Mapping[str, str]:
    """One line of that table."""
    street, city = contact.postal
    values = (
        *(contact.id, contact.display_name, contact.office, contact.organisation, street, city, contact.country),
        *(contact.state, contact.state[:1].upper() + contact.state[1:], contact.salutation),
    )
    return dict(zip(COLUMNS, values, strict=True))


def merge_field(database: str) -> Gap:
    """A field of LibreOffice's own mail merge."""
    return lambda column: (
        f'<text:database-display text:column-name="{column}" text:table-name="people" text:table-type="table"'
        f' text:database-name="{database}">&lt;{column}&gt;</text:database-display>'
    )


def user_field(column: str) -> str:
    """A variable of the document, which a macro can set."""
    return f'<text:user-field-get text:name="{column}">{column}</text:user-field-get>'


def filled(contact: Contact) -> Gap:
    """The words themselves, for a document a contact."""
    values = row(contact)
    return lambda column: escape(values[column])


def document(templates: Path, gap: Gap, *, declare: bool = False) -> str:
    """The letter as flat ODF; `declare` adds the variables that user fields show."""
    head = tomllib.loads((templates / "letterheads/cluster-munition-coalition/letterhead.toml").read_text("utf-8"))
    source = (templates / "letters/air-strikes/en.md").read_text("utf-8")
    front, body = source.split("---\n", 2)[1:]
    subject = re.search(r"^subject: (.*)$", front, re.MULTILINE)
    assert subject is not None
    names = "".join(
        f'<text:user-field-decl office:value-type="string" office:string-value="" text:name="{c}"/>' for c in COLUMNS
    )
    declared = f"<text:user-field-decls>{names}</text:user-field-decls>" if declare else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document {_SPACES} office:version="1.3" '
        f'office:mimetype="application/vnd.oasis.opendocument.text">{_styles(head["colour"], _foot(head))}'
        f"<office:body><office:text>{declared}{_masthead(head)}{_address(gap)}{_p('re', 'Re: ' + subject.group(1))}"
        f"{_raw('body', gap('salutation'))}{_body(body, gap)}{_closing()}"
        "</office:text></office:body></office:document>\n"
    )


def _raw(style: str, xml: str) -> str:
    return f'<text:p text:style-name="{style}">{xml}</text:p>'


def _p(style: str, text: str) -> str:
    return _raw(style, escape(text))


def _masthead(head: Mapping[str, object]) -> str:
    board = head["board"]
    assert isinstance(board, list)
    return _p("title", str(head["title"])) + _p("intro", str(head["intro"])) + _p("small", ", ".join(board))


def _foot(head: Mapping[str, object]) -> str:
    lines = head["footer"]
    assert isinstance(lines, list)
    return "".join(_p("small", " · ".join(line)) for line in lines)


def _address(gap: Gap) -> str:
    columns = ("name", "office", "organisation", "street", "city", "country")
    lines = "".join(_raw("line", gap(column)) for column in columns)
    cell = '<table:table-cell office:value-type="string">'
    return (
        '<table:table table:name="address" table:style-name="address"><table:table-column table:style-name="left"/>'
        f'<table:table-column table:style-name="right"/><table:table-row>{cell}{lines}</table:table-cell>'
        f"{cell}{_p('date', 'Geneva, 1 October 2015')}</table:table-cell></table:table-row></table:table>"
    )


def _body(text: str, gap: Gap) -> str:
    """The Markdown of this letter holds paragraphs and two forms of one field, and nothing else."""
    paragraphs = [escape(one) for one in text.strip().split("\n\n")]
    merged = [one.replace("{{ contact.state | capital }}", gap("state_first")) for one in paragraphs]
    return "".join(_raw("body", one.replace("{{ contact.state }}", gap("state"))) for one in merged)


def _closing() -> str:
    return _p("closing", "Sincerely,") + _p("name", "Megan Burke") + _p("line", "Director")


def _styles(colour: str, foot: str) -> str:
    rule = f'fo:border-bottom="0.6pt solid {colour}" fo:padding-bottom="3pt"'
    return (
        '<office:font-face-decls><style:font-face style:name="EB Garamond" svg:font-family="&apos;EB Garamond&apos;"/>'
        "</office:font-face-decls><office:styles>"
        '<style:default-style style:family="paragraph"><style:text-properties style:font-name="EB Garamond" '
        'fo:font-size="10.6pt" fo:language="en" fo:country="GB" fo:hyphenate="true"/></style:default-style>'
        + _style("body", 'fo:text-align="justify" fo:margin-bottom="6pt" fo:line-height="98%"')
        + _style("line", 'fo:text-align="start"')
        + _style("date", 'fo:text-align="end"')
        + _style("title", f'fo:text-align="center" {rule}', f'fo:font-size="19.5pt" fo:color="{colour}"')
        + _style("intro", 'fo:text-align="center" fo:margin-top="4pt"', 'fo:font-size="8.2pt" fo:font-style="italic"')
        + _style("small", 'fo:text-align="center"', 'fo:font-size="8.2pt"')
        + _style("re", 'fo:margin-top="12pt" fo:margin-bottom="9pt"', 'fo:font-weight="bold"')
        + _style("closing", 'fo:margin-top="6pt" fo:margin-bottom="30pt"')
        + _style("name", "", 'fo:font-weight="bold"')
        + "</office:styles><office:automatic-styles>"
        '<style:style style:name="address" style:family="table"><style:table-properties style:width="156mm" '
        'fo:margin-top="16pt" fo:margin-bottom="4pt" table:align="left"/></style:style>'
        '<style:style style:name="left" style:family="table-column"><style:table-column-properties '
        'style:column-width="110mm"/></style:style><style:style style:name="right" style:family="table-column">'
        '<style:table-column-properties style:column-width="46mm"/></style:style>'
        '<style:page-layout style:name="a4"><style:page-layout-properties fo:page-width="210mm" '
        'fo:page-height="297mm" fo:margin-top="17mm" fo:margin-bottom="16mm" fo:margin-left="26.8mm" '
        'fo:margin-right="26.8mm"/><style:footer-style/></style:page-layout></office:automatic-styles>'
        '<office:master-styles><style:master-page style:name="Standard" style:page-layout-name="a4">'
        f"<style:footer>{foot}</style:footer></style:master-page></office:master-styles>"
    )


def _style(name: str, paragraph: str, text: str = "") -> str:
    return (
        f'<style:style style:name="{name}" style:family="paragraph"><style:paragraph-properties {paragraph}/>'
        f"<style:text-properties {text}/></style:style>"
    )
