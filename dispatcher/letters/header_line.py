"""Prints the line with sender, number, date and page onto fax pages, into the free strip at their top; alone may.

47 CFR 68.318(d) wants it on a fax that a computer sends: who sends, the number of the sending machine or of the sender,
date and time of sending; we print it on each page. It holds the moment of sending, so that it cannot be part of what is
approved. Below the strip every dot stays as it was approved, and the words are kept: whoever prints them onto the
approved pages again, with the same release of Pillow, gets the bytes that left.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import PIL
from PIL import Image, ImageChops, ImageDraw, ImageFont, features

from dispatcher.domain.errors import Problem, SettingsError, UserError

from . import tiff
from .legibility import STRIP_ROWS

_FONT = ("fontpkg_source_sans_3", "files/SourceSans3[wght].ttf")
#: Rows: capitals of 20 rows are 2.6 mm high.
_SIZE, _WEIGHT = 30, 600
#: Dots left free at each side: what most machines do not print, and the edge of A4 paper within the line.
_SIDE = 100
_ROOM = tiff.WIDTH - 2 * _SIDE
#: Dots between the parts of the line, at least.
_GAP = 36
#: Baselines of a single line, and of two.
_ALONE, _FIRST, _SECOND = 54, 34, 66
LONGEST_SENDER = 60  #: characters
#: Whoever finds a letter twice in the tray reads why.
AGAIN = "SENT AGAIN"


@dataclass(frozen=True, slots=True)
class HeaderWords:
    """What the line says, but for the page's number."""

    sender: str
    number: str  #: of the sending machine, or of the sender
    sent: str  #: '2026-11-24 09:00 CET (UTC+01:00)'
    recipient: str  #: +E.164
    again: str = ""  #: 'sent again', where pages of it were printed there before, or may have been

    def facts(self) -> dict[str, str]:
        """As they are kept with the try: with them and the approved pages, anybody can print the line again."""
        return {
            "header_sender": self.sender,
            "header_number": self.number,
            "header_sent": self.sent,
            "header_recipient": self.recipient,
            **({"header_again": self.again} if self.again else {}),
            "header_made_by": f"Pillow {PIL.__version__}, FreeType {features.version('freetype2')}",
        }


@dataclass(frozen=True, slots=True)
class FaxHeader:
    """What an office says of itself in the line."""

    number: str
    zone: str  #: IANA name: in which time the moment of sending is told
    sender: str = ""  #: '' is the sender of the letter

    def words(self, sender: str, recipient: str, now: datetime, *, again: bool = False) -> HeaderWords:
        """The words for a fax that leaves now. Raises SettingsError when the line cannot be printed so."""
        own, mark = _plain(self.sender or sender), AGAIN if again else ""
        words = HeaderWords(own, _plain(self.number), moment(now, self.zone), recipient, mark)
        if problems := list(_problems(words)):
            raise SettingsError(problems)
        return words

    def problems(self, sender: str) -> list[Problem]:
        """Why no fax of this sender could leave; empty when it can."""
        return list(_problems(HeaderWords(_plain(self.sender or sender), _plain(self.number), "", "")))


def words_from(facts: Mapping[str, str]) -> HeaderWords:
    """The words that a try's facts keep. Raises KeyError when they hold none."""
    always = [name for name in HeaderWords.__slots__ if name != "again"]
    words = {name: facts[f"header_{name}"] for name in always}
    return HeaderWords(**words, again=facts.get("header_again", ""))


def moment(now: datetime, zone: str) -> str:
    """The minute as a clock there shows it, with the zone's short name and its distance from UTC."""
    local = now.astimezone(ZoneInfo(zone))
    minutes = (local.utcoffset() or timedelta()) // timedelta(minutes=1)
    offset = f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    name = local.tzname() or ""
    return f"{local:%Y-%m-%d %H:%M} {name} ({offset})" if name.isalpha() else f"{local:%Y-%m-%d %H:%M} {offset}"


def stamp(pages: bytes, words: HeaderWords) -> bytes:
    """The fax pages with the line at the top of each. Same pages, same words, same bytes.

    Raises UserError (E_FAX_STRIP) when the strip of a page is not blank: nothing is ever printed over a letter.
    """
    approved = _opened(pages)
    if problems := [_taken(number) for number, page in enumerate(approved, 1) if not _blank(page)]:
        raise UserError(problems)
    stamped = [_stamped(page, words, f"{number}/{len(approved)}") for number, page in enumerate(approved, 1)]
    return tiff.write(stamped)


def _stamped(page: Image.Image, words: HeaderWords, number: str) -> Image.Image:
    stamped = page.copy()
    stamped.paste(strip(words, number), (0, 0))
    below = (0, STRIP_ROWS, *page.size)
    if ImageChops.logical_xor(stamped.crop(below), page.crop(below)).getbbox():
        raise AssertionError("the header line has touched the letter")
    return stamped


def strip(words: HeaderWords, number: str) -> Image.Image:
    """The strip of the page `number` ('1/2'), mode '1': one line where it fits, else two."""
    left, middle, right = f"{words.sender}  {words.number}", words.sent, f"to {words.recipient}  page {number}"
    right += f"  {words.again}" if words.again else ""
    image = Image.new("1", (tiff.WIDTH, STRIP_ROWS), 255)
    draw = ImageDraw.Draw(image)
    room = _ROOM - sum(map(_width, (left, middle, right))) - 2 * _GAP
    baseline = _ALONE if room >= 0 else _SECOND
    if room < 0:
        _text(draw, (_SIDE, _FIRST), left, "ls")
        _text(draw, (_SIDE, _SECOND), middle, "ls")
    else:
        _text(draw, (_SIDE, _ALONE), left, "ls")
        _text(draw, (_SIDE + _width(left) + _GAP + room // 2, _ALONE), middle, "ls")
    _text(draw, (tiff.WIDTH - _SIDE, baseline), right, "rs")
    return image


def _text(draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, anchor: str) -> None:
    draw.text(at, text, fill=0, font=_font(), anchor=anchor)


def _width(text: str) -> int:
    return round(_font().getlength(text))


@lru_cache(maxsize=1)
def _font() -> ImageFont.FreeTypeFont:
    """Source Sans, half bold: its strokes are two to three dots wide, and survive 204 × 98."""
    package, path = _FONT
    font = ImageFont.truetype(str(files(package) / path), _SIZE, layout_engine=ImageFont.Layout.BASIC)
    font.set_variation_by_axes([_WEIGHT])
    return font


# -- what can be wrong -------------------------------------------------------------------------------------------------

_SENDER, _NUMBER = "fax.header.sender", "fax.header.number"


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _problems(words: HeaderWords) -> Iterator[Problem]:
    if not words.number:
        cause = "a fax must show the number of its sender (47 CFR 68.318(d)), and none is set"
        yield Problem(_NUMBER, cause, "Set it, or switch the line off: fax.header.enabled = false", "E_FAX_HEADER")
    if not words.sender:
        yield Problem(_SENDER, "a fax must show who sends it, and nobody is named", "Set it", "E_FAX_HEADER")
    elif missing := "".join(dict.fromkeys(char for char in words.sender if not _printable(char))):
        cause = f"the line at the top of a fax cannot show '{missing[:10]}' of the sender's name '{words.sender}'"
        yield Problem(_SENDER, cause, "Set the name in Latin letters", "E_FAX_HEADER")
    elif len(words.sender) > LONGEST_SENDER or _width(f"{words.sender}  {words.number}") > _ROOM:
        cause = f"the sender's name is too long for the line at the top of a fax: '{words.sender}'"
        yield Problem(_SENDER, cause, "Set a shorter one", "E_FAX_HEADER")


@lru_cache(maxsize=1024)
def _printable(char: str) -> bool:
    """A character that the typeface has a picture of."""
    if not char.isprintable():
        return False
    return char == " " or bytes(_font().getmask(char)) != bytes(_font().getmask("\uffff"))


def _opened(pages: bytes) -> list[Image.Image]:
    with Image.open(io.BytesIO(pages)) as image:
        found = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            found.append(image.convert("1"))
    return found


def _blank(page: Image.Image) -> bool:
    top = page.crop((0, 0, page.width, STRIP_ROWS))
    return page.height > STRIP_ROWS and top.convert("L").getextrema() == (255, 255)


def _taken(number: int) -> Problem:
    cause = f"the top 10 mm of page {number} are not free for the line with sender, number and date"
    return Problem(f"fax page {number}", cause, "Move what stands there down, and prepare again", "E_FAX_STRIP")
