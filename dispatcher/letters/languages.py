"""Everything that depends on the language of a letter, one row a language. A new language is a new row.

Month names are those of the documents of the United Nations; the Arabic ones are double (Levantine/common), which no
locale data give. A row's `rules` are its habits of spacing and punctuation, in the order in which they are applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

#: The no-break space, and the narrow one.
_WIDE, _NARROW = "\u00a0", "\u202f"
_HAN = "\u4e00-\u9fff\u3400-\u4dbf"
_HAN_MARKS = "，。；：？！、（）《》“”"

Script = Literal["latin", "arabic", "chinese"]
#: A pattern and what takes its place.
Rule = tuple[str, str]


@dataclass(frozen=True, slots=True)
class CoverLabels:
    """What a fax cover page says besides the letter's own words. A label names what stands beside it; no colon."""

    fax: str  #: the kind of paper, and the number
    to: str
    sender: str
    date: str
    subject: str
    pages: str  #: how many, this one among them
    copies: str
    attachments: str
    remarks: str
    missing: str  #: before the ways to reach us, when a page is
    phone: str
    email: str


@dataclass(frozen=True, slots=True)
class Language:
    """The conventions of letters in one language."""

    tag: str  #: BCP 47 primary tag
    direction: str  #: 'ltr' or 'rtl'
    months: tuple[str, ...]
    date: str  #: with {day}, {month}, {year}
    date_line: str  #: with {place}, {date}
    re_label: str
    copy_label: str
    cover: CoverLabels
    quotes: tuple[str, str, str, str]  #: outer pair, inner pair
    bound: tuple[str, ...] = ()  #: titles that may not stand at the end of a line
    letters: str = "LATIN"  #: how the Unicode names of its letters begin
    script: Script = "latin"  #: which typefaces the letter is set in; 'latin' has Cyrillic and Greek too
    region: str = ""  #: BCP 47 region, where the shapes of characters depend on it
    first: str = "{day}"  #: the first day of a month, with {day}
    comma: str = ", "  #: between the parts of one line: name, office
    raised: str = ""  #: pattern of endings that are raised: the 'er' of '1er'
    apart: str = ""  #: pattern of what keeps its own direction: telephone numbers, whose groups would change places
    rules: tuple[Rule, ...] = ()

    @property
    def locale(self) -> str:
        """The language as a page or a mail declares it: 'fr', 'zh-CN'."""
        return f"{self.tag}-{self.region}" if self.region else self.tag

    def labelled(self, label: str, words: str) -> str:
        """A label and what it names; a full-width colon brings its own space."""
        return f"{label}{words}" if label.endswith("：") else f"{label} {words}"


_ENGLISH = Language(
    tag="en",
    direction="ltr",
    months=(
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    date="{day} {month} {year}",
    date_line="{place}, {date}",
    re_label="Re:",
    copy_label="cc.",
    cover=CoverLabels(
        fax="Fax",
        to="To",
        sender="From",
        date="Date",
        subject="Subject",
        pages="Pages, this one included",
        copies="Copies to",
        attachments="Attachments",
        remarks="Remarks",
        missing="If a page is missing or cannot be read, please tell us:",
        phone="Telephone",
        email="Email",
    ),
    quotes=("“", "”", "‘", "’"),
    bound=("H.E.", "H.M.", "H.R.H.", "Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "St.", "No.", "Art."),
)

_FRENCH = Language(
    tag="fr",
    direction="ltr",
    months=(
        *("janvier", "février", "mars", "avril", "mai", "juin"),
        *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
    ),
    date="{day} {month} {year}",
    date_line="{place}, le {date}",
    re_label=f"Objet{_WIDE}:",
    copy_label=f"Copie{_WIDE}:",
    cover=CoverLabels(
        fax="Télécopie",
        to="À",
        sender="De",
        date="Date",
        subject="Objet",
        pages="Pages, celle-ci comprise",
        copies="Copies à",
        attachments="Pièces jointes",
        remarks="Remarques",
        missing=f"Si une page manque ou est illisible, veuillez nous en informer{_WIDE}:",
        phone="Téléphone",
        email="Courriel",
    ),
    quotes=(f"«{_WIDE}", f"{_WIDE}»", "“", "”"),
    bound=("S.E.", "S.M.", "M.", "MM.", "Mme", "Mmes", "Mlle", "Me", "Dr", "St", "Ste", "n°", "art.", "p."),
    first="{day}er",
    raised=r"(?<=\b1)(?:er|re)\b",
    rules=(
        (r"(?<!\d)(1er) (?=[a-zéû])", rf"\1{_WIDE}"),
        (rf"«[ {_WIDE}{_NARROW}]?", f"«{_WIDE}"),
        (rf"[ {_WIDE}{_NARROW}]?»", f"{_WIDE}»"),
        # Marks of two parts stand off from the word before them (Imprimerie nationale, 2002).
        (r"(?<=[\w»)]) ?([;!?])(?=[\s»)]|$)", rf"{_NARROW}\1"),
        (r"(?<=[\w»)])\s?:(?=\s|$)", f"{_WIDE}:"),
        (r" –(?= )", f"{_WIDE}–"),
        (r"(?<=\d) (?=%|€)", _WIDE),
    ),
)

_SPANISH_MONTHS = "enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre"

_SPANISH = Language(
    tag="es",
    direction="ltr",
    months=tuple(_SPANISH_MONTHS.split("|")),
    date="{day} de {month} de {year}",
    date_line="{place}, {date}",
    re_label="Asunto:",
    copy_label="c.c.:",
    cover=CoverLabels(
        fax="Fax",
        to="Para",
        sender="De",
        date="Fecha",
        subject="Asunto",
        pages="Páginas, incluida esta",
        copies="Copias para",
        attachments="Anexos",
        remarks="Observaciones",
        missing="Si falta alguna página o no es legible, le rogamos que nos lo comunique:",
        phone="Teléfono",
        email="Correo electrónico",
    ),
    quotes=("“", "”", "‘", "’"),
    bound=("Excmo.", "Excma.", "S.E.", "S.M.", "Sr.", "Sra.", "Srta.", "Dr.", "Dra.", "D.", "Dña.", "núm.", "art."),
    rules=(
        (rf"(?<!\d)(\d{{1,2}}) de (?=(?:{_SPANISH_MONTHS})\b)", rf"\1{_WIDE}de{_WIDE}"),
        (rf"\b({_SPANISH_MONTHS}) de (?=\d{{4}}\b)", rf"\1{_WIDE}de{_WIDE}"),
    ),
)

_RUSSIAN = Language(
    tag="ru",
    direction="ltr",
    months=(
        *("января", "февраля", "марта", "апреля", "мая", "июня"),
        *("июля", "августа", "сентября", "октября", "ноября", "декабря"),
    ),
    date="{day} {month} {year} года",
    date_line="{place}, {date}",
    re_label="Касается:",
    copy_label="Копия:",
    cover=CoverLabels(
        fax="Факс",
        to="Кому",
        sender="От кого",
        date="Дата",
        subject="Тема",
        pages="Страниц, включая эту",
        copies="Копии",
        attachments="Приложения",
        remarks="Примечания",
        missing="Если какой-либо страницы недостаёт или её нельзя прочесть, просим сообщить нам:",
        phone="Телефон",
        email="Эл. почта",
    ),
    quotes=("«", "»", "„", "“"),
    bound=("Е.П.", "г-н", "г-на", "г-ну", "г-жа", "г-жи", "г-же", "господин", "господину", "госпожа", "госпоже", "№"),
    letters="CYRILLIC",
    rules=(
        (r"(?<=\d{4}) (?=(?:год|г\.))", _WIDE),
        (r"\b([А-ЯЁ]\.) ?(?=[А-ЯЁ]\. ?[А-ЯЁ])", rf"\1{_WIDE}"),
        (r"\b([А-ЯЁ]\.) (?=[А-ЯЁ][а-яё])", rf"\1{_WIDE}"),
        # No line ends with a word of one or two letters, and none begins with a particle or a dash (Milchin, 2003).
        (r"(?<![\w-])([А-Яа-яЁё]{1,2}) (?=\S)", rf"\1{_WIDE}"),
        (r" (?=(?:бы?|же?|ли|ль)(?!\w))", _WIDE),
        (r" (?=[—–] )", _WIDE),
    ),
)

_ARABIC = Language(
    tag="ar",
    direction="rtl",
    months=(
        *("كانون الثاني/يناير", "شباط/فبراير", "آذار/مارس", "نيسان/أبريل", "أيار/مايو", "حزيران/يونيه"),
        *("تموز/يوليه", "آب/أغسطس", "أيلول/سبتمبر", "تشرين الأول/أكتوبر", "تشرين الثاني/نوفمبر"),
        "كانون الأول/ديسمبر",
    ),
    date="{day} {month} {year}",
    date_line="{place}، {date}",
    re_label="الموضوع:",
    copy_label="نسخة إلى:",
    cover=CoverLabels(
        fax="فاكس",
        to="إلى",
        sender="من",
        date="التاريخ",
        subject="الموضوع",
        pages="عدد الصفحات، بما فيها هذه الصفحة",
        copies="نسخ إلى",
        attachments="المرفقات",
        remarks="ملاحظات",
        missing="إذا نقصت صفحة أو تعذّرت قراءتها، فيرجى إبلاغنا:",
        phone="الهاتف",
        email="البريد الإلكتروني",
    ),
    quotes=("«", "»", "“", "”"),
    bound=("د.", "السيد", "السيدة"),
    letters="ARABIC",
    script="arabic",
    comma="، ",
    apart=r"(?<!\w)(?:\+|00)\d[\d() \u00a0-]+\d",
    rules=(
        (r"(?<=[\u0621-\u064a\u064b-\u0652]),", "،"),
        (r"(?<=[\u0621-\u064a\u064b-\u0652]);", "؛"),
        (r"(?<=[\u0621-\u064a\u064b-\u0652])\?", "؟"),
        (r"(تشرين|كانون) (?=الأول|الثاني)", rf"\1{_WIDE}"),
    ),
)

_CHINESE = Language(
    tag="zh",
    direction="ltr",
    months=tuple(f"{number}月" for number in range(1, 13)),
    date="{year}年{month}{day}日",
    date_line="{place}，{date}",
    re_label="事由：",
    copy_label="抄送：",
    cover=CoverLabels(
        fax="传真",
        to="收件人",
        sender="发件人",
        date="日期",
        subject="事由",
        pages="页数（含本页）",
        copies="抄送",
        attachments="附件",
        remarks="备注",
        missing="如有缺页或字迹不清，请与我们联系：",
        phone="电话",
        email="电子邮件",
    ),
    quotes=("“", "”", "‘", "’"),
    letters="CJK",
    script="chinese",
    region="CN",
    comma="，",
    rules=(
        (r'"([^"]*)"', r"“\1”"),
        # A mark beside a character is as wide as the character (GB/T 15834-2011).
        (rf"(?<=[{_HAN}{_HAN_MARKS}]), ?", "，"),
        (rf"(?<=[{_HAN}{_HAN_MARKS}]); ?", "；"),
        (rf"(?<=[{_HAN}{_HAN_MARKS}]): ?", "："),
        (rf"(?<=[{_HAN}{_HAN_MARKS}])\? ?", "？"),
        (rf"(?<=[{_HAN}{_HAN_MARKS}])! ?", "！"),
        (rf"(?<=[{_HAN}{_HAN_MARKS}])\.(?=\s|$) ?", "。"),
        # Looking ahead is bounded, so that no text takes longer than its length asks for.
        (rf" ?\((?=[^()]{{0,80}}[{_HAN}][^()]{{0,80}}\))", "（"),
        (rf"(?<=[{_HAN}]) ?\((?=[^()]{{0,160}}\))", "（"),
        (r"（([^()（）]*)\) ?", r"（\1）"),
        # The end of a line of the file is no space.
        (rf"(?<=[{_HAN}{_HAN_MARKS}]) (?=[{_HAN}{_HAN_MARKS}])", ""),
    ),
)

#: The language of a letter that is not written in the contact's own, where the campaign does not say another.
FALL_BACK = "en"
#: The six languages of the United Nations.
LANGUAGES: Mapping[str, Language] = {row.tag: row for row in (_ARABIC, _ENGLISH, _SPANISH, _FRENCH, _RUSSIAN, _CHINESE)}


def written(day: date, language: Language) -> str:
    """The date as a letter writes it: '1 October 2015', '1er octobre 2015', '2015年10月1日'."""
    number = language.first.format(day=1) if day.day == 1 else str(day.day)
    return language.date.format(day=number, month=language.months[day.month - 1], year=day.year)
